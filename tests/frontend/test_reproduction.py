"""The commands that compute a row again, as text. tests/whole runs one of them."""

import json
import shlex
import subprocess
from dataclasses import replace
from typing import Any

import pytest

from src.leaderboard.commands import lm_eval
from src.leaderboard.merging import standings
from src.leaderboard.reproduction import OFFERED, Reproduction, reproduction, reproductions
from src.leaderboard.rows import Row
from src.shared.data.reports import read_result
from src.shared.data.result import Result
from support.backend_modules import backend_module
from support.boards import TASKS, make_result, run_at, scores
from support.factories import COMMIT, make_backend

VERSIONS = {"lm_eval_version": "0.4.13", "transformers_version": "5.23.0"}
CONFIG = {"model_name": "acme/tiny", "model_sha": COMMIT, "batch_size": "8", "device": "cpu"}
TOLD = {"tiny_addition": 5, "tiny_agreement": None, "tiny_copy": 5}


def made(*, config: dict[str, Any] | None = None, tasks: Any = None, **changes: Any) -> Result:
    """A result as our worker publishes it, on all three tasks."""
    told = {"tasks": TOLD if tasks is None else tasks, "precision": "float16", "weight_type": "Original"}
    report = {"scores": scores(0.5, 0.5, 0.5), "config": {**CONFIG, **(config or {})}, **VERSIONS, **changes}
    return make_result(leaderboard=report.pop("leaderboard", told), **report)


def row_of(*results: Result) -> Row:
    [row] = standings(TASKS, {}, results).rows
    return row


def of(result: Result, **options: Any) -> Reproduction:
    return reproduction(row_of(result), **options)


def words(command: str) -> list[str]:
    return shlex.split(command.replace("\\\n", ""))


def test_the_versions_are_installed_and_each_number_of_examples_is_a_command_of_its_own() -> None:
    found = of(made())
    assert found.notes == ()
    assert [" ".join(words(command)) for command in found.commands] == [
        "pip install lm_eval[hf]==0.4.13 transformers==5.23.0",
        f"lm_eval --model hf --model_args pretrained=acme/tiny,revision={COMMIT},dtype=float16 "
        "--tasks tiny_addition,tiny_copy --num_fewshot 5 --batch_size 8 --device cpu",
        f"lm_eval --model hf --model_args pretrained=acme/tiny,revision={COMMIT},dtype=float16 "
        "--tasks tiny_agreement --batch_size 8 --device cpu",
    ]


@pytest.mark.parametrize(("limit", "text"), [(1234567.0, "1234567"), (0.25, "0.25"), (1.0, "1")])
def test_a_limit_is_repeated_exactly(limit: float, text: str) -> None:
    assert f"--limit {text}" in of(made(config={"limit": limit})).commands[1].split(" \\\n  ")


def test_a_limit_a_chat_template_and_other_seeds_are_repeated() -> None:
    config = {"limit": 20.0, "random_seed": 1, "numpy_seed": 2, "torch_seed": 3, "fewshot_seed": 4}
    command = of(made(config=config, chat_template="{{ messages }}")).commands[1]
    assert {"--limit 20", "--apply_chat_template", "--seed 1,2,3,4"} <= set(command.split(" \\\n  "))
    usual = dict.fromkeys(config, 1234) | {"random_seed": 0, "limit": None}
    assert "--seed" not in of(made(config=usual)).commands[1]


def test_the_leaderboards_own_tasks_are_found_in_its_backends_folder() -> None:
    found = of(made(), description=make_backend())
    assert "--include_path tasks" in found.commands[1]
    assert found.notes == ("The leaderboard's own tasks are in its backend's folder. Run the command there.",)
    elsewhere = make_backend(
        tasks=tuple(replace(task, file="lm_eval/tasks/x.yaml") for task in make_backend().tasks)
    )
    assert "--include_path" not in of(made(), description=elsewhere).commands[1]


def test_a_model_of_the_local_folder_is_named_by_the_folder() -> None:
    found = of(made(), local_models={"acme/tiny"})
    assert '"pretrained=$LEADERBOARD_DATA_DIR/models/acme/tiny,dtype=float16"' in found.commands[1]
    assert COMMIT not in found.commands[1]
    assert "not on the Hub" in found.notes[0]


def test_a_result_without_a_commit_says_so() -> None:
    found = of(made(config={"model_sha": None}))
    assert "pretrained=acme/tiny,dtype=float16" in found.commands[1]
    assert found.notes == ("The result does not say which commit of the model was evaluated.",)


