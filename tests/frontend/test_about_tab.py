"""The About tab: the tests are described from what the backend says."""

from dataclasses import replace
from typing import Any

import gradio as gr

from src.leaderboard.scoring import Evidence, column_of
from src.page.about_tab import NOTHING_FOUND, NOTHING_YET, AboutTab
from src.page.suite import suite
from src.shared.data.backend_description import Example
from src.tasks import Task
from support.boards import TASKS, TEXTS, Leaderboard
from support.factories import make_backend, make_task
from support.page_tabs import HOSTILE, fill, is_harmless


def suite_of(*tasks: Task, num_fewshot: int | None = None, **backend: Any) -> str:
    described = make_backend(**backend) if backend else None
    columns = [column_of(Evidence(task, (), described)) for task in tasks or TASKS]
    return str(suite(columns, described, num_fewshot=num_fewshot))


def test_the_tests_are_described_from_what_the_backend_says() -> None:
    task = make_task(
        "arc_challenge",
        kind="multiple_choice",
        num_fewshot=25,
        version="1.0",
        questions=1172,
        random_baseline=0.25,
        datasets=("allenai/ai2_arc",),
        file="lm_eval/tasks/arc/arc_challenge.yaml",
    )
    html = suite_of(Task("arc_challenge", "acc", "ARC"), tasks=(task,))
    for cell in (">ARC</a></b>", "acc, higher is better", "1,172", "<td>25</td>", "25.00", "1.0"):
        assert cell in html
    address = "https://github.com/EleutherAI/lm-evaluation-harness/blob/v0.4.13/lm_eval/tasks/arc/"
    assert f'href="{address}arc_challenge.yaml"' in html
    assert 'href="https://huggingface.co/datasets/allenai/ai2_arc"' in html
    home = "https://github.com/EleutherAI/lm-evaluation-harness/tree/v0.4.13"
    assert f'<a href="{home}" target="_blank" rel="noopener">lm_eval 0.4.13</a> (transformers 5.23.0)' in html
    assert "all questions" in html
    assert "only part of the questions (20)" in suite_of(limit=20.0)


def test_what_about_py_says_is_shown_while_the_backend_says_nothing() -> None:
    html = suite_of(Task("anli_r1", "acc", "ANLI", random_baseline=1 / 3), num_fewshot=5)
    for cell in (">ANLI</a></b>", "anli_r1", "acc, higher is better", "<td>5</td>", "33.33"):
        assert cell in html
    assert "The backend has not reported yet what it runs" in html
    assert "Questions" not in html


def test_a_group_says_how_many_tasks_it_has() -> None:
    task = make_task("mmlu", subtasks=57, parts=("mmlu_law",))
    assert "57 tasks" in suite_of(Task("mmlu", "acc", "MMLU"), tasks=(task,))
    assert "14,042 in 57 tasks" in suite_of(
        Task("mmlu", "acc", "MMLU"), tasks=(replace(task, questions=14042),)
    )


def test_hostile_texts_stay_text_in_the_tests() -> None:
    texts = ("kind", "version", "file")
    task = make_task("tiny_copy", **dict.fromkeys(texts, HOSTILE), datasets=(HOSTILE, f"http://{HOSTILE}"))
    file = replace(task, name="tiny_addition", file=f"lm_eval/tasks/{HOSTILE}")
    html = suite_of(tasks=(task, file), versions={HOSTILE: HOSTILE}, device=HOSTILE, batch_size=HOSTILE)
    assert is_harmless(html)
    assert 'href="javascript' not in html


def test_a_question_that_the_backend_publishes_is_shown_once_for_its_task() -> None:
    task = make_task("arc_challenge", example=Example(question="2 < 3 is\ntrue or false?", answer="true"))
    columns = (Task("arc_challenge", "acc", "ARC"), Task("arc_challenge", "acc_norm", "ARC norm"))
    html = suite_of(*columns, tasks=(task,))
    assert html.count("<summary>A question from <code>arc_challenge</code></summary>") == 1
    assert "<pre>2 &lt; 3 is\ntrue or false?</pre>" in html
    assert "Correct answer: <code>true</code>" in html
    assert "<details" not in suite_of(*columns, tasks=(replace(task, example=None),))


def test_a_hostile_question_stays_text() -> None:
    task = make_task("tiny_copy", example=Example(question=HOSTILE, answer=HOSTILE))
    html = suite_of(Task("tiny_copy", "exact_match", "Copy"), tasks=(task,))
    assert "<details" in html
    assert is_harmless(html)


def test_the_about_tab_follows_the_board_and_the_search(leaderboard: Leaderboard) -> None:
    fill(leaderboard)
    with gr.Blocks():
        tab = AboutTab(leaderboard.keeper, TEXTS, num_fewshot=None)
    updates = tab.follow(leaderboard.keeper.now, "")
    assert "tiny_addition" in updates[tab.suite]
    assert updates[tab.commands].startswith("# acme/tiny, float32, Original, commit 01234567, evaluated 2026")
    assert "--tasks tiny_addition,tiny_agreement,tiny_copy" in updates[tab.commands]
    assert tab.follow(leaderboard.keeper.now, "nobody")[tab.commands] == NOTHING_FOUND


def test_an_empty_leaderboard_has_nothing_to_compute_again(leaderboard: Leaderboard) -> None:
    with gr.Blocks():
        tab = AboutTab(leaderboard.keeper, TEXTS, num_fewshot=None)
    assert tab.follow(leaderboard.keeper.now, "")[tab.commands] == NOTHING_YET
