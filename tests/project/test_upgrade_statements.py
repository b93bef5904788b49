"""The merge of Python files by their statements: every edit of the owner's survives, and so does ours."""

from __future__ import annotations

import ast
import random

import pytest

from support.old_envs import BACKEND, FRONTEND
from support.sources import ROOT
from support.upgrades import EDITS
from upgrading.lists import merge_elements
from upgrading.python_file import Conflict, read_module
from upgrading.statements import merge_statements

FILES = [
    *(
        ROOT / "frontend" / "src" / f"{name}.py"
        for name in ("about", "envs", "checks", "columns", "model_types")
    ),
    ROOT / "backend" / "src" / "envs.py",
]
CHANCES = 200


def merged(base: str, ours: str, new: str, *, ours_wins: bool = False) -> str:
    return merge_statements(base, ours, new, ours_wins=ours_wins)


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parts[-3]}-{file.stem}")
def test_a_file_that_one_side_left_alone_is_the_other_s(file: object) -> None:
    text = file.read_text(encoding="utf-8")  # type: ignore[attr-defined]
    assert merged(text, text, text) == text
    more = text.replace("\n\n\n", "\n\n\nADDED = 1\n\n\n", 1) if "\n\n\n" in text else text + "ADDED = 1\n"
    assert merged(text, text, more) == more
    assert ast.dump(ast.parse(merged(text, more, text))) == ast.dump(ast.parse(more))


@pytest.mark.parametrize("space", ["frontend", "backend"])
def test_values_of_an_early_file_are_kept_in_the_order_and_with_the_comments_of_ours(space: str) -> None:
    new = (ROOT / space / "src" / "envs.py").read_text(encoding="utf-8")
    own = (EDITS / "first" / space / "src" / "envs.py").read_text(encoding="utf-8")
    base = (
        own.replace("= 1\n", "= 30\n").replace("capitals, tiny", "addition, tiny").replace("= 2\n", "= 24\n")
    )
    text = merged(base, own, new, ours_wins=True)
    changed = [line for line in text.splitlines() if line not in new.splitlines()]
    expected = {
        "frontend": ["REFRESH_RATE = 1"],
        "backend": ['TASKS_HARNESS = "capitals, tiny_copy"', "MAX_HOURS = 2"],
    }
    assert changed == expected[space]
    assert text.count("\n") == new.count("\n")


def test_every_edit_of_a_file_of_values_survives_whatever_the_other_side_does() -> None:
    chance = random.Random(20)
    names = [f"N{number}" for number in range(8)]

    def lines(values: dict[str, int], note: str) -> str:
        return "".join(f"# {note} {name}\n{name} = {value}\n" for name, value in values.items())

    def edit(values: dict[str, int]) -> dict[str, int]:
        kept = {name: chance.choice([value, value, chance.randrange(100)]) for name, value in values.items()}
        for name in chance.sample(sorted(kept), chance.randrange(3)):
            del kept[name]
        items = [*kept.items(), *((f"NEW{chance.randrange(99)}", 7) for _ in range(chance.randrange(3)))]
        chance.shuffle(items)
        return dict(items)

    for _ in range(CHANCES):
        base = {name: chance.randrange(10) for name in names}
        ours, new = edit(base), edit(base)
        text = merged(lines(base, "old"), lines(ours, "old"), lines(new, "new"), ours_wins=True)
        values: dict[str, int] = {}
        exec(text, {}, values)
        for name, value in ours.items():
            if value != base.get(name):
                assert values[name] == value, text
        for name in base.keys() - ours.keys():
            assert name not in values
        for name, value in new.items():
            if (name not in ours and name not in base) or (name in ours and ours[name] == base.get(name)):
                assert values[name] == value, text


@pytest.mark.parametrize("text", [FRONTEND, BACKEND])
def test_an_envs_of_the_old_template_stays_what_it_is(text: str) -> None:
    ours = (ROOT / "backend" / "src" / "envs.py").read_text(encoding="utf-8")
    kept = merged(ours.replace("REFRESH_RATE = 60\n", ""), text, ours, ours_wins=True)
    assert [line for line in text.splitlines() if line not in kept.splitlines()] == []
    assert ast.unparse(ast.parse(kept)).splitlines()[:2] == ["import os", "from huggingface_hub import HfApi"]


