"""`make upgrade` on a small template: the owner's edits are kept, and whatever needs an eye is told."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from support.sources import ROOT
from support.upgrades import git, without_git_settings
from support.waiting import PATIENCE
from upgrading import applying
from upgrading.clone import CannotUpgrade, Clone

SCRIPT = ROOT / "scripts" / "upgrade.py"

ABOUT = '''"""What the leaderboard is about."""

from src.tasks import Task

# The heading, as HTML.
TITLE = "<h1>Demo</h1>"

TASKS = Task("addition")

# Below it.
INTRODUCTION = """
Some text.
"""
'''
CHECKS = '''"""The checks."""

from __future__ import annotations

from src.case import Case
from src.shared.errors import Refused


def is_named(case: Case) -> None:
    """It has a name."""
    if not case.name:
        raise Refused("Name it.")


CHECKS = [
    is_named,
]
"""All of them."""
'''
OWN_CHECK = '''
def is_ours(case: Case) -> None:
    """It is one of ours."""
    if is_foreign(case.name):
        raise Refused("It is not ours.")


'''
CARD = """---
title: Leaderboard
emoji: 🏅
sdk: gradio
sdk_version: 5.49.0
---

# A leaderboard

It shows models.
"""
CHANGELOG = """# Changelog

## 0.1.0 (2026-01-01)

### Added

- The beginning. It has more words.
"""
OLD: dict[str, str] = {
    "CHANGELOG.md": CHANGELOG,
    "Makefile": "help:\n\techo help\n",
    "docs/guide.md": "Read me.\n",
    "frontend/README.md": CARD,
    "frontend/app.py": "from src.page import page\n\npage()\n",
    "frontend/requirements.txt": "# The tree.\ngradio==5.49.0\nlm_eval==0.4.12\n",
    "frontend/src/about.py": ABOUT,
    "frontend/src/case.py": "class Case:\n    name = ''\n\n\ndef is_foreign(name):\n    return name == 'x'\n",
    "frontend/src/checks.py": CHECKS,
    "frontend/src/envs.py": "# Often.\nREFRESH_RATE = 30\n# Much.\nQUOTA = 5\n",
    "frontend/src/page.py": "COLOUR = 'green'\n\n\ndef page():\n    print(COLOUR)\n    print('a page')\n",
    "frontend/src/shared/errors.py": "class Refused(Exception):\n    pass\n",
    "frontend/src/shared/version.py": 'VERSION = "0.1.0"\n',
    "frontend/src/tasks.py": "class Task(str):\n    pass\n",
    "backend/src/envs.py": "# Where.\nDEVICE = 'cpu'\n",
    "backend/tasks/addition.yaml": "task: addition\n",
}
NEW: dict[str, str | None] = {
    "CHANGELOG.md": CHANGELOG.replace(
        "## 0.1.0",
        """## 0.2.0 (2026-02-01)

### Upgrading a duplicate from 0.1

1. Do all of this by hand.

<!-- modules that moved -->
| in 0.1 | in 0.2 |
|---|---|
| `src.case` | `src.submitting.case` |
<!-- end of modules that moved -->

### Added

- `HOURS` limits an evaluation. It is new.

### Fixed

- A mistake.

## 0.1.0""",
    ),
    "frontend/README.md": CARD.replace("5.49.0", "5.50.0").replace("shows models", "shows all models"),
    "frontend/requirements.txt": "# The tree.\ngradio==5.50.0\nlm_eval==0.4.13\n",
    "frontend/src/about.py": ABOUT.replace("# The heading, as HTML.", "# The heading, in HTML."),
    "frontend/src/case.py": None,
    "frontend/src/submitting/case.py": OLD["frontend/src/case.py"].replace("''", "None"),
    "frontend/src/checks.py": CHECKS.replace("src.case", "src.submitting.case")
    .replace("Name it.", "Give it a name.")
    .replace("    is_named,\n", "    is_named,\n    is_new,\n")
    .replace("CHECKS = [", "def is_new(case: Case) -> None:\n    pass\n\n\nCHECKS = ["),
    "frontend/src/envs.py": "# How often.\nREFRESH_RATE = 30\n# How much.\nQUOTA = 7\nHOURS = 24\n",
    "frontend/src/shared/version.py": 'VERSION = "0.2.0"\n',
    "docs/more.md": "More.\n",
}

Upgrade = Callable[..., "subprocess.CompletedProcess[str]"]


def write(folder: Path, files: Mapping[str, str | None], message: str = "edit") -> None:
    """Write files, delete those without content, and commit."""
    for path, content in files.items():
        file = folder / path
        if content is None:
            file.unlink()
        else:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content, encoding="utf-8")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", message)


@pytest.fixture
def template(tmp_path: Path) -> Path:
    """A template with two versions."""
    folder = tmp_path / "template"
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch=main")
    write(folder, OLD, "version 0.1")
    git(folder, "tag", "old")
    write(folder, {"docs/guide.md": "Read me twice.\n"}, "between")
    write(folder, NEW, "version 0.2")
    return folder