def test_a_row_of_several_results_has_the_commands_of_those_that_its_scores_are_from() -> None:
    first = made(run=run_at(0), scores=scores(0.1), tasks={"tiny_addition": None})
    second = made(run=run_at(1), scores=scores(0.2, 0.5), tasks={"tiny_addition": 0, "tiny_agreement": 0})
    third = made(run=run_at(2), scores=scores(copying=0.5), tasks={"tiny_copy": None})
    found = reproduction(row_of(first, second, third))
    commands = found.commands
    assert found.notes[-1] == (
        "Its scores come from 2 runs, the oldest first. Of a task in several, the newest counts."
    )
    assert [words(command)[6:10] for command in commands[1:]] == [
        ["tiny_addition,tiny_agreement", "--num_fewshot", "0", "--batch_size"],
        ["tiny_copy", "--batch_size", "8", "--device"],
    ]


def test_a_report_of_lm_evals_own_command_line_is_repeated_as_far_as_it_tells() -> None:
    found = of(made(leaderboard={"precision": "float16"}, **{"n-shot": {"tiny_addition": 3}}))
    assert "tiny_addition \\\n  --num_fewshot 3" in found.commands[1]


@pytest.mark.parametrize(
    ("changes", "note"),
    [
        ({"lm_eval_version": None}, "not a report of lm_eval"),
        ({"config": {"model_sha": "main; rm -rf ~"}}, "a model or a commit that the Hub could not have"),
        ({"config": {"model_name": "a b"}}, "a model or a commit that the Hub could not have"),
        ({"tasks": {"a\u202eb": 1}}, "names or versions that cannot be lm_eval's"),
        ({"config": {"device": "cpu; x"}}, "names or versions that cannot be lm_eval's"),
        ({"leaderboard": {"precision": "8bit"}}, "does not load models in 8bit"),
        ({"leaderboard": {"precision": "float16", "weight_type": "Delta"}}, "Delta weights"),
    ],
)
def test_what_cannot_be_computed_again_says_why(changes: dict[str, Any], note: str) -> None:
    found = of(made(**changes))
    assert found.commands == ()
    assert note in found.notes[0]
    assert str(found).count("\n") == 1


HOSTILE = "x'; touch owned; echo \"$(touch owned)`touch owned`\ntouch owned\r\ntouch owned #"


@pytest.mark.parametrize(
    "changes",
    [
        {"tasks": {HOSTILE: 1}},
        {"lm_eval_version": HOSTILE},
        {"transformers_version": HOSTILE},
        {"config": {"batch_size": HOSTILE, "device": HOSTILE}},
        {"config": {"model_name": HOSTILE}},
        {"config": {"model_sha": HOSTILE}},
        {"leaderboard": {"precision": HOSTILE, "weight_type": HOSTILE}},
        {"system_instruction": HOSTILE.replace("\r", "")},
        {"system_instruction": HOSTILE},
        {"config": {"gen_kwargs": {"until": [HOSTILE]}}},
        {"config": {"gen_kwargs": {HOSTILE: HOSTILE}}},
        {"config": {"gen_kwargs": f"until={HOSTILE}"}},
        {"config": {"model_args": {"think_end_token": HOSTILE}}},
        {"config": {"model_args": {"chat_template_args": {HOSTILE: HOSTILE}}}},
        {"config": {"model_args": f"max_length={HOSTILE}"}},
        {"config": {"random_seed": HOSTILE, "numpy_seed": HOSTILE, "torch_seed": 1, "fewshot_seed": 2}},
        {"leaderboard": {"settings": {"chat_template_name": HOSTILE, "metadata": {HOSTILE: HOSTILE}}}},
        {"leaderboard": {"weight_type": "Adapter", "base_model": HOSTILE, "base_commit": HOSTILE}},
        {"leaderboard": {"weight_type": "Adapter", "base_model": "a/b", "base_commit": HOSTILE}},
        {"leaderboard": {"served": {"inference": "server", "address": HOSTILE, "image": HOSTILE}}},
        {"leaderboard": {"served": {"inference": "endpoint", "api": HOSTILE, "region": HOSTILE}}},
        {"leaderboard": {"settings": {"inference": HOSTILE, "inference_api": HOSTILE}}},
        {
            "leaderboard": {"served": {"inference": "endpoint", "api": "chat"}},
            "config": {"model_args": {"think_end_token": HOSTILE, "base_url": HOSTILE}},
        },
        {
            "leaderboard": {"served": {"inference": "endpoint"}},
            "config": {"model_args": {"max_length": HOSTILE, "tokenizer": HOSTILE, HOSTILE: HOSTILE}},
        },
    ],
)
def test_nothing_of_a_file_is_run_by_the_shell_that_it_is_copied_into(
    changes: dict[str, Any], tmp_path: Any
) -> None:
    quiet = "pip() { :; }\nlm_eval() { :; }\nhf() { :; }\nvllm() { :; }\n"
    for local in (set(), {"acme/tiny", HOSTILE}):
        text = str(of(made(**changes), local_models=local, description=make_backend(include_path=HOSTILE)))
        subprocess.run(["bash", "-c", quiet + text], cwd=tmp_path, check=True)
        assert list(tmp_path.iterdir()) == []


