"""Defects of the template that leaderboards were duplicated from until now, each a test of its name."""

import importlib
import json
import pkgutil
from collections.abc import Iterable
from pathlib import Path

import gradio as gr
import pytest

import src
from src.columns import columns
from src.leaderboard.filter_kinds import Range
from src.leaderboard.view import ViewState, view
from src.page import api
from src.page.leaderboard_tab import LeaderboardTab
from src.page.queue_tables import queue_table
from src.page.table import contents, leaderboard_table
from src.queue.entries import Group, entries, grouped
from src.shared.data.request import Status
from src.submitting.desk import NotAccepted
from src.submitting.limits import Terms
from src.submitting.submitter import Submitter
from support.boards import NO_LINKS, TASKS, TEXTS, Leaderboard, scores
from support.factories import make_request, old_request_file, old_result_file


def modules() -> list[str]:
    return [module.name for module in pkgutil.walk_packages(src.__path__, "src.")]


def rows(leaderboard: Leaderboard) -> list[dict[str, object]]:
    leaderboard.keeper.sync()
    table = api.leaderboard(leaderboard.keeper.now.board)
    return [dict(zip(table["headers"], row, strict=True)) for row in table["rows"]]


@pytest.mark.parametrize("module", [*modules(), "app"])
def test_1_import_works_on_python_3_11_and_newer(module: str) -> None:
    importlib.import_module(module)


def test_2_an_empty_results_dataset_is_a_page_that_says_what_to_do(leaderboard: Leaderboard) -> None:
    leaderboard.keeper.sync()
    leaderboard.page()
    with gr.Blocks():
        tab = LeaderboardTab(leaderboard.keeper, TASKS, TEXTS)
    assert "Submit a model" in tab.refresh(*[each.value for each in tab.choices])[tab.first_steps]
    assert rows(leaderboard) == []


def test_3_an_error_of_the_dataset_is_told_on_the_page_and_nothing_restarts(leaderboard: Leaderboard) -> None:
    leaderboard.folder.mkdir()
    (leaderboard.folder / "results").write_text("this is no folder")
    leaderboard.keeper.sync()
    assert "Not a directory" in leaderboard.keeper.now.problem
    leaderboard.page()


def test_5_the_hub_clients_own_json_in_a_folder_is_no_request(leaderboard: Leaderboard) -> None:
    leaderboard.write("requests", ".cache/huggingface/download/a.json", b"{}")
    leaderboard.keeper.sync()
    assert (leaderboard.keeper.now.board.queue, leaderboard.keeper.now.board.broken) == ((), ())


def test_6_one_malformed_result_file_does_not_take_the_page_down(leaderboard: Leaderboard) -> None:
    """Defect 6: one malformed result file takes the whole page down."""
    leaderboard.write("results", "acme/bad/results_1.json", b'{"config": {}, "results": 3}')
    leaderboard.add_result(scores=scores(0.5, 0.5, 0.5))
    assert [row["Model"] for row in rows(leaderboard)] == ["acme/tiny"]
    assert "acme/bad/results_1.json" in leaderboard.keeper.now.board.broken[0]


def test_7_the_queue_tables_show_requests_of_models_with_an_organisation(leaderboard: Leaderboard) -> None:
    old_name = "demo-leaderboard/gpt2-demo_eval_request_False_bfloat16_Original.json"
    leaderboard.write("requests", old_name, old_request_file())
    leaderboard.add_request(model="acme/tiny")
    leaderboard.add_request(model="gpt2")
    leaderboard.keeper.sync()
    groups = grouped(leaderboard.keeper.now.board.queue)
    assert "demo-leaderboard/gpt2-demo" in queue_table(Group.FINISHED, groups[Group.FINISHED], NO_LINKS)
    pending = queue_table(Group.PENDING, groups[Group.PENDING], NO_LINKS)
    assert "acme/tiny" in pending
    assert "gpt2" in pending