def test_comments_above_and_below_that_the_owner_wrote_are_kept() -> None:
    base = "# One.\nA = 1\nB = 2\n"
    ours = "# Mine.\nA = 1\nB = 2\n# The end.\n"
    new = "# One, in other words.\nA = 5\nB = 2\nC = 3\n"
    assert merged(base, ours, new) == "# Mine.\nA = 5\nB = 2\nC = 3\n# The end.\n"


def test_lists_have_the_changes_of_both_sides() -> None:
    assert merge_elements(["a", "b", "c"], ["a", "x", "b"], ["n", "a", "b", "c", "m"]) == [
        "n",
        "a",
        "x",
        "b",
        "m",
    ]
    assert merge_elements(["a", "b"], ["b", "a"], ["a", "n", "b"]) == ["b", "a", "n"]
    assert merge_elements([], ["a"], ["b"]) == ["a", "b"]
    assert merge_elements(["a"], [], ["a", "b"]) == ["b"]


def test_a_list_with_comments_is_left_to_the_owner() -> None:
    with pytest.raises(Conflict):
        merged("A = [1]\n", "A = [1, 2]\n", "A = [\n    1,  # one\n    3,\n]\n")


def test_two_changes_of_one_function_are_a_conflict() -> None:
    with pytest.raises(Conflict):
        merged("def f():\n    return 1\n", "def f():\n    return 2\n", "def f():\n    return 3\n")


def test_what_the_owners_code_uses_comes_with_it() -> None:
    base = "import re\nfrom src.names import old\n\nLIMIT = 5\n\n\ndef ours():\n    return 1\n"
    ours = base + "\n\ndef mine():\n    return old(re.sub('a', 'b', str(LIMIT)))\n"
    new = "\n\ndef ours():\n    return 1\n"
    text = merged(base, ours, new)
    assert "import re\nfrom src.names import old\n" in text and "LIMIT = 5\n" in text
    assert text.index("LIMIT") < text.index("mine")
    assert "import" not in merged(base, base, new)


def test_a_check_that_the_owner_took_out_stays_out_unless_ours_needs_it() -> None:
    base = "def a():\n    pass\n\n\ndef b():\n    pass\n\n\nCHECKS = [a, b]\n"
    ours = "def a():\n    pass\n\n\nCHECKS = [a]\n"
    assert "def b" not in merged(base, ours, base + "LAST = 1\n")
    assert "def b" in merged(base, ours, base + "LAST = b()\n")


@pytest.mark.parametrize("text", ["A = 1; B = 2\n", "A = (\n", "\0", "A = 1\r\n"])
def test_what_cannot_be_taken_apart_is_a_conflict(text: str) -> None:
    with pytest.raises(Conflict):
        read_module(text)


@pytest.mark.parametrize("letter", ["\u2028", "\x0c", "\x85", "\x1c"])
def test_letters_that_look_like_the_end_of_a_line_move_nothing(letter: str) -> None:
    base = f'TEXT = """a{letter}b"""\nA = 1\nB = 2\n'
    assert merged(base, base.replace("A = 1", "A = 5"), base.replace("B = 2", "B = 6"), ours_wins=True) == (
        f'TEXT = """a{letter}b"""\nA = 5\nB = 6\n'
    )


def test_letters_of_more_than_one_byte_move_no_list() -> None:
    text = 'A: "list[str]" = ["⬆️", "b"]\n'
    assert merged(text, text.replace('"b"', '"b", "🏅"'), text.replace('"b"', '"b", "c"')) == (
        "A: \"list[str]\" = ['⬆️', 'b', '🏅', 'c']\n"
    )


ONE_BY_ONE, TOGETHER = "A = 1\nB = 2\nC = 3\n", "A, B = 1, 2\nC = 3\n"


