"""Whatever old about.py an owner pastes gives a page or one clear sentence."""

from types import ModuleType

import pytest

from src.columns import TAKEN
from src.page.texts import read_texts
from src.shared.errors import ConfigurationError
from src.tasks import Task, read_tasks
from support.boards import Leaderboard

HEAD = """
from dataclasses import dataclass
from enum import Enum

@dataclass
class Task:
    benchmark: str
    metric: str
    col_name: str

class Tasks(Enum):
"""
TEXTS = '''
NUM_FEWSHOT = 0 # Change with your few shot
TITLE = """<h1 align="center" id="space-title">Our <b>board</b></h1>"""
INTRODUCTION_TEXT = """
Intro text
"""
LLM_BENCHMARKS_TEXT = f"""
## How it works
"""
EVALUATION_QUEUE_TEXT = """
## Some good practices before submitting a model
"""
CITATION_BUTTON_LABEL = "Copy the following snippet to cite these results"
CITATION_BUTTON_TEXT = r"""
@misc{ours}
"""
'''
ANLI = '    task0 = Task("anli_r1", "acc", "ANLI")\n'


def pasted(tasks: str = ANLI, texts: str = TEXTS) -> ModuleType:
    """An old about.py as a module."""
    about = ModuleType("about")
    exec(compile(HEAD + tasks + texts, "src/about.py", "exec"), about.__dict__)
    return about


def page_of(leaderboard: Leaderboard, about: ModuleType) -> str:
    """All that the page says, as text."""
    leaderboard.keeper.sync()
    tasks = read_tasks(about.Tasks, taken=TAKEN)
    page = leaderboard.page(texts=read_texts(about), tasks=tasks)
    return f"{page.title} {page.config}"


def test_the_old_templates_own_about_gives_a_page_with_its_texts(leaderboard: Leaderboard) -> None:
    said = page_of(leaderboard, pasted())
    for text in ("Our board", "ANLI", "Intro text", "How it works", "Some good practices", "@misc{ours}"):
        assert text in said


def test_other_names_of_columns_tasks_without_results_and_sixteen_tasks_give_a_page(
    leaderboard: Leaderboard,
) -> None:
    leaderboard.add_result()
    members = "".join(
        f'    t{n} = Task("bench_{n}", "acc_norm,none", "Größe {n} ⬆️ | %")\n' for n in range(16)
    )
    said = page_of(leaderboard, pasted(members))
    assert all(f"Größe {number} ⬆️ | %" in said for number in range(16))


@pytest.mark.parametrize("name", sorted(TAKEN))
def test_a_column_with_the_name_of_another_one_is_one_sentence(name: str) -> None:
    about = pasted(f"    task0 = Task('anli_r1', 'acc', {name!r})\n")
    with pytest.raises(ConfigurationError, match="another column is already called") as error:
        read_tasks(about.Tasks, taken=TAKEN)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "name", ["TITLE", "INTRODUCTION_TEXT", "LLM_BENCHMARKS_TEXT", "EVALUATION_QUEUE_TEXT"]
)
def test_a_missing_text_is_one_sentence_with_what_to_write(name: str) -> None:
    about = pasted()
    delattr(about, name)
    with pytest.raises(ConfigurationError, match=f"src/about.py has no text {name}: write"):
        read_texts(about)


@pytest.mark.parametrize("name", ["CITATION_BUTTON_LABEL", "CITATION_BUTTON_TEXT"])
def test_a_missing_citation_is_one_sentence_with_what_to_write(name: str) -> None:
    about = pasted()
    delattr(about, name)
    with pytest.raises(ConfigurationError, match=f"src/about.py has no text {name}: write"):
        read_texts(about)


def test_the_owners_own_class_of_tasks_is_read_as_ours() -> None:
    assert read_tasks(pasted().Tasks) == (Task("anli_r1", "acc", "ANLI"),)
