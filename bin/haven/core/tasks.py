"""What a task does first: lock its folder, set its threads, check for a GPU where one is needed."""

from __future__ import annotations

import contextlib
import fcntl
import importlib.metadata
import importlib.util
import os
import platform
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from haven.core.errors import HavenError, log

DEVICES = Path("/dev")
CPU_ONLY = "tensorflow-cpu"
CUDA_OF_JAX = ("jax-cuda12-plugin", "jax-cuda13-plugin")
QUIET_S = 120.0  # s without a new line in its log after which a task counts as stopped


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Lock a folder of checkpoints; where another task holds the lock, wait until that one ends.

    When Nextflow dies, a scheduler may continue its job, and a resumed Nextflow submits the same
    job once more. The second one waits here, and continues from the checkpoints of the first.

    Parameters
    ----------
    folder
        Folder to lock; it is made where it is missing, and the file ``lock`` in it, which lists
        the folders of the tasks that worked there, a line each. On a file system without locks
        nothing is locked, and a warning says so.
    """
    while True:
        folder.mkdir(parents=True, exist_ok=True)
        with contextlib.ExitStack() as opened:
            try:
                stream = opened.enter_context((folder / "lock").open("a"))
            except FileNotFoundError:  # removed between the two by a task that is at its end
                continue
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                log.info("another task still writes in %s: waiting for its end", folder)
                fcntl.flock(stream, fcntl.LOCK_EX)
            except OSError as error:
                log.warning("%s can't be locked (%s): don't run two tasks on it", folder, error)
            if not _is_there(folder / "lock", stream.fileno()):
                continue  # the task that was waited for has removed the folder: begin a new one
            _note(folder / "lock")
            yield
            return


def _note(lock: Path) -> None:
    """Write this task's folder into a lock file, so that `./haven status` knows whose it is."""
    with contextlib.suppress(OSError), lock.open("a", encoding="utf-8") as stream:
        stream.write(f"{Path.cwd()}\n")


def remove(folder: Path) -> None:
    """Remove a folder that this task has locked (`alone`).

    It is renamed first, so that a task waiting for the lock makes a new folder.
    """
    gone = folder.with_name(f"{folder.name}.{os.getpid()}.gone")
    folder.rename(gone)
    shutil.rmtree(gone)


def _is_there(path: Path, handle: int) -> bool:
    """Tell whether an open file still has its name."""
    try:
        return os.path.samestat(path.stat(), os.fstat(handle))
    except FileNotFoundError:
        return False


def set_threads(threads: int) -> None:
    """Limit the threads of the libraries; only before TensorFlow is imported."""
    os.environ["OMP_NUM_THREADS"] = str(threads)
    os.environ["DP_INTRA_OP_PARALLELISM_THREADS"] = str(threads)
    os.environ["DP_INTER_OP_PARALLELISM_THREADS"] = "1"
    # PyTorch's loader in this process: data sets are small, and its helpers fail on loaded machines
    os.environ["NUM_WORKERS"] = "0"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # TensorFlow then looks for Keras's old package and loads none: DeePMD-kit uses no Keras
    os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
    os.environ.setdefault("TORCH_LOGS", "-all")  # errors only


def require_gpu(backend: str = "tensorflow") -> str:
    """Refuse to go on where no NVIDIA GPU can be used.

    Parameters
    ----------
    backend
        Of DeePMD-kit: ``tensorflow``, ``pytorch``, ``jax``.

    Returns
    -------
    str
        ``GPU`` and the name that its driver gives it.

    Raises
    ------
    HavenError
        If there is no device, ``CUDA_VISIBLE_DEVICES`` hides all of them, or the backend's library
        computes on processors alone: a task that holds a GPU never computes without it.
    """
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    hidden = visible is not None and visible.strip() in ("", "-1", "NoDevFiles")
    if hidden or not any(DEVICES.glob("nvidia[0-9]*")):
        why = f"CUDA_VISIBLE_DEVICES is '{visible}'" if hidden else "no /dev/nvidia device"
        raise HavenError(f"no GPU on {platform.node()} ({why}): ask the queue for one "
                         "(--slurm_gres gpu:1, --slurm_gpu_queue) or leave out the profile gpu")
    if without_cuda(backend):
        raise HavenError(f"the GPU on {platform.node()} would not be used: {backend} is built for "
                         "processors alone here; take the environment of ./haven setup --gpu "
                         "or the GPU image (a container profile), or leave out the profile gpu")
    asked = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
    try:
        names = subprocess.run(asked, capture_output=True, text=True, check=True, timeout=60).stdout
    except (OSError, subprocess.SubprocessError):
        names = ""
    return " ".join(["GPU", *names.split("\n")[:1]]).strip()


def without_cuda(backend: str) -> bool:
    """Tell whether a backend's installed library is built for processors alone.

    Looked up without loading the library: TensorFlow and JAX name another package for it, PyTorch
    says ``cuda = None`` in its own ``version.py``. A library that is absent is refused elsewhere.
    """
    def installed(name: str) -> bool:
        return any(importlib.metadata.distributions(name=name))

    if backend == "tensorflow":
        return installed(CPU_ONLY)
    if backend == "jax":
        return installed("jaxlib") and not any(map(installed, CUDA_OF_JAX))
    found = importlib.util.find_spec("torch")
    if found is None or not found.submodule_search_locations:
        return False
    version = Path(found.submodule_search_locations[0]) / "version.py"
    text = version.read_text() if version.exists() else ""
    return re.search(r"^cuda\b[^=\n]*=\s*None", text, re.M) is not None


def held(folder: Path) -> bool:
    """Tell whether a task has locked the folder (`haven.core.tasks.alone`)."""
    try:
        with (folder / "lock").open("r") as stream:
            fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def package_folder(name: str) -> Path | None:
    """Return the folder of an installed package, found without importing it."""
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(next(iter(spec.submodule_search_locations)))


def write_whole(path: Path, text: str) -> None:
    """Write a file so that a kill leaves the old one or the new one, never a part."""
    unfinished = path.with_suffix(".new")
    unfinished.write_text(text)
    unfinished.replace(path)
