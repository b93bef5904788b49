"""Where scores come from: what reports say about it, checked and bounded, and kept by the index."""

import json
from datetime import UTC, datetime
from math import inf, nan
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.shared.data.provenance import (
    LONGEST_HARDWARE,
    MOST_PARAMETERS,
    MOST_TASKS,
    MOST_VERSIONS,
    Cost,
    Imported,
    Provenance,
    Served,
)
from src.shared.data.reports import read_result
from src.shared.index.indexes import RESULTS_INDEX
from support.factories import MODEL, make_result_file, old_result_file
from support.json_values import json_values

SEEDS = Path(__file__).parents[2] / "eval-results-seed"

SHA = "0123456789abcdef" * 4

ENVIRONMENT = """PyTorch version: 2.7.1+cu128
Is debug build: False

Python version: 3.11.7 (main) [GCC 12.2.0] (64-bit runtime)
GPU models and configuration: 
GPU 0: NVIDIA H100 80GB HBM3
GPU 1: NVIDIA H100 80GB HBM3 (UUID: GPU-01234567)
Nvidia driver version: 570.86"""  # noqa: W291  # as PyTorch writes it


def provenance_of(data: bytes) -> Provenance:
    return read_result("x/y/results.json", data).provenance


def reported(**changes: Any) -> Provenance:
    """What is read of our worker's report with these changes of its top-level keys."""
    return provenance_of(make_result_file(**changes))


def configured(**config: Any) -> Provenance:
    """What is read of lm_eval's report with these entries of its configuration."""
    return reported(config={"model_name": MODEL, **config}, leaderboard={})


# What reports say


def test_a_report_of_lm_eval_says_when_how_and_on_what_it_was_computed() -> None:
    [file] = (SEEDS / "demo/adder").glob("results_*.json")
    assert provenance_of(file.read_bytes()) == Provenance(
        started=datetime(2026, 11, 25, 2, 51, 43, 242613, tzinfo=UTC),
        seconds=5.144296465000025,
        hardware="cpu",
        cost=Cost(seconds=10.842755),
        task_hashes={
            "tiny_addition": "ac2da81633dd",
            "tiny_agreement": "141b05335cac",
            "tiny_copy": "1fbda6392445",
        },
        fewshot_as_multiturn=False,
        num_parameters=361344,
    )


def test_our_workers_report_has_its_machine_and_versions() -> None:
    ours = {
        "started": "2026-02-01T00-00-00.000001",
        "hardware": "1 × NVIDIA H200 (140 GB)",
        "versions": {"torch": "2.13.0+cpu", "leaderboard-template": "0.2.0"},
    }
    found = reported(leaderboard=ours, config={"model_name": MODEL, "device": "cuda"})
    assert found.started == datetime(2026, 2, 1, 0, 0, 0, 1, tzinfo=UTC)
    assert (found.hardware, found.versions) == (ours["hardware"], ours["versions"])


def test_the_fingerprints_of_template_and_instruction_are_shortened() -> None:
    found = reported(chat_template_sha=SHA, system_instruction_sha=SHA[::-1], fewshot_as_multiturn=True)
    assert (found.chat_template_sha, found.system_instruction_sha) == (SHA[:12], SHA[::-1][:12])
    assert found.fewshot_as_multiturn is True


def test_lm_evals_environment_names_the_gpus_and_the_version_of_torch() -> None:
    found = reported(pretty_env_info=ENVIRONMENT)
    assert found.hardware == "2 × NVIDIA H100 80GB HBM3"
    assert found.versions == {"torch": "2.7.1+cu128"}


def test_gpus_of_a_machine_that_evaluated_on_its_processor_are_not_named() -> None:
    config = {"model_name": MODEL, "device": "cpu"}
    assert reported(pretty_env_info=ENVIRONMENT, config=config).hardware == "cpu"


