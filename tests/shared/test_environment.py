"""A setting is a variable, or in the owner's envs.py, or as usual; a mistake is one sentence."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated, Any

import pytest
from pydantic import Field

from src.settings import Settings
from src.shared.environment import Port, Positive, as_written, owners_file, read_settings
from src.shared.errors import ConfigurationError


@dataclass(frozen=True)
class Example:
    name: str | None = None
    batch: str = "auto"
    count: int = 5
    share: float = 0.5
    limit: Positive | None = None
    port: Port = 7860
    is_open: bool | None = None


def read(file: dict[str, Any] | None = None, **variables: str) -> Example:
    return read_settings(Example, SimpleNamespace(**file or {}), variables)  # type: ignore[arg-type]


@pytest.fixture
def mistake_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """What is said of an owner's file `mine.py` that holds a text and cannot be imported."""

    def say(text: str) -> str:
        (tmp_path / "mine.py").write_text(text)
        monkeypatch.syspath_prepend(tmp_path)
        with pytest.raises(ConfigurationError) as error:
            owners_file("mine")
        return str(error.value)

    return say


@pytest.mark.parametrize("text", ["", "  "])
def test_a_variable_that_is_empty_counts_as_not_set(text: str) -> None:
    assert read({"COUNT": 7}, COUNT=text, NAME=text) == Example(count=7)


def test_a_variable_comes_before_the_file_and_the_file_before_the_default() -> None:
    assert read({"NAME": "file", "COUNT": 7}, NAME="variable") == Example(name="variable", count=7)


def test_what_is_set_is_told_as_it_was_written() -> None:
    file = SimpleNamespace(BATCH="8", SHARE=0.5, NAME=None)
    given = as_written(Example, file, {"COUNT": " 7 ", "OTHER": "x"})  # type: ignore[arg-type]
    assert given == {"BATCH": "8", "SHARE": 0.5, "COUNT": "7"}


def test_a_file_without_the_names_has_the_defaults() -> None:
    assert read({"TOKEN": "hf_x", "API": object()}) == Example()
    assert read({"COUNT": None}) == Example()


@dataclass(frozen=True)
class Datasets:
    owner: str | None = None
    queue_repo: str | None = None
    hf_token: str | None = None


def test_the_datasets_of_an_old_file_follow_another_owner() -> None:
    file = SimpleNamespace(OWNER="old", QUEUE_REPO="old/requests", TOKEN="hf_old")
    read = partial(read_settings, Datasets, file)  # type: ignore[arg-type]
    assert read({}) == Datasets("old", "old/requests", "hf_old")
    assert read({"OWNER": "new", "HF_TOKEN": "hf_new"}) == Datasets("new", "new/requests", "hf_new")
    assert read({"OWNER": "new", "QUEUE_REPO": "x/y"}) == Datasets("new", "x/y", "hf_old")


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("NAME", " acme ", "acme"),
        ("COUNT", "0", 0),
        ("SHARE", "7", 7.0),
        ("SHARE", "1e-3", 0.001),
        ("LIMIT", "20", 20.0),
        ("IS_OPEN", "true", True),
        ("IS_OPEN", "False", False),
        ("IS_OPEN", "NO", False),
        ("IS_OPEN", "1", True),
    ],
)
def test_a_variable_is_read_as_a_value_of_its_settings_type(name: str, text: str, value: object) -> None:
    found = getattr(read(**{name: text}), name.lower())
    assert (found, type(found)) == (value, type(value))


def test_a_number_in_the_file_may_stand_where_a_text_is_needed() -> None:
    assert read({"BATCH": 8, "SHARE": 1}) == Example(batch="8", share=1.0)


@dataclass
class Named:
    place: Annotated[str, Field(max_length=5), "a name, such as `acme`,"] = ""


def test_what_is_wanted_may_end_with_a_comma_for_the_sentence() -> None:
    with pytest.raises(ConfigurationError, match="`acme`, is needed: write a name, such as `acme`, or leave"):
        read_settings(Named, environment={"PLACE": "too long"})


