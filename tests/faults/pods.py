#!/usr/bin/env python3
"""Dynamics through Kubernetes, whose pod is lost with its node in the middle.

Nextflow's own executor (plugin nf-k8s) talks to a stand-in of the cluster's interface here: a pod
that is created is checked for what conf/site/kubernetes.config must ask of it, and its command is
run as a process. By hand, where the plugin is:

    export PYTHONPATH=bin NXF_PLUGINS_DIR=/tmp/plugins    # of nf-k8s, where none is fetched
    python tests/faults/pods.py --lose 2
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import tempfile
import threading
import time
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cloud import ROOT, options, prepared, report, rows

HERE = """
k8s {{
    client = [server: 'http://127.0.0.1:{port}', token: 'none']
}}
executor.pollInterval    = '2 sec'
process.containerOptions = ''
"""
NO_GPU = "process { withLabel: process_gpu { accelerator = null } }\n"


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Pod:
    """One pod: what was asked of it, its process, and the restart files there when it began."""

    def __init__(self, spec: dict[str, Any], place: Path) -> None:
        self.spec, self.name, self.place = spec, spec["metadata"]["name"], place
        self.container, = spec["spec"]["containers"]
        self.began, self.ended, self.lost = now(), "", False
        self.before = self.restarts()
        words = [*self.container.get("command", []), *self.container.get("args", [])]
        with (place / f"{self.name}.log").open("wb") as log:
            self.process = subprocess.Popen(words, stdout=log, stderr=log, cwd=place,
                                            start_new_session=True)

    def restarts(self) -> set[Path]:
        """Return the restart files of all runs now."""
        return set((self.place / "efs").glob("*/production.*.restart"))

    def kill(self) -> None:
        """End the pod's processes."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def told(self) -> dict[str, Any]:
        """Return the pod's status."""
        if self.lost:
            return {"phase": "Failed", "reason": "Shutdown", "message": "the node was shut down"}
        state: dict[str, Any] = {"running": {"startedAt": self.began}}
        if self.process.poll() is not None:
            self.ended = self.ended or now()
            state = {"terminated": {"exitCode": self.process.returncode, "reason": "Completed",
                                    "startedAt": self.began, "finishedAt": self.ended}}
        return {"phase": "Running",
                "containerStatuses": [{"name": self.container["name"], "state": state}]}


class Cluster(ThreadingHTTPServer):
    """The interface of a cluster, and its pods."""

    daemon_threads = True

    def __init__(self, place: Path, lose: int) -> None:
        super().__init__(("127.0.0.1", 0), Asked)
        self.place, self.lose, self.pods = place, lose, dict[str, Pod]()
        threading.Thread(target=self.serve_forever, daemon=True).start()
        threading.Thread(target=self.watch, daemon=True).start()

    def watch(self) -> None:
        """Lose the node of a pod that has left two restart files, as often as asked."""
        while self.lose:
            for pod in list(self.pods.values()):
                if (self.lose and pod.process.poll() is None
                        and len(pod.restarts() - pod.before) > 1):
                    self.lose -= 1
                    pod.lost = True
                    pod.kill()
            time.sleep(0.2)


class Asked(BaseHTTPRequestHandler):
    """One request."""

    def answer(self, content: dict[str, Any], code: int = 200) -> None:
        """Send JSON."""
        data = json.dumps(content).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def pod(self) -> Pod | None:
        """Return the pod of the address."""
        assert isinstance(self.server, Cluster)
        words = self.path.split("?")[0].split("/")
        return self.server.pods.get(words[words.index("pods") + 1]) if "pods" in words else None

    def do_POST(self) -> None:
        assert isinstance(self.server, Cluster)
        spec = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        pod = Pod(spec, self.server.place)
        self.server.pods[pod.name] = pod
        self.answer({"kind": "Pod", "metadata": spec["metadata"]}, 201)

    def do_GET(self) -> None:
        pod = self.pod()
        if pod is None:
            self.answer({"kind": "PersistentVolumeClaim", "metadata": {"name": "haven-work"}})
        elif self.path.split("?")[0].endswith("/log"):
            self.answer({})
        else:
            self.answer({"kind": "Pod", "metadata": pod.spec["metadata"], "spec": pod.spec["spec"],
                         "status": pod.told()})

    def do_DELETE(self) -> None:
        pod = self.pod()
        if pod is not None:
            pod.kill()
        self.answer({"kind": "Status"})

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def nextflow(cluster: Cluster, folder: Path, trace: str, *more: str) -> int:
    """Run there; return the exit status."""
    place = cluster.place
    with (folder / "said").open("w") as said:
        return subprocess.run(
            ["nextflow", "run", "main.nf", "-ansi-log", "false", "-work-dir", str(place / "work"),
             "-c", str(ROOT / "conf" / "site" / "kubernetes.config"),
             "-c", str(ROOT / "tests" / "nextflow.config"), "-c", "here.config",
             "--k8s_mount", str(place), "-with-trace", trace, *options(place), *more],
            cwd=folder, check=False, stdin=subprocess.DEVNULL, stdout=said,
            stderr=subprocess.STDOUT).returncode


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=2)
    parser.add_argument("--lose", type=int, default=2, help="pods whose node is lost")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="haven_pods_", ignore_cleanup_errors=True) as text:
        place = Path(text)
        (place / "efs").mkdir()
        cluster = Cluster(place, given.lose)
        here = HERE.format(port=cluster.server_port)
        folder = prepared(place, given.runs, here)
        try:
            nextflow(cluster, folder, "asked.tsv", "-stub")
            pod = next(iter(cluster.pods.values()))
            asked = pod.container["resources"]
            print(f"a pod asks: image {pod.container['image']}, {asked}, at most "
                  f"{pod.spec['spec'].get('activeDeadlineSeconds')} s; mounts "
                  f"{[one['mountPath'] for one in pod.container['volumeMounts']]}")
            (folder / "here.config").write_text(here + NO_GPU)  # a task refuses to run without one
            if nextflow(cluster, folder, "first.tsv"):
                raise SystemExit((folder / "said").read_text()
                                 + (folder / ".nextflow.log").read_text()[-4000:])
            report(folder, place, sum(pod.lost for pod in cluster.pods.values()))
            status = nextflow(cluster, folder, "again.tsv", "-resume")
            print("again with -resume:", *sorted(s for _, s, _ in rows(folder / "again.tsv")),
                  f"(status {status})")
        finally:
            for pod in cluster.pods.values():
                pod.kill()


if __name__ == "__main__":
    main()
