"""Compiles each requirements.txt from its requirements.in, or checks that the two belong together.

    python3.11 scripts/lock_requirements.py                          keep the versions that are locked
    python3.11 scripts/lock_requirements.py --upgrade                take the newest that the lists allow
    python3.11 scripts/lock_requirements.py --upgrade-package rich   of this package only
    python3.11 scripts/lock_requirements.py --check                  change nothing, say what differs

The check compiles again, and uv prefers what is locked, so a newer release makes no difference. Where the
index cannot be reached, the stamp in the file still tells whether one of the two was edited.
"""

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from make_environment import EnvironmentNotMade, find_uv

ROOT = Path(__file__).resolve().parent.parent
OLDEST_PYTHON = "3.11"

CONSTRAINTS = {
    "backend/requirements": "frontend/requirements.in",
    "frontend/requirements": "backend/requirements.txt",
    "backend/requirements-lighteval": "backend/requirements.in",
}
"""The lists, and what each has to agree with. Of the two Spaces, the larger tree is compiled first, and the
other takes its versions. A list without its suffix names both the list (.in) and its tree (.txt)."""

PINNED_BY_TORCH = re.compile(r"(nvidia|cuda)-.+|(pytorch-)?triton")
"""The parts of CUDA. PyPI's torch brings them; locked, they would be installed beside its CPU build too."""

BUILDS_OF_TORCH = {"UV_FIND_LINKS", "UV_TORCH_BACKEND"}
"""Settings by which uv may choose a torch for this machine only (2.13.0+cpu)."""

HEAD = """\
# The whole tree of {list}, compiled by `make lock`: edit that file, not this one.
# In a Space of your own, add lines at the end.
# Stamp: {stamp}
"""


class NotCompiled(Exception):
    """The list cannot be compiled; the message is uv's."""


class NoIndex(NotCompiled):
    """The index did not answer."""


class Pin(NamedTuple):
    """One package of a tree."""

    requirement: str
    """Name and version, and perhaps a marker: `colorama==0.4.6 ; sys_platform == 'win32'`."""
    parents: tuple[str, ...]
    """Which packages need it, or the list."""

    @property
    def name(self) -> str:
        """The package's name as the index writes it."""
        return self.requirement.partition("==")[0]


def compile_tree(name: str, uv: str, options: list[str]) -> str:
    """Return what the list's requirements.txt should be. Raises NotCompiled."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "requirements.txt"
        if path_of_tree(name).exists():
            shutil.copy(path_of_tree(name), output)  # uv prefers the versions that it finds there
        command = [
            uv,
            "pip",
            "compile",
            path_of_list(name).name,
            "--output-file",
            str(output),
            "--quiet",
            "--no-header",
        ]
        command += ["--universal", "--fork-strategy", "fewest", "--annotation-style", "line"]
        command += ["--python", sys.executable, "--python-version", OLDEST_PYTHON]
        command += ["--constraints", str(ROOT / CONSTRAINTS[name]), *options]
        environment = {key: value for key, value in os.environ.items() if key not in BUILDS_OF_TORCH}
        ran = subprocess.run(
            command,
            cwd=path_of_list(name).parent,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if ran.returncode == 1:  # uv's status when no versions fit together
            raise NotCompiled(ran.stderr.strip())
        if ran.returncode:
            raise NoIndex(ran.stderr.strip())
        pins = without_cuda(parse(output.read_text(encoding="utf-8")))
    lines = [f"{pin.requirement}  # via {', '.join(pin.parents)}\n" for pin in pins]
    return HEAD.format(list=path_of_list(name).name, stamp=stamp(name, "".join(lines))) + "".join(lines)


def parse(compiled: str) -> list[Pin]:
    """Read what uv has written. A constraint is not a parent."""
    pins = []
    for line in compiled.splitlines():
        requirement, _, via = line.partition("# via ")
        parents = [parent.removeprefix("-r ") for parent in via.split(", ") if not parent.startswith("-c ")]
        pins.append(Pin(requirement.strip(), tuple(parents)))
    return pins


def without_cuda(pins: list[Pin]) -> list[Pin]:
    """Leave out what torch pins itself, and what nothing else needs."""
    left_out = {pin.name for pin in pins if PINNED_BY_TORCH.fullmatch(pin.name)}
    while orphans := {pin.name for pin in pins if left_out.issuperset(pin.parents)} - left_out:
        left_out |= orphans
    return [
        pin._replace(parents=tuple(parent for parent in pin.parents if parent not in left_out))
        for pin in pins
        if pin.name not in left_out
    ]


def stamp(name: str, tree: str) -> str:
    """Return a digest of the short list and its tree, comments aside."""
    lines = [*path_of_list(name).read_text(encoding="utf-8").splitlines(), *tree.splitlines()]
    requirements = [line.partition("#")[0].strip() for line in lines]
    return hashlib.sha256("\n".join(filter(None, requirements)).encode()).hexdigest()


def problem_of(name: str, uv: str) -> str | None:
    """Say why a list and its tree do not belong together, or None when they do."""
    tree = path_of_tree(name).read_text(encoding="utf-8") if path_of_tree(name).exists() else ""
    if f"# Stamp: {stamp(name, tree)}\n" not in tree:
        return f"{name}.txt was not made from this {path_of_list(name).name}: one of them was edited."
    try:
        if tree == compile_tree(name, uv, ["--offline"]):  # no network when uv's cache knows all of it
            return None
    except NotCompiled:
        pass
    try:
        if tree == compile_tree(name, uv, []):
            return None
    except NoIndex as error:
        print(f"{name}.txt: the stamp is right. Not compiled again, because\n{error}")
        return None
    except NotCompiled as error:
        return f"{name}.in can no longer be compiled:\n{error}"
    return f"{name}.txt is not what {name}.in compiles to."


def path_of_list(name: str) -> Path:
    """Return the path of the short list that people edit."""
    return ROOT / f"{name}.in"


def path_of_tree(name: str) -> Path:
    """Return the path of the file that an environment is installed from."""
    return ROOT / f"{name}.txt"


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="change nothing, say what differs")
    parser.add_argument(
        "--upgrade", action="store_true", help="take the newest versions that requirements.in allows"
    )
    parser.add_argument(
        "--upgrade-package", metavar="NAME", action="append", default=[], help="of this one only"
    )
    return parser.parse_args()


def main() -> int:
    """Write the files, or with `--check` say what does not belong together and return 1."""
    asked = arguments()
    try:
        uv = find_uv(ROOT / ".venv")
        if asked.check:
            problems = [problem for name in CONSTRAINTS if (problem := problem_of(name, uv))]
            if problems:
                print(*problems, "Edit the .in files only, then run `make lock`.", sep="\n")
            return 1 if problems else 0
        options = ["--upgrade"] if asked.upgrade else []
        options += [f"--upgrade-package={package}" for package in asked.upgrade_package]
        for name in CONSTRAINTS:
            write(path_of_tree(name), compile_tree(name, uv, options))
    except (NotCompiled, EnvironmentNotMade) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def write(path: Path, text: str) -> None:
    """Write a file, unless it is equal already: a new date would have the environments made anew."""
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