def test_8_failed_requests_are_shown_with_their_reason(leaderboard: Leaderboard) -> None:
    leaderboard.add_request(status=Status.FAILED, message="The weights of acme/tiny are damaged.")
    leaderboard.keeper.sync()
    [failed] = grouped(leaderboard.keeper.now.board.queue)[Group.FAILED]
    assert "The weights of acme/tiny are damaged." in queue_table(Group.FAILED, [failed], NO_LINKS)
    assert api.queue(leaderboard.keeper.now.board)[0]["message"] == "The weights of acme/tiny are damaged."


def test_12_another_revision_does_not_overwrite_and_main_and_its_commit_are_the_same(
    leaderboard: Leaderboard,
) -> None:
    leaderboard.add_model()
    first = leaderboard.desk.submit(leaderboard.form())
    with pytest.raises(NotAccepted, match="already"):
        leaderboard.desk.submit(leaderboard.form(revision=first.request.commit or ""))
    (leaderboard.folder / "models" / "acme" / "tiny" / "new.txt").write_text("A new commit.")
    second = leaderboard.desk.submit(leaderboard.form())
    assert first.path != second.path
    assert len(leaderboard.keeper.read_requests().values) == 2


def test_15_a_model_with_a_missing_or_null_or_nan_task_does_not_disappear(leaderboard: Leaderboard) -> None:
    """Defect 15: a model with one missing or null task disappears without a word; NaN too."""
    leaderboard.add_result("acme/missing", scores=scores(0.5, 0.5))
    leaderboard.add_result("acme/null", scores={**scores(0.5, 0.5), "tiny_copy": {"exact_match,none": None}})
    leaderboard.add_result("acme/nan", scores=scores(0.5, 0.5, float("nan")))
    found = rows(leaderboard)
    assert [row["Model"] for row in found] == ["acme/missing", "acme/nan", "acme/null"]
    assert all(row["Copying"] is None and row["Average ⬆️"] is None for row in found)


def test_16_acc_matches_the_acc_none_of_new_reports(leaderboard: Leaderboard) -> None:
    leaderboard.add_result(scores={"tiny_addition": {"acc,none": 0.5}})
    assert rows(leaderboard)[0]["Addition"] == 50


def test_16_acc_still_matches_the_acc_of_old_files(leaderboard: Leaderboard) -> None:
    leaderboard.write(
        "results", "demo-leaderboard/gpt2-demo/r.json", old_result_file(tiny_addition={"acc": 0.3})
    )
    assert rows(leaderboard)[0]["Addition"] == 30


@pytest.mark.parametrize("precision", ["float32", "8bit", "4bit", "GPTQ"])
def test_17_other_precisions_keep_their_name_and_their_requests_metadata(
    leaderboard: Leaderboard, precision: str
) -> None:
    """Defect 17: precisions other than float16 and bfloat16 become "?" and lose their request's metadata;
    an Adapter request wins over the Original one because of the alphabet.
    """
    config = {"model_dtype": precision, "model_name": "acme/tiny", "model_sha": "main"}
    leaderboard.add_request(status=Status.FINISHED, precision=precision, license="apache-2.0")
    leaderboard.add_result(config=config, leaderboard={})
    [row] = rows(leaderboard)
    assert (row["Precision"], row["Hub License"]) == (precision, "apache-2.0")


def test_17_an_adapter_request_does_not_win_over_the_original_one(leaderboard: Leaderboard) -> None:
    """Defect 17: precisions other than float16 and bfloat16 become "?" and lose their request's metadata;
    an Adapter request wins over the Original one because of the alphabet.
    """
    config = {"model_dtype": "float32", "model_name": "acme/tiny", "model_sha": "main"}
    for weight_type, license_name in (("Adapter", "mit"), ("Original", "apache-2.0")):
        leaderboard.add_request(status=Status.FINISHED, weight_type=weight_type, license=license_name)
    leaderboard.add_result(config=config, leaderboard={})
    [row] = rows(leaderboard)
    assert (row["Weight type"], row["Hub License"]) == ("Original", "apache-2.0")