# The settings of lm_eval's command line


def options(changes: dict[str, Any]) -> list[str]:
    """The options of the first command, each on its line."""
    found = of(made(**changes))
    assert found.commands, found.notes
    return found.commands[1].split(" \\\n  ")


@pytest.mark.parametrize(
    ("changes", "option"),
    [
        ({"config": {"gen_kwargs": {"temperature": 0.6, "until": ["\n"]}}},
         """--gen_kwargs '{"temperature": 0.6, "until": ["\\n"]}'"""),
        ({"config": {"gen_kwargs": "temperature=0.6,do_sample=True"}},
         """--gen_kwargs '{"temperature": 0.6, "do_sample": true}'"""),
        ({"config": {"model_args": {"pretrained": "a/b", "max_length": 99, "enable_thinking": False}}},
         """--model_args '{"max_length": 99, "enable_thinking": false}'"""),
        ({"config": {"model_args": {"chat_template_args": {"chat_template": "short"}}}},
         """--model_args '{"chat_template_args": {"chat_template": "short"}}'"""),
        ({"config": {"model_args": {"think_end_token": "</think>"}}},
         """--model_args '{"think_end_token": "</think>"}'"""),
        ({"system_instruction": "-Be 'short'.\nNow!"},
         "'--system_instruction=-Be '\"'\"'short'\"'\"'.\nNow!'"),
        ({"chat_template": "x", "fewshot_as_multiturn": False}, "--fewshot_as_multiturn false"),
        ({"config": dict.fromkeys(("random_seed", "numpy_seed", "torch_seed", "fewshot_seed"))},
         "--seed None,None,None,None"),
    ],
)  # fmt: skip
def test_each_setting_is_an_option(changes: dict[str, Any], option: str) -> None:
    assert option in options(changes)


def told(**settings: Any) -> dict[str, Any]:
    """The section of our worker with these settings of the suite."""
    return {"tasks": TOLD, "precision": "float16", "weight_type": "Original", "settings": settings}


def test_what_only_our_worker_says_is_an_option() -> None:
    written = options(
        {"leaderboard": told(chat_template_name="short", metadata={"lengths": [1, 2]}), "chat_template": "x"}
    )
    assert {"--apply_chat_template short", """--metadata '{"lengths": [1, 2]}'"""} <= set(written)


def test_examples_as_turns_are_an_option_only_of_versions_where_they_are_not_the_default() -> None:
    in_turns = {"chat_template": "x", "fewshot_as_multiturn": True}
    assert not any("multiturn" in option for option in options(in_turns))
    assert "--fewshot_as_multiturn" in options({**in_turns, "lm_eval_version": "0.4.3"})


