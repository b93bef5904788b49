"""Copies the shared code from frontend/src/shared/ to backend/src/shared/, or compares the two."""

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ORIGINAL = ROOT / "frontend/src/shared"
COPY = ROOT / "backend/src/shared"


def shared_files(folder: Path) -> dict[Path, bytes]:
    """The content of every file below `folder`, by relative path, without what Python caches."""
    files = (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(folder): path.read_bytes() for path in files}


def differences(original: Path, copy: Path) -> list[str]:
    """One line per file that `copy` lacks, has in addition or has changed."""
    wanted, found = shared_files(original), shared_files(copy)
    changed = {name for name in wanted.keys() & found.keys() if wanted[name] != found[name]}
    return [
        *(f"{copy / name} is missing" for name in sorted(wanted.keys() - found.keys())),
        *(f"{copy / name} is not in {original}" for name in sorted(found.keys() - wanted.keys())),
        *(f"{copy / name} differs from {original / name}" for name in sorted(changed)),
    ]


def write_copy(original: Path, copy: Path) -> None:
    """Make `copy` equal to `original`, extra files removed; a file that is equal already is not touched."""
    wanted, found = shared_files(original), shared_files(copy)
    for name in found.keys() - wanted.keys():
        (copy / name).unlink()
    for name, content in wanted.items():
        if found.get(name) != content:
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            (copy / name).write_bytes(content)


def main() -> int:
    """Write the copy, or with `--check` name what differs and return 1."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing, say what differs")
    if not parser.parse_args().check:
        write_copy(ORIGINAL, COPY)
        return 0
    found = differences(ORIGINAL, COPY)
    for line in found:
        print(line)
    if found:
        print(f"Edit {ORIGINAL} only, then run `make style`: it writes the copy.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
