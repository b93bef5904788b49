"""lm_eval's command line for a run: each setting as an option, and why some runs have none.

Values come from files that anybody may have written, and people paste the command into a shell. Only settings
on the lists below are written. Others, such as `custom_generate` or `trust_remote_code`, run somebody's code.
"""

from __future__ import annotations

import json
import re
import shlex
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from math import isfinite

from src.leaderboard.commands import lm_eval_served
from src.leaderboard.commands.model import NEXT_LINE, PLAIN, Model
from src.shared.data.precision import PRECISIONS
from src.shared.data.provenance import Served
from src.shared.data.result import Setup
from src.shared.data.run_settings import ATTENTION, SEEDS, RunSettings

CHECKED = (0, 4, 13)
"""The first version on whose command line the forms of the settings were tried."""

RESAMPLES = 100_000
"""How often lm_eval's command line resamples for a standard error."""

LONGEST_ARGUMENTS = 1_000
LONGEST_INSTRUCTION = 2_000
"""The most characters of a setting in a command that somebody reads before it is run."""

Check = Callable[[object], bool]


def _is_scalar(value: object) -> bool:
    return isinstance(value, bool | int) or (isinstance(value, float) and isfinite(value))


def _is_word(value: object) -> bool:
    return _is_scalar(value) or (isinstance(value, str) and PLAIN.fullmatch(value) is not None)


def _is_text(value: object) -> bool:
    return _is_scalar(value) or isinstance(value, str)


def _are_texts(value: object) -> bool:
    return all(map(_is_text, value)) if isinstance(value, list) else _is_text(value)


def _are_words(value: object) -> bool:
    if isinstance(value, Mapping):
        return all(_is_word(name) and _is_word(each) for name, each in value.items())
    return all(map(_is_word, value)) if isinstance(value, list) else _is_word(value)


def _is_one_of(*allowed: str) -> Check:
    return lambda value: value in allowed


GEN_KWARGS: Mapping[str, Check] = {
    **dict.fromkeys(("do_sample", "temperature", "top_p", "top_k", "min_p", "typical_p"), _is_scalar),
    **dict.fromkeys(("epsilon_cutoff", "eta_cutoff", "penalty_alpha", "renormalize_logits"), _is_scalar),
    **dict.fromkeys(("repetition_penalty", "length_penalty", "diversity_penalty"), _is_scalar),
    **dict.fromkeys(("num_beams", "num_beam_groups", "no_repeat_ngram_size", "early_stopping"), _is_scalar),
    **dict.fromkeys(("max_gen_toks", "max_new_tokens", "max_tokens", "min_new_tokens"), _is_scalar),
    "until": _are_texts,
}
"""How a model writes."""

MODEL_ARGS: Mapping[str, Check] = {
    **dict.fromkeys(("max_length", "enable_thinking", "add_bos_token", "prefix_token_id"), _is_scalar),
    **dict.fromkeys(("truncation", "logits_cache", "max_batch_size", "parallelize"), _is_scalar),
    **dict.fromkeys(("softmax_dtype", "mixed_precision_dtype"), _is_one_of(*PRECISIONS)),
    "use_fast_tokenizer": _is_scalar,
    "think_end_token": _is_text,
    "chat_template_args": lambda value: isinstance(value, Mapping) and _are_words(value),
    "attn_implementation": _is_one_of(*ATTENTION),
    "backend": _is_one_of("causal", "default"),
}
"""Further arguments of the model: at least those that the backend takes from its owner."""


def obstacle(setup: Setup, model: Model) -> str | None:
    """Return why lm_eval's command line cannot repeat a run exactly, or None if nothing prevents it."""
    settings = setup.settings
    words = (setup.version, setup.transformers or "-", setup.batch_size, setup.device or "-", *setup.tasks)
    if not all(map(PLAIN.fullmatch, words)):
        return "Its result contains names or versions that cannot be lm_eval's."
    if model.precision not in PRECISIONS:
        return f"lm_eval's command line does not load models in {model.precision}."
    if model.served and model.base:
        return "A server put an adapter on its base model, and we do not know how to repeat that."
    refused = [*settings.lost, *_refused(settings, model.served)]
    if model.served and not lm_eval_served.writes_like_the_leaderboard(setup):
        refused.append("do_sample without a temperature")
    if refused:
        return (
            f"We do not write these settings of its run into a command: {', '.join(sorted(refused))[:200]}."
        )
    further = [*_further(setup), *(["a server"] if model.served else [])]
    if further and _version(setup.version) < CHECKED:
        checked = ".".join(map(str, CHECKED))
        return (
            f"It was run with lm_eval {setup.version} and {', '.join(further)}. We know how to write this "
            f"only for lm_eval {checked} and later."
        )
    return None