def test_other_resamples_change_only_standard_errors_and_are_a_note() -> None:
    found = of(made(config={"bootstrap_iters": 1000}))
    assert found.commands == of(made()).commands
    assert found.notes == (
        "Some standard errors may differ: they are of 1,000 resamples, and lm_eval's command line always "
        "makes 100,000. The scores are the same.",
    )
    assert of(made(config={"bootstrap_iters": 100_000})).notes == ()


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"config": {"gen_kwargs": {"custom_generate": "evil/code", "trust_remote_code": True}}},
         "custom_generate, trust_remote_code"),
        ({"config": {"gen_kwargs": {"until": [{"a": 1}]}}}, "until"),
        ({"config": {"model_args": {"tokenizer": "evil/code"}}}, "tokenizer"),
        ({"config": {"model_args": {"attn_implementation": "evil/kernels"}}}, "attn_implementation"),
        ({"config": {"model_args": {"chat_template_args": {"chat_template": "{{ x }}"}}}},
         "chat_template_args"),
        ({"config": {"model_args": {"softmax_dtype": "x"}}}, "softmax_dtype"),
        ({"config": {"model_args": {"a\nb": 1}}}, "one with an odd name"),
        ({"config": {"gen_kwargs": {"until": "x" * 1000}}}, "gen_kwargs, which is long"),
        ({"config": {"gen_kwargs": {"until": "x" * 20_000}}}, "gen_kwargs"),
        ({"system_instruction": "x" * 2001}, "system_instruction"),
        ({"system_instruction": "a\u202eb"}, "system_instruction"),
        ({"system_instruction": "a\tb"}, "system_instruction"),
        ({"system_instruction_sha": "a" * 64}, "system_instruction"),
        # lm_eval's RULER loads this tokenizer with `trust_remote_code=True`.
        ({"leaderboard": told(metadata={"tokenizer": "evil/code"})}, "metadata"),
        ({"leaderboard": told(metadata={"lengths": [[1]]})}, "metadata"),
        ({"config": {"gen_kwargs": {"stop_strings": "x"}}}, "stop_strings"),
        ({"config": {"model_args": {"chat_template_args": {"style": "two words"}}}}, "chat_template_args"),
        ({"config": {"model_args": {"chat_template_args": {"tools": []}}}}, "chat_template_args"),
        ({"leaderboard": told(chat_template_name="a b")}, "chat_template_name"),
    ],
)  # fmt: skip
def test_a_setting_that_could_run_code_or_is_odd_is_named_in_place_of_a_command(
    changes: dict[str, Any], names: str
) -> None:
    found = of(made(**changes))
    assert found.commands == ()
    assert found.notes == (f"We do not write these settings of its run into a command: {names}.",)


VALUES = (True, 2, "float16", "sdpa", "flash_attention_3", "acme/kernels", "x; y", {"short": True}, None)
"""Values of every kind that an argument of a model may have, and some that none may."""


def test_a_command_repeats_each_argument_of_the_model_that_an_owner_may_set() -> None:
    of_owners = backend_module("running.arguments").MODEL_ARGS
    taken = {
        (name, place) for name in of_owners for place, value in enumerate(VALUES) if of_owners[name](value)
    }
    written = {
        (name, place)
        for name in of_owners
        for place, value in enumerate(VALUES)
        if name in lm_eval.MODEL_ARGS and lm_eval.MODEL_ARGS[name](value)
    }
    assert {name for name, _ in taken} == set(of_owners)
    assert taken <= written


def test_a_setting_of_a_version_whose_command_line_was_not_tried_is_named_in_place_of_a_command() -> None:
    found = of(
        made(lm_eval_version="0.4.2", config={"gen_kwargs": {"temperature": 1}}, system_instruction="Hi")
    )
    assert found.commands == ()
    assert found.notes == (
        "It was run with lm_eval 0.4.2 and gen_kwargs, system_instruction. We know how to write this only "
        "for lm_eval 0.4.13 and later.",
    )
    assert of(made(lm_eval_version="0.4.2")).commands != ()


# Adapters


BASE_COMMIT = "b" * 40


def adapter(**changes: Any) -> Result:
    ours = {
        "tasks": TOLD,
        "precision": "float16",
        "weight_type": "Adapter",
        "base_model": "acme/base",
        "base_commit": BASE_COMMIT,
        "versions": {"peft": "0.18.0"},
    }
    return made(leaderboard={**ours, **changes})


def test_an_adapter_is_put_on_its_base_at_the_commit_of_each() -> None:
    found = of(adapter())
    assert found.notes == ()
    install, download, command, _ = map(words, found.commands)
    assert install[-1] == "peft==0.18.0"
    assert " ".join(download) == f"hf download acme/base --revision {BASE_COMMIT} --local-dir ./base-bbbbbbbb"
    assert command[4] == f"pretrained=./base-bbbbbbbb,peft=acme/tiny,revision={COMMIT},dtype=float16"


def test_an_adapter_or_a_base_of_the_local_folder_is_named_by_the_folder() -> None:
    _, command, _ = of(adapter(), local_models={"acme/base", "acme/tiny"}).commands
    folder = "$LEADERBOARD_DATA_DIR/models"
    assert f'"pretrained={folder}/acme/base,peft={folder}/acme/tiny,dtype=float16"' in command