@pytest.mark.parametrize(
    ("name", "text", "wanted"),
    [
        ("COUNT", "many", "a whole number"),
        ("COUNT", "0.5", "a whole number"),
        ("SHARE", "x", "a number"),
        ("SHARE", "nan", "a number"),
        ("LIMIT", "0", "a number above 0"),
        ("LIMIT", "inf", "a number above 0"),
        ("PORT", "70000", "a whole number up to 65535"),
        ("IS_OPEN", "2", "true or false"),
    ],
)
def test_a_variable_of_the_wrong_type_is_told_in_a_sentence(name: str, text: str, wanted: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        read(**{name: text})
    assert str(error.value) == (
        f"{name} is {text!r}, where {wanted} is needed: write {wanted}, or leave it unset."
    )


def test_a_value_of_the_wrong_type_in_the_file_is_told_with_the_file() -> None:
    with pytest.raises(ConfigurationError) as error:
        read({"NAME": ["acme"]})
    assert str(error.value) == (
        "NAME in src/envs.py is ['acme'], where a text is needed: write a text, or remove the line."
    )


def test_the_defaults_in_the_shipped_file_are_those_of_a_file_without_them() -> None:
    envs = owners_file("src.envs")
    assert read_settings(Settings, envs, {}) == Settings()
    for field in ("owner", "refresh_rate", "gradio_server_port"):
        assert hasattr(envs, field.upper())


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("A = 1\nB = ,\n", "line 2: SyntaxError: invalid syntax"),
        ("A = 1\n\nB = C\n", "line 3: NameError: name 'C' is not defined"),
        (
            "import a_package_of_nobody\n",
            "line 1: ModuleNotFoundError: No module named 'a_package_of_nobody'",
        ),
        ("def f():\n    return [][1]\n\nf()\n", "line 4: IndexError: list index out of range"),
        ("class Tasks:\n    one = 1\n    two = A\n", "line 3: NameError: name 'A' is not defined"),
        ("class A:\n    class B:\n        one = 1\n        two = 1 + ''\n", "line 4: TypeError: unsupported"),
        ("def f():\n    return [][1]\n\nclass A:\n    b = f()\n", "line 5: IndexError: list index out"),
        (
            "from enum import Enum\n\nclass Tasks(Enum):\n    a = 1\n    a = 2\n",
            "line 5: TypeError: 'a' already defined as 1",
        ),
    ],
)
def test_a_mistake_in_an_owners_file_is_one_sentence_with_the_line(
    mistake_in: Callable[[str], str], text: str, sentence: str
) -> None:
    said = mistake_in(text)
    assert said.startswith(f"mine.py, {sentence}")
    assert "\n" not in said


def test_a_mistake_in_a_file_that_the_owners_file_imports_is_told_there(
    mistake_in: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "our_texts.py").write_text("TITLE = (\n")
    monkeypatch.chdir(tmp_path)
    said = mistake_in("A = 1\nfrom our_texts import TITLE\n")
    assert said == "our_texts.py, line 1: SyntaxError: '(' was never closed. Correct this line."


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("A = 1\nB = eval('1+')\n", "line 2: SyntaxError: invalid syntax. Correct this line."),
        ("import sys\nsys.exit(3)\n", "line 2: SystemExit: 3. Correct this line."),
        ("import sys\nsys.exit()\n", "line 2: SystemExit. Correct this line."),
    ],
)
def test_a_mistake_that_lies_in_no_other_file_is_told_with_the_line_that_makes_it(
    mistake_in: Callable[[str], str], text: str, sentence: str
) -> None:
    assert mistake_in(text) == f"mine.py, {sentence}"


