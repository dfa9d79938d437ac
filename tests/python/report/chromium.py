"""A page in headless Chromium, over the pipe of its DevTools protocol: standard library alone."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import select
import shutil
import subprocess
import time
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome")
PATIENCE_S = 240.0  # of one answer, on a loaded machine


def program() -> str | None:
    """Return the browser's path, or None where there is none."""
    return next((found for found in map(shutil.which, NAMES) if found), None)


class Page:
    """One page; requests, console messages and uncaught errors are collected.

    Attributes
    ----------
    requests
        Addresses that were asked for, the page's own first.
    complaints
        Errors, warnings and refusals in the console.
    """

    def __init__(self, profile: Path, scripts: bool = True) -> None:
        command = program()
        assert command
        read_here, write_there = os.pipe()
        read_there, write_here = os.pipe()
        flags = ["--headless=new", "--no-sandbox", "--disable-gpu-sandbox", "--use-gl=angle",
                 "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--no-first-run",
                 "--disable-background-networking", "--disable-component-update", "--disable-sync",
                 "--disable-extensions", "--hide-scrollbars", "--disable-dev-shm-usage",
                 "--remote-debugging-pipe", f"--user-data-dir={profile}", "about:blank"]
        self.process = subprocess.Popen(
            ["bash", "-c", f'exec "$@" 3<&{read_there} 4>&{write_there}', "bash", command, *flags],
            pass_fds=(read_there, write_there), stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(read_there)
        os.close(write_there)
        self.incoming, self.outgoing, self.rest, self.number = read_here, write_here, b"", 0
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.session = ""
        self.loaded = False
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.ask(f"{domain}.enable")
        if not scripts:
            self.ask("Emulation.setScriptExecutionDisabled", value=True)

    def close(self) -> None:
        """End the browser."""
        with contextlib.suppress(Exception):
            self.session = ""
            self.ask("Browser.close")
        with contextlib.suppress(Exception):
            self.process.wait(10)
        if self.process.poll() is None:
            self.process.kill()
        os.close(self.incoming)
        os.close(self.outgoing)

    def ask(self, method: str, **given: object) -> dict:
        """Send a command and return its answer; what happens meanwhile is noted."""
        self.number += 1
        mine, sent = self.number, {"id": self.number, "method": method, "params": given}
        if self.session:
            sent["sessionId"] = self.session
        os.write(self.outgoing, json.dumps(sent).encode() + b"\0")
        while True:
            answer = self._next(time.monotonic() + PATIENCE_S)
            if answer.get("id") == mine:
                assert "error" not in answer, f"{method}: {answer['error']}"
                return answer["result"]
            self._note(answer)

    def _next(self, until: float) -> dict:
        while b"\0" not in self.rest:
            ready, _, _ = select.select([self.incoming], [], [], max(0.0, until - time.monotonic()))
            assert ready, "the browser does not answer"
            part = os.read(self.incoming, 1 << 20)
            assert part, "the browser has ended"
            self.rest += part
        first, self.rest = self.rest.split(b"\0", 1)
        return json.loads(first)

    def _note(self, event: dict) -> None:
        method, given = event.get("method", ""), event.get("params", {})
        if method == "Network.requestWillBeSent":
            self.requests.append(given["request"]["url"])
        elif method == "Page.loadEventFired":
            self.loaded = True
        elif method == "Runtime.exceptionThrown":
            details = given["exceptionDetails"]
            self.complaints.append(str(details.get("exception", details).get(
                "description", details.get("text"))))
        elif method == "Runtime.consoleAPICalled" and given["type"] in ("error", "warning"):
            self.complaints.append(" ".join(str(a.get("value", a.get("description", "")))
                                            for a in given["args"]))
        elif method == "Log.entryAdded" and given["entry"]["level"] in ("error", "warning"):
            self.complaints.append(given["entry"]["text"])

    def open(self, path: Path, width: int = 1280, height: int = 900, dark: bool = False) -> None:
        """Show a file at a size in CSS pixels, and wait until it has loaded."""
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=height,
                 deviceScaleFactor=1, mobile=width < 600)
        self.ask("Emulation.setEmulatedMedia", media="", features=[
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        self.loaded = False
        self.ask("Page.navigate", url=path.resolve().as_uri())
        until = time.monotonic() + PATIENCE_S
        while not self.loaded:
            self._note(self._next(until))

    def on_paper(self, width: int) -> None:
        """Lay the page out as for paper of a width in CSS pixels, in a browser that is dark."""
        self.run("window.dispatchEvent(new Event('beforeprint'))")
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=1000,
                 deviceScaleFactor=1, mobile=False)
        self.ask("Emulation.setEmulatedMedia", media="print", features=[
            {"name": "prefers-color-scheme", "value": "dark"}])

    def run(self, script: str) -> object:
        """Return the value of an expression in the page; of a promise what it becomes."""
        found = self.ask("Runtime.evaluate", expression=script, returnByValue=True,
                         awaitPromise=True, userGesture=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def wait(self, script: str, patience_s: float = PATIENCE_S) -> object:
        """Wait until an expression in the page is true, and return it."""
        until = time.monotonic() + patience_s
        while not (found := self.run(script)):
            assert time.monotonic() < until, f"never true: {script}"
            time.sleep(0.1)
        return found

    def picture(self, path: Path, whole: bool = False) -> None:
        """Save what is seen as PNG."""
        path.write_bytes(base64.b64decode(self.ask(
            "Page.captureScreenshot", format="png", captureBeyondViewport=whole)["data"]))

    def paper(self, path: Path) -> None:
        """Save the page as PDF, as it is printed."""
        path.write_bytes(base64.b64decode(self.ask(
            "Page.printToPDF", printBackground=False, preferCSSPageSize=True)["data"]))