@pytest.mark.parametrize("missing", [{"base_model": None}, {"base_commit": None}, {"base_commit": "main"}])
def test_an_adapter_without_its_base_or_the_commit_of_it_has_no_command(missing: dict[str, Any]) -> None:
    found = of(adapter(**missing))
    assert found.commands == ()
    assert found.notes == (
        "It is an adapter, and its result does not say which commit of which model it was put on.",
    )


# Models that a server answered for


SERVED = {
    "served": {
        "inference": "endpoint",
        "api": "completions",
        "is_exact": True,
        "image": "vllm/vllm-openai:v0.11.0",
    },
    "settings": {"inference": "endpoint", "inference_api": "completions"},
}
ENDPOINT_NOTES = (
    "The answers came from an Inference Endpoint with the image vllm/vllm-openai:v0.11.0.",
    "The first command needs a GPU and vLLM, best in an environment of its own. It runs until you stop it: "
    "give the others in another shell, once it answers.",
    "lm_eval cuts longer prompts to 2,047 tokens. If the model reads more, add max_length= and its context "
    "to --model_args.",
)


def by_a_server(
    *, api: str = "completions", server: Any = None, settings: Any = None, **changes: Any
) -> Result:
    """A result of a model that a server answered for."""
    section = {
        "tasks": {"tiny_addition": 5, "tiny_agreement": 5, "tiny_copy": 5},
        "precision": "bfloat16",
        "weight_type": "Original",
        "served": {**SERVED["served"], "api": api, **(server or {})},
        "settings": {**SERVED["settings"], "inference_api": api, **(settings or {})},
    }
    return made(leaderboard={**section, **changes.pop("leaderboard", {})}, **changes)


def test_a_model_that_an_endpoint_served_is_served_first_and_then_asked() -> None:
    found = of(by_a_server())
    assert found.notes == ENDPOINT_NOTES
    assert [" ".join(words(command)) for command in found.commands] == [
        f"vllm serve acme/tiny --served-model-name acme/tiny --revision {COMMIT} "
        f"--tokenizer-revision {COMMIT} --dtype bfloat16 --generation-config vllm",
        "pip install lm_eval[api,hf]==0.4.13 transformers==5.23.0",
        "lm_eval --model local-completions --model_args base_url=http://localhost:8000/v1/completions,"
        "model=acme/tiny,num_concurrent=16,tokenizer_backend=huggingface,tokenizer=acme/tiny,"
        f"revision={COMMIT},add_bos_token=True "
        "--tasks tiny_addition,tiny_agreement,tiny_copy --num_fewshot 5",
    ]


def test_a_conversation_begins_with_what_its_template_says_and_with_no_other_token() -> None:
    command = of(by_a_server(chat_template="x")).commands[-1]
    assert "add_bos_token=False" in command
    assert "--apply_chat_template" in words(command)


def test_a_model_that_was_asked_in_conversations_is_asked_so_again() -> None:
    found = of(by_a_server(api="chat", config={"model_args": {"think_end_token": "</think>"}}))
    assert [" ".join(words(command)) for command in found.commands[1:]] == [
        "pip install lm_eval[api,hf]==0.4.13 transformers==5.23.0",
        "lm_eval --model local-chat-completions "
        "--model_args base_url=http://localhost:8000/v1/chat/completions,model=acme/tiny,num_concurrent=16 "
        "--tasks tiny_addition,tiny_agreement,tiny_copy "
        '--model_args {"think_end_token": "</think>"} --num_fewshot 5 --apply_chat_template',
    ]
    assert found.notes[-1] == (
        "lm_eval names at most four stop texts to a server. The leaderboard stops at all of them."
    )


def test_further_settings_go_to_the_server_under_lm_evals_names() -> None:
    arguments = {"max_length": 4096, "add_bos_token": False, "prefix_token_id": 1, "timeout": 9}
    config = {"model_args": arguments, "gen_kwargs": {"temperature": 0.6, "until": ["a"]}, "limit": 10}
    found = of(by_a_server(config=config, system_instruction="Be short."))
    options = words(found.commands[-1])
    further = json.loads(options[options.index("--model_args", 5) + 1])
    assert further == {"max_length": 4096, "add_bos_token": False, "custom_prefix_token_id": 1}
    assert {"--limit", "10", "--gen_kwargs", "--system_instruction=Be short."} <= set(options)
    assert not any("max_length" in note for note in found.notes)