def notes(setup: Setup, model: Model) -> Iterator[str]:
    """Yield what the command needs, or does not repeat besides the scores."""
    if model.served:
        yield from lm_eval_served.notes(setup, model.served)
    iterations = setup.settings.bootstrap_iters
    if iterations not in (None, RESAMPLES):
        yield (
            f"Some standard errors may differ: they are of {iterations:,} resamples, and lm_eval's command "
            f"line always makes {RESAMPLES:,}. The scores are the same."
        )


def commands(
    setup: Setup, model: Model, own_tasks: Mapping[str, str], include_path: str | None
) -> Iterator[str]:
    """Yield the versions to install, what to download, and one command per number of examples.

    `own_tasks` has the files of the leaderboard's own tasks, and `include_path` is their folder.
    """
    yield from _preparation(setup, model)
    by_fewshot: dict[int | None, list[str]] = defaultdict(list)
    for task, number in setup.tasks.items():
        by_fewshot[number].append(task)
    for number, tasks in by_fewshot.items():
        options = [["--tasks", ",".join(tasks)], *_options(setup, model.served, number)]
        options += [["--include_path", include_path]] if include_path and {*tasks} & {*own_tasks} else []
        yield NEXT_LINE.join([*_beginning(setup, model), *map(shlex.join, options)])


def _preparation(setup: Setup, model: Model) -> Iterator[str]:
    """Yield how to serve the model if a server answered, what to install, and what to download."""
    if model.served:
        yield lm_eval_served.serve(model)
        yield shlex.join(["pip", "install", *lm_eval_served.install(setup)])
        return
    packages = [f"lm_eval[hf]=={setup.version}"]
    packages += [f"transformers=={setup.transformers}"] if setup.transformers else []
    packages += [f"peft=={model.peft}"] if model.base and model.peft else []
    yield shlex.join(["pip", "install", *packages])
    if model.base and model.base.revision:
        base = model.base
        yield shlex.join(
            ["hf", "download", base.name, "--revision", base.commit or "", "--local-dir", _folder(model)]
        )


def _beginning(setup: Setup, model: Model) -> list[str]:
    """Return lm_eval with the model and the arguments that name it."""
    if model.served:
        return lm_eval_served.evaluate(setup, model, model.served)
    return ["lm_eval --model hf", f"--model_args {_model_arguments(model)}"]


def _model_arguments(model: Model) -> str:
    """Return the arguments that name the model, quoted for the shell."""
    place, base = model.place, model.base
    if base is None:
        parts = [f"pretrained={place.path}"]
    else:
        parts = [f"pretrained={base.path if base.is_local else _folder(model)}", f"peft={place.path}"]
    parts += [f"revision={place.revision}"] if place.revision else []
    text = ",".join([*parts, f"dtype={model.precision}"])
    is_local = place.is_local or (base is not None and base.is_local)
    return f'"{text}"' if is_local else shlex.quote(text)


def _folder(model: Model) -> str:
    """Return where the base of an adapter is downloaded: lm_eval has one revision, which is the adapter's."""
    return f"./base-{(model.base.commit or '')[:8]}" if model.base else ""


