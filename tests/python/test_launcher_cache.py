"""The launcher's cache and its hand-over to Nextflow: tiny packages, a stand-in Nextflow."""

from __future__ import annotations

import base64
import fcntl
import hashlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NEXTFLOW = """#!/usr/bin/env bash
if [ "$1" = -v ]; then echo 'nextflow version 25.04.4.5950'; exit; fi
case " $* " in *" config -flat "*)
  printf "params.%s\\n" "outdir = 'there'" "publish_dir_mode = 'link'"; exit ;; esac
mode=${NXF_PLUGINS_MODE:+ $NXF_PLUGINS_MODE${NXF_PLUGINS_DEFAULT:+ $NXF_PLUGINS_DEFAULT}}
printf '%s\\n' "offline=${NXF_OFFLINE:-}$mode" "cache=${NXF_CACHE_DIR:-}" "$@" > "$SAID"
python -c 'import tiny; print(tiny.__version__)' >> "$SAID" 2>&1
locale charmap > "$SAID.charmap"
[ -z "${ENDS:-}" ] || { trap - "$ENDS"; kill -"$ENDS" $$; }
log=${NXF_LOG_FILE:-.nextflow.log}
case " $* " in *" -log my log "*) log='my log' ;; esac
[ -z "${FAILS:-}" ] || { echo "$FAILS" > "$log"; exit 1; }
"""