def test_lm_evals_date_is_when_it_began() -> None:
    assert configured().started == datetime(2026, 1, 31, 12, tzinfo=UTC)


def test_a_report_of_lighteval_says_how_long_it_took_and_on_which_device() -> None:
    general = {
        "lighteval_sha": SHA[:40],
        "total_evaluation_time_secondes": "12.5",
        "model_config": {"model_name": MODEL, "device": "cuda:0"},
    }
    found = provenance_of(json.dumps({"config_general": general, "results": {}}).encode())
    assert found == Provenance(
        seconds=12.5, hardware="cuda:0", versions={"lighteval": SHA[:12]}, cost=Cost(seconds=12.5)
    )


def test_the_old_templates_file_says_nothing_of_it() -> None:
    assert provenance_of(old_result_file()) == Provenance()


SERVED = {
    "inference": "endpoint",
    "api": "completions",
    "address": "https://abc.us-east-1.aws.endpoints.huggingface.cloud/v1",
    "is_exact": True,
    "image": "vllm/vllm-openai:v0.11.0",
    "region": "aws us-east-1",
    "price": 0.8,
    "answers": {"sums": 100, "essays": 200},
    "empty_answers": {"sums": 0, "essays": 2},
}


def served(started: str = "2026-02-01T00-00-00.000000", **changes: Any) -> Served | None:
    """What a report says of its server, with these changes, if the attempt ended at 00:20."""
    ours = {"started": started, "ended": "2026-02-01T00-20-00.000000", "served": {**SERVED, **changes}}
    return reported(leaderboard=ours).served


def cost(started: str = "2026-02-01T00-00-00.000000", took: object = None, **ours: Any) -> Cost:
    """What is read of the costs of an attempt that ended at 00:20, whose tasks took some seconds together."""
    times = {"started": started, "ended": "2026-02-01T00-20-00.000000"}
    return reported(leaderboard={**times, **ours}, total_evaluation_time_seconds=took).cost


def test_a_report_says_which_server_answered_what_it_cost_and_how_many_answers_were_empty() -> None:
    assert served() == Served(
        inference="endpoint",
        api="completions",
        address="https://abc.us-east-1.aws.endpoints.huggingface.cloud/v1",
        is_exact=True,
        image="vllm/vllm-openai:v0.11.0",
        region="aws us-east-1",
        answers=300,
        empty_answers=2,
    )


def test_a_server_of_the_owners_has_no_image_region_or_price_and_no_cost() -> None:
    nothing = dict.fromkeys(("image", "region", "price", "answers", "empty_answers"))
    address = "http://10.0.0.7:8000/v1"
    found = served(inference="server", api="chat", address=address, is_exact=False, **nothing)
    assert found == Served(inference="server", api="chat", address=address)


def test_a_report_of_lighteval_names_its_server_in_the_same_section() -> None:
    general = {"model_name": MODEL, "model_config": {}}
    report = {
        "config_general": general,
        "results": {"sums|0": {"acc": 0.5}},
        "leaderboard": {"served": SERVED},
    }
    known = provenance_of(json.dumps(report).encode())
    found = known.served
    assert found is not None
    assert (found.image, found.empty_answers) == ("vllm/vllm-openai:v0.11.0", 2)
    assert known.cost == Cost(price=0.8)  # without our times
    assert known.cost.dollars is None


OWN = {"hardware": "a10g-small", "seconds": 5400.0, "price": 1.0}


def test_a_report_says_what_its_evaluation_cost() -> None:
    found = cost(cost=OWN)
    assert found == Cost(hardware="a10g-small", seconds=5400.0, price=1.0)
    assert (found.minutes, found.dollars) == (90.0, 1.5)


def test_a_report_from_before_that_section_has_the_time_of_its_attempt_and_the_price_of_an_endpoint() -> None:
    assert cost() == Cost(seconds=1200.0)
    assert cost(served=SERVED) == Cost(seconds=1200.0, price=0.8)
    assert cost(served=SERVED).dollars == pytest.approx(0.8 / 3)