@pytest.mark.parametrize(
    ("given", "written", "is_random"),
    [
        (
            {"do_sample": False, "temperature": 0.6, "top_p": 0.9},
            {"do_sample": False, "temperature": 0},
            False,
        ),
        ({"do_sample": True, "temperature": 0.6}, {"do_sample": True, "temperature": 0.6}, True),
        ({"temperature": 0.6, "top_k": 5}, {"temperature": 0.6, "top_k": 5}, True),
        ({"temperature": 0, "max_new_tokens": 9}, {"temperature": 0, "max_gen_toks": 9}, False),
        ({"max_tokens": 9, "until": ["a"]}, {"max_gen_toks": 9, "until": ["a"]}, False),
    ],
)
def test_how_a_server_writes_is_said_in_the_words_that_lm_eval_passes_on(
    given: dict[str, Any], written: dict[str, Any], is_random: bool
) -> None:
    found = of(by_a_server(config={"gen_kwargs": given}))
    options = words(found.commands[-1])
    assert json.loads(options[options.index("--gen_kwargs") + 1]) == written
    assert any("drawn at random" in note for note in found.notes) is is_random


def test_the_context_of_a_server_that_is_asked_in_conversations_is_its_own() -> None:
    found = of(by_a_server(api="chat", config={"model_args": {"max_length": 99}}))
    assert found.commands
    assert "max_length" not in str(found)


def test_a_server_of_the_owners_is_told_apart_from_ours() -> None:
    server = {"inference": "server", "address": "https://llm.example/v1", "is_exact": False, "image": None}
    notes = of(by_a_server(server=server)).notes
    assert notes[:3] == (
        "The answers came from a server at llm.example.",
        "The commands serve the model with vLLM. The leaderboard's server may be another program.",
        "The server did not prove which commit of the model it served.",
    )


def test_a_run_of_which_only_the_route_is_known_is_not_repeated_on_the_machine_itself() -> None:
    told = {"tasks": TOLD, "precision": "float16", "weight_type": "Original"}
    found = of(made(leaderboard={**told, "settings": {"inference": "server", "inference_api": "chat"}}))
    assert found.notes[0] == "The answers came from a server."
    assert all("--model hf" not in command for command in found.commands)
    assert any("local-chat-completions" in command for command in found.commands)


def test_a_model_of_the_local_folder_is_served_from_the_folder() -> None:
    serve, _, command = of(by_a_server(), local_models={"acme/tiny"}).commands
    folder = "$LEADERBOARD_DATA_DIR/models/acme/tiny"
    assert serve.startswith(f'vllm serve "{folder}" --served-model-name acme/tiny --dtype')
    assert f'tokenizer={folder},add_bos_token=True"' in command


@pytest.mark.parametrize(
    ("changes", "note"),
    [
        ({"config": {"model_args": {"enable_thinking": False}}}, "enable_thinking"),
        ({"config": {"model_args": {"think_end_token": "</think>"}}}, "think_end_token"),
        ({"config": {"model_args": {"attn_implementation": "eager"}}}, "attn_implementation"),
        ({"api": "chat", "config": {"model_args": {"add_bos_token": True}}}, "add_bos_token"),
        ({"config": {"gen_kwargs": {"do_sample": True}}}, "do_sample without a temperature"),
        ({"config": {"gen_kwargs": {"num_beams": 4}}}, "num_beams"),
        ({"settings": {"chat_template_name": "short"}, "chat_template": "x"}, "chat_template_name"),
    ],
)
def test_what_lm_eval_does_not_tell_a_server_is_named_in_place_of_a_command(
    changes: dict[str, Any], note: str
) -> None:
    found = of(by_a_server(**changes))
    assert found.commands == ()
    assert found.notes == (f"We do not write these settings of its run into a command: {note}.",)


def test_an_adapter_on_a_server_and_a_version_that_was_not_tried_have_no_command() -> None:
    part = {"weight_type": "Adapter", "base_model": "acme/base", "base_commit": BASE_COMMIT}
    assert "adapter" in of(by_a_server(leaderboard=part)).notes[0]
    assert of(by_a_server(lm_eval_version="0.4.2")).notes == (
        "It was run with lm_eval 0.4.2 and a server. We know how to write this only for lm_eval 0.4.13 and "
        "later.",
    )


# lighteval