def wheel(folder: Path, name: str, version: str) -> str:
    """Write a wheel of one module; return its line of a lock."""
    files = {
        f"{name}.py": f"__version__ = '{version}'\n",
        f"{name}-{version}.dist-info/METADATA":
            f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{name}-{version}.dist-info/WHEEL":
            "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = []
    for path, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode()
        record.append(f"{path},sha256={digest.rstrip('=')},{len(text)}")
    target = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(target, "w") as archive:
        for path, text in files.items():
            archive.writestr(zipfile.ZipInfo(path), text)  # of one date: one digest
        place = f"{name}-{version}.dist-info/RECORD"
        archive.writestr(zipfile.ZipInfo(place), "\n".join([*record, f"{place},,"]) + "\n")
    digest = hashlib.sha256(target.read_bytes()).hexdigest()
    return f"{name}=={version} --hash=sha256:{digest}\n"


class Place:
    """Checkouts of Haven with tiny locks, one cache, and a stand-in for Nextflow."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.cache, self.work = folder, folder / "cache", folder / "work"
        self.wheels, tools = folder / "wheels", folder / "tools"
        for place in (self.wheels, self.work, tools):
            place.mkdir()
        (tools / "nextflow").write_text(NEXTFLOW)
        (tools / "nextflow").chmod(0o755)
        self.path = f"{tools}:{os.environ['PATH']}"

    def checkout(self, name: str, tiny: str = "1.0", more: str = "1.0") -> Path:
        """Return a checkout whose locks hold these versions."""
        root = self.folder / name
        for folder in ("containers", "bin", "conf"):
            shutil.copytree(ROOT / folder, root / folder,
                            ignore=shutil.ignore_patterns("__pycache__"))
        for file in ("haven", "nextflow.config", "nextflow_schema.json"):
            shutil.copy(ROOT / file, root)
        for lock in (root / "containers").glob("requirements-*.txt"):
            lock.write_text(wheel(self.wheels, "tiny", tiny))
        (root / "containers" / "requirements-pytorch.txt").write_text(
            wheel(self.wheels, "more", more))
        return root

    @property
    def variables(self) -> dict[str, str]:
        return os.environ | {
            "PATH": self.path, "HAVEN_CACHE": str(self.cache), "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(self.wheels), "SAID": str(self.folder / "said"),
            "PYTHONDONTWRITEBYTECODE": "1"}  # __pycache__ changes the times of a clone's folders

    def call(self, root: Path, *arguments: str, other_user: bool = False, **variables: str
             ) -> subprocess.CompletedProcess[str]:
        become = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        return subprocess.run([*(become if other_user and os.geteuid() == 0 else []),
                               str(root / "haven"), *arguments], cwd=self.work, text=True,
                              capture_output=True, check=False, timeout=600,
                              stdin=subprocess.DEVNULL, env=self.variables | variables)

    @property
    def said(self) -> list[str]:
        return (self.folder / "said").read_text().splitlines()

    def environments(self) -> set[Path]:
        return set(self.cache.glob("python-*"))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return Place(tmp_path_factory.mktemp("launcher"))


@pytest.fixture(scope="module")
def first(place: Place) -> Path:
    root = place.checkout("first")
    done = place.call(root, "setup", "--pytorch")
    assert done.returncode == 0, done.stderr
    return root


def test_two_checkouts_share_a_cache_and_no_environment(place: Place, first: Path) -> None:
    before, = place.environments()
    other = place.checkout("other", more="1.1")
    assert place.call(other, "setup", "--pytorch").returncode == 0
    assert len(place.environments()) == 2
    again = place.call(first, "setup", "--pytorch")
    assert again.returncode == 0 and "installing" not in again.stderr
    assert version_in(before) == "1.0\n"


def test_a_cache_that_another_user_set_up_is_used_and_left_alone() -> None:
    """An administrator sets up, users run; what is missing or damaged is the owner's to mend."""
    if os.geteuid() == 0 and not shutil.which("setpriv"):
        pytest.skip("no setpriv to become another user")
    with tempfile.TemporaryDirectory() as scratch:  # pytest's own folders are closed to others
        Path(scratch).chmod(0o755)
        place = Place(Path(scratch))
        place.path = place.path.split(":")[0] + ":" + os.defpath + ":/usr/local/bin"
        root = place.checkout("shared")
        assert place.call(root, "setup").returncode == 0
        place.work.chmod(0o777)
        place.folder.joinpath("said").touch()
        place.folder.joinpath("said").chmod(0o666)
        for path in (place.cache, place.cache / "lock"):
            path.chmod(0o555)
        before = files_of(place.cache)
        used = place.call(root, "run", other_user=True, HOME=str(place.work))
        assert used.returncode == 0, used.stderr
        assert "1.0" in place.said
        lacking = place.call(root, "setup", "--pytorch", other_user=True)
        assert lacking.returncode == 2
        assert "let its owner call ./haven setup" in lacking.stderr.splitlines()[-1]
        module, = place.cache.glob("python-*/lib/python*/site-packages/tiny.py")
        module.write_text("x")
        damaged = place.call(root, "run", other_user=True)
        assert damaged.returncode == 2 and "tiny" in damaged.stderr.splitlines()[-1]
        assert files_of(place.cache) == before
        nowhere = place.call(root, "run", other_user=True, HAVEN_CACHE="/proc/cache")
        assert nowhere.returncode == 2 and "set HAVEN_CACHE" in nowhere.stderr
        place.cache.chmod(0o755)


@pytest.mark.skipif(os.geteuid() == 0 and not shutil.which("setpriv"), reason="no other user")
def test_the_set_up_of_another_user_is_waited_for() -> None:
    """In a folder of a group; their lock can be read, and not written."""
    with tempfile.TemporaryDirectory() as scratch:
        Path(scratch).chmod(0o755)
        place = Place(Path(scratch))
        place.cache.mkdir(0o777)
        place.cache.chmod(0o777)
        place.work.chmod(0o777)
        lock = place.cache / "lock"
        lock.touch(0o444)
        become = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        with lock.open() as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            with subprocess.Popen(
                    [*(become if os.geteuid() == 0 else []), place.checkout("group") / "haven",
                     "setup"], cwd=place.work, env=place.variables, text=True,
                    stdin=subprocess.DEVNULL, stderr=subprocess.PIPE) as waiting:
                assert waiting.stderr
                said = waiting.stderr.readline()
                waiting.kill()
                fcntl.flock(held, fcntl.LOCK_UN)
        assert said == "haven: another set-up is under way; waiting for it\n"


def files_of(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if "__pycache__" not in path.parts}


@pytest.mark.parametrize("moment", ["making the environment", "installing packages"])
def test_a_set_up_that_was_killed_is_done_by_the_next(tmp_path: Path, moment: str) -> None:
    place = Place(tmp_path)
    root = place.checkout("killed")
    seen = "python-*/pyvenv.cfg" if moment.startswith("making") else "python-*/bin/pip"
    first = subprocess.Popen(
        [str(root / "haven"), "setup"], cwd=place.work, env=place.variables, text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True)
    while not list(place.cache.glob(seen)):
        assert first.poll() is None
        time.sleep(0.01)
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    assert not list(place.cache.glob("python-*/.ready-*"))
    done = place.call(root, "run")
    assert done.returncode == 0, done.stderr
    assert place.said[-1] == "1.0"


def version_in(environment: Path) -> str:
    return subprocess.run(
        [environment / "bin" / "python", "-c", "import more; print(more.__version__)"], text=True,
        capture_output=True, check=False).stdout


@pytest.mark.parametrize("harm", ["module gone", "module cut", "python gone"])
def test_a_damaged_environment_is_noticed_and_made_anew(place, first, harm) -> None:
    environment, = (path for path in place.environments() if version_in(path) == "1.0\n")
    module, = environment.glob("lib/python*/site-packages/tiny.py")
    if harm == "module gone":
        module.unlink()
    elif harm == "module cut":
        module.write_text("x")
    else:
        for python in environment.glob("bin/python*"):
            python.unlink()
    done = place.call(first, "run")
    assert done.returncode == 0, done.stderr
    assert "is damaged" in done.stderr and "making it anew" in done.stderr
    assert place.said[-1] == "1.0"
    assert list(environment.glob(".ready-pytorch-*")), "the further layers come back, too"
    assert "installing" not in place.call(first, "run").stderr


def test_options_of_nextflow_itself_and_of_its_run_arrive(place: Place, first: Path) -> None:
    assert place.call(first, "-log", "my log", "-q", "demo", "-resume", "--u_ev", "4"
                      ).returncode == 0
    assert place.said[2:-1] == ["-log", "my log", "-q", "run", f"{first}/main.nf", "-profile",
                                "demo", "-resume", "--u_ev", "4"]


def test_help_leaves_nothing_where_it_is_called(place: Place, first: Path) -> None:
    done = place.call(first, "run", "-profile", "paper", "--help")
    assert (done.returncode, done.stderr) == (0, "") and "--temperatures_k" in done.stdout
    assert not any(place.work.iterdir())


def test_the_profile_gpu_gets_an_environment_with_cuda(place: Place, first: Path) -> None:
    before = place.environments()
    assert place.call(first, "run", "-profile", "paper,slurm,gpu,apptainer").returncode == 0
    assert place.environments() == before, "a container brings its own software"
    assert place.call(first, "run", "-profile", "paper,slurm,gpu").returncode == 0
    made, = place.environments() - before
    assert made.name.startswith("python-gpu")
    assert place.call(first, "setup", "--gpu").stderr == ""


@pytest.mark.parametrize(("options", "plugin"), [
    (("-work-dir", "s3://bucket/work"), "nf-amazon"), (("-w", "gs://bucket/work"), "nf-google"),
    (("-c", "site.config"), "nf-k8s")])
def test_a_plugin_may_be_fetched_and_its_lack_is_one_line(place, first, options, plugin) -> None:
    (place.work / "site.config").write_text("process {\n    executor = 'k8s'\n}\n")
    assert place.call(first, "run", *options).returncode == 0
    # a Nextflow of jars installs none without the one, and starts none for an executor without both
    assert place.said[0] == "offline=false prod true"
    for why in (f"Plugin with id {plugin} not found in any repository",
                "Unknown executor name: k8s"):
        done = place.call(first, "run", *options, FAILS=f"ERROR: {why}")
        assert done.returncode == 2
        assert done.stderr.splitlines()[-1].startswith(
            f"haven: error: Nextflow could not fetch its plugin {plugin}: where there is Internet")
    other = place.call(first, "run", *options, FAILS="something else")
    assert other.returncode == 1 and "plugin" not in other.stderr
    (place.work / ".nextflow.log").write_text(f"ERROR: {why}")  # of another run
    for top, more in ((("-q", "-log", "my log"), {}), ((), {"NXF_LOG_FILE": "my log"})):
        named = place.call(first, *top, "run", *options, FAILS=f"ERROR: {why}", **more)
        assert named.returncode == 2 and "could not fetch its plugin" in named.stderr
        other = place.call(first, *top, "run", *options, FAILS="something else", **more)
        assert other.returncode == 1 and "plugin" not in other.stderr
    for left in (".nextflow.log", "my log", "site.config"):
        (place.work / left).unlink()


@pytest.mark.parametrize(("options", "more"), [
    (("-c", "site.config"), ["--outdir", "there", "--publish_dir_mode", "link"]),
    (("-c", "site.config", "--outdir", "here"), ["--publish_dir_mode", "link"]),
    (("-c", "site.config", "-params-file", "my.yml"), ["--publish_dir_mode", "link"]),
    (("-c", "plain.config"), [])])
def test_where_results_go_may_be_said_in_a_file_for_c(place, first, options, more) -> None:
    """Nextflow reads nextflow.config, which names the records of a run, before such a file."""
    (place.work / "site.config").write_text("params.outdir = 'there'\n")
    (place.work / "plain.config").write_text("process.queue = 'q'\n")
    (place.work / "my.yml").write_text("outdir: mine\n")
    assert place.call(first, "run", *options).returncode == 0
    assert place.said[3:-1] == [f"{first}/main.nf", *options, *more]
    for left in ("site.config", "plain.config", "my.yml"):
        (place.work / left).unlink()


@pytest.mark.parametrize("name", ["it's mine", 'a "b" $HOME; exit 1', "sp ace"])
def test_any_path_of_the_clone_and_of_the_work_will_do(place: Place, first: Path, name) -> None:
    root = place.checkout(f"clone {name}")
    there = place.work / name
    there.mkdir()
    done = subprocess.run(
        [str(root / "haven"), "-log", f"log {name}", "run", "--outdir", f"out {name}"], cwd=there,
        text=True, capture_output=True, check=False, timeout=600, stdin=subprocess.DEVNULL,
        env=os.environ | {
            "PATH": place.path, "HAVEN_CACHE": str(place.cache), "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(place.wheels), "SAID": str(place.folder / "said")})
    assert done.returncode == 0, done.stderr
    assert place.said[2:-1] == ["-log", f"log {name}", "run", f"{root}/main.nf", "--outdir",
                                f"out {name}"]
    there.rmdir()  # it is empty: nothing else was left there


@pytest.mark.parametrize("locale", ["C", "POSIX", "xx_XX", "C.UTF-8"])
def test_nextflow_reads_names_of_files_in_any_locale(place: Place, first: Path, locale) -> None:
    """Java finds no file with a letter beyond ASCII in a locale that has none."""
    assert place.call(first, "run", LC_ALL=locale).returncode == 0
    assert (place.folder / "said.charmap").read_text() == "UTF-8\n"
    java = place.folder / "java"
    java.write_text("#!/bin/sh\nlocale charmap\n")
    java.chmod(0o755)
    done = subprocess.run([str(ROOT / "containers" / "nextflow" / "nextflow")], text=True,
                          capture_output=True, check=False, timeout=60,
                          env=os.environ | {"JAVA_CMD": str(java), "LC_ALL": locale})
    assert done.stdout == "UTF-8\n"


def test_a_clone_is_never_written(place: Place, first: Path) -> None:
    def held() -> dict[str, int]:
        return {str(path): path.stat().st_mtime_ns for path in first.rglob("*")
                if "__pycache__" not in path.parts}

    before = held()
    for path in first.rglob("*"):
        path.chmod(path.stat().st_mode & ~0o222)
    for command in (("run",), ("setup",), ("status", str(place.work)), ("run", "--help"),
                    ("--version",), ("doctor",)):
        done = place.call(first, *command)
        assert done.returncode == 0 or command[0] in ("status", "doctor"), done.stderr
        assert "rror" not in done.stderr.replace("haven: error: ", "") and held() == before


@pytest.mark.parametrize(("word", "status"), [("gs://bucket", 130), ("s3://bucket", 143)])
def test_a_nextflow_that_is_ended_ends_the_launcher(place: Place, first: Path, word, status):
    """What ends Nextflow while the launcher waits for it is told on, as 128 + the signal."""
    number = status - 128
    done = place.call(first, "run", word, ENDS=str(number))
    assert done.returncode == status


def test_a_local_run_asks_no_internet(place: Place, first: Path) -> None:
    assert place.call(first, "run", "--material", "k8s.yml").returncode == 0
    assert place.said[0] == "offline="


def test_without_a_home_the_launcher_works(place: Place, first: Path) -> None:
    environment = {key: value for key, value in os.environ.items()
                   if key not in ("HOME", "XDG_CACHE_HOME", "HAVEN_CACHE")}
    for command in ("help", "--version", "doctor"):
        done = subprocess.run([str(first / "haven"), command], env=environment, text=True,
                              capture_output=True, check=False, timeout=120)
        assert "unbound variable" not in done.stderr, command
        assert done.returncode == 0 or command == "doctor"


def test_a_folder_that_cannot_be_written_is_said(place: Place, first: Path) -> None:
    if os.access("/proc", os.W_OK) and os.geteuid() == 0:
        there = Path("/proc/self")  # no user writes there, root neither
    else:
        there = place.folder / "closed"
        there.mkdir(mode=0o555)
    done = subprocess.run([str(first / "haven"), "run"], cwd=there, text=True, check=False,
                          capture_output=True, timeout=120, env=os.environ | {
                              "PATH": place.path, "HAVEN_CACHE": str(place.cache),
                              "SAID": str(place.folder / "said")})
    assert done.returncode == 2
    assert "can't be written, where Nextflow keeps its records" in done.stderr


def test_every_jar_of_nextflow_is_listed_with_its_checksum() -> None:
    lines = (ROOT / "containers" / "nextflow" / "SHA256SUMS").read_text().splitlines()
    assert len(lines) > 40 and any("nextflow-25.04.4.jar" in line for line in lines)
    for line in lines:
        digest, name = line.split("  ")
        assert len(digest) == 64 and name.endswith(".jar")