def _options(setup: Setup, served: Served | None, num_fewshot: int | None) -> Iterator[list[str]]:
    """Yield the options of lm_eval besides the model and the tasks."""
    settings = setup.settings
    if arguments := lm_eval_served.further(setup, served) if served else settings.model_args:
        yield ["--model_args", arguments]  # lm_eval adds these to the ones before
    if num_fewshot is not None:
        yield ["--num_fewshot", str(num_fewshot)]
    if lm_eval_served.uses_chat_template(setup, served) if served else setup.has_chat_template:
        name = settings.chat_template_name
        yield ["--apply_chat_template", name] if name else ["--apply_chat_template"]
        yield from _turns(setup)
    if settings.system_instruction:
        yield [f"--system_instruction={settings.system_instruction}"]  # it may begin with a hyphen
    if how := lm_eval_served.writing(setup) if served else settings.gen_kwargs:
        yield ["--gen_kwargs", how]
    if settings.metadata:
        yield ["--metadata", settings.metadata]
    if not served:
        yield from _machine(setup)
    if setup.limit is not None:
        is_whole = setup.limit >= 1 and setup.limit.is_integer()
        yield ["--limit", str(int(setup.limit) if is_whole else setup.limit)]
    if setup.seeds and setup.seeds != tuple(SEEDS.values()):
        yield ["--seed", ",".join(map(str, setup.seeds))]


def _machine(setup: Setup) -> Iterator[list[str]]:
    """Yield how the model runs on a machine."""
    yield ["--batch_size", setup.batch_size]
    if setup.device:
        yield ["--device", setup.device]


def _turns(setup: Setup) -> Iterator[list[str]]:
    """Yield whether examples are turns of a conversation. Since 0.4.13 at the latest they are by default."""
    multiturn = setup.settings.fewshot_as_multiturn
    if _version(setup.version) < CHECKED and multiturn:
        yield ["--fewshot_as_multiturn"]
    elif _version(setup.version) >= CHECKED and multiturn is False:
        yield ["--fewshot_as_multiturn", "false"]


def _further(setup: Setup) -> Iterator[str]:
    """Yield the settings that older versions of lm_eval take in other forms, or not at all."""
    settings = setup.settings
    for name in ("gen_kwargs", "metadata", "model_args", "chat_template_name", "system_instruction"):
        if getattr(settings, name):
            yield name
    if setup.has_chat_template and settings.fewshot_as_multiturn is False and any(setup.tasks.values()):
        yield "fewshot_as_multiturn=False"


def _allowed(served: Served | None) -> tuple[Mapping[str, Check], Mapping[str, Check]]:
    """Return how a model may write, and which further arguments of the model a command may have."""
    if served is None:
        return GEN_KWARGS, MODEL_ARGS
    route = lm_eval_served.route(served)
    passed_over: Mapping[str, Check] = dict.fromkeys(route.passed_over, lambda value: True)
    taken = {name: MODEL_ARGS[name] for name in route.arguments}
    return {name: GEN_KWARGS[name] for name in lm_eval_served.WRITING}, {**passed_over, **taken}


def _refused(settings: RunSettings, served: Served | None) -> Iterator[str]:
    """Yield the names of what we do not write into a command."""
    how_it_writes, of_the_model = _allowed(served)
    for arguments, allowed in ((settings.gen_kwargs, how_it_writes), (settings.model_args, of_the_model)):
        given = json.loads(arguments or "{}")
        for name, value in given.items():
            if name not in allowed or not allowed[name](value):
                yield name if PLAIN.fullmatch(name) else "one with an odd name"
    metadata = json.loads(settings.metadata or "{}")
    if not all(_is_word(name) and _are_words(value) for name, value in metadata.items()):
        yield "metadata"
    if settings.chat_template_name and (served or not PLAIN.fullmatch(settings.chat_template_name)):
        yield "chat_template_name"
    if not _is_readable(settings.system_instruction):
        yield "system_instruction"
    for name in ("gen_kwargs", "model_args", "metadata"):
        if len(getattr(settings, name)) > LONGEST_ARGUMENTS:
            yield f"{name}, which is long"


def _is_readable(text: str) -> bool:
    """Return whether a text in a command shows what it does."""
    is_short = len(text) <= LONGEST_INSTRUCTION
    return is_short and all(letter.isprintable() or letter == "\n" for letter in text)


def _version(text: str) -> tuple[int, ...]:
    """Return the numbers that a version begins with."""
    found = re.match(r"\d{1,5}(?:\.\d{1,5}){0,3}", text)
    return tuple(map(int, found[0].split("."))) if found else ()