def test_an_attempt_that_took_over_tasks_counts_with_those() -> None:
    assert cost(took="3600.5", cost={**OWN, "seconds": 60.0}).seconds == 3600.5
    assert cost(took=30.0, cost={**OWN, "seconds": 60.0}).seconds == 60.0


def test_of_another_programs_report_the_time_is_that_of_its_tasks() -> None:
    found = reported(leaderboard={}, total_evaluation_time_seconds=90.0).cost
    assert (found.minutes, found.dollars) == (1.5, None)


def test_unknown_costs_are_unknown_and_not_nothing() -> None:
    found = cost(cost=dict.fromkeys(OWN))
    assert (found, found.minutes, found.dollars) == (Cost(), None, None)
    assert cost(cost={**OWN, "price": None}).dollars is None
    assert cost(cost={**OWN, "price": 0}).dollars == 0.0
    assert cost("2026-02-01T00-20-00.000000", cost={**OWN, "seconds": 0}).dollars is None
    assert cost("2026-02-01T00-20-00.000000") == Cost()  # it ended when it began


def test_a_report_of_models_that_the_worker_ran_names_no_server() -> None:
    assert reported().served is None


# What nobody should have written


@pytest.mark.parametrize("inference", ["local", "SERVER", "", None, 1, ["endpoint"], "<b>endpoint</b>"])
def test_a_server_of_an_unknown_kind_is_none(inference: object) -> None:
    assert served(inference=inference) is None


@pytest.mark.parametrize("given", [None, "endpoint", [SERVED], 1])
def test_what_is_no_description_of_a_server_is_none(given: object) -> None:
    assert reported(leaderboard={"served": given}).served is None


@pytest.mark.parametrize(
    "address",
    [
        "https://user:hf_secret@host/v1",
        "https://hf_secret@host/v1",
        "https://@host/v1",
        "https://host/v1?token=hf_secret",
        "https://host/v1?",
        "https://host/v1#hf_secret",
        "javascript:alert(1)//host/v1",
        "ftp://host/v1",
        "//host/v1",
        "host/v1",
        "https:///v1",
        "https://host:99999/v1",
        "https://[::1/v1",
        "https://ho st/v1",
        "https://host/<script>",
        "https://host\n/v1",
        "https://h\u00f6st/v1",
        "https://host/" + "a" * 400,
        None,
        1,
        ["https://host/v1"],
    ],
)
def test_an_address_that_is_none_or_may_hold_a_secret_is_unknown(address: object) -> None:
    found = served(address=address)
    assert found is not None
    assert found.address is None


def test_an_address_is_read_in_small_letters() -> None:
    found = served(address="HTTPS://Host.Example:8443/v1/")
    assert found is not None
    assert found.address == "https://host.example:8443/v1/"


@pytest.mark.parametrize("price", [-0.01, nan, inf, True, "0.8", 1e9, [1], 10**400, None])
def test_a_price_that_cannot_be_is_unknown_and_so_is_the_cost(price: object) -> None:
    for found in (cost(served={**SERVED, "price": price}), cost(cost={**OWN, "price": price})):
        assert (found.price, found.dollars) == (None, None)
        assert found.seconds


@pytest.mark.parametrize("started", ["2026-02-01T01-00-00.000000", "1999-01-01T00-00-00.000000", "today", ""])
def test_an_attempt_that_ended_before_it_began_or_took_years_cost_nobody_knows_what(started: str) -> None:
    found = cost(started, took=60.0, served=SERVED)
    assert (found, found.dollars) == (Cost(price=0.8), None)


@pytest.mark.parametrize("seconds", [-1, nan, inf, True, "60", 1e12, [1], 10**400, None])
def test_the_seconds_of_an_attempt_that_cannot_be_are_unknown(seconds: object) -> None:
    found = cost(took=60.0, cost={**OWN, "seconds": seconds})
    assert (found.seconds, found.dollars) == (None, None)


