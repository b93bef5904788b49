"""How models are run is said in words: on the About tab by the backend, on a model's page by its results."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from src.board.board import Board
from src.leaderboard.engines import ENGINES
from src.leaderboard.rescoring import AS_PUBLISHED
from src.leaderboard.scoring import TaskColumn
from src.page.details.links import DetailsLinks
from src.page.details.model import ModelPage
from src.page.details.provenance import provenance
from src.page.links import Links
from src.page.notices import where_models_run
from src.page.run_settings import LONGEST_QUOTED, told_settings
from src.page.suite import suite
from src.shared.data.provenance import Cost, Imported, Provenance, Samples, Served
from src.shared.data.result import Result
from src.shared.data.run_settings import RunConditions, RunSettings
from src.tasks import Task
from support.boards import NO_LINKS, make_result
from support.details import STORE, board_of
from support.factories import COMMIT, make_backend, make_task
from support.hostile_html import HOSTILE


def told(**settings: Any) -> list[str]:
    return [each.sentence for each in told_settings(make_backend(settings=settings))]


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"gen_kwargs": {"top_p": 0.6, "until": ["a", "b"]}}, "Models write with top_p=0.6, until=a, b."),
        ({"enable_thinking": False}, "Where a model's chat template knows thinking, it is switched off."),
        ({"enable_thinking": True}, "Where a model's chat template knows thinking, it is switched on."),
        ({"think_end_token": "</think>"}, "What a model writes before </think> is not part of its answer."),
        ({"chat_template_name": "short"},
         "Of a model's several chat templates, the one named short is used."),
        ({"fewshot_as_multiturn": False}, "The examples and the question are one turn of the conversation."),
        ({"fewshot_as_multiturn": True}, "The examples are earlier turns of the conversation."),
        ({"max_length": 2048}, "A model reads at most 2,048 tokens at once."),
        ({"seeds": [1, 2, 3, None]},
         "The seeds of Python, NumPy, PyTorch and the choice of examples are 1, 2, 3, none."),
        ({"metadata": {"lengths": [1]}}, "The tasks make their questions with lengths=1."),
        ({"model_args": {"add_bos_token": True}}, "Models are loaded with add_bos_token=true."),
        ({"bootstrap_iters": 1000}, "Standard errors without a formula come from 1,000 resamples."),
        ({"later": {"a": 1}}, "later: a=1."),
        ({"inference": "endpoint"},
         "Models run on Inference Endpoints of the Hub, each made for one evaluation."),
        ({"inference": "server"}, "Models run on a server that the leaderboard's owner keeps."),
        ({"inference": ["moon"]}, "Models run on moon."),
        ({"inference_api": "completions"}, "They continue the prompts as the leaderboard wrote them."),
        ({"inference_api": "chat"},
         "They are asked in conversations, so the chat template is always used."),
        ({"inference_api": {"a": 1}}, "They are asked through a=1."),
    ],
)  # fmt: skip
def test_each_setting_of_the_backend_is_a_sentence(settings: dict[str, Any], sentence: str) -> None:
    assert told(**settings) == [sentence]


def test_the_system_instruction_is_quoted_and_bounded() -> None:
    [short] = told_settings(make_backend(settings={"system_instruction": "Be short."}))
    assert short == ("Every prompt begins with this system instruction:", "Be short.")
    [long] = told_settings(make_backend(settings={"system_instruction": "x" * 20_000}))
    assert len(long.quoted) == LONGEST_QUOTED + 1
    assert len(told(gen_kwargs={"until": "x" * 20_000})[0]) < 600


def about(**backend: Any) -> str:
    column = TaskColumn(Task("tiny_copy", "acc", "Copying"))
    return str(suite([column], make_backend(**backend), num_fewshot=None))


def test_the_about_tab_names_the_engine_its_version_and_the_settings() -> None:
    html = about(settings={"max_length": 99, "system_instruction": "Be <short>."})
    assert f'<a href="{ENGINES["lm_eval"].repository}/tree/v0.4.13"' in html
    assert "<li>A model reads at most 99 tokens at once.</li>" in html
    assert "<pre>Be &lt;short&gt;.</pre>" in html
    assert "<ul" not in about()


def test_the_about_tab_says_where_models_run_in_place_of_the_workers_device() -> None:
    html = about(settings={"inference": "endpoint", "inference_api": "chat"}, device="cpu", batch_size="7")
    where = "<li>Models run on Inference Endpoints of the Hub, each made for one evaluation.</li>"
    assert html.index(where) < html.index("<li>They are asked in conversations")
    assert "on <code>cpu</code>" not in html
    assert "batch size" not in html
    assert "batch size 7" in about(device="cpu", batch_size="7")


def test_the_form_says_where_models_run_and_how_large_they_may_be() -> None:
    rented = make_backend(settings={"inference": "endpoint"}, max_model_gb=141.0)
    assert "of the Hub, each made for one evaluation. Weights may take up to 141 GB" in where_models_run(
        rented
    )
    own = make_backend(settings={"inference": "server", "inference_api": "chat"})
    assert "a server that the leaderboard&#39;s owner keeps. They are asked" in where_models_run(own)
    assert where_models_run(None) == where_models_run(make_backend(max_model_gb=10)) == ""
    odd = make_backend(settings={"inference": HOSTILE, "inference_api": HOSTILE})
    assert "<script" not in where_models_run(odd)
    assert "&lt;script" in where_models_run(odd)


def test_a_task_of_lightevals_own_links_to_its_repository() -> None:
    task = make_task("tiny_copy", file="lighteval/tasks/copy.py")
    html = about(engine="lighteval", tasks=(task,), versions={"lighteval": "0.13.0"})
    home = "https://github.com/huggingface/lighteval"
    assert f'href="{home}/blob/v0.13.0/src/lighteval/tasks/tasks/copy.py"' in html
    assert f'<a href="{home}/tree/v0.13.0" target="_blank" rel="noopener">lighteval 0.13.0</a>' in html
    assert "lm_eval" not in html


def test_of_an_engine_that_we_do_not_know_the_name_is_shown_without_a_link() -> None:
    html = about(engine="tomorrow", versions={})
    assert "Run with tomorrow on" in html
    assert "lm_eval" not in html


@pytest.mark.parametrize("text", [HOSTILE, "</pre><img src=x onerror=alert(1)>", "javascript:alert(1)"])
def test_hostile_settings_stay_text(text: str) -> None:
    settings = {"system_instruction": text, "gen_kwargs": {text: text}, "later": [text], "seeds": text}
    html = about(engine=text, settings=settings, versions={text: text}).lower()
    assert not any(each in html for each in ("<script", "<img", 'href="javascript'))
    assert html.count("<pre>") == html.count("</pre>") == 1


# A model's page


def facts(result: Result) -> dict[str, str]:
    [row] = board_of(result).rows
    return {fact.name: fact.text for fact in provenance(row, result)}


def test_a_models_page_says_engine_settings_and_the_base_of_an_adapter() -> None:
    made = make_result(weight_type="Adapter")
    assert made.setup is not None
    result = replace(
        made,
        setup=replace(made.setup, settings=RunSettings(system_instruction="Be short.", bootstrap_iters=1000)),
        conditions=RunConditions((("gen_kwargs", "temperature=1"),), (("enable_thinking", "false"),)),
        provenance=Provenance(
            base_model="acme/base", base_commit=COMMIT, samples=Samples(".samples/a", "acme/kept")
        ),
    )
    said = facts(result)
    assert said["Evaluated with"] == "lm_eval 0.4.13"
    assert said["Base model"] == f"acme/base, commit {COMMIT}"
    assert said["System prompt"] == "Be short."
    assert said["Further settings"] == "gen_kwargs temperature=1; enable_thinking false"
    assert said["Resamples for standard errors"] == "1,000"
    assert said["Answers"] == ".samples/a in acme/kept"
    assert facts(replace(result, provenance=Provenance(samples=Samples(".samples/a"))))["Answers"] == (
        ".samples/a in the results dataset"
    )


def served_facts(cost: Cost = Cost(), **changes: Any) -> dict[str, str]:  # noqa: B008
    """What the page says of a result that a server answered for."""
    known = Provenance(hardware="1 × Nvidia L4 (24 GB)", cost=cost, served=Served(**changes))
    return facts(replace(make_result(), provenance=known))


def test_a_models_page_says_which_server_answered_what_it_cost_and_how_much_was_empty() -> None:
    said = served_facts(
        Cost(hardware="aws-us-east-1-nvidia-l4-x1", seconds=1200.0, price=0.8),
        inference="endpoint",
        api="completions",
        address="https://abc.endpoints.example/v1",
        is_exact=True,
        image="vllm/vllm-openai:v0.11.0",
        region="aws us-east-1",
        answers=300,
        empty_answers=2,
    )
    expected = {
        "Hardware": "1 × Nvidia L4 (24 GB)",
        "Served by": "an Inference Endpoint",
        "API": "completions",
        "Image": "vllm/vllm-openai:v0.11.0",
        "Region": "aws us-east-1",
        "Machine": "aws-us-east-1-nvidia-l4-x1",
        "Price": "$0.80 an hour",
        "From claim to end": "20 min",
        "Cost": "at most $0.27",
        "Empty answers": "2 of 300",
    }
    assert {name: said.get(name) for name in expected} == expected
    assert "Batch size" not in said  # the server's own is not known


def test_of_a_server_only_what_is_known_is_said() -> None:
    unknown = {"API", "Image", "Region", "Price", "From claim to end", "Cost", "Empty answers"}
    bare = served_facts(inference="server")
    assert not unknown & bare.keys()
    assert bare["Served by"] == "a server, which did not prove the model's commit"
    named = served_facts(inference="server", api="chat", address="http://10.0.0.7:8000/v1")
    assert named["Served by"] == "a server at 10.0.0.7:8000, which did not prove the model's commit"
    assert named["API"] == "chat completions"
    assert "Empty answers" not in served_facts(inference="endpoint", answers=0, empty_answers=0)
    proven = served_facts(inference="server", address="https://llm.example/v1", is_exact=True)
    assert proven["Served by"] == "a server at llm.example"
    assert not {"Served by", *unknown} & facts(make_result()).keys()


def test_a_models_page_says_what_an_evaluation_on_the_workers_own_machine_cost() -> None:
    cost = Cost(hardware="a10g-small", seconds=5400.0, price=1.0)
    said = facts(replace(make_result(), provenance=Provenance(seconds=5000.0, cost=cost)))
    assert (said["Machine"], said["Price"]) == ("a10g-small", "$1.00 an hour")
    assert (said["Took"], said["From claim to end"], said["Cost"]) == ("83 min", "90 min", "at most $1.50")


def test_a_time_that_is_only_that_of_the_tasks_is_said_once() -> None:
    said = facts(replace(make_result(), provenance=Provenance(seconds=60.0, cost=Cost(seconds=60.0))))
    assert said["Took"] == "1 min"
    assert not {"Machine", "Price", "From claim to end", "Cost"} & said.keys()


def links(samples: Samples | None, files: Links) -> str:
    result = replace(make_result(), provenance=Provenance(samples=samples))
    found = board_of(result)
    page = ModelPage(Board(found), found, DetailsLinks(found, AS_PUBLISHED), files, found.rows[0])
    return " ".join(page.links(result))


def test_the_answers_of_a_run_are_linked_on_the_hub_and_not_on_this_machine() -> None:
    on_hub = Links(STORE, STORE)
    kept = ".samples/acme/tiny/run-1"
    assert f"https://hub.example/datasets/acme/data/tree/main/{kept}" in links(Samples(kept), on_hub)
    for files in (on_hub, NO_LINKS):
        assert f"/datasets/acme/kept/tree/main/{kept}" in links(Samples(kept, "acme/kept"), files)
    assert "answers" not in links(Samples(kept), NO_LINKS)
    assert "answers" not in links(None, on_hub)


@pytest.mark.parametrize(
    ("imported", "text"),
    [
        (
            Imported("alice", datetime(2026, 11, 30, 12, tzinfo=UTC), "results_1.json"),
            "by alice at 2026-11-30T12:00:00Z, from results_1.json",
        ),
        (Imported(None, None, None), "by a command"),
    ],
)
def test_a_models_page_says_that_a_result_was_imported_by_whom_and_when(
    imported: Imported, text: str
) -> None:
    assert facts(replace(make_result(), provenance=Provenance(imported=imported)))["Imported"] == text
    assert "Imported" not in facts(make_result())
