"""Brings the newest version of the template into your clone and keeps your edits: `make upgrade`.

    make upgrade TEMPLATE=https://github.com/acme/leaderboard-template   an address or a folder
    make upgrade ARGS=--dry-run                                          say what it would do
    python3 ../leaderboard-template/scripts/upgrade.py --clone .         a clone without `make upgrade`

It uses the standard library and git only. The upgrade is one commit, so `git reset --hard` to the commit
before undoes it. It can be interrupted and run again.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from upgrading.applying import (
    apply,
    check_is_clean,
    check_is_on_a_branch,
    check_nothing_is_in_the_way,
    finish_interrupted,
    only_one,
)
from upgrading.base import find_base
from upgrading.clone import CannotUpgrade, Clone
from upgrading.moves import find_moves
from upgrading.plan import Plan, Sides, make_plan
from upgrading.reverted import check_is_not_reverted
from upgrading.telling import broken_imports, news, settings_to_look_at, version_of

ROOT = Path(__file__).resolve().parent.parent
SCRIPT = "scripts/upgrade.py"
PARTS = "scripts/upgrading/"
HANDED_OVER = "--handed-over"
TO_LOOK_AT = 2
"""The exit status if the upgraded Spaces would not start before the owner has corrected something."""

MOST_LINES = 100

READ_TEMPLATE = "import src.envs as envs; print(getattr(envs, 'TEMPLATE', None) or '')"
"""Run in the frontend's folder: the file is imported as the Space itself imports it."""

NOT_SET = (
    "where is the template? Name its git address or its folder: make upgrade TEMPLATE=https://… If you write "
    'TEMPLATE = "https://…" into frontend/src/envs.py, you are not asked again.'
)


def main() -> int:
    """Upgrade the clone; 0 if all went well, 1 with a reason if not, 2 if something must be corrected."""
    parser = argparse.ArgumentParser(prog="make upgrade", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--clone", type=Path, default=ROOT, help="the clone to upgrade (default: this one)")
    parser.add_argument("--template", default="", help="the template's git address or folder")
    parser.add_argument("--to", default="HEAD", metavar="NAME", help="its branch or tag (default: HEAD)")
    parser.add_argument("--dry-run", action="store_true", help="change nothing, say what would be done")
    parser.add_argument("--no-doctor", action="store_true", help="do not run the doctor at the end")
    parser.add_argument(HANDED_OVER, metavar="COMMIT", help=argparse.SUPPRESS)
    options = parser.parse_args()
    try:
        clone = Clone(options.clone)
        new: str | None = options.handed_over
        if new is None:
            with only_one(clone):
                check_is_on_a_branch(clone)
                finish_interrupted(clone, is_dry=options.dry_run)
                check_is_clean(clone)
                new = fetch(clone, options.template or template_of(clone), options.to)
            if (status := hand_over(clone, new)) is not None:
                return status
        with only_one(clone):
            check_is_on_a_branch(clone)
            check_is_clean(clone)
            check_is_not_reverted(clone, new)
            if clone.succeeds("merge-base", "--is-ancestor", new, "HEAD"):
                print("Nothing to do: your clone has the newest version.")
                return 0
            status = upgrade(clone, new, is_dry=options.dry_run)
        is_upgraded = status == 0 and not options.dry_run and not options.no_doctor
        return run_doctor(clone) if is_upgraded else status
    except CannotUpgrade as error:
        print(f"\nThe upgrade is not possible: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted. Run it again to go on.", file=sys.stderr)
        return 1


def template_of(clone: Clone) -> str:
    """Return where the template is, as the variable says, or envs.py, or this repository, or the owner.

    Raises CannotUpgrade.
    """
    if named := os.environ.get("TEMPLATE", "").strip():
        return named
    frontend = clone.folder / "frontend"
    if frontend.is_dir():
        command = [sys.executable, "-B", "-c", READ_TEMPLATE]
        ran = subprocess.run(command, cwd=frontend, capture_output=True, text=True, check=False)
        if named := ran.stdout.strip():
            return named
    if clone.folder != ROOT:
        return str(ROOT)
    if sys.stdin.isatty() and (named := input("Where is the template, an address or a folder? ").strip()):
        return named
    raise CannotUpgrade(NOT_SET)


def fetch(clone: Clone, template: str, name: str) -> str:
    """Fetch the template's newest commit with its history, and return it. Raises CannotUpgrade."""
    print(f"1. The newest version, from {shown(template)}", flush=True)
    if template.startswith("-") or name.startswith("-"):
        raise CannotUpgrade(f"{template} {name} is no address and no name: write https://… or a folder.")
    folder = Path(template).expanduser()
    source = str(folder.resolve()) if folder.is_dir() else template
    try:
        clone.git("fetch", "--quiet", "--no-tags", "--no-recurse-submodules", source, name)
    except CannotUpgrade as error:
        reason = str(error).replace(source, shown(source))
        raise CannotUpgrade(
            f"{shown(template)} cannot be read. Check the address, and that git may read it: {reason}"
        ) from error
    if not clone.succeeds("rev-parse", "--verify", "--quiet", "FETCH_HEAD^{commit}"):
        raise CannotUpgrade(
            f"{shown(template)} is a shallow clone, and its history does not reach back to your version. Run "
            "`git fetch --unshallow` in that folder, then try again."
        )
    return clone.text("rev-parse", "FETCH_HEAD")


def shown(address: str) -> str:
    """Return an address without the name and the password in it."""
    scheme, is_address, rest = address.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}" if is_address else address