@pytest.mark.parametrize(
    ("base", "ours", "new"),
    [
        (TOGETHER, "A, B = 5, 2\nC = 3\n", ONE_BY_ONE),
        (ONE_BY_ONE, "A, B = 5, 2\nC = 3\n", ONE_BY_ONE),
        (ONE_BY_ONE, "A, B = 5, 2\nC = 3\n", ONE_BY_ONE + "D = A + B\n"),
        (TOGETHER, "A = 5\nB = 2\nC = 3\n", TOGETHER),
        (TOGETHER, "A = 5\nB = 2\nC = 3\n", TOGETHER.replace("C", "B, C").replace("= 3", "= 2, 3")),
        (ONE_BY_ONE, "A = 5\nB = 2\nC = 3\n", TOGETHER),
        (TOGETHER, "[A, *B] = 5, 2\nB = B[0]\nC = 3\n", ONE_BY_ONE),
    ],
)
def test_a_value_survives_however_names_are_put_together(base: str, ours: str, new: str) -> None:
    values: dict[str, int] = {}
    text = merged(base, ours, new, ours_wins=True)
    exec(text, {}, values)
    assert (values["A"], values["B"], values["C"]) == (5, 2, 3), text


def test_names_that_only_the_template_put_together_are_as_the_template_has_them() -> None:
    assert merged(ONE_BY_ONE, ONE_BY_ONE, TOGETHER) == TOGETHER
    assert merged(ONE_BY_ONE, ONE_BY_ONE.replace("3", "4"), TOGETHER) == TOGETHER.replace("3", "4")


def test_two_changes_of_names_that_one_side_put_together_are_a_conflict() -> None:
    with pytest.raises(Conflict):
        merged(ONE_BY_ONE, "A, B = 5, 2\nC = 3\n", ONE_BY_ONE.replace("2", "7"))


def test_a_name_that_the_owner_took_out_of_several_is_missed_by_nothing() -> None:
    assert merged(TOGETHER, "A = 5\nC = 3\n", TOGETHER, ours_wins=True) == "A = 5\nC = 3\n"
    with pytest.raises(Conflict):
        merged(TOGETHER, "A = 5\nC = 3\n", TOGETHER + "D = B\n", ours_wins=True)


def test_a_list_that_the_owner_makes_longer_below_it_is_merged_as_a_list() -> None:
    ours, new = "A = [1]\nA += [2]\n", "A = [1, 3]\n"
    assert merged("A = [1]\n", ours, new) == "A = [1, 3]\nA += [2]\n"


def test_a_name_inside_of_a_comprehension_is_none_that_is_defined() -> None:
    base = "A = [n for n in (1, 2)]\nB = [n for n in (3, 4)]\n"
    ours, new = base.replace("1, 2", "5, 6"), base.replace("n for n in (3", "m for m in (3")
    assert merged(base, ours, new) == "A = [n for n in (5, 6)]\nB = [m for m in (3, 4)]\n"
    assert read_module("A = [n for n in (1, 2)]\nif A:\n    def f():\n        x = 1\n").defined == {"A", "f"}


IMPORTS = '"""A file."""\n\nimport os\nfrom src.a import b\n\nA = 1\n'


def test_comments_above_and_behind_imports_that_the_owner_wrote_are_kept() -> None:
    ours = IMPORTS.replace(
        "import os\n", "# Ours: the paths.\nimport os  # noqa\n# Mine.\nimport re  # too\n"
    )
    new = IMPORTS.replace("A = 1", "A = 2").replace("import os", "import json\nimport os")
    assert merged(IMPORTS, ours, new, ours_wins=True) == (
        '"""A file."""\n\nimport json\n# Ours: the paths.\nimport os  # noqa\nfrom src.a import b\n# Mine.\n'
        "import re  # too\n\nA = 2\n"
    ).replace("import json\n# Ours", "import json\n\n# Ours")


def test_a_comment_above_an_import_that_the_template_writes_otherwise_is_kept() -> None:
    ours = IMPORTS.replace("from src.a", "# Ours: b.\nfrom src.a")
    new = IMPORTS.replace("import b", "import b, c")
    assert "# Ours: b.\nfrom src.a import b, c\n" in merged(IMPORTS, ours, new)
    assert "# Ours: b.\n" in merged(IMPORTS, ours, IMPORTS.replace("from src.a import b\n", ""))


def test_a_licence_above_the_docstring_stays_above_it() -> None:
    licence = "# Copyright of ours.\n# All of it.\n\n"
    new = IMPORTS.replace("A file", "This file").replace("A = 1", "A = 2")
    text = merged(IMPORTS, licence + IMPORTS, new)
    assert text == licence + new
    assert ast.get_docstring(ast.parse(text)) == "This file."
    without = IMPORTS.replace('"""A file."""\n\n', "")
    assert merged(without, licence + without, without + "B = 2\n") == licence + without + "B = 2\n"