def test_18_an_unknown_size_is_not_0_and_can_be_asked_for(leaderboard: Leaderboard) -> None:
    """Defect 18: unknown size is 0 and is then filtered away or shown as the smallest."""
    path = "demo-leaderboard/gpt2-demo_eval_request_False_float16_Original.json"
    leaderboard.write("requests", path, old_request_file(params=0, precision="float16"))
    leaderboard.write("results", "demo-leaderboard/gpt2-demo/r.json", old_result_file())
    assert rows(leaderboard)[0]["#Params (B)"] is None
    standings = leaderboard.keeper.now.board.standings
    assert len(view(standings, ViewState()).lines) == 1
    assert len(view(standings, ViewState(filters={"size": Range(0, 100)})).lines) == 0
    assert len(view(standings, ViewState(filters={"size": Range(1, 100, with_unknown=True)})).lines) == 1


def test_20_spaces_and_dots_in_names_do_not_lead_outside(leaderboard: Leaderboard) -> None:
    for name in ("../../etc/passwd", "acme/../../x", "acme/a b"):
        with pytest.raises(NotAccepted, match="cannot be a model's name"):
            leaderboard.desk.submit(leaderboard.form(name))
    leaderboard.add_model()
    assert leaderboard.desk.submit(leaderboard.form("  acme/tiny  ")).request.model == "acme/tiny"


def test_20_a_failed_request_does_not_block_its_resubmission(leaderboard: Leaderboard) -> None:
    leaderboard.add_model()
    commit = leaderboard.models.describe("acme/tiny").commit
    path = leaderboard.add_request(commit=commit, status=Status.FAILED)
    assert leaderboard.desk.submit(leaderboard.form()).path == path


def test_20_a_submission_needs_a_login_and_no_login_submits_without_end(leaderboard: Leaderboard) -> None:
    terms = Terms(anonymous=False, login=True, quota=1)
    desk = leaderboard.make_desk(leaderboard.requests, terms=terms)
    for name in ("acme/a", "acme/b"):
        leaderboard.add_model(name)
    with pytest.raises(NotAccepted, match="Sign in with your Hugging Face account first"):
        desk.submit(leaderboard.form("acme/a"))
    assert desk.submit(leaderboard.form("acme/a"), Submitter("alice")).request.submitted_by == "alice"
    with pytest.raises(
        NotAccepted, match="alice has used up the quota of 1 submission in 7 days: 1 waits or runs"
    ):
        desk.submit(leaderboard.form("acme/b"), Submitter("alice"))
    assert desk.submit(leaderboard.form("acme/b"), Submitter("bob")).request.submitted_by == "bob"


def test_20_adapters_are_checked(leaderboard: Leaderboard) -> None:
    leaderboard.add_model("acme/adapter", adapts="acme/gone")
    leaderboard.add_model("acme/whole")
    adapter = {"weight_type": "Adapter"}
    with pytest.raises(NotAccepted, match="There is no model acme/gone"):
        leaderboard.desk.submit(leaderboard.form("acme/adapter", **adapter))
    with pytest.raises(NotAccepted, match="acme/adapter is an adapter"):
        leaderboard.desk.submit(leaderboard.form("acme/adapter"))
    with pytest.raises(NotAccepted, match="acme/whole is not an adapter"):
        leaderboard.desk.submit(leaderboard.form("acme/whole", base_model="acme/whole", **adapter))


def test_21_what_only_runs_with_its_own_code_is_refused_and_its_code_is_never_read(
    leaderboard: Leaderboard,
) -> None:
    leaderboard.add_model()
    folder = leaderboard.folder / "models" / "acme" / "tiny"
    config = {"architectures": ["Own"], "auto_map": {"AutoModelForCausalLM": "own.Own"}}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "own.py").write_text("raise SystemExit('This was run.')")
    with pytest.raises(NotAccepted, match="acme/tiny needs code of its own"):
        leaderboard.desk.submit(leaderboard.form())


def test_21_the_frontend_loads_no_models_code() -> None:
    sources = "".join(path.read_text() for path in Path(src.__path__[0]).rglob("*.py"))
    assert "import transformers" not in sources
    assert "from transformers" not in sources
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("transformers")


