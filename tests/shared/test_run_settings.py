"""The settings of a run: which of them another run must share, and which a command can repeat."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.shared.data.provenance import Samples
from src.shared.data.reports import read_result
from src.shared.data.result import Result
from src.shared.data.run_settings import LONGEST, MOST_CONDITIONS, OTHERS, fingerprint
from src.shared.index.indexes import RESULTS_INDEX
from support.factories import COMMIT, make_result_file
from support.json_values import json_values

CONFIG = {
    "model_name": "acme/tiny",
    "model_sha": COMMIT,
    "model_dtype": "float32",
    "bootstrap_iters": 100_000,
}
SEEDS = {"random_seed": 0, "numpy_seed": 1234, "torch_seed": 1234, "fewshot_seed": 1234}
SCORES = {"sums": {"acc,none": 0.5}, "essays": {"exact_match,none": 0.5}, "both": {"acc,none": 0.5}}
CONFIGS = {"sums": {"output_type": "multiple_choice"}, "essays": {"output_type": "generate_until"}}


def read(config: Any = None, ours: Any = None, **report: Any) -> Result:
    """A report of lm_eval with this configuration, and with this section of our worker."""
    data = make_result_file(
        scores=SCORES, config={**CONFIG, **SEEDS, **(config or {})}, leaderboard=ours or {}, **report
    )
    return read_result("acme/tiny/results_1.json", data)


def always(config: Any = None, ours: Any = None, **report: Any) -> dict[str, str]:
    conditions = read(config, ours, **report).conditions
    assert conditions is not None
    return dict(conditions.always)


def in_chat(config: Any = None, ours: Any = None, **report: Any) -> dict[str, str] | None:
    conditions = read(config, {"use_chat_template": True, **(ours or {})}, **report).conditions
    assert conditions is not None
    return None if conditions.in_chat is None else dict(conditions.in_chat)


def test_a_run_with_defaults_shares_them_with_reports_that_do_not_name_them() -> None:
    said = {"gen_kwargs": None, "model_args": f"pretrained=acme/tiny,revision={COMMIT},dtype=float32"}
    result = read(said, system_instruction=None, fewshot_as_multiturn=True)
    before = read_result("x.json", make_result_file(scores=SCORES))
    assert result.setting("sums") == before.setting("sums")
    assert result.conditions == ((), None)


@pytest.mark.parametrize(
    ("config", "found"),
    [
        ({"gen_kwargs": {"top_p": 0.6, "do_sample": True}}, {"gen_kwargs": "do_sample=true, top_p=0.6"}),
        ({"gen_kwargs": "top_p=0.60,do_sample=True"}, {"gen_kwargs": "do_sample=true, top_p=0.6"}),
        ({"random_seed": 7, "fewshot_seed": None}, {"seed": "7,1234,1234,none"}),
        ({"model_args": "pretrained=acme/tiny,max_length=2048"}, {"max_length": "2048"}),
        ({"model_args": {"pretrained": "acme/tiny", "max_length": 2048.0}}, {"max_length": "2048"}),
        ({"model_args": {"add_bos_token": False}}, {"add_bos_token": "false"}),
        ({"model_args": {"add_special_tokens": False}}, {"add_special_tokens": "false"}),
        ({"model_args": {"prefix_token_id": 0}}, {"prefix_token_id": "0"}),
        ({"model_args": {"parallelize": True, "trust_remote_code": True, "peft": "acme/part"}}, {}),
        ({"model_args": {"think_end_token": "</think>"}}, {"think_end_token": "</think>"}),
        ({"bootstrap_iters": 10}, {}),
    ],
)  # fmt: skip
def test_each_setting_that_changes_scores_is_a_condition_in_one_form(
    config: dict[str, Any], found: dict[str, str]
) -> None:
    assert always(config) == found


def test_the_system_instruction_is_a_condition_by_its_fingerprint_with_and_without_its_text() -> None:
    sha = fingerprint("Be short.")
    assert always(system_instruction="Be short.") == {"system_instruction": sha}
    assert always(system_instruction=None, system_instruction_sha=f"{sha}ffff") == {"system_instruction": sha}


def test_what_is_said_to_a_chat_template_is_no_condition_of_a_run_without_one() -> None:
    thinking = {"model_args": {"enable_thinking": False, "chat_template_args": {"short": True}}}
    told = {"enable_thinking": "false", "chat_template_args": "short=true", "fewshot_as_multiturn": "false"}
    assert in_chat(thinking, fewshot_as_multiturn=False) == told
    assert in_chat({}, fewshot_as_multiturn=True) == {}
    plain = read(thinking, fewshot_as_multiturn=False).conditions
    assert plain == ((), None)


def test_what_our_worker_says_of_its_suite_counts_before_what_it_did_with_one_model() -> None:
    settings = {
        "max_length": 2048,
        "gen_kwargs": {"temperature": 1},
        "seeds": [1, 2, 3, None],
        "metadata": {"lengths": [1, 2]},
        "model_args": {"add_bos_token": True, "logits_cache": False},
        "bootstrap_iters": 10,
    }
    one_model = {"model_args": {"max_length": 512}}  # of a shorter context
    assert always(one_model, {"settings": settings}) == {
        "add_bos_token": "true",
        "gen_kwargs": "temperature=1",
        "max_length": "2048",
        "metadata": "lengths=[1, 2]",
        "seed": "1,2,3,none",
    }
    assert always(one_model, {"settings": {}}) == {}
    chat = {
        "settings": {"chat_template_name": "short", "enable_thinking": False, "fewshot_as_multiturn": False}
    }
    assert in_chat(ours=chat) == {
        "chat_template_name": "short",
        "enable_thinking": "false",
        "fewshot_as_multiturn": "false",
    }


def test_how_models_write_is_no_condition_of_a_task_in_which_they_do_not() -> None:
    result = read({"gen_kwargs": {"temperature": 1}}, configs=CONFIGS, group_subtasks={"both": ["sums"]})
    written = (("gen_kwargs", "temperature=1"),)
    found = [result.setting(task).conditions for task in ("sums", "both", "essays")]
    assert found == [(), (), written]
    unknown = read({"gen_kwargs": {"temperature": 1}})
    assert unknown.setting("sums").conditions == written


def test_lightevals_settings_are_conditions_and_its_defaults_are_none() -> None:
    def told(**model_config: Any) -> Any:
        report = {
            "config_general": {"model_config": {"model_name": "acme/tiny", **model_config}},
            "results": {"sums|0": {"acc": 0.5}},
        }
        return read_result("x.json", json.dumps(report).encode()).conditions

    defaults = {"generation_parameters": {"temperature": 0, "top_p": None}, "max_length": None}
    assert told(**defaults, add_special_tokens=True, system_prompt=None) == ((), None)
    assert dict(
        told(generation_parameters={"temperature": 0.6}, system_prompt="Hi", max_length=99).always
    ) == {
        "generation_parameters": "temperature=0.6",
        "max_length": "99",
        "system_prompt": fingerprint("Hi"),
    }


@pytest.mark.parametrize(
    ("ours", "route"),
    [
        ({"settings": {"inference": "endpoint", "inference_api": "completions"}}, "completions"),
        ({"settings": {"inference": "server", "inference_api": "chat"}}, "chat"),
        ({"settings": {"inference": "server"}}, "completions"),
        ({"settings": {"max_length": None}, "served": {"inference": "endpoint", "api": "chat"}}, "chat"),
        ({"served": {"inference": "endpoint"}}, "completions"),
        ({"settings": {"inference": "local"}}, None),
        ({"settings": {}}, None),
    ],
)
def test_the_route_of_a_server_is_a_condition_in_either_engine_and_local_runs_have_none(
    ours: dict[str, Any], route: str | None
) -> None:
    found = {"served": route} if route else {}
    assert always(ours=ours) == found
    general = {"model_name": "acme/tiny", "model_config": {}}
    report = {"config_general": general, "results": {"sums|0": {"acc": 0.5}}, "leaderboard": ours}
    conditions = read_result("x.json", json.dumps(report).encode()).conditions
    assert conditions is not None
    assert dict(conditions.always) == found


def test_the_image_hardware_and_address_of_a_server_are_no_conditions() -> None:
    settings = {"inference": "endpoint", "inference_api": "completions"}
    server = {"inference": "endpoint", "api": "completions", "address": "https://host/v1", "image": "vllm:1"}
    ours = {"settings": settings, "served": server, "hardware": "1 × Nvidia L4 (24 GB)"}
    assert always(ours=ours) == always(ours={"settings": {**settings, "inference": "server"}})


def test_an_argument_of_the_model_cannot_pass_for_the_route_of_a_server() -> None:
    ours = {"settings": {"inference": "endpoint", "model_args": {"served": "no"}}}
    assert always(ours=ours) == {"served": "completions"}
    assert always({"model_args": {"served": "chat"}}) == {}


@pytest.mark.parametrize("route", ["x" * 200, {"a": 1}, ["chat"], "a\nb", 7])
def test_an_odd_route_of_a_server_still_tells_scores_apart(route: object) -> None:
    [value] = always(ours={"settings": {"inference": "server", "inference_api": route}}).values()
    assert value not in ("completions", "chat")
    assert len(value) < 120


def test_an_unknown_engine_has_unknown_conditions() -> None:
    file = {"config": {"model_name": "acme/tiny"}, "results": {"sums": {"acc": 0.5}}}
    assert read_result("x.json", json.dumps(file).encode()).setting("sums").conditions is None


def test_long_and_odd_values_are_cut_and_stay_different() -> None:
    one, other = (always({"gen_kwargs": {"until": "x" * 500 + end}})["gen_kwargs"] for end in "ab")
    assert one != other
    assert len(one) < 110
    odd, plain = (
        always({"model_args": {"think_end_token": text}})["think_end_token"] for text in ("a\u202eb", "a?b")
    )
    assert (odd.isprintable(), odd != plain, plain) == (True, True, "a?b")


MANY = {f"argument_{number:03}": 1 for number in range(500)}


@pytest.mark.parametrize(
    ("config", "report"),
    [
        ({"model_args": {**MANY, "argument_499": 2}}, {}),
        ({"model_args": {**MANY, "truncation": True}}, {}),
        ({"model_args": {**MANY, OTHERS: 1}}, {}),
        ({"model_args": MANY, "gen_kwargs": {"temperature": 1}}, {}),
        ({"model_args": MANY}, {"system_instruction": "Be short."}),
    ],
)
def test_runs_with_many_settings_stay_different(config: Any, report: Any) -> None:
    usual = always({"model_args": MANY})
    other = always(config, **report)
    assert usual[OTHERS] != other[OTHERS]
    assert len(usual) == len(other) == MOST_CONDITIONS + 1


def test_a_name_that_stands_for_many_settings_hides_none_of_them() -> None:
    found = [always({"model_args": {OTHERS: value}}) for value in (1, 2)]
    assert found[0] != found[1]
    assert all(len(conditions) == 1 for conditions in found)


def test_how_models_write_and_what_they_are_told_keep_their_names_among_many_settings() -> None:
    told = always({"model_args": MANY, "gen_kwargs": {"temperature": 1}}, system_instruction="Be short.")
    assert told["gen_kwargs"] == "temperature=1"
    assert told["system_instruction"] == fingerprint("Be short.")


def test_settings_of_chat_templates_take_no_places_of_a_run_without_one() -> None:
    chat = {"chat_template_args": {"short": True}, "enable_thinking": False}
    further = dict(list(MANY.items())[:MOST_CONDITIONS])
    plain = read({"model_args": {**chat, **further}}).conditions
    assert plain is not None
    assert (dict(plain.always), plain.in_chat) == ({name: "1" for name in further}, None)


def test_what_cannot_be_kept_whole_is_named_and_not_half_repeated() -> None:
    long = read({"gen_kwargs": {"until": "x" * LONGEST}}, system_instruction="x" * (LONGEST + 1)).setup
    assert long is not None
    assert long.settings.lost == ("gen_kwargs", "system_instruction")
    assert (long.settings.gen_kwargs, long.settings.system_instruction) == ("", "")
    only_its_sha = read(system_instruction_sha="a" * 64).setup
    assert only_its_sha is not None
    assert only_its_sha.settings.lost == ("system_instruction",)


def test_texts_in_an_object_of_arguments_stay_texts_for_the_command() -> None:
    setup = read({"gen_kwargs": {"until": ["42"]}, "model_args": "pretrained=a/b,max_length=42,x=y"}).setup
    assert setup is not None
    assert json.loads(setup.settings.gen_kwargs) == {"until": ["42"]}
    assert json.loads(setup.settings.model_args) == {"max_length": 42, "x": "y"}


def test_the_index_keeps_everything_and_reads_the_rows_of_earlier_versions() -> None:
    result = read({"gen_kwargs": {"temperature": 1}}, configs=CONFIGS, system_instruction="Be short.")
    text = RESULTS_INDEX.dump(result)
    assert RESULTS_INDEX.load(result.path, text) == result
    old = json.loads(text)
    old["setup"]["lm_eval"] = old["setup"].pop("version")
    for added in ("engine", "settings"):
        del old["setup"][added]
    for added in ("conditions", "rated"):
        del old[added]
    loaded = RESULTS_INDEX.load(result.path, json.dumps(old))
    assert loaded.setup is not None
    assert (loaded.setup.engine, loaded.setup.version) == ("lm_eval", "0.4.13")
    assert loaded.setting("essays").conditions is None


@given(config=json_values, ours=json_values, instruction=json_values, kwargs=json_values)
def test_no_junk_raises_and_the_index_keeps_what_is_read_of_it(
    config: Any, ours: Any, instruction: Any, kwargs: Any
) -> None:
    result = read(
        {"gen_kwargs": kwargs, "model_args": config, "random_seed": kwargs, "bootstrap_iters": kwargs},
        {"settings": ours, "samples": ours, "base_model": kwargs, "base_commit": kwargs},
        system_instruction=instruction,
        fewshot_as_multiturn=instruction,
    )
    assert RESULTS_INDEX.load(result.path, RESULTS_INDEX.dump(result)) == result
    for _, value in result.conditions.always if result.conditions else ():
        assert value.isprintable()
        assert len(value) < 110


# Base models, and where the answers are


def test_the_base_of_an_adapter_and_its_answers_are_read() -> None:
    ours = {
        "base_model": "acme/base",
        "base_commit": COMMIT,
        "samples": {"repo": "acme/answers", "path": ".samples/acme/tiny/run-1"},
    }
    known = read(ours=ours).provenance
    assert (known.base_model, known.base_commit) == ("acme/base", COMMIT)
    assert known.samples == Samples(".samples/acme/tiny/run-1", "acme/answers")
    in_results = {"samples": {"repo": None, "path": ".samples/acme/tiny/run-1/"}}
    assert read(ours=in_results).provenance.samples == Samples(".samples/acme/tiny/run-1")


@pytest.mark.parametrize(
    "path",
    ["", ".samples", ".samples/../x", ".samples/a/../..", "/.samples/a", "samples/a", ".samples/.git/a",
     ".samples/a b", ".samples/a\n", ".samples/a?x", ".samples//a", ".samples/" + "a/" * 9 + "a", 7, None],
)  # fmt: skip
def test_a_folder_that_is_not_one_of_answers_counts_as_none(path: object) -> None:
    assert read(ours={"samples": {"repo": None, "path": path}}).provenance.samples is None


@pytest.mark.parametrize(
    "repo", ["answers", "a/b/c", "../a", "a/..", "https://evil.example/a", "a/b?c", 7, ""]
)
def test_answers_in_a_dataset_that_the_hub_could_not_have_count_as_none(repo: object) -> None:
    assert read(ours={"samples": {"repo": repo, "path": ".samples/a"}}).provenance.samples is None


@pytest.mark.parametrize("name", ["", "../x", "a/b/c", "a b", 7, "a" * 300])
@given(commit=st.one_of(json_values, st.text()))
def test_a_base_that_the_hub_could_not_have_counts_as_none(name: object, commit: object) -> None:
    known = read(ours={"base_model": name, "base_commit": commit}).provenance
    assert known.base_model is None
    assert known.base_commit is None or len(known.base_commit) == 40
