"""The documentation names what the code has: every environment variable, every field of a request file."""

import re
from pathlib import Path

import pytest

from support.sources import ROOT, Found, Source, sources

READ_BY_LIBRARIES = {"HF_ENDPOINT", "HF_HOME"}

LINK = r"""(?:\]\(|src=")(?!https?:|mailto:|#)([^)"#\s]+)"""


def text_of(document: str) -> str:
    return (ROOT / document).read_text(encoding="utf-8")


def variables_in_tables(text: str) -> set[str]:
    """The names in capitals in the first column of a Markdown file's tables."""
    first_cells = re.findall(r"^\|([^|]*)\|", text, re.MULTILINE)
    return {name for cell in first_cells for name in re.findall(r"`([A-Z][A-Z0-9_]+)`", cell)}


def variables_read() -> list[Found]:
    return [found for file in sources() for found in file.variables()]


def test_every_environment_variable_that_is_read_is_in_the_docs() -> None:
    documented = variables_in_tables(text_of("docs/configuration.md"))
    missing = [f"{place} reads {name}" for name, place in variables_read() if name not in documented]
    assert not missing, "Not in a table of docs/configuration.md:\n" + "\n".join(missing)


def test_every_environment_variable_in_the_docs_is_read() -> None:
    documented = variables_in_tables(text_of("docs/configuration.md"))
    unread = documented - {name for name, _ in variables_read()} - READ_BY_LIBRARIES
    assert not unread, f"docs/configuration.md names what nothing reads: {sorted(unread)}"


@pytest.mark.parametrize("class_name", ["Request", "Lease", "Progress", "Attempt"])
def test_every_field_of_a_request_file_is_in_the_docs(class_name: str) -> None:
    fields = Source(ROOT, Path("frontend/src/shared/data/request.py")).fields(class_name)
    assert fields, f"frontend/src/shared/data/request.py has no dataclass {class_name}"
    text = text_of("docs/data-format.md")
    # `extra` is no key of the file: it holds the keys that we do not know.
    missing = [f"{place}: {name}" for name, place in fields if name != "extra" and f"`{name}`" not in text]
    assert not missing, "Not in docs/data-format.md:\n" + "\n".join(missing)


@pytest.mark.parametrize("class_name", ["BackendDescription", "TaskDescription", "Metric"])
def test_every_field_of_the_backends_description_is_in_the_docs(class_name: str) -> None:
    fields = Source(ROOT, Path("frontend/src/shared/data/backend_description.py")).fields(class_name)
    assert fields, f"frontend/src/shared/data/backend_description.py has no dataclass {class_name}"
    text = text_of("docs/data-format.md").partition("## What a backend runs")[2]
    missing = [f"{place}: {name}" for name, place in fields if f"`{name}`" not in text]
    assert not missing, "Not in docs/data-format.md:\n" + "\n".join(missing)


def test_every_column_of_an_index_is_in_the_docs() -> None:
    text = text_of("docs/data-format.md").partition("## The index")[2].partition("\n## ")[0]
    code = text_of("frontend/src/shared/index/indexes.py") + text_of("frontend/src/shared/index/index.py")
    columns = {*re.findall(r'Column\("(\w+)"', code), "path", "blob", "parsed"}
    assert len(columns) > 15
    assert not {name for name in columns if f"`{name}`" not in text}, "Not in docs/data-format.md"


def test_every_setting_that_owners_are_told_of_exists() -> None:
    known = {name for name, _ in variables_read()}
    for document in ("docs/your-own.md", "docs/submitters.md", "frontend/README.md", "backend/README.md"):
        named = set(re.findall(r"`([A-Z]+_[A-Z0-9_]+)", text_of(document)))
        assert named <= known, f"{document} names {sorted(named - known)}"


def test_the_frontend_space_has_the_login_that_the_docs_speak_of() -> None:
    head = text_of("frontend/README.md").split("---\n")[1]
    assert "\nhf_oauth: true\n" in head
    assert "hf_oauth" not in text_of("backend/README.md")


def test_an_existing_card_gets_the_lines_of_a_new_one() -> None:
    cards = text_of("frontend/src/shared/data/cards.py")
    [lines] = re.findall(r"```yaml\n(configs:.*?)```", text_of("docs/data-format.md"), re.DOTALL)
    assert lines in cards
    assert lines.replace("results", "requests") in cards


def test_every_link_in_the_docs_leads_to_a_file() -> None:
    documents = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("*/README.md")]
    broken = [
        f"{document.relative_to(ROOT)}: {target}"
        for document in documents
        for target in re.findall(LINK, document.read_text(encoding="utf-8"))
        if not (document.parent / target).exists() and not target.startswith("files/")  # served by a Space
    ]
    assert not broken, "\n".join(broken)


def files_named(text: str) -> set[str]:
    """The files and folders of the two Spaces that a text names in full; capitals stand for another name."""
    return set(re.findall(r"`((?:frontend|backend)/[a-z_./]*(?:README)?[a-z_./]*)`", text))


@pytest.mark.parametrize("document", sorted(path.name for path in (ROOT / "docs").glob("*.md")))
def test_every_file_that_the_docs_name_exists(document: str) -> None:
    missing = [name for name in files_named(text_of(f"docs/{document}")) if not (ROOT / name).exists()]
    assert not missing, f"docs/{document} names {missing}"


def test_what_can_be_customised_is_where_the_docs_say() -> None:
    first_table = text_of("docs/customise.md").partition("\n## ")[0]
    places = re.findall(r"((?:`\w+`(?:, | and )?)+) in `([\w/]+\.py)`", first_table)
    told = [(name, file) for names, file in places for name in re.findall(r"`(\w+)`", names)]
    assert len(told) >= 12
    missing = [
        f"{file}: {name}"
        for name, file in told
        if not re.search(rf"^(class )?{name}\b( = |: .* = |\()", text_of(file), re.MULTILINE)
    ]
    assert not missing, "Not where docs/customise.md says:\n" + "\n".join(missing)


def test_variables_are_found_however_they_are_read(tmp_path: Path) -> None:
    (tmp_path / "backend").mkdir()
    (tmp_path / "backend/app.py").write_text(
        "class Settings:\n    a: int = 1\n\n"
        'B = os.environ["B"]\nC = os.environ.get("C")\nos.environ["NOT_READ"] = "1"\n'
    )
    [file] = sources(tmp_path)
    assert [(name, place) for name, place in file.variables()] == [
        ("A", "backend/app.py:2"),
        ("B", "backend/app.py:4"),
        ("C", "backend/app.py:5"),
    ]