@pytest.fixture
def clone(tmp_path: Path, template: Path) -> Path:
    """A clone of the first version."""
    folder = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", str(template), str(folder))
    git(folder, "reset", "--quiet", "--hard", "old")
    return folder


@pytest.fixture
def copy(tmp_path: Path, template: Path) -> Path:
    """The files of the first version in a repository that knows nothing of the template's."""
    folder = tmp_path / "copy"
    git(tmp_path, "clone", "--quiet", str(template), str(folder))
    git(folder, "checkout", "--quiet", "old")
    shutil.rmtree(folder / ".git")
    git(folder, "init", "--quiet", "--initial-branch=main")
    write(folder, {})
    return folder


def upgrade(
    clone: Path, template: Path | str, *options: str, **variables: str
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), "--clone", str(clone), "--template", str(template), *options]
    environment = without_git_settings() | variables
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, timeout=PATIENCE
    )


def edited(path: str, before: str, after: str) -> dict[str, str]:
    """A file of the first version with one edit."""
    assert OLD[path].count(before) == 1
    return {path: OLD[path].replace(before, after)}


OWN: dict[str, str | None] = {
    **edited("frontend/src/about.py", "Demo", "Our capitals"),
    **edited("frontend/src/envs.py", "= 30", "= 1"),
    **edited("frontend/README.md", "title: Leaderboard", "title: Capitals"),
    **edited("frontend/requirements.txt", "lm_eval==0.4.12\n", "lm_eval==0.4.12\neinops==0.8.1\n"),
    "frontend/src/checks.py": CHECKS.replace("import Case\n", "import Case, is_foreign\n")
    .replace("\nCHECKS = [", OWN_CHECK + "CHECKS = [")
    .replace("    is_named,\n", "    is_named,\n    is_ours,\n"),
    "backend/tasks/capitals.yaml": "task: capitals\n",
    "frontend/assets/logo.txt": "a picture\n",
}


def read(clone: Path, path: str) -> str:
    return (clone / path).read_text(encoding="utf-8")