@pytest.mark.parametrize("name", ["a" * (LONGEST_HARDWARE + 1), "a\nb", "\u202e", " ", None, 1, ["a"]])
def test_a_machine_that_is_no_short_line_is_unknown(name: object) -> None:
    assert cost(cost={**OWN, "hardware": name}).hardware is None


@pytest.mark.parametrize(
    ("answers", "empty"),
    [
        ({"sums": 1}, {"sums": 2}),
        ({"sums": -1}, {"sums": -2}),
        ({"sums": True}, {"sums": 0}),
        ({"sums": 10.5}, {"sums": 1}),
        ({"sums": nan}, {"sums": 0}),
        ({"sums": 10**400}, {"sums": 0}),
        ({"sums": "10"}, {"sums": "1"}),
        ({"sums": 10}, {}),
        ({"sums": 10}, None),
        ([10], [1]),
        (10, 1),
    ],
)
def test_numbers_of_answers_that_cannot_be_are_unknown(answers: object, empty: object) -> None:
    found = served(answers=answers, empty_answers=empty)
    assert found is not None
    assert (found.answers, found.empty_answers) == (None, None)


@pytest.mark.parametrize("text", ["<script>", "a" * 201, "a b", "\u202e", "-v", "", None, 1, ["vllm"]])
def test_an_image_that_is_none_is_unknown(text: object) -> None:
    found = served(image=text)
    assert found is not None
    assert found.image is None


@pytest.mark.parametrize("value", ["a" * (LONGEST_HARDWARE + 1), "a\nb", "\u202e", " ", None, 1, ["a"]])
def test_a_region_that_is_no_short_line_is_unknown(value: object) -> None:
    found = served(region=value)
    assert found is not None
    assert found.region is None


@pytest.mark.parametrize("value", ["true", 1, None, [True]])
def test_only_true_says_that_a_server_proved_the_commit(value: object) -> None:
    found = served(is_exact=value)
    assert found is not None
    assert found.is_exact is False


@pytest.mark.parametrize("seconds", [nan, inf, -2, "-1", "long", True, 1e12, [1], "1" * 500, 10**400, None])
def test_a_duration_that_cannot_be_is_unknown(seconds: object) -> None:
    assert reported(total_evaluation_time_seconds=seconds).seconds is None


@pytest.mark.parametrize("number", [-1, 0, nan, True, "many", MOST_PARAMETERS * 10, 10**400])
def test_a_number_of_parameters_that_cannot_be_is_unknown(number: object) -> None:
    assert configured(model_num_parameters=number).num_parameters is None


@pytest.mark.parametrize("date", [nan, 1e300, "today", True, None])
def test_a_start_outside_the_calendar_is_unknown(date: object) -> None:
    assert reported(date=date, leaderboard={"started": "99999-99-99"}).started is None


@pytest.mark.parametrize("device", ["x" * (LONGEST_HARDWARE + 1), "cpu\n<b>", "\u202egpu", " ", 0, ["cpu"]])
def test_a_device_that_is_no_short_line_is_unknown(device: object) -> None:
    assert configured(device=device).hardware is None


@pytest.mark.parametrize("sha", ["?", SHA[:11], SHA.upper(), "<script>aaaaaaaa", 123456789012, [SHA], None])
def test_a_fingerprint_that_is_none_is_unknown(sha: object) -> None:
    found = reported(chat_template_sha=sha, task_hashes={"tiny_addition": sha})
    assert (found.chat_template_sha, found.task_hashes) == (None, {})


def test_ten_thousand_fingerprints_and_versions_are_cut_off() -> None:
    tasks = [f"task-{number}" for number in range(10_000)]
    found = reported(
        scores={task: {"acc,none": 0.5} for task in tasks},
        task_hashes=dict.fromkeys(tasks, SHA),
        leaderboard={"versions": dict.fromkeys(tasks, "1.0")},
    )
    assert (len(found.task_hashes), len(found.versions)) == (MOST_TASKS, MOST_VERSIONS)


