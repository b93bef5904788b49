"""Each check alone: what it takes, what it refuses, and that its message names the thing and the remedy."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, NamedTuple

import pytest

from src.checks import (
    CHECKS,
    LONGEST_FIELD,
    SHORTEST_CARD,
    Check,
    architecture_is_known,
    base_model_is_named,
    board_takes_submissions,
    chat_template_is_used_where_it_must_be,
    fields_are_not_too_long,
    fits_the_size_cap,
    has_a_base_model_where_it_needs_one,
    has_a_model_card,
    has_safetensors_weights,
    has_the_base_model_that_it_was_made_from,
    is_not_submitted_yet,
    model_exists,
    model_is_named,
    model_is_not_blocked,
    model_type_is_offered,
    name_can_be_a_folder,
    needs_no_remote_code,
    precision_is_offered,
    queue_belongs_to_our_backend,
    queue_has_room,
    quota_is_not_used_up,
    revision_is_possible,
    states_a_license,
    submitter_is_not_blocked,
    submitter_is_signed_in,
    weight_type_fits_the_files,
    weight_type_is_offered,
    weights_can_be_loaded,
    writes_are_not_used_up,
)
from src.shared.data.request import RESUBMITTED, WITHDRAWN, Attempt, Request, Status
from src.shared.errors import BadFile, ConfigurationError
from src.shared.models.model_source import ModelFacts
from src.shared.moderation.blocklist import Blocklist, read_blocklist
from src.shared.times import to_text
from src.submitting.case import Case
from src.submitting.checking import problems
from src.submitting.desk import withdrawn
from src.submitting.form import Refused
from src.submitting.limits import Terms, read_higher
from src.submitting.submitter import ANONYMOUS, Submitter
from support.boards import path_of
from support.cases import NOW, make_case, make_facts
from support.factories import COMMIT, MODEL, make_backend, make_request
from support.sentences import too_long

ALICE, BOB = Submitter("alice"), Submitter("bob")
BASE = make_facts(name="acme/base", params=8_000_000_000)
ADAPTER_FILES = ("README.md", "adapter_config.json", "adapter_model.safetensors")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def terms(*, anonymous: bool = True, login: bool = False, **limits: Any) -> Terms:
    return Terms(anonymous=anonymous, login=login, **limits)


def submitted(*ages: timedelta, by: str | None = "alice", **changes: Any) -> dict[str, Request]:
    """Requests for other models, handed in so long ago."""
    requests = [
        make_request(model=f"{by}/model-{n}", submitted_by=by, submitted_time=to_text(NOW - age), **changes)
        for n, age in enumerate(ages)
    ]
    return {path_of(request): request for request in requests}


def finished(*ages: timedelta, by: str = "alice") -> dict[str, Request]:
    """Requests that were evaluated as soon as they were handed in."""
    return submitted(*ages, by=by, status=Status.FINISHED)


def an_adapter(
    *,
    form: Mapping[str, Any] | None = None,
    facts: Mapping[str, Any] | None = None,
    base: ModelFacts = BASE,
    **changes: Any,
) -> Case:
    """An adapter that is handed in as one."""
    of_the_adapter = {
        "files": ADAPTER_FILES,
        "architecture": None,
        "params": 1_000_000_000,
        "base_models": ("acme/base",),
        "adapts": "acme/base",
        **(facts or {}),
    }
    fields = {"weight_type": "Adapter", **(form or {})}
    bases = {"acme/base": base, "acme/old": base, "acme/else": make_facts(name="acme/else")}
    return make_case(facts=make_facts(**of_the_adapter), bases=bases, form=fields, **changes)


def made(changes: Mapping[str, Any], **case: Any) -> Case:
    return make_case(facts=make_facts(**changes), **case)


class Wrong(NamedTuple):
    """What a check refuses, which field that is about, and parts of its message: of what, and what to do."""

    check: Check
    case: Case
    field: str
    sentences: tuple[str, ...]


REFUSED = [
    Wrong(
        queue_belongs_to_our_backend,
        make_case(requests={"old.json": make_request(model="acme/old", commit=None)}),
        "",
        (
            "Its queue still belongs to the backend of the old template",
            "when the owner has started the new backend",
        ),
    ),
    *(
        Wrong(
            fields_are_not_too_long,
            make_case(form={field: "x" * 201}),
            field,
            (f"The field {field} has 201 characters", "Shorten it to at most 200"),
        )
        for field in ("model", "base_model", "revision", "precision", "weight_type", "model_type")
    ),
    Wrong(
        submitter_is_signed_in,
        make_case(terms=terms(anonymous=False, login=True)),
        "",
        ("Sign in with your Hugging Face account", "a token in the Authorization header"),
    ),
    Wrong(
        submitter_is_signed_in,
        make_case(terms=terms(anonymous=False)),
        "",
        ("without a login are switched off", "hf_oauth: true", "ANONYMOUS_SUBMISSIONS"),
    ),
    Wrong(
        submitter_is_not_blocked,
        make_case(who=Submitter("Spam-Bot"), blocked=Blocklist(users={"spam-*": "it sends junk"})),
        "",
        ("Spam-Bot may not submit here: it sends junk.", "Ask the leaderboard's owner"),
    ),
    Wrong(
        submitter_is_not_blocked,
        make_case(who=ALICE, blocked=Blocklist(users={"alice": ""})),
        "",
        ("alice may not submit here. Ask the leaderboard's owner",),
    ),
    Wrong(
        submitter_is_not_blocked,
        make_case(blocked=Blocklist(broken="it is not valid YAML: line 3")),
        "",
        (
            "list of blocked models and users cannot be read: it is not valid YAML: line 3.",
            "Submissions are closed until it is fixed.",
        ),
    ),
    Wrong(
        board_takes_submissions,
        make_case(blocked=Blocklist(closed="Submissions are closed: we move.")),
        "",
        ("Submissions are closed: we move.",),
    ),
    Wrong(
        queue_has_room,
        make_case(terms=terms(pending=2), requests=submitted(DAY, DAY, by=None)),
        "",
        ("2 requests are already waiting", "Try again when some have been evaluated"),
    ),
    Wrong(
        quota_is_not_used_up,
        make_case(who=ALICE, terms=terms(quota=2), requests=finished(DAY, 2 * DAY)),
        "",
        (
            "alice has used up the quota of 2 submissions in 7 days: 2 have been evaluated.",
            "The next one is accepted from 2026-02-06 12:00 UTC on.",
        ),
    ),
    Wrong(
        quota_is_not_used_up,
        make_case(who=ALICE, terms=terms(quota=2), requests=submitted(DAY, 2 * DAY, status=Status.PENDING)),
        "",
        (
            "alice has used up the quota of 2 submissions in 7 days: 2 wait or run.",
            "The next one is accepted when a waiting one is withdrawn, or 7 days after the evaluation of one",
        ),
    ),
    Wrong(
        quota_is_not_used_up,
        make_case(who=ALICE, terms=terms(higher={"alice": 0})),
        "",
        ("alice has used up the quota of 0 submissions in 7 days.", "Ask the leaderboard's owner"),
    ),
    Wrong(
        writes_are_not_used_up,
        make_case(who=ALICE, terms=terms(writes=1), requests=submitted(HOUR / 2)),
        "",
        (
            "alice has submitted and withdrawn 1 time",
            "within an hour",
            "accepted from 2026-02-01 12:30 UTC on.",
        ),
    ),
    Wrong(
        model_is_named,
        make_case(form={"model": ""}),
        "model",
        ("Which model? Write its name as on the Hub: organisation/model.",),
    ),
    *(
        Wrong(
            model_is_named,
            make_case(form={"model": name}),
            "model",
            (shown, "cannot be a model's name. Write it as on the Hub, organisation/model"),
        )
        for name, shown in [
            ("../../etc/passwd", "'../../etc/passwd'"),
            ("a/b/c", "'a/b/c'"),
            ("acme/tiny model", "'acme/tiny model'"),
            ("acme/tiny\n", r"'acme/tiny\n'"),
            ("acme/ti\0ny", r"'acme/ti\x00ny'"),
            ("acme/\u202eynit", r"'acme/\u202eynit'"),
            ("acme/\ud800", r"'acme/\ud800'"),
            ("acme/" + "x" * 97, "'acme/xxx"),
            ("<script>/x", "'<script>/x'"),
            (".git/config", "'.git/config'"),
        ]
    ),
    Wrong(
        model_is_named,
        make_case(form={"model": "аcme/tiny"}),  # the first letter is Cyrillic
        "model",
        ("'аcme/tiny'", "CYRILLIC SMALL LETTER A", "Copy the name from the model's page"),
    ),
    Wrong(
        base_model_is_named,
        make_case(form={"base_model": "a/b/c"}),
        "base_model",
        ("'a/b/c'", "Write it as on the Hub"),
    ),
    *(
        Wrong(
            revision_is_possible,
            make_case(form={"revision": revision}),
            "revision",
            ("cannot be a revision of 'acme/tiny'", "a branch, a tag or a commit"),
        )
        for revision in ("", "../main", "a..b", "-x", "a b", "main\n", "ma\0in", "caf\u00e9", "\u202emain")
    ),
    Wrong(
        precision_is_offered,
        make_case(form={"precision": "int3"}),
        "precision",
        ("The precision 'int3' of 'acme/tiny' is not offered", "Choose one of float16, bfloat16, float32."),
    ),
    Wrong(
        precision_is_offered,
        make_case(backend=make_backend(precisions=("bfloat16",))),
        "precision",
        ("The precision 'float32' of 'acme/tiny' is not offered. Choose one of bfloat16.",),
    ),
    Wrong(
        precision_is_offered,
        make_case(form={"precision": ""}),
        "precision",
        ("The precision of 'acme/tiny' is missing. Choose one of",),
    ),
    Wrong(
        weight_type_is_offered,
        make_case(form={"weight_type": "Lora"}),
        "weight_type",
        ("The weight type 'Lora' of 'acme/tiny' is not offered. Choose one of Original, Adapter.",),
    ),
    Wrong(
        weight_type_is_offered,
        an_adapter(backend=make_backend(weight_types=("Original",))),
        "weight_type",
        ("'acme/tiny' was submitted as Adapter", "only Original", "Merge it into its base model"),
    ),
    *(
        Wrong(
            weight_type_is_offered,
            make_case(form={"weight_type": "Delta"}, backend=backend),
            "weight_type",
            (
                "'acme/tiny' was submitted as Delta",
                "Add the delta to its base model and submit the whole model.",
            ),
        )
        for backend in (None, make_backend(weight_types=("Original", "Adapter")))
    ),
    Wrong(
        base_model_is_named,
        an_adapter(form={"base_model": "acme/base@a..b"}),
        "base_model",
        ("'a..b' cannot be a revision of 'acme/base'", "organisation/model@commit"),
    ),
    Wrong(
        model_type_is_offered,
        make_case(form={"model_type": "huge"}),
        "model_type",
        ("The model type 'huge' of 'acme/tiny' is not offered. Choose one of 🟢 : pretrained",),
    ),
    Wrong(
        model_type_is_offered,
        make_case(form={"model_type": ""}),
        "model_type",
        ("The model type of 'acme/tiny' is missing",),
    ),
    Wrong(
        model_is_not_blocked,
        make_case(blocked=Blocklist(models={"acme/*": "its weights were stolen"})),
        "model",
        ("'acme/tiny' is not evaluated here: its weights were stolen.", "Ask the leaderboard's owner"),
    ),
    Wrong(
        model_is_not_blocked,
        an_adapter(form={"base_model": "Acme/Base"}, blocked=Blocklist(models={"acme/base": ""})),
        "base_model",
        ("'Acme/Base' is not evaluated here. Ask the leaderboard's owner",),
    ),
    Wrong(model_exists, make_case(form={"model": "acme/none"}), "model", ("There is no model acme/none.",)),
    Wrong(
        model_exists,
        made({"name": "acme/new"}, blocked=Blocklist(models={"acme/new": ""})),
        "model",
        ("'acme/new' is not evaluated here.", "Ask the leaderboard's owner"),
    ),
    *(
        Wrong(
            name_can_be_a_folder,
            made({"name": name}),
            "model",
            (f"{name} cannot be the name of a folder in the requests dataset", "Rename the model"),
        )
        for name in (".leaderboard/tiny", ".logs/tiny", "index/tiny", "logs/tiny")
    ),
    Wrong(
        weight_type_fits_the_files,
        an_adapter(form={"weight_type": "Original"}),
        "weight_type",
        ("acme/tiny is an adapter (it has adapter_config.json)", "Choose Adapter as its weights type"),
    ),
    Wrong(
        weight_type_fits_the_files,
        an_adapter(form={"weight_type": "Original"}, backend=make_backend(weight_types=("Original",))),
        "weight_type",
        ("acme/tiny is an adapter", "Only whole models are evaluated here, so merge it into its base model"),
    ),
    Wrong(
        weight_type_fits_the_files,
        make_case(form={"weight_type": "Adapter"}),
        "weight_type",
        ("acme/tiny is not an adapter: it has no adapter_config.json", "Choose another weights type"),
    ),
    Wrong(
        has_a_base_model_where_it_needs_one,
        an_adapter(facts={"base_models": ()}),
        "base_model",
        (
            "acme/tiny was submitted as Adapter, but its base model is missing",
            "Name the model that it was made",
        ),
    ),
    Wrong(
        has_a_base_model_where_it_needs_one,
        an_adapter(form={"base_model": "acme/gone"}),
        "base_model",
        ("There is no model acme/gone.",),
    ),
    Wrong(
        has_a_base_model_where_it_needs_one,
        an_adapter(blocked=Blocklist(models={"acme/base": "it leaks"})),
        "base_model",
        ("'acme/base' is not evaluated here: it leaks.", "Ask the leaderboard's owner"),
    ),
    *(
        Wrong(
            has_safetensors_weights,
            made({"files": ("README.md", "config.json", *files)}),
            "model",
            (
                f"acme/tiny has {has}, but only weights in safetensors",
                "save_pretrained()",
                "safetensors/convert",
            ),
        )
        for files, has in [
            (("pytorch_model.bin",), "only PyTorch files"),
            (("a.gguf", "b.pth"), "only GGUF and PyTorch files"),
            ((), "no files with weights"),
        ]
    ),
    Wrong(
        needs_no_remote_code,
        made({"needs_remote_code": True}),
        "model",
        ("acme/tiny needs code of its own (auto_map in config.json)", "Submit a version whose architecture"),
    ),
    Wrong(
        architecture_is_known,
        made({"architecture": "OddForCausalLM"}, backend=make_backend(architectures=("LlamaForCausalLM",))),
        "model",
        ("acme/tiny is a 'OddForCausalLM'", "the transformers 5.23.0", "Ask the owner for a newer version"),
    ),
    *(
        Wrong(
            architecture_is_known,
            made({"architecture": name}, backend=make_backend(architectures=("LlamaForCausalLM",))),
            "model",
            (f"acme/tiny is a '{name}', which is not a causal language model", "predicts the next token"),
        )
        for name in (
            "T5ForConditionalGeneration",
            "BertForMaskedLM",
            "BartForConditionalGeneration",
            "BertModel",
            "DistilBertForSequenceClassification",
        )
    ),
    *(
        Wrong(
            weights_can_be_loaded,
            made({"quantization": method}, backend=make_backend(quantizations=("fp8",))),
            "model",
            (f"The weights of acme/tiny are quantized {how}", "Submit the model without quantization"),
        )
        for method, how in {
            "gptq": "with 'gptq'",
            "awq": "with 'awq'",
            "bitsandbytes": "with 'bitsandbytes'",
            "<b>": "with '<b>'",
            "": "with an unnamed method",
        }.items()
    ),
    Wrong(
        fits_the_size_cap,
        made({"params": 7_000_000_000}, backend=make_backend(max_model_gb=20)),
        "precision",
        (
            "acme/tiny has 28 GB of weights in float32",
            "the limit of this leaderboard is 20 GB. Choose float16 or bfloat16",
        ),
    ),
    Wrong(
        fits_the_size_cap,
        made({"params": 7_000_000_000}, backend=make_backend(max_model_gb=10)),
        "precision",
        (
            "acme/tiny has 28 GB",
            "the limit of this leaderboard is 10 GB. Submit a smaller model, or ask the owner",
        ),
    ),
    Wrong(
        fits_the_size_cap,
        made(
            {"params": 70_000_000_000},
            backend=make_backend(max_model_gb=100, settings={"inference": "endpoint"}),
            form={"precision": "bfloat16"},
        ),
        "precision",
        (
            "acme/tiny has 140 GB of weights in bfloat16",
            "but the largest machine that this leaderboard rents takes 100 GB. Submit a smaller model, or "
            "ask the owner to allow larger hardware.",
        ),
    ),
    Wrong(
        chat_template_is_used_where_it_must_be,
        made({}, backend=make_backend(settings={"inference": "server", "inference_api": "chat"})),
        "use_chat_template",
        (
            "'acme/tiny' was submitted without its chat template",
            "Tick Use the chat template. Programs send use_chat_template.",
        ),
    ),
    Wrong(
        fits_the_size_cap,
        an_adapter(form={"precision": "float16"}, backend=make_backend(max_model_gb=10)),
        "precision",
        ("acme/tiny with its base model acme/base has 18 GB of weights in float16",),
    ),
    *(
        Wrong(
            has_the_base_model_that_it_was_made_from,
            an_adapter(facts={"adapts": note}),
            "base_model",
            (
                f"acme/tiny was trained on '{note}' (`base_model_name_or_path` in adapter_config.json), not "
                "on acme/base",
                "Name the base model that it was trained on, or correct the file",
            ),
        )
        for note in ("acme/else", "acme/gone", "gpt2")
    ),
    Wrong(
        has_safetensors_weights,
        an_adapter(facts={"files": ("adapter_config.json", "adapter_model.bin")}),
        "model",
        ("acme/tiny has only PyTorch files", "Save it again with a recent peft"),
    ),
    Wrong(
        has_safetensors_weights,
        an_adapter(base=replace(BASE, files=("config.json", "pytorch_model.bin"))),
        "base_model",
        ("acme/base has only PyTorch files", "model.save_pretrained()"),
    ),
    Wrong(
        states_a_license,
        made({"license": ""}),
        "model",
        ("acme/tiny states no licence. Add `license:`, or both `license_name:` and `license_link:`",),
    ),
    Wrong(
        has_a_model_card,
        make_case(card="# Tiny\n\n" + " " * 300),
        "model",
        (
            "acme/tiny has a model card with 0 characters of text",
            "Describe in its README.md what it is",
            "200 characters",
        ),
    ),
    Wrong(
        has_a_model_card,
        made({"files": ("config.json", "model.safetensors")}),
        "model",
        ("acme/tiny has no model card. Describe in its README.md",),
    ),
    Wrong(
        is_not_submitted_yet,
        make_case(requests={"a.json": make_request(status=Status.RUNNING)}),
        "model",
        ("acme/tiny (commit 01234567, float32, Original) was already submitted and is RUNNING", "is a.json."),
    ),
    Wrong(
        is_not_submitted_yet,
        make_case(requests={"a.json": make_request(commit=None, status=Status.FINISHED)}),
        "model",
        ("(revision main,", "its request is a.json.", f"enter {COMMIT} as the revision."),
    ),
]


IDS = [f"{wrong.check.__name__}-{number}" for number, wrong in enumerate(REFUSED)]


@pytest.mark.parametrize("wrong", REFUSED, ids=IDS)
def test_it_is_refused_with_what_is_wrong_and_what_to_do(wrong: Wrong) -> None:
    with pytest.raises(Refused) as refusal:
        wrong.check(wrong.case)
    message = str(refusal.value)
    assert [part for part in wrong.sentences if part not in message] == [], message
    assert message.endswith(".")
    assert message.isprintable()
    assert too_long(message) == []
    assert refusal.value.field == wrong.field


@pytest.mark.parametrize("wrong", REFUSED, ids=IDS)
def test_it_is_among_all_that_is_wrong(wrong: Wrong) -> None:
    found = [str(each) for each in problems(wrong.case)]
    assert any(wrong.sentences[0] in message for message in found)
    assert len(found) == len(set(found))


GOOD = [
    make_case(),
    make_case(who=ALICE, terms=terms(anonymous=False)),
    make_case(form={"model_type": "?", "revision": "refs/pr/1", "base_model": "acme/base"}),
    an_adapter(),
    an_adapter(form={"base_model": "acme/base"}),
    an_adapter(form={"base_model": f"acme/base@{COMMIT}"}),
    *(an_adapter(facts={"adapts": note}) for note in ("", "/home/me/base", "ACME/Base", "base", "acme/old")),
    made({"params": None, "architecture": None}, backend=make_backend(max_model_gb=1)),
]


@pytest.mark.parametrize("check", CHECKS)
def test_what_is_right_is_taken(check: Check) -> None:
    for case in GOOD:
        check(case)


# Who submits


def test_a_broken_list_of_blocked_is_told_to_everybody_also_to_those_without_a_login() -> None:
    for who in (ANONYMOUS, ALICE):
        with pytest.raises(Refused, match="cannot be read"):
            submitter_is_not_blocked(make_case(who=who, blocked=Blocklist(broken="it is broken")))


@pytest.mark.parametrize("who", [ANONYMOUS, ALICE])
def test_nobody_is_blocked_by_somebody_elses_name(who: Submitter) -> None:
    submitter_is_not_blocked(make_case(who=who, blocked=Blocklist(users={"bob": "", "ali": "", "none": ""})))


# How much is taken


def test_the_quota_is_of_one_login_in_whatever_case_and_of_nobody_else() -> None:
    case = make_case(who=ALICE, terms=terms(quota=1), requests=finished(DAY, by="Alice"))
    with pytest.raises(Refused, match="alice has used up the quota of 1 submission in"):
        quota_is_not_used_up(case)
    others = {**submitted(DAY, by="bob"), **submitted(DAY, DAY, by=None)}
    for who in (ALICE, ANONYMOUS):
        quota_is_not_used_up(make_case(who=who, terms=terms(quota=1), requests=others))


def test_the_quota_is_free_again_when_it_was_said_to_be() -> None:
    """Of three within the quota of two, both of the newer ones must stay in the period."""
    requests = finished(6 * DAY, 3 * DAY, DAY)
    limits = terms(quota=2, period=7 * DAY)
    with pytest.raises(Refused, match=r"The next one is accepted from 2026-02-05 12:00 UTC on\."):
        quota_is_not_used_up(make_case(who=ALICE, terms=limits, requests=requests))
    then = make_case(who=ALICE, terms=limits, requests=requests)
    quota_is_not_used_up(replace(then, now=NOW + 4 * DAY))
    with pytest.raises(Refused):
        quota_is_not_used_up(replace(then, now=NOW + 4 * DAY - timedelta(seconds=1)))


@pytest.mark.parametrize("check", [quota_is_not_used_up, writes_are_not_used_up])
def test_the_time_that_is_told_is_not_too_early(check: Check) -> None:
    """It is told in minutes: whoever comes then is taken, although it was in the middle of one."""
    limits = terms(quota=1, writes=1, period=HOUR)
    case = make_case(who=ALICE, terms=limits, requests=finished(timedelta(minutes=30, seconds=-45)))
    with pytest.raises(Refused) as refusal:
        check(case)
    told = str(refusal.value).partition("from 2026-02-01 ")[2][:5]
    hours, minutes = map(int, told.split(":"))
    check(replace(case, now=NOW.replace(hour=hours, minute=minutes)))


@pytest.mark.parametrize(
    ("period", "said"),
    [(DAY, "in 1 day:"), (7 * DAY, "in 7 days:"), (DAY / 2, "in 0.5 days:")],
)
def test_the_period_is_said_in_days(period: timedelta, said: str) -> None:
    case = make_case(who=ALICE, terms=terms(quota=1, period=period), requests=submitted(HOUR))
    with pytest.raises(Refused, match=said):
        quota_is_not_used_up(case)


@pytest.mark.parametrize("written", ["Alice: 3, bob:1", {"ALICE": 3, "bob": "1"}, " alice : 3 ,, bob: 1,"])
def test_higher_limits_count_for_those_whom_they_name(written: object) -> None:
    limits = terms(quota=0, higher=read_higher(written))
    quota_is_not_used_up(make_case(who=Submitter("aLiCe"), terms=limits, requests=submitted(DAY, DAY)))
    for who, requests in [(ALICE, finished(DAY, DAY, DAY)), (BOB, finished(DAY, by="bob"))]:
        with pytest.raises(Refused, match="The next one is accepted from"):
            quota_is_not_used_up(make_case(who=who, terms=limits, requests=requests))
    with pytest.raises(Refused, match="carol has used up the quota of 0 submissions"):
        quota_is_not_used_up(make_case(who=Submitter("carol"), terms=limits))


@pytest.mark.parametrize(
    "written", ["alice", "alice: many", ": 3", "alice: -1", "alice: 1.5", {"alice": None}]
)
def test_higher_limits_that_make_no_sense_are_told_with_what_to_write(written: object) -> None:
    with pytest.raises(ConfigurationError, match=r"HIGHER_RATE_LIMITS holds .*alice: 50"):
        read_higher(written)


def attempt(end: str, *, by: str, started: timedelta, ended: timedelta) -> Attempt:
    return Attempt(0, "", NOW - started, NOW - ended, end, by=by)


def test_withdrawals_and_resubmissions_of_the_last_hour_are_counted_as_writes() -> None:
    history = (
        attempt(WITHDRAWN, by="alice", started=3 * HOUR, ended=HOUR / 2),
        attempt(RESUBMITTED, by="alice", started=3 * HOUR / 4, ended=HOUR / 4),
    )
    requests = submitted(HOUR / 8, history=history)
    writes_are_not_used_up(make_case(who=ALICE, terms=terms(writes=4), requests=requests))
    with pytest.raises(
        Refused, match=r"alice has submitted and withdrawn 3 times .* 2026-02-01 12:15 UTC on"
    ):
        writes_are_not_used_up(make_case(who=ALICE, terms=terms(writes=3), requests=requests))


def test_what_is_older_than_an_hour_or_was_done_by_others_is_not_counted_as_a_write() -> None:
    history = (
        attempt(WITHDRAWN, by="alice", started=2 * HOUR, ended=HOUR),
        attempt(RESUBMITTED, by="bob", started=HOUR / 2, ended=HOUR / 4),
        Attempt(1, "alice", NOW, NOW, "crashed", "A worker of this name did it."),
    )
    requests = {**submitted(HOUR, history=history), **submitted(HOUR / 2, by="bob")}
    writes_are_not_used_up(make_case(who=ALICE, terms=terms(writes=1), requests=requests))


@pytest.mark.parametrize("status", list(Status))
def test_whatever_became_of_it_a_write_is_counted(status: Status) -> None:
    requests = submitted(HOUR / 2, status=status)
    with pytest.raises(Refused, match="submitted and withdrawn 1 time"):
        writes_are_not_used_up(make_case(who=ALICE, terms=terms(writes=1), requests=requests))


def test_who_submits_and_withdraws_in_turn_uses_up_writes_and_no_quota() -> None:
    requests = submitted(HOUR / 2, HOUR / 3)
    taken_back = {path: withdrawn(each, by="alice", now=NOW) for path, each in requests.items()}
    quota_is_not_used_up(make_case(who=ALICE, terms=terms(quota=1), requests=taken_back))
    with pytest.raises(Refused, match="submitted and withdrawn 4 times"):
        writes_are_not_used_up(make_case(who=ALICE, terms=terms(writes=4), requests=taken_back))


def test_who_has_no_login_is_not_held_to_the_limits_of_one() -> None:
    """Nobody can count what nobody did; how many wait is limited for all."""
    requests = submitted(HOUR / 2, HOUR / 2, by=None)
    for check in (quota_is_not_used_up, writes_are_not_used_up):
        check(make_case(terms=terms(quota=0, writes=0), requests=requests))


@pytest.mark.parametrize("status", list(Status))
def test_only_what_waits_takes_room_in_the_queue(status: Status) -> None:
    case = make_case(terms=terms(pending=1), requests=submitted(DAY, status=status))
    if status in (Status.WAITING, Status.PENDING):
        with pytest.raises(Refused, match=r"^1 requests? (is|are) already waiting"):
            queue_has_room(case)
    else:
        queue_has_room(case)


def test_the_queue_has_room_again_as_soon_as_one_fewer_waits() -> None:
    queue_has_room(make_case(terms=terms(pending=3), requests=submitted(DAY, DAY)))
    with pytest.raises(Refused, match="3 requests are already waiting"):
        queue_has_room(make_case(terms=terms(pending=3), requests=submitted(DAY, DAY, DAY)))


# The list of blocked models and users


@pytest.mark.parametrize(
    "written",
    [
        "models:\n- acme/tiny",
        "models: acme/tiny",
        "models:\n- ACME/Tiny:",
        "models:\n- acme/*",
        "models:\n- '*/tiny'",
        "models:\n- other/x: why not\n- ac?e/tiny",
        "models: {acme/tiny: null}",
    ],
)
def test_a_model_is_blocked_by_its_name_in_whatever_case_or_by_a_pattern(written: str) -> None:
    with pytest.raises(Refused, match="'acme/tiny' is not evaluated here"):
        model_is_not_blocked(make_case(blocked=read_blocklist(written.encode())))


@pytest.mark.parametrize(
    "written",
    ["", "models:", "models: []", "models:\n- acme/tin\n- tiny\n- acme", "users:\n- acme/tiny\n- acme"],
)
def test_no_other_model_is_blocked(written: str) -> None:
    model_is_not_blocked(make_case(blocked=read_blocklist(written.encode())))


@pytest.mark.parametrize(
    "written",
    [
        "models: [",
        "- acme/tiny",
        "acme/tiny",
        "model:\n- acme/tiny",
        "models:\n- [acme/tiny]",
        "models:\n- acme/tiny: {why: none}",
        "models:\n- ''",
        "users: &x [alice]\nmodels: *x",
        "users: !!python/name:os.system",
        "\0",
        "models: " + "[" * 1000,
    ],
)
def test_a_list_that_cannot_be_understood_is_broken_and_blocks_nobody_silently(written: str) -> None:
    with pytest.raises(BadFile) as broken:
        read_blocklist(written.encode())
    with pytest.raises(Refused) as refusal:
        submitter_is_not_blocked(make_case(blocked=Blocklist(broken=str(broken.value))))
    assert len(str(refusal.value)) < 600
    assert str(refusal.value).isprintable()


# The model


@pytest.mark.parametrize("name", ["acme/tiny", "gpt2", "Acme-1/tiny_2.5", "acme/" + "x" * 96, "a.json/b"])
def test_every_possible_name_is_taken(name: str) -> None:
    case = made({"name": name})
    for check in (model_is_named, name_can_be_a_folder):
        check(case)


@pytest.mark.parametrize(
    "revision", ["main", "refs/pr/1", "v1.0", "feature/x_y-z", COMMIT, COMMIT[:8], "a+b#1"]
)
def test_branches_tags_and_commits_are_taken(revision: str) -> None:
    revision_is_possible(make_case(form={"revision": revision}))


def test_a_field_may_be_as_long_as_the_limit() -> None:
    fields_are_not_too_long(make_case(form={"revision": "r" * LONGEST_FIELD}))


@pytest.mark.parametrize(("precision", "params"), [("float32", 5), ("float16", 10), ("bfloat16", 10)])
def test_a_model_may_be_as_large_as_the_cap_in_its_precision(precision: str, params: int) -> None:
    backend, form = make_backend(max_model_gb=20), {"precision": precision}
    fits_the_size_cap(made({"params": params * 10**9}, backend=backend, form=form))
    with pytest.raises(Refused, match=f"GB of weights in {precision}"):
        fits_the_size_cap(made({"params": params * 10**9 + 10**8}, backend=backend, form=form))


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"inference": "server"},
        {"inference": "endpoint", "inference_api": "completions"},
        {"inference": "local", "inference_api": "chat"},
        {"inference_api": "chat"},
        {"inference": ["server"], "inference_api": ["chat"]},
    ],
)
def test_a_model_may_do_without_its_chat_template_where_no_server_insists_on_it(settings: Any) -> None:
    chat_template_is_used_where_it_must_be(made({}, backend=make_backend(settings=settings)))
    chat_template_is_used_where_it_must_be(made({}, backend=None))
    only = make_backend(settings={"inference": "server", "inference_api": "chat"})
    chat_template_is_used_where_it_must_be(made({}, backend=only, form={"use_chat_template": True}))


@pytest.mark.parametrize("backend", [None, make_backend(), make_backend(architectures=())])
def test_what_the_backend_has_not_said_is_not_held_against_a_model(backend: Any) -> None:
    changes = {"architecture": "OddForCausalLM", "params": 10**15, "quantization": "gptq"}
    case = made(changes, backend=backend)
    for check in (architecture_is_known, weights_can_be_loaded, fits_the_size_cap, precision_is_offered):
        check(case)


@pytest.mark.parametrize("quantization", [None, "fp8"])
def test_weights_that_the_backend_can_load_are_taken(quantization: str | None) -> None:
    backend = make_backend(quantizations=("bitnet", "fp8"))
    weights_can_be_loaded(made({"quantization": quantization}, backend=backend))


def test_an_architecture_that_only_a_server_may_know_is_taken() -> None:
    backend = make_backend(architectures=("PhiForCausalLM",))
    served = replace(backend, settings={"inference": "endpoint"})
    with pytest.raises(Refused):
        architecture_is_known(made({"architecture": "OddForCausalLM"}, backend=backend))
    architecture_is_known(made({"architecture": "OddForCausalLM"}, backend=served))


@pytest.mark.parametrize("inference", ["endpoint", "server"])
@pytest.mark.parametrize("name", ["BertForSequenceClassification", "BertModel", "OddForTokenClassification"])
def test_a_server_lets_no_classifier_continue_text(name: str, inference: str) -> None:
    backend = make_backend(architectures=("PhiForCausalLM",), settings={"inference": inference})
    with pytest.raises(Refused, match="not a causal language model"):
        architecture_is_known(made({"architecture": name}, backend=backend))


def test_a_model_that_sees_too_is_taken_where_a_server_may_know_it() -> None:
    backend = make_backend(architectures=("PhiForCausalLM",), settings={"inference": "endpoint"})
    architecture_is_known(made({"architecture": "OddForConditionalGeneration"}, backend=backend))


def test_code_of_its_own_is_not_needed_where_transformers_knows_the_architecture() -> None:
    backend = make_backend(architectures=("PhiForCausalLM",))
    changes = {"needs_remote_code": True, "architecture": "PhiForCausalLM"}
    for check in (needs_no_remote_code, architecture_is_known):
        check(made(changes, backend=backend))
    with pytest.raises(Refused, match="code of its own"):
        needs_no_remote_code(made({**changes, "architecture": "OddForCausalLM"}, backend=backend))


def test_a_card_may_be_as_short_as_the_limit() -> None:
    has_a_model_card(make_case(card="x" * SHORTEST_CARD))
    with pytest.raises(Refused, match="199 characters"):
        has_a_model_card(make_case(card="x" * (SHORTEST_CARD - 1)))


@pytest.mark.parametrize("status", list(Status))
def test_only_what_failed_or_was_withdrawn_may_be_asked_for_again(status: Status) -> None:
    case = make_case(requests={"a.json": make_request(status=status, model=MODEL.upper())})
    if status in (Status.FAILED, Status.CANCELLED):
        is_not_submitted_yet(case)
    else:
        with pytest.raises(Refused, match=f"already submitted and is {status}") as refusal:
            is_not_submitted_yet(case)
        assert refusal.value.request == "a.json"


def test_while_the_form_is_wrong_nothing_is_said_of_the_model() -> None:
    case = make_case(form={"model": "acme/none", "precision": "int3"})
    [only] = problems(case, before_the_hub=True)
    assert only.field == "precision"


# All of them


def test_every_check_has_a_test_of_what_it_refuses() -> None:
    without = [check.__name__ for check in CHECKS if check not in {wrong.check for wrong in REFUSED}]
    assert without == [], "add them to REFUSED"


def test_names_that_yaml_would_take_for_something_else_are_names() -> None:
    blocked = read_blocklist(b"models:\n- 0123\n- 1_000\nusers:\n- no\n- null: 2024-01-01\n")
    assert (blocked.models, blocked.users) == ({"0123": "", "1_000": ""}, {"no": "", "null": "2024-01-01"})


@pytest.mark.parametrize(
    "card",
    ["# A heading\n" * 100, "<!-- " + "Fill this in. " * 50 + "-->", "[More Information Needed]\n" * 50],
)
def test_what_a_template_leaves_in_a_card_is_no_substance(card: str) -> None:
    with pytest.raises(Refused, match="acme/tiny has a model card with 0 characters of text"):
        has_a_model_card(make_case(card=card))