@pytest.mark.parametrize("text", ["", "  ", "\n"])
def test_an_empty_text_in_the_file_counts_as_not_set(text: str) -> None:
    assert read({"NAME": text, "BATCH": text, "LIMIT": text}) == Example()
    file = SimpleNamespace(OWNER="acme", HF_TOKEN=text, TOKEN="hf_old")
    assert read_settings(Datasets, file, {}) == Datasets("acme", None, "hf_old")  # type: ignore[arg-type]
    assert read_settings(Datasets, SimpleNamespace(TOKEN=text), {}) == Datasets()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "line", "remedy"),
    [
        ("from src.display.utils import ModelType\n", 1, "This module belongs to the old template"),
        ("import os\nimport src.leaderboard.read_evals as r\n", 2, "This module belongs to the old template"),
        ("from src.envs import QUEUE\n", 1, "src/envs.py has no such name: write the value itself"),
        ("from src.utils import styled_error\n", 1, "This module belongs to the old template"),
        (
            "from src import envs\nP = envs.CACHE_PATH\n",
            2,
            "src/envs.py has no such name: write the value itself",
        ),
        (
            "def Repository(name):\n    1 / 0\n\nR = Repository('a')\n",
            4,
            "Remove this line: the Space reads and",
        ),
        ('T = 1\nTITLE = open("title.html").read()\n', 2, "put it into the folder src and open it with"),
        ('from pathlib import Path\nT = Path("t.md").read_text()\n', 2, "put it into the folder src"),
        (
            "def login():\n    raise RuntimeError('no token')\n\nlogin()\n",
            4,
            "Remove this line: the Space signs in",
        ),
        ("def login(token):\n    input()\n\nlogin(token=None)\n", 4, "Remove this line: the Space signs in"),
        (
            "def Task(name):\n    pass\n\nTask('a', num_questions=200)\n",
            4,
            "Write weight for num_questions, in_average for in_overall,",
        ),
        ("x = 24h\n", 1, "SyntaxError: invalid decimal literal. Correct this line."),
        ("raise RuntimeError('a\\nb')\n", 1, "RuntimeError: a b. Correct this line."),
        ("x = 1 / 0\n", 1, "Correct this line."),
    ],
)
def test_what_old_files_do_is_told_with_what_to_do(
    mistake_in: Callable[[str], str], text: str, line: int, remedy: str
) -> None:
    said = mistake_in(text)
    assert said.startswith(f"mine.py, line {line}: ")
    assert remedy in said
    assert "\n" not in said


@pytest.mark.parametrize("name", ["ANONYMOUS_SUBMISSION", "ANONYMOUS_SUBMISIONS", "anonymous_submissions"])
def test_a_misspelt_setting_is_told_with_what_was_meant(name: str, caplog: pytest.LogCaptureFixture) -> None:
    read_settings(Settings, None, {name: "true"})
    assert f"{name} is not a setting, so it has no effect. Did you mean ANONYMOUS_SUBMISSIONS?" in caplog.text


def test_a_misspelt_setting_in_the_file_is_told_too(caplog: pytest.LogCaptureFixture) -> None:
    read_settings(Settings, SimpleNamespace(RATE_LIMIT_QOUTA=3), {})  # type: ignore[arg-type]
    assert "Did you mean RATE_LIMIT_QUOTA?" in caplog.text


def test_what_machines_and_old_files_set_is_no_misspelt_setting(caplog: pytest.LogCaptureFixture) -> None:
    of_a_space = "SPACE_TITLE SPACE_REPO_NAME SPACE_SUBDOMAIN SPACE_CREATOR_USER_ID CPU_CORES MEMORY HF_HOME"
    of_machines = "HOME USER PATH SYSTEMD_EXEC_PID HF_ENDPOINT HF_TOKEN_PATH OAUTH_SCOPE_LIST GRADIO_SERVER"
    of_the_backend = "TASKS_DIR MAX_PARALLEL MAX_HOURS MAX_MODEL_GB QUEUE_ORDER WORKER_ID LEASE_MINUTES"
    of_the_old_template = "TOKEN REPO_ID CACHE_PATH EVAL_REQUESTS_PATH API TASKS_LIGHTEVAL ACCELERATOR"
    names = f"{of_a_space} {of_machines} {of_the_backend} {of_the_old_template}".split()
    read_settings(
        Settings, SimpleNamespace(**dict.fromkeys(names, "x"), owner="x"), dict.fromkeys(names, "x")
    )  # type: ignore[arg-type]
    assert not caplog.records