def hand_over(clone: Clone, new: str) -> int | None:
    """Let the new version's own upgrade do the work: it knows its own files. None if it is this one."""
    tree = clone.tree(new)
    paths = [path for path in tree if path == SCRIPT or path.startswith(PARTS)]
    if SCRIPT not in paths or all(is_equal(ROOT / path, clone.read(tree[path])) for path in paths):
        return None
    with tempfile.TemporaryDirectory() as folder:
        for path in paths:
            (Path(folder) / path).parent.mkdir(parents=True, exist_ok=True)
            (Path(folder) / path).write_bytes(clone.read(tree[path]))
        arguments = [*sys.argv[1:], "--clone", str(clone.folder), HANDED_OVER, new]
        command = [sys.executable, str(Path(folder) / SCRIPT), *arguments]
        return subprocess.run(command, check=False).returncode


def is_equal(path: Path, content: bytes) -> bool:
    """Whether a file has this content."""
    return path.is_file() and path.read_bytes() == content


def upgrade(clone: Clone, new: str, *, is_dry: bool) -> int:
    """Upgrade the clone to a commit of the template that was fetched. Raises CannotUpgrade."""
    print("2. Your version, by its files", flush=True)
    base = find_base(clone, new)
    old, ours, fresh = (clone.tree(commit) for commit in (base.commit, "HEAD", new))
    old_version = version_of(clone, old)
    new_version = f"{version_of(clone, fresh)} ({new[:8]})"
    day = clone.text("log", "-1", "--format=%as", base.commit)
    edits = f"{base.differing} file{'s' * (base.differing != 1)} of yours differ{'s' * (base.differing == 1)}"
    print(f"   {old_version}, commit {base.commit[:8]} of {day}: {edits}")
    print(f"3. {new_version}, with your edits", flush=True)
    plan = make_plan(Sides(clone, old, ours, fresh, find_moves(clone, base.commit, new)))
    result = commit(clone, plan, new, new_version)
    before = clone.text("rev-parse", "--short", "HEAD")
    check_nothing_is_in_the_way(clone, result)
    if not is_dry:
        apply(clone, result)
    tell("Your files and edits, kept", plan.kept)
    changelogs = [clone.read(tree.get("CHANGELOG.md")).decode(errors="replace") for tree in (old, fresh)]
    tell(f"What changed since {old_version} (all of it: CHANGELOG.md)", news(*changelogs), mark="")
    broken = list(broken_imports(clone, fresh, plan.files))
    tell(
        "Look at this",
        [*dict.fromkeys(broken), *plan.notes, *settings_to_look_at(clone, ours, old, fresh, plan.files)],
    )
    if is_dry:
        print("\nThis was a dry run: nothing is changed.")
        return TO_LOOK_AT if broken else 0
    print(f"\nUpgraded to {new_version} in one commit. To undo it: git reset --hard {before}")
    print("Next: look at what is listed above, then deploy both Spaces.", flush=True)
    return TO_LOOK_AT if broken else 0


def commit(clone: Clone, plan: Plan, new: str, version: str) -> str:
    """Make the upgrade's commit. Its second parent is the template's, so the next upgrade starts there."""
    message = f"Upgrade to version {version} of the template"
    return clone.commit(plan.files, parents=("HEAD", new), message=message)


def tell(title: str, lines: Iterable[str], *, mark: str = "- ") -> None:
    """Print lines below a title, if there are any."""
    texts = list(lines)
    if len(texts) > MOST_LINES:
        texts[MOST_LINES:] = [f"and {len(texts) - MOST_LINES} more"]
    if texts:
        print(f"\n{title}:")
        print(*(f"  {mark}{text}" for text in texts), sep="\n", flush=True)


def run_doctor(clone: Clone) -> int:
    """Run the new version's doctor, if it has one, and return its status."""
    makefile = clone.folder / "Makefile"
    lines = makefile.read_text(encoding="utf-8").splitlines() if makefile.is_file() else []
    if not any(line.startswith("doctor:") for line in lines):
        return 0
    print(
        "\nThe doctor looks at both Spaces (first it installs the packages of the new version):", flush=True
    )
    command = ["make", "--no-print-directory", "doctor"]
    return subprocess.run(command, cwd=clone.folder, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