def by_lighteval(
    tasks: tuple[str, ...] = ("tiny_addition|0", "tiny_copy|0"), ours: Any = None, **model_config: Any
) -> Result:
    """A result as our worker publishes lighteval's report."""
    section = {
        "tasks": dict.fromkeys(tasks),
        "precision": "float32",
        "weight_type": "Original",
        "use_chat_template": False,
        "versions": {"lighteval": "0.13.0", "transformers": "5.23.0"},
    }
    report = {
        "config_general": {
            "model_name": "acme/tiny",
            "model_sha": COMMIT,
            "model_config": {"batch_size": 8, "generation_parameters": {"temperature": 0}, **model_config},
        },
        "results": {
            "tiny_addition|0": {"acc": 0.5},
            "tiny_agreement|0": {"acc": 0.5},
            "tiny_copy|0": {"exact_match": 0.5},
            "all": {"acc": 0.5},
        },
        "leaderboard": {**section, **(ours or {})},
    }
    return read_result("acme/tiny/results_1.json", json.dumps(report).encode())


def test_lightevals_own_command_repeats_its_run() -> None:
    found = of(by_lighteval())
    assert found.notes == ()
    assert [" ".join(words(command)) for command in found.commands] == [
        "pip install lighteval==0.13.0 transformers==5.23.0 xxhash<4",
        f"lighteval accelerate model_name=acme/tiny,revision={COMMIT},dtype=float32,batch_size=8,"
        "override_chat_template=False tiny_addition|0,tiny_copy|0",
    ]


def test_lighteval_gets_the_files_of_own_tasks_and_a_limit() -> None:
    tasks = [
        replace(task, file=f"tasks/{'own' if task.name == 'tiny_copy' else 'more'}.py")
        for task in make_backend().tasks
    ]
    description = make_backend(engine="lighteval", tasks=tuple(tasks))
    found = of(by_lighteval(max_length=None, ours={}), description=description)
    assert [words(command)[3:] for command in found.commands[1:]] == [
        ["tiny_addition|0", "--custom-tasks", "tasks/more.py"],
        ["tiny_copy|0", "--custom-tasks", "tasks/own.py"],
    ]
    assert found.notes == ("The leaderboard's own tasks are in its backend's folder. Run the command there.",)


def test_the_files_of_a_backend_with_another_engine_are_not_named() -> None:
    assert of(by_lighteval(), description=make_backend()) == of(by_lighteval())
    lightevals = make_backend(engine="lighteval")
    assert of(made(), description=lightevals).commands == of(made()).commands


@pytest.mark.parametrize(
    ("result", "note"),
    [
        (by_lighteval(ours={"versions": {}}), "not a report of lm_eval or of our worker"),
        (by_lighteval(("a;b|0",)), "names or versions that cannot be lighteval's"),
        (by_lighteval(("tiny_addition",)), "names or versions that cannot be lighteval's"),
        (by_lighteval(generation_parameters={"temperature": 1}), "settings of its run"),
        (by_lighteval(ours={"precision": "4bit"}), "does not load models in 4bit"),
        (
            by_lighteval(ours={"weight_type": "Adapter", "base_model": "a/b", "base_commit": "b" * 40}),
            "an adapter",
        ),
        (by_lighteval(ours={"weight_type": "Delta"}), "Delta weights"),
    ],
)
def test_what_lightevals_command_line_cannot_repeat_says_why(result: Result, note: str) -> None:
    found = of(result)
    assert found.commands == ()
    assert note in found.notes[0]


@pytest.mark.parametrize(
    "section", [SERVED, {"settings": {"inference": "server", "inference_api": "chat"}}], ids=["told", "route"]
)
def test_lightevals_command_line_cannot_ask_a_server_as_we_do(section: dict[str, Any]) -> None:
    found = of(by_lighteval(ours=section))
    assert found.commands == ()
    assert "lighteval's command line gets no log-probabilities from a server" in found.notes[0]


def test_a_search_gives_its_first_rows_and_no_search_the_best_one() -> None:
    results = [made(config={"model_name": f"acme/m{number}"}) for number in range(OFFERED + 3)]
    found = standings(TASKS, {}, results)
    assert [each.row.model for each in reproductions(found, "")] == ["acme/m0"]
    assert [each.row.model for each in reproductions(found, "M7; m3")] == ["acme/m3", "acme/m7"]
    assert len(reproductions(found, "acme")) == OFFERED
    assert reproductions(found, "nobody") == []