def test_a_fingerprint_of_a_task_without_a_result_is_left_out() -> None:
    assert reported(task_hashes={"elsewhere": SHA, "tiny_addition": SHA}).task_hashes == {
        "tiny_addition": SHA[:12]
    }


@pytest.mark.parametrize(
    "versions",
    [{"torch": "<b>"}, {"torch": "1" * 41}, {"<b>": "1.0"}, {"t" * 41: "1.0"}, {"torch": 2.1}, ["torch"], 5],
)
def test_a_version_that_is_none_is_left_out(versions: object) -> None:
    assert reported(leaderboard={"versions": versions}).versions == {}


JUNK = st.fixed_dictionaries(
    {
        "results": st.dictionaries(st.text(), json_values, max_size=3),
        "config": st.dictionaries(
            st.sampled_from(["device", "model_num_parameters", "model_config", "lighteval_sha"]), json_values
        ).map(lambda config: {"model_name": MODEL, **config}),
    },
    optional={
        "leaderboard": st.dictionaries(
            st.sampled_from(["started", "hardware", "versions", "cost"]), json_values
        ),
        "task_hashes": json_values | st.dictionaries(st.text(), json_values | st.just(SHA), max_size=3),
        **{
            key: json_values
            for key in (
                "total_evaluation_time_seconds",
                "date",
                "pretty_env_info",
                "chat_template_sha",
                "system_instruction_sha",
                "fewshot_as_multiturn",
            )
        },
    },
)


@given(JUNK)
def test_no_junk_raises_and_the_index_keeps_what_is_read(report: dict[str, object]) -> None:
    result = read_result("x/y/results.json", json.dumps(report).encode())
    assert RESULTS_INDEX.load(result.path, RESULTS_INDEX.dump(result)) == result


# What the index keeps


def test_an_index_of_the_reader_before_is_loaded_without_it() -> None:
    result = read_result("x/y/results.json", make_result_file(chat_template_sha=SHA))
    before = json.loads(RESULTS_INDEX.dump(result))
    del before["provenance"]
    loaded = RESULTS_INDEX.load(result.path, json.dumps(before))
    assert (loaded.provenance, loaded.scores) == (Provenance(), result.scores)


def test_a_machine_is_indexed_in_ascii_and_comes_back_as_it_was() -> None:
    result = read_result("x/y/results.json", make_result_file(leaderboard={"hardware": "1 × GPU 😀"}))
    text = RESULTS_INDEX.dump(result)
    assert text.isascii()
    assert RESULTS_INDEX.load(result.path, text).provenance.hardware == "1 × GPU 😀"


def test_an_imported_result_says_by_whom_when_and_from_which_file_and_the_index_keeps_it() -> None:
    at = datetime(2026, 11, 30, 12, tzinfo=UTC)
    told = {"by": "alice", "at": "2026-11-30T12-00-00.000000", "file": "results_2026.json"}
    data = make_result_file(leaderboard={"imported": told})
    result = read_result("x/y/results.json", data)
    assert result.provenance.imported == Imported("alice", at, "results_2026.json")
    assert RESULTS_INDEX.load("x/y/results.json", RESULTS_INDEX.dump(result)) == result
    assert reported().imported is None


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (None, None),
        ("alice", None),
        ([], None),
        ({}, Imported(None, None, None)),
        ({"by": 7, "at": "soon", "file": "a\nb"}, Imported(None, None, None)),
        ({"by": "x" * 101, "at": 7, "file": None}, Imported(None, None, None)),
    ],
)
def test_what_cannot_be_who_imported_it_is_unknown(told: object, expected: Imported | None) -> None:
    assert reported(leaderboard={"imported": told}).imported == expected
