"""Makes one virtual environment with uv from requirement files.

    python3.11 scripts/make_environment.py .venv/dev tests/requirements.txt tests/whole/requirements.txt

The Makefile runs it with the system's Python, so it uses the standard library only. The file `.ready` in the
environment is written last: whoever sees it may use the environment.
"""

import fcntl
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

UV_VERSION = "0.13.9"
OLDEST_UV = (0, 8)  # the first that knows every option used here
TORCH_CPU_INDEX = "https://download.pytorch.org/whl/cpu/torch/"
ANSWER_WITHIN_SECONDS = 4


class EnvironmentNotMade(Exception):
    """The environment could not be made; the message says why and what to do."""


def make_environment(folder: Path, requirements: list[Path]) -> None:
    """Make `folder` anew with exactly `requirements`.

    Raises EnvironmentNotMade; there is no `.ready` then.
    """
    ready = folder / ".ready"
    ready.unlink(missing_ok=True)
    uv = find_uv(folder.parent)
    quiet = [] if sys.stderr.isatty() else ["--quiet"]
    run(folder, [uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(folder)])
    install = [uv, "pip", "install", *quiet, "--compile-bytecode", "--python", str(folder / "bin" / "python")]
    files = [argument for path in requirements for argument in ("-r", str(path))]
    run(folder, [*install, *torch_build(requirements), *files])
    ready.touch()


def run(folder: Path, command: list[str]) -> None:
    """Run `command`, which uses the same wheel folders as pip. Raises EnvironmentNotMade when it fails."""
    find_links = {"UV_FIND_LINKS": ",".join(wheel_folders())} if wheel_folders() else {}
    status = subprocess.run(command, env={**os.environ, **find_links}, check=False).returncode
    if status:
        raise EnvironmentNotMade(
            f"Cannot make {folder}: `{' '.join(command[:3])}` ended with {status}, for the reason above. "
            "When it is the network, run the same make command again: what was downloaded is kept."
        )


def find_uv(environments: Path) -> str:
    """The uv on PATH, or else our own in `environments`/uv, installed there at the first call."""
    on_path = shutil.which("uv")
    if on_path and uv_version(on_path) >= OLDEST_UV:
        return on_path
    environments.mkdir(parents=True, exist_ok=True)
    with (environments / "uv.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # `make -j` makes several environments at once
        uv = environments / "uv" / "bin" / "uv"
        if uv_version(str(uv)) < OLDEST_UV:
            install_uv(environments / "uv")
    return str(uv)


def uv_version(uv: str) -> tuple[int, int]:
    """(0, 13) for uv 0.13.9; (0, 0) when it is not there or does not run, as a pyenv shim may."""
    try:
        answer = subprocess.run([uv, "--version"], capture_output=True, text=True, check=False).stdout
    except OSError:
        return (0, 0)
    found = re.match(r"uv (\d+)\.(\d+)", answer)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def install_uv(folder: Path) -> None:
    """Install uv with pip into an environment of its own."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    if not importlib.util.find_spec("ensurepip"):
        raise EnvironmentNotMade(
            f"Cannot make {folder}: Python {version} here comes without venv's ensurepip. "
            f"Install it (on Debian and Ubuntu: apt install python{version}-venv), or uv, then try again."
        )
    print(f"{folder}: installing uv {UV_VERSION}", flush=True)
    run(folder, [sys.executable, "-m", "venv", "--clear", str(folder)])
    pip = [str(folder / "bin" / "python"), "-m", "pip"]
    run(folder, [*pip, "install", "--quiet", "--disable-pip-version-check", f"uv=={UV_VERSION}"])


def torch_build(requirements: list[Path]) -> list[str]:
    """uv's option for PyTorch's CPU build, where that spares the gigabytes of CUDA in PyPI's Linux wheel."""
    wants_torch = any(re.search(r"^torch==", path.read_text(), re.MULTILINE) for path in requirements)
    has_torch = any(wheel for folder in wheel_folders() for wheel in Path(folder).glob("torch-*.whl"))
    if not wants_torch or has_torch or sys.platform != "linux" or has_nvidia_gpu():
        return []
    try:
        urllib.request.urlopen(TORCH_CPU_INDEX, timeout=ANSWER_WITHIN_SECONDS).close()
    except OSError as error:
        print(f"{TORCH_CPU_INDEX} does not answer ({error}): taking PyPI's torch, several GB", flush=True)
        return []
    return ["--torch-backend=cpu"]


def has_nvidia_gpu() -> bool:
    """Whether this machine has NVIDIA's driver."""
    return Path("/proc/driver/nvidia/version").exists() or shutil.which("nvidia-smi") is not None


def wheel_folders() -> list[str]:
    """pip's extra places to look for wheels: uv does not read pip's settings."""
    return os.environ.get("PIP_FIND_LINKS", "").split()


def main() -> int:
    """Make the environment that the command line names."""
    folder, *requirements = [Path(argument) for argument in sys.argv[1:]]
    print(f"{folder}: installing {' and '.join(map(str, requirements))}", flush=True)
    started = time.monotonic()
    try:
        make_environment(folder, requirements)
    except EnvironmentNotMade as error:
        print(error, file=sys.stderr)
        return 1
    version = ".".join(map(str, sys.version_info[:3]))
    print(f"{folder}: ready in {time.monotonic() - started:.0f} s, with Python {version}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