def assert_upgraded(clone: Path) -> None:
    """The clone has all of OWN and all of NEW."""
    assert git(clone, "status", "--porcelain") == ""
    assert read(clone, "frontend/src/about.py") == (NEW["frontend/src/about.py"] or "").replace(
        "Demo", "Our capitals"
    )
    assert read(clone, "frontend/src/envs.py") == (NEW["frontend/src/envs.py"] or "").replace("= 30", "= 1")
    card = (NEW["frontend/README.md"] or "").replace("title: Leaderboard", "title: Capitals")
    assert read(clone, "frontend/README.md") == card
    requirements = (NEW["frontend/requirements.txt"] or "") + "einops==0.8.1\n"
    assert read(clone, "frontend/requirements.txt") == requirements
    checks = read(clone, "frontend/src/checks.py")
    assert "from src.submitting.case import Case\n" in checks
    assert "from src.submitting.case import is_foreign\n" in checks
    assert "Give it a name." in checks and OWN_CHECK.strip() in checks
    assert "CHECKS = [\n    is_named,\n    is_ours,\n    is_new,\n]" in checks
    assert read(clone, "backend/tasks/capitals.yaml") == "task: capitals\n"
    assert read(clone, "frontend/assets/logo.txt") == "a picture\n"
    assert not (clone / "frontend/src/case.py").exists()
    assert read(clone, "docs/more.md") == "More.\n"
    program = "import src.checks, src.about; print(len(src.checks.CHECKS), src.about.TITLE)"
    ran = subprocess.run(
        [sys.executable, "-B", "-c", program],
        cwd=clone / "frontend",
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout == "3 <h1>Our capitals</h1>\n"


@pytest.mark.parametrize("kind", ["clone", "copy"])
def test_an_upgrade_has_the_owners_edits_and_the_new_version(
    kind: str, template: Path, request: pytest.FixtureRequest
) -> None:
    clone: Path = request.getfixturevalue(kind)
    write(clone, OWN, "my edits")
    before = git(clone, "rev-parse", "HEAD")
    done = upgrade(clone, template)
    assert done.returncode == 0, done.stderr
    assert_upgraded(clone)
    assert git(clone, "rev-parse", "HEAD^1", "HEAD^2").splitlines() == [
        before,
        git(template, "rev-parse", "HEAD"),
    ]
    assert f"git reset --hard {before[:7]}" in done.stdout
    assert "0.1.0, commit" in done.stdout and "7 files of yours differ" in done.stdout


def test_a_second_upgrade_does_nothing_until_the_template_changes(clone: Path, template: Path) -> None:
    write(clone, OWN)
    upgrade(clone, template)
    head = git(clone, "rev-parse", "HEAD")
    done = upgrade(clone, template)
    assert (done.returncode, done.stdout.splitlines()[-1].split(":")[0]) == (0, "Nothing to do")
    assert git(clone, "rev-parse", "HEAD") == head
    write(template, {"frontend/src/page.py": OLD["frontend/src/page.py"].replace("green", "blue")})
    done = upgrade(clone, template)
    assert "0.2.0, commit" in done.stdout
    assert "blue" in read(clone, "frontend/src/page.py")
    assert_upgraded(clone)


def test_files_that_were_copied_from_a_later_version_are_no_edits(clone: Path, template: Path) -> None:
    """As owners did before there was `make upgrade`: the history is older than the files."""
    write(clone, {**NEW, "docs/guide.md": "Read me twice.\n"}, "the new version, by hand")
    write(template, {"frontend/src/page.py": OLD["frontend/src/page.py"].replace("green", "blue")})
    done = upgrade(clone, template)
    assert "0 files of yours differ" in done.stdout
    assert "Look at this" not in done.stdout
    assert git(clone, "rev-parse", "HEAD^{tree}") == git(template, "rev-parse", "HEAD^{tree}")


def test_what_both_changed_is_told_and_nothing_is_lost(clone: Path, template: Path) -> None:
    page, check = "frontend/src/page.py", "Name it."
    own = {
        **edited(page, "'green'", "'red'"),
        **edited("frontend/src/checks.py", check, "Please name it."),
    }
    write(clone, own)
    write(template, {page: OLD[page].replace("'green'", "'blue'")})
    done = upgrade(clone, template)
    assert done.returncode == 0
    assert "Please name it." in read(clone, "frontend/src/checks.py")
    assert read(clone, "frontend/src/checks.py.new") == NEW["frontend/src/checks.py"]
    assert "'blue'" in read(clone, page)
    assert read(clone, f"{page}.yours") == own[page]
    assert "Yours is kept, and the template's is frontend/src/checks.py.new" in done.stdout
    assert "Yours is frontend/src/page.py.yours: make your edit again" in done.stdout


def test_a_second_upgrade_keeps_what_the_first_one_put_beside(clone: Path, template: Path) -> None:
    page, checks = "frontend/src/page.py", "frontend/src/checks.py"
    write(clone, edited(page, "'green'", "'red'") | edited(checks, "Name it.", "Please name it."))
    write(template, {page: OLD[page].replace("'green'", "'blue'")})
    upgrade(clone, template)
    beside = {name: read(clone, name) for name in (f"{page}.yours", f"{checks}.new")}
    write(clone, {page: OLD[page].replace("'green'", "'pink'")})
    second = (NEW[checks] or "").replace("Give it a name.", "It needs a name.")
    write(template, {page: OLD[page].replace("'green'", "'grey'"), checks: second})
    done = upgrade(clone, template)
    assert {name: read(clone, name) for name in beside} == beside
    assert "'grey'" in read(clone, page) and "'pink'" in read(clone, f"{page}.yours2")
    assert read(clone, f"{checks}.new2") == second
    assert f"Yours is {page}.yours2 ({page}.yours is left from an earlier upgrade): make" in done.stdout
    assert f"is {checks}.new2 ({checks}.new is left from an earlier upgrade): bring over" in done.stdout


def test_a_second_upgrade_keeps_each_edit_of_a_file_that_the_template_has_no_more(
    clone: Path, template: Path
) -> None:
    page = "frontend/src/page.py"
    write(clone, edited(page, "'green'", "'red'"))
    write(template, {page: None})
    assert f"Your file is {page}.yours:" in upgrade(clone, template).stdout
    write(template, {page: OLD[page]})
    upgrade(clone, template)
    write(clone, edited(page, "'green'", "'pink'"))
    write(template, {page: None})
    done = upgrade(clone, template)
    assert "'red'" in read(clone, f"{page}.yours") and "'pink'" in read(clone, f"{page}.yours2")
    assert f"Your file is {page}.yours2 ({page}.yours is left from" in done.stdout


def test_a_change_of_the_template_that_the_owner_took_back_stays_taken_back(
    clone: Path, template: Path
) -> None:
    guide = "docs/guide.md"
    git(clone, "pull", "--quiet", "--rebase", "origin", "main")
    write(template, {guide: "Read me thrice.\n"}, "a change")
    assert upgrade(clone, template).returncode == 0
    write(clone, {guide: "Read me twice.\n"}, "taken back")
    write(template, {"docs/more.md": "Much more.\n"})
    done = upgrade(clone, template)
    assert "1 file of yours differs" in done.stdout
    assert read(clone, guide) == "Read me twice.\n"
    assert read(clone, "docs/more.md") == "Much more.\n"


@pytest.mark.parametrize("is_newer", [False, True])
def test_an_upgrade_that_was_reverted_is_told_and_can_be_done_again(
    clone: Path, template: Path, is_newer: bool
) -> None:
    write(clone, OWN)
    upgrade(clone, template)
    git(clone, "revert", "--no-edit", "-m", "1", "HEAD")
    revert = git(clone, "rev-parse", "HEAD")
    write(clone, {"frontend/assets/logo.txt": "a better picture\n"}, "an edit since")
    if is_newer:
        write(template, {"backend/src/envs.py": "DEVICE = 'cuda'\n"}, "version 0.3")
    done = upgrade(clone, template)
    assert done.returncode == 1 and "Nothing to do" not in done.stdout
    assert f"was reverted by commit {revert[:8]}" in done.stderr
    assert f"`git revert {revert[:8]}`" in done.stderr
    git(clone, "revert", "--no-edit", revert[:8])
    write(clone, {"frontend/assets/logo.txt": "a picture\n"}, "the old picture")
    done = upgrade(clone, template)
    assert done.returncode == 0, done.stderr
    assert ("Nothing to do" in done.stdout) is not is_newer
    assert_upgraded(clone)


def test_a_revert_of_a_revert_that_is_reverted_is_told_as_well(clone: Path, template: Path) -> None:
    upgrade(clone, template)
    git(clone, "revert", "--no-edit", "-m", "1", "HEAD")
    git(clone, "revert", "--no-edit", "HEAD")
    assert "Nothing to do" in upgrade(clone, template).stdout
    git(clone, "revert", "--no-edit", "HEAD")
    done = upgrade(clone, template)
    assert done.returncode == 1
    git(clone, "revert", "--no-edit", done.stderr.partition("`git revert ")[2][:8])
    assert read(clone, "docs/more.md") == "More.\n"
    assert "Nothing to do" in upgrade(clone, template).stdout


def test_an_edit_follows_a_file_that_moved(clone: Path, template: Path) -> None:
    write(clone, edited("frontend/src/case.py", "name == 'x'", "name == 'y'"))
    upgrade(clone, template)
    assert not (clone / "frontend/src/case.py").exists()
    moved = read(clone, "frontend/src/submitting/case.py")
    assert "name = None" in moved and "name == 'y'" in moved


def test_the_owners_own_modules_get_the_new_names_of_ours(clone: Path, template: Path) -> None:
    write(
        clone,
        {"frontend/src/mine.py": "import src.case\nfrom src.case import Case\n\nsrc.case.is_foreign(Case)\n"},
    )
    upgrade(clone, template)
    name = "src.submitting.case"
    code = f"import {name}\nfrom {name} import Case\n\n{name}.is_foreign(Case)\n"
    assert read(clone, "frontend/src/mine.py") == code


def test_a_name_that_is_gone_is_told_with_its_line(clone: Path, template: Path) -> None:
    write(
        clone,
        {"frontend/src/mine.py": "from src.page import page\nfrom src.page import table\nimport src.gone\n"},
    )
    done = upgrade(clone, template)
    assert done.returncode == 2
    assert "frontend/src/mine.py, line 2, imports table from src.page, which does not exist" in done.stdout
    assert "frontend/src/mine.py, line 3, imports src.gone" in done.stdout
    assert "line 1," not in done.stdout


def test_new_settings_and_changed_defaults_are_told(clone: Path, template: Path) -> None:
    write(clone, OWN)
    done = upgrade(clone, template)
    assert "frontend/src/envs.py has 1 new setting, at its default: HOURS." in done.stdout
    assert "The default of QUOTA in frontend/src/envs.py has changed from 5 to 7." in done.stdout
    assert "REFRESH_RATE" not in done.stdout


def test_settings_that_a_file_beyond_merging_lacks_are_told(clone: Path, template: Path) -> None:
    write(clone, {"frontend/src/envs.py": "REFRESH_RATE = 1; QUOTA = 9\n"})
    done = upgrade(clone, template)
    assert read(clone, "frontend/src/envs.py") == "REFRESH_RATE = 1; QUOTA = 9\n"
    assert read(clone, "frontend/src/envs.py.new") == NEW["frontend/src/envs.py"]
    assert "frontend/src/envs.py.new" in done.stdout


def test_the_changelog_is_told_in_short(clone: Path, template: Path) -> None:
    done = upgrade(clone, template)
    told = done.stdout.partition("What changed")[2].partition("\n\n")[0]
    assert "`HOURS` limits an evaluation." in told and "Fixed (1)" in told
    for left_out in ("It is new", "by hand", "A mistake", "The beginning"):
        assert left_out not in told


def test_a_dry_run_says_the_same_and_changes_nothing(clone: Path, template: Path) -> None:
    write(clone, OWN)
    before = git(clone, "rev-parse", "HEAD"), git(clone, "for-each-ref")
    dry = upgrade(clone, template, "--dry-run")
    assert dry.returncode == 0
    assert "nothing is changed" in dry.stdout
    assert (git(clone, "rev-parse", "HEAD"), git(clone, "for-each-ref")) == before
    assert git(clone, "status", "--porcelain") == ""
    wet = upgrade(clone, template)
    same = dry.stdout.partition("\nThis was")[0]
    assert wet.stdout.startswith(same)


def test_edits_in_no_commit_are_refused_with_the_remedy(clone: Path, template: Path) -> None:
    (clone / "frontend/src/about.py").write_text("TITLE = 'Ours'\n")
    (clone / "backend/tasks/mine.yaml").write_text("task: mine\n")
    done = upgrade(clone, template)
    assert done.returncode == 1
    assert "backend/tasks/mine.yaml" in done.stderr and "frontend/src/about.py" in done.stderr
    assert "git add --all && git commit" in done.stderr
    assert read(clone, "frontend/src/about.py") == "TITLE = 'Ours'\n"
    assert not (clone / "docs/more.md").exists()


def test_what_the_owner_removed_stays_removed(clone: Path, template: Path) -> None:
    write(clone, {"docs/guide.md": None, "Makefile": None})
    write(template, {"Makefile": "help:\n\techo more\n"})
    done = upgrade(clone, template)
    assert not [*clone.glob("docs/*")] and not (clone / "Makefile").exists()
    assert "You removed Makefile, and the template has changed it since" in done.stdout


def test_a_shallow_clone_is_upgraded(clone: Path, template: Path, tmp_path: Path) -> None:
    shallow = tmp_path / "shallow"
    git(tmp_path, "clone", "--quiet", "--depth=1", "--branch=old", f"file://{template}", str(shallow))
    git(shallow, "switch", "--quiet", "--create=main")
    write(shallow, OWN)
    done = upgrade(shallow, f"file://{template}")
    assert done.returncode == 0, done.stderr
    assert_upgraded(shallow)


def test_a_shallow_folder_of_the_template_is_told_with_the_remedy(
    clone: Path, template: Path, tmp_path: Path
) -> None:
    own = tmp_path / "own"
    git(tmp_path, "clone", "--quiet", "--single-branch", f"file://{clone}", str(own))
    shallow = tmp_path / "shallow"
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{template}", str(shallow))
    done = upgrade(own, shallow)
    assert done.returncode == 1
    assert f"{shallow} is a shallow clone" in done.stderr and "`git fetch --unshallow`" in done.stderr
    git(shallow, "fetch", "--quiet", "--unshallow")
    assert upgrade(own, shallow).returncode == 0


def test_signatures_that_git_is_set_to_show_are_no_obstacle(
    clone: Path, template: Path, tmp_path: Path
) -> None:
    signer = tmp_path / "gpg"
    signer.write_text("#!/bin/sh\ncat > /dev/null\necho '[GNUPG:] SIG_CREATED ' >&2\necho '-----BEGIN'\n")
    signer.chmod(0o755)
    git(template, "-c", f"gpg.program={signer}", "commit", "--quiet", "--allow-empty", "-S", "-m", "signed")
    git(clone, "config", "gpg.program", str(signer))
    git(clone, "config", "log.showSignature", "true")
    write(clone, OWN)
    done = upgrade(clone, template)
    assert done.returncode == 0, done.stderr
    assert_upgraded(clone)


def test_links_and_submodules_of_the_owner_stay(clone: Path, template: Path) -> None:
    (clone / "frontend" / "assets").mkdir()
    (clone / "frontend" / "assets" / "link.txt").symlink_to("../README.md")
    page = clone / "frontend" / "src" / "page.py"
    page.unlink()
    page.symlink_to("case.py")
    git(clone, "update-index", "--add", "--cacheinfo", f"160000,{git(clone, 'rev-parse', 'HEAD')},theirs")
    (clone / "theirs").mkdir()
    write(clone, {})
    write(template, {"frontend/src/page.py": "COLOUR = 'blue'\n"})
    before = git(clone, "ls-tree", "HEAD", "theirs", "frontend/assets/")
    upgrade(clone, template)
    assert git(clone, "ls-tree", "HEAD", "theirs", "frontend/assets/") == before
    assert (clone / "frontend" / "assets" / "link.txt").is_symlink()
    assert (clone / "frontend" / "src" / "page.py.yours").is_symlink()
    assert read(clone, "frontend/src/page.py") == "COLOUR = 'blue'\n"


def test_tasks_that_the_template_drops_stay(clone: Path, template: Path) -> None:
    write(template, {"backend/tasks/addition.yaml": None})
    upgrade(clone, template)
    assert read(clone, "backend/tasks/addition.yaml") == OLD["backend/tasks/addition.yaml"]


def test_another_version_of_a_pinned_package_is_left_out_and_told(clone: Path, template: Path) -> None:
    own = edited("frontend/requirements.txt", "gradio==5.49.0\n", "gradio==5.40.0\n")
    own["frontend/requirements.txt"] += "lm_eval[math]==0.4.13\n"
    write(clone, own)
    done = upgrade(clone, template)
    new = NEW["frontend/requirements.txt"]
    assert read(clone, "frontend/requirements.txt") == f"{new}lm_eval[math]==0.4.13\n"
    assert (
        "frontend/requirements.txt pins these itself, so your lines are left out: gradio==5.40.0."
        in done.stdout
    )


def test_what_the_program_needs_is_the_templates_in_a_card_and_told(clone: Path, template: Path) -> None:
    own = CARD.replace("sdk: gradio\n", "sdk: docker\npython_version: 3.10\n")
    write(clone, {"frontend/README.md": own.replace("title: Leaderboard", "title: Capitals")})
    done = upgrade(clone, template)
    card = (NEW["frontend/README.md"] or "").replace("title: Leaderboard", "title: Capitals")
    assert read(clone, "frontend/README.md") == card
    assert "so your lines are left out: sdk: docker, python_version: 3.10." in done.stdout


def test_an_untouched_card_is_upgraded_without_a_word(clone: Path, template: Path) -> None:
    assert "README.md says itself" not in upgrade(clone, template).stdout


def test_settings_in_one_statement_are_told_one_by_one(clone: Path, template: Path) -> None:
    write(clone, {"frontend/src/envs.py": "REFRESH_RATE, QUOTA = 1, 9\n"})
    done = upgrade(clone, template)
    assert read(clone, "frontend/src/envs.py") == "REFRESH_RATE, QUOTA = 1, 9\nHOURS = 24\n"
    assert "1 new setting, at its default: HOURS." in done.stdout
    assert "The default of" not in done.stdout and "lacks" not in done.stdout


def test_a_whole_class_of_values_is_one_side_s(clone: Path, template: Path) -> None:
    """A merge line by line would put the template's new column between the owner's."""
    tasks = "class Tasks:\n    a = 1\n    b = 2\n    c = 3\n    d = 4\n"
    about = "frontend/src/about.py"
    write(template, {about: tasks})
    git(clone, "pull", "--quiet", "--rebase", "origin", "main")
    write(clone, {about: tasks.replace("a = 1", "a = 9")})
    write(template, {about: tasks + "    e = 5\n"})
    upgrade(clone, template)
    assert read(clone, about) == tasks.replace("a = 1", "a = 9")


def test_the_template_is_found_by_the_variable_or_in_envs_or_asked_for(
    clone: Path, template: Path, tmp_path: Path
) -> None:
    shutil.copytree(SCRIPT.parent / "upgrading", clone / "scripts" / "upgrading")
    shutil.copy(SCRIPT, clone / "scripts")
    write(clone, {})
    own = [sys.executable, "-B", str(clone / "scripts" / "upgrade.py"), "--dry-run"]

    def run(**variables: str) -> subprocess.CompletedProcess[str]:
        environment = without_git_settings() | variables
        return subprocess.run(
            own, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )

    assert "make upgrade TEMPLATE=https://…" in run().stderr
    assert f"from {template}" in run(TEMPLATE=str(template)).stdout
    write(clone, {"frontend/src/envs.py": f"TEMPLATE = {str(template)!r}\n"})
    assert f"from {template}" in run().stdout
    other = run(TEMPLATE=str(tmp_path / "nowhere"))
    assert other.returncode == 1 and "nowhere cannot be read. Check the address" in other.stderr


def test_make_upgrade_takes_the_template_and_the_options(clone: Path, template: Path) -> None:
    shutil.copytree(SCRIPT.parent, clone / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "Makefile", clone)
    write(clone, {".gitignore": "__pycache__/\n"})
    command = ["make", "upgrade", f"TEMPLATE={template}", "ARGS=--dry-run", f"PYTHON={sys.executable}"]
    done = subprocess.run(
        command, cwd=clone, env=without_git_settings(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert f"from {template}" in done.stdout and "nothing is changed" in done.stdout


def test_the_doctor_of_the_new_version_has_the_last_word(clone: Path, template: Path) -> None:
    write(template, {"Makefile": "doctor:\n\t@echo all is well; exit 1\n"})
    assert "all is well" not in upgrade(clone, template, "--dry-run").stdout
    done = upgrade(clone, template)
    assert done.stdout.endswith("all is well\n") and done.returncode != 0
    git(clone, "reset", "--quiet", "--hard", "old")
    assert upgrade(clone, template, "--no-doctor").returncode == 0


def test_no_password_of_an_address_is_told(clone: Path) -> None:
    done = upgrade(clone, "http://alice:secret@127.0.0.1:1/template.git")
    assert done.returncode == 1
    assert "http://127.0.0.1:1/template.git cannot be read" in done.stderr
    assert "secret" not in done.stdout + done.stderr


def test_no_option_is_taken_for_an_address(clone: Path, tmp_path: Path) -> None:
    done = upgrade(clone, "main", "--to=--upload-pack=touch x")
    assert done.returncode == 1 and "is no address" in done.stderr


def test_the_new_versions_own_upgrade_does_the_work(clone: Path, template: Path) -> None:
    program = "import sys\n\nprint('newer', sys.argv[-2:])\nsys.exit(7)\n"
    write(template, {"scripts/upgrade.py": program, "scripts/upgrading/__init__.py": ""})
    done = upgrade(clone, template)
    head = git(template, "rev-parse", "HEAD")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (7, f"newer ['--handed-over', '{head}']")


def test_an_upgrade_that_was_killed_while_it_wrote_files_is_finished(clone: Path, template: Path) -> None:
    write(clone, OWN)
    before = git(clone, "rev-parse", "HEAD")
    upgrade(clone, template)
    after = git(clone, "rev-parse", "HEAD")
    git(clone, "reset", "--quiet", "--hard", before)
    git(clone, "update-ref", "refs/leaderboard/upgrade", after)
    (clone / "frontend/src/case.py").unlink()
    (clone / "frontend/src/checks.py").write_text(git(clone, "show", f"{after}:frontend/src/checks.py")[:100])
    (clone / "docs/more.md").write_text("Mo")
    (clone / ".git" / "index.lock").touch()
    done = upgrade(clone, template)
    assert (done.returncode, git(clone, "rev-parse", "HEAD")) == (0, after)
    assert_upgraded(clone)


def test_a_lock_that_is_not_of_a_killed_upgrade_stays(clone: Path, template: Path) -> None:
    lock = clone / ".git" / "index.lock"
    lock.touch()
    done = upgrade(clone, template)
    assert done.returncode == 1 and "index.lock" in done.stderr
    assert lock.exists()


def test_two_upgrades_of_a_clone_do_not_run_at_once(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(applying, "PATIENCE_SECONDS", 0.0)
    with (
        applying.only_one(Clone(clone)),
        pytest.raises(CannotUpgrade, match="another upgrade of this clone runs"),
        applying.only_one(Clone(clone)),
    ):
        pytest.fail("both run")
    with applying.only_one(Clone(clone)):
        pass


def test_an_edit_after_a_kill_is_not_lost(clone: Path, template: Path) -> None:
    write(clone, OWN)
    before = git(clone, "rev-parse", "HEAD")
    upgrade(clone, template)
    after = git(clone, "rev-parse", "HEAD")
    git(clone, "reset", "--quiet", "--hard", before)
    git(clone, "update-ref", "refs/leaderboard/upgrade", after)
    (clone / "frontend/src/about.py").write_text("TITLE = 'Ours'\n")
    done = upgrade(clone, template)
    assert done.returncode == 1 and "edited since: frontend/src/about.py. Move them away" in done.stderr
    assert read(clone, "frontend/src/about.py") == "TITLE = 'Ours'\n"
    (clone / "frontend/src/about.py").rename(clone.parent / "about.py")
    assert upgrade(clone, template).returncode == 0
    assert_upgraded(clone)


def interrupted(clone: Path, template: Path) -> str:
    """Leave a clone as an upgrade that was killed before it wrote a file leaves it. Return the commit."""
    before = git(clone, "rev-parse", "HEAD")
    assert upgrade(clone, template).returncode == 0
    after = git(clone, "rev-parse", "HEAD")
    git(clone, "reset", "--quiet", "--hard", before)
    git(clone, "update-ref", "refs/leaderboard/upgrade", after)
    return after


@pytest.mark.parametrize("ignored", ["docs/more.md", "docs/"])
def test_a_file_that_git_ignores_is_not_overwritten(clone: Path, template: Path, ignored: str) -> None:
    write(clone, {**OWN, ".gitignore": f"{ignored}\n"})
    (clone / "docs/more.md").write_text("mine\n")
    head = git(clone, "rev-parse", "HEAD")
    for options in (["--dry-run"], []):
        done = upgrade(clone, template, *options)
        assert done.returncode == 1 and "in no commit: docs/more.md. Move yours away" in done.stderr
        assert read(clone, "docs/more.md") == "mine\n"
        assert (git(clone, "rev-parse", "HEAD"), git(clone, "for-each-ref", "refs/leaderboard")) == (head, "")
    (clone / "docs/more.md").unlink()
    assert upgrade(clone, template).returncode == 0
    assert_upgraded(clone)


@pytest.mark.parametrize("path", ["docs/more.md/mine.txt", "frontend/src/submitting"])
def test_a_folder_or_a_file_in_the_way_of_a_file_is_not_removed(
    clone: Path, template: Path, path: str
) -> None:
    write(clone, {".gitignore": f"/{path}\n"})
    (clone / path).parent.mkdir(exist_ok=True)
    (clone / path).write_text("mine\n")
    done = upgrade(clone, template)
    assert done.returncode == 1 and f"in no commit: {path}." in done.stderr
    assert read(clone, path) == "mine\n"


@pytest.mark.parametrize("path", ["docs/more.md", "docs/more.md/mine.txt"])
@pytest.mark.parametrize("is_ignored", [True, False])
def test_finishing_an_upgrade_overwrites_no_file_of_the_owners(
    clone: Path, template: Path, path: str, is_ignored: bool
) -> None:
    write(clone, {**OWN, ".gitignore": "docs/more.md\n" if is_ignored else "other\n"})
    after = interrupted(clone, template)
    (clone / path).parent.mkdir(exist_ok=True)
    (clone / path).write_text("mine\n")
    done = upgrade(clone, template)
    assert done.returncode == 1 and f"edited since: {path}. Move them away" in done.stderr
    assert read(clone, path) == "mine\n"
    (clone / path).rename(clone.parent / "mine.txt")
    done = upgrade(clone, template)
    assert (done.returncode, git(clone, "rev-parse", "HEAD")) == (0, after), done.stderr
    assert_upgraded(clone)


def test_finishing_an_upgrade_removes_no_folder_that_the_owner_put_for_a_file(
    clone: Path, template: Path
) -> None:
    write(clone, OWN)
    after = interrupted(clone, template)
    page = clone / "frontend/src/page.py"
    page.unlink()
    page.mkdir()
    (page / "mine.txt").write_text("mine\n")
    done = upgrade(clone, template)
    assert done.returncode == 1 and "edited since: frontend/src/page.py/mine.txt. Move" in done.stderr
    (page / "mine.txt").rename(clone.parent / "mine.txt")
    assert upgrade(clone, template).returncode == 0
    assert git(clone, "rev-parse", "HEAD") == after


def test_a_file_that_the_upgrade_does_not_have_is_no_obstacle_to_finishing_it(
    clone: Path, template: Path
) -> None:
    write(clone, OWN)
    after = interrupted(clone, template)
    (clone / "notes.txt").write_text("what I did\n")
    done = upgrade(clone, template)
    assert git(clone, "rev-parse", "HEAD") == after
    assert done.returncode == 1 and "edits that are in no commit: notes.txt" in done.stderr
    assert read(clone, "notes.txt") == "what I did\n"


def test_an_upgrade_that_git_refuses_leaves_nothing_to_finish(clone: Path, template: Path) -> None:
    write(clone, {**OWN, ".gitignore": "docs/more.md\n"})
    after = interrupted(clone, template)
    git(clone, "update-ref", "-d", "refs/leaderboard/upgrade")
    (clone / "docs/more.md").write_text("mine\n")
    with pytest.raises(CannotUpgrade, match=r"docs/more\.md"):
        applying.apply(Clone(clone), after)
    assert git(clone, "for-each-ref", "refs/leaderboard") == ""
    assert read(clone, "docs/more.md") == "mine\n"


def test_an_upgrade_that_git_stops_half_way_is_still_to_finish(clone: Path, template: Path) -> None:
    write(clone, OWN)
    after = interrupted(clone, template)
    git(clone, "update-ref", "-d", "refs/leaderboard/upgrade")
    (clone / "docs/more.md").write_text("Mo")
    with pytest.raises(CannotUpgrade):
        applying.apply(Clone(clone), after)
    assert git(clone, "rev-parse", "refs/leaderboard/upgrade") == after
    assert upgrade(clone, template).returncode == 0
    assert_upgraded(clone)


def test_a_clone_on_no_branch_is_told_how_to_get_onto_one(clone: Path, template: Path) -> None:
    git(clone, "checkout", "--quiet", "--detach")
    head = git(clone, "rev-parse", "HEAD")
    done = upgrade(clone, template)
    assert done.returncode == 1 and "git switch main" in done.stderr
    assert git(clone, "rev-parse", "HEAD") == head
    git(clone, "switch", "--quiet", "main")
    assert upgrade(clone, template).returncode == 0


KILLER = """#!/bin/sh
count=$(($(cat "$COUNT") + 1))
echo $count > "$COUNT"
"$REAL_GIT" "$@"
status=$?
[ $count -eq "$KILL_AFTER" ] && kill -9 $PPID
exit $status
"""


@pytest.mark.slow
def test_an_upgrade_killed_after_any_call_of_git_is_completed_by_the_next(
    clone: Path, template: Path, tmp_path: Path
) -> None:
    write(clone, OWN)
    before = git(clone, "rev-parse", "HEAD")
    real = shutil.which("git")
    assert real
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "git").write_text(KILLER)
    (tmp_path / "bin" / "git").chmod(0o755)
    count = tmp_path / "count"
    variables = {"COUNT": str(count), "REAL_GIT": real, "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}
    for calls in range(1, 1000):
        git(clone, "reset", "--quiet", "--hard", before)
        count.write_text("0")
        killed = upgrade(clone, template, KILL_AFTER=str(calls), **variables)
        if killed.returncode == 0:
            assert calls > 30
            return
        assert killed.returncode == -9
        done = upgrade(clone, template)
        assert done.returncode == 0, f"after call {calls}: {done.stderr}"
        assert_upgraded(clone)
    pytest.fail("it never ended")