def test_22_names_and_messages_do_not_reach_the_page_as_html() -> None:
    """Defect 22: names and messages reach the page as unescaped HTML."""
    request = make_request(model="<b>x</b>", message="<img src=x onerror=alert(1)>", status=Status.FAILED)
    html = queue_table(Group.FAILED, entries({"a.json": request}), NO_LINKS)
    assert "<img" not in html
    assert "<b>" not in html


def test_23_the_range_of_sizes_is_the_whole_one_to_begin_with_and_its_ends_are_exact(
    leaderboard: Leaderboard,
) -> None:
    """Defect 23: a slider's `min` and `max` are replaced with the data's; its handles start at the 25 % and
    70 % quantiles; drags are whole numbers; rows without a value vanish for good once it is touched.
    """
    for name, params in {
        "acme/unknown": None,
        "acme/small": 0.5,
        "acme/middle": 7.25,
        "acme/big": 70.0,
    }.items():
        leaderboard.add_request(model=name, status=Status.FINISHED, params=params)
        leaderboard.add_result(name, scores=scores(0.5, 0.5, 0.5))
    leaderboard.keeper.sync()
    standings = leaderboard.keeper.now.board.standings

    def found(state: ViewState) -> set[str]:
        return {line.row.model.removeprefix("acme/") for line in view(standings, state).lines}

    assert found(ViewState()) == {"unknown", "small", "middle", "big"}
    assert found(ViewState(filters={"size": Range(0.5, 70.0)})) == {"small", "middle", "big"}
    assert found(ViewState(filters={"size": Range(0.51, 69.99)})) == {"middle"}
    assert found(ViewState(filters={"size": Range(7.25, 7.25)})) == {"middle"}
    assert found(ViewState(filters={"size": Range(100, 200)})) == set()
    assert found(ViewState(filters={"size": Range(100, 200, with_unknown=True)})) == {"unknown"}


def test_24_a_search_does_not_match_the_markup_of_a_link(leaderboard: Leaderboard) -> None:
    """Defect 24: search runs on Enter only, on the cell's HTML when the column is a link ("href" matches
    every row).
    """
    leaderboard.add_result(scores=scores(0.5))
    leaderboard.keeper.sync()
    standings = leaderboard.keeper.now.board.standings
    assert "https" in str(contents(view(standings, ViewState()), frozenset())["data"])
    for markup in ("href", "https", "target", "<a"):
        assert not view(standings, ViewState(search=markup)).lines


def test_25_a_hidden_column_shifts_no_other_one(leaderboard: Leaderboard) -> None:
    """Defect 25: `datatype` is by position: a hidden column shifts all later ones."""
    leaderboard.add_request(status=Status.FINISHED)
    leaderboard.add_result(scores=scores(0.25, 0.5, 0.75))
    leaderboard.keeper.sync()
    standings = leaderboard.keeper.now.board.standings
    every = [column.name for column in columns(standings.tasks)]

    def shown(names: Iterable[str]) -> dict[str, tuple[object, object]]:
        table = contents(view(standings, ViewState(columns=frozenset(names))), frozenset())
        headers, [values], metadata = table["headers"], table["data"], table["metadata"]
        [texts], [styles] = metadata["display_value"], metadata["styling"]
        assert [datatypes[place] for place, _ in enumerate(headers)] == [
            "markdown" if header == "Model" else "str" for header in headers
        ]
        # The component takes styles that are missing at the end for empty.
        emphasized = {header for header, style in zip(headers, styles, strict=False) if style}
        assert emphasized == {"Model", "Average ⬆️"} & set(headers)
        return {header: (value, text) for header, value, text in zip(headers, values, texts, strict=True)}

    with gr.Blocks():
        datatypes = leaderboard_table(TASKS).datatype
    whole = shown(every)
    for hidden in every:
        for header, cell in shown(name for name in every if name != hidden).items():
            assert cell == whole[header], f"{header} without {hidden}"
