"""Nothing that a stranger writes takes the processor long: cards, searches, names, forms, facts of models.

The budgets are ten times what is measured, and a fraction of what one slow expression takes.
"""

import json
from contextlib import suppress
from dataclasses import fields, replace
from functools import cache
from typing import Any

from huggingface_hub.hf_api import ModelInfo
from huggingface_hub.repocard import REGEX_YAML_BLOCK
from hypothesis import example, given, reject, settings
from hypothesis import strategies as st

from src.board.board import Board
from src.checks import has_a_model_card
from src.leaderboard import address
from src.leaderboard.comparison import with_another
from src.leaderboard.merging import standings
from src.leaderboard.references import LONGEST, referred
from src.leaderboard.reproduction import reproduction
from src.leaderboard.rescoring import AS_PUBLISHED
from src.leaderboard.search import read_search
from src.leaderboard.view import ViewState, view
from src.page import api, notices, request_card
from src.page.details.links import DetailsLinks
from src.page.details.provenance import provenance
from src.page.links import model_address
from src.shared.data.backend_description import BackendDescription
from src.shared.data.model_name import is_model_name, linked_revision, model_name
from src.shared.data.reports import read_result
from src.shared.data.request import Request
from src.shared.errors import BadFile, CannotBeEvaluated
from src.shared.index.indexes import RESULTS_INDEX
from src.shared.models.hub_models import _facts
from src.shared.models.model_source import LONGEST_CARD_BYTES, ModelFacts, within_bounds
from src.shared.moderation.blocklist import Blocklist
from src.shared.serving.calls.delivered import anything, choice, text, texts
from src.submitting.card_text import words
from src.submitting.checking import problems
from src.submitting.form import Form, Refused, tidied
from src.submitting.suggestions import suggested, suggested_type
from support.boards import NO_LINKS, TASKS, make_result, path_of, scores
from support.cases import make_case, make_facts
from support.factories import make_request, make_result_file
from support.processor_time import processor_seconds

A_CHECK = 0.05
"""Seconds for one check of any card."""

A_SEARCH = 0.1
"""Seconds for one search of 5,000 rows."""

ANYTHING_ELSE = 0.1
ROWS = 5000

FRAGMENTS = [
    *(
        "<!--",
        "-->",
        "<!---->",
        "#",
        "##",
        "\n",
        "\r\n",
        "\r",
        "---",
        "--- ",
        "\n---\n",
        "[More Information Needed]",
    ),
    *(
        "[",
        "]",
        "(",
        ")",
        "<",
        ">",
        "&",
        '"',
        "'",
        "`",
        "*",
        "_",
        "|",
        "\\",
        "{{",
        "}}",
        "$",
        "@",
        "%",
        "%41",
    ),
    *(
        ";",
        ":",
        ": ",
        "license:",
        "model: ",
        "type:",
        "sha:",
        "q",
        "q;",
        "a/",
        "/",
        "//",
        ".",
        "..",
        "-",
        "--",
        "?",
    ),
    *(
        "hf.co/",
        "https://huggingface.co/",
        "/tree/main",
        "/blob/",
        "datasets/",
        "acme/tiny",
        "🟢 : ",
        "🔶",
        "é",
        "ﬃ",
    ),
    *("\0", "\u202e", "\u2028", "\ud800", " ", "\t", "1", "2026-01-01T00:00:00Z", "a", "A", "\ufeff", "ß"),
]
"""What grammars of all kinds may stumble over. What is hostile repeats some of it."""


@st.composite
def repeated(draw: st.DrawFn, length: int) -> str:
    """A text of up to so many characters: a beginning, something that is repeated, and an end."""
    parts = st.lists(st.sampled_from(FRAGMENTS) | st.text(max_size=3), max_size=4).map("".join)
    unit = draw(parts) or "x"
    size = draw(st.sampled_from([0, length // 100, length]))
    return f"{draw(parts)}{(unit * (size // len(unit) + 1))[:size]}{draw(parts)}"


@cache
def board() -> Board:
    """Of thousands of models, some of which have names that repeat themselves."""
    requests: list[Request] = []
    for number in range(ROWS):
        name = f"{'a' * 90}/{'a' * (number % 90)}b" if number % 10 == 0 else f"org-{number % 50}/m-{number}"
        requests.append(make_request(model=name, license="apache-2.0", model_type="🟢 : pretrained"))
    results = [make_result(request.model, scores=scores(0.5, 0.5, 0.5)) for request in requests]
    made = Board(standings(TASKS, {path_of(request): request for request in requests}, results))
    for field in ("", "license:", "type:", "precision:", "weights:", "architecture:", "sha:"):
        view(made.standings, ViewState(search=f"{field}q"))  # what is searched is made once
    return made


@settings(max_examples=150)
@given(card=repeated(LONGEST_CARD_BYTES))
@example("<!--" * 25_000)
@example("<!--" * 24_999 + "-->")
@example("---\n" + "\n" * 100_000)
@example("---\n" + "\n---x" * 20_000)
@example("[More Information Needed" * 4000)
@example("#\n" * 50_000)
def test_no_card_takes_a_check_long(card: str) -> None:
    case = make_case(card=card)

    def check() -> None:
        with suppress(Refused):
            has_a_model_card(case)

    assert processor_seconds(check) < A_CHECK
    assert processor_seconds(lambda: words(card)) < A_CHECK
    assert processor_seconds(lambda: REGEX_YAML_BLOCK.sub("", card, count=1)) < A_CHECK


@settings(max_examples=100)
@given(search=repeated(200_000))
@example("q;" * 1_000_000)
@example(";".join(map(str, range(1000))))
@example(";".join(["a" * 49] * 20))
@example(";".join(f"{'a' * 40}{number}" for number in range(20)))
@example("license:" * 10_000)
@example("hf.co/" + "a/" * 500_000)
def test_no_search_takes_long(search: str) -> None:
    all_of_it = board()
    assert processor_seconds(lambda: read_search(search)) < A_SEARCH
    assert processor_seconds(lambda: view(all_of_it.standings, ViewState(search=search))) < A_SEARCH
    assert processor_seconds(lambda: api.reproduce(all_of_it, search)) < A_SEARCH


@settings(max_examples=100)
@given(text=repeated(16_000))
@example("a:" * 8_000)
@example("a" * 90 + "/" + "a" * 310)
@example("." * 8_000)
@example(";".join(f"{'a' * 15}{number}" for number in range(20)))
def test_nothing_that_an_address_of_details_names_takes_long(text: str) -> None:
    found, text = board().standings, text.encode("utf-8", "replace").decode()
    to, row = DetailsLinks(found, AS_PUBLISHED), found.rows[0]
    assert processor_seconds(lambda: referred(found, text)) < ANYTHING_ELSE
    assert processor_seconds(lambda: with_another(found, [row], text[:LONGEST])) < A_SEARCH
    assert processor_seconds(lambda: to.task(text)) < ANYTHING_ELSE
    assert processor_seconds(lambda: address.scoring(f"weight={text}:2", ())) < ANYTHING_ELSE


BLOCKED = Blocklist(
    {"spammers/*": "", "*" + "a*" * 20 + "z": "", "exact/name": "", **{f"org-{n}/*": "" for n in range(300)}}
)
NAMES = [
    model_name,
    linked_revision,
    is_model_name,
    model_address,
    notices.looking_up,
    request_card.not_found,
    BLOCKED.model,
    text,
    choice,
    anything,
]


@settings(max_examples=150)
@given(name=repeated(10_000))
@example("a" * 10_000)
@example("hf.co/a/tree/" + "%41" * 3000)
@example("a/" * 5000)
def test_no_name_takes_long(name: str) -> None:
    for read in NAMES:
        assert processor_seconds(lambda: read(name)) < ANYTHING_ELSE  # noqa: B023


@settings(max_examples=150)
@given(data=st.data())
def test_no_form_takes_long(data: st.DataObject) -> None:
    given_texts = {each.name: data.draw(repeated(100_000)) for each in fields(Form) if each.type == "str"}
    form = Form(**given_texts)

    def check() -> None:
        problems(make_case(form=vars(tidied(form)), blocked=BLOCKED), before_the_hub=True)

    assert processor_seconds(lambda: tidied(form)) < ANYTHING_ELSE
    assert processor_seconds(check) < ANYTHING_ELSE
    assert all(len(value) <= 1000 for value in vars(tidied(form)).values() if isinstance(value, str))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | repeated(1000),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(repeated(20), inner, max_size=4),
    max_leaves=15,
)


@settings(max_examples=60)
@given(
    config=st.dictionaries(
        st.sampled_from(["architectures", "auto_map", "peft", "tokenizer_config", "model_type", "x"]), JSON
    ),
    card=st.dictionaries(
        st.sampled_from(["license", "license_name", "license_link", "base_model", "tags"]),
        JSON | st.lists(repeated(50), max_size=5).map(lambda texts: texts * 2000),
    ),
    names=st.lists(repeated(50), max_size=5).map(lambda names: names * 1000),
    total=st.integers() | st.just(10**400) | st.none(),
)
def test_no_facts_of_a_model_take_long(config: Any, card: Any, names: list[str], total: int | None) -> None:
    siblings = [{"rfilename": name} for name in names]
    weights = {"parameters": {name: 1 for name in names[:5]}, "total": total} if total is not None else None
    told = {"id": "acme/tiny", "sha": "0" * 40, "config": config, "tags": names, "safetensors": weights}
    try:
        info = ModelInfo(**told, siblings=siblings, cardData=card)
    except (AttributeError, KeyError, TypeError, ValueError):  # which is told as a ModelError
        reject()
    found: list[ModelFacts] = []

    def look() -> None:
        with suppress(CannotBeEvaluated):
            found.append(within_bounds(_facts(info)))

    assert processor_seconds(look) < ANYTHING_ELSE
    for facts in found:
        check_facts(facts)


def check_facts(facts: ModelFacts) -> None:
    """All that is done with what is known of a model."""
    case = make_case(facts=facts, backend=BackendDescription(tasks=(), architectures=("X",), max_model_gb=1))
    form = case.form
    for work in (
        lambda: problems(case),
        lambda: suggested_type(facts),
        lambda: suggested(form, facts, precisions=("float16",), weight_types=("Original",)),
        lambda: notices.found_model(facts, NO_LINKS),
    ):
        assert processor_seconds(work) < ANYTHING_ELSE
    assert len(notices.found_model(facts, NO_LINKS)) < 20_000
    assert all(str(each).isprintable() or "\n" not in str(each) for each in problems(case))


@settings(max_examples=100)
@given(
    facts=st.builds(
        make_facts,
        files=st.lists(repeated(50), max_size=5).map(lambda names: (*names,) * 2000),
        base_models=st.lists(repeated(50), max_size=5).map(lambda names: (*names,) * 2000),
        tags=st.lists(repeated(50), max_size=5).map(lambda names: (*names,) * 2000),
        architecture=repeated(100_000),
        license=repeated(1000),
        params=st.integers(min_value=1, max_value=10**14),
    )
)
def test_no_facts_of_an_owners_own_source_take_long(facts: ModelFacts) -> None:
    """They are not cut: the checks and the page are quick by themselves."""
    assert processor_seconds(lambda: problems(make_case(facts=facts))) < 5 * ANYTHING_ELSE
    assert processor_seconds(lambda: notices.found_model(facts, NO_LINKS)) < ANYTHING_ELSE


ADDRESSES = st.builds(
    "{}{}{}".format, st.sampled_from(["https://", "http://", ""]), repeated(50), repeated(400)
)
SERVED = st.fixed_dictionaries(
    {"inference": st.sampled_from(["endpoint", "server"]) | JSON},
    optional={
        "address": ADDRESSES | JSON,
        "api": st.sampled_from(["chat", "completions"]) | JSON,
        **dict.fromkeys(("is_exact", "image", "region", "price", "answers", "empty_answers"), JSON),
    },
)


@settings(max_examples=100)
@given(served=SERVED | JSON, told=st.dictionaries(st.sampled_from(["inference", "inference_api"]), JSON))
@example(served={"inference": "server", "address": "https://" + "a." * 140 + "/v1"}, told={})
@example(served={"inference": "server", "address": "https://h/" + "a/" * 140}, told={})
@example(served={"inference": "server", "image": "a/" * 100 + "!"}, told={})
def test_nothing_that_a_report_says_of_its_server_takes_long_or_breaks_a_page(served: Any, told: Any) -> None:
    ours = {"tasks": {"tiny_addition": 0}, "precision": "float16", "served": served, "settings": told}
    data = json.dumps({**json.loads(make_result_file()), "leaderboard": ours}).encode()
    try:
        result = read_result("acme/tiny/1.json", data)
    except BadFile:  # of half a pair of surrogates
        reject()
    assert processor_seconds(lambda: read_result("acme/tiny/1.json", data)) < ANYTHING_ELSE
    [row, *_] = standings(TASKS, {}, [result, replace(make_result(), path="2.json", model="a/b")]).rows
    assert processor_seconds(lambda: provenance(row, result)) < ANYTHING_ELSE
    assert processor_seconds(lambda: str(reproduction(row))) < ANYTHING_ELSE
    assert all(fact.text.isprintable() for fact in provenance(row, result))
    assert "@" not in (result.provenance.served.address or "" if result.provenance.served else "")
    kept = RESULTS_INDEX.load(result.path, RESULTS_INDEX.dump(result))
    assert kept == result


@settings(max_examples=100)
@given(value=JSON)
def test_nothing_that_is_delivered_is_read_as_anything_else(value: Any) -> None:
    assert isinstance(text(value), str)
    assert all(isinstance(each, str) for each in texts(value))
    assert choice(value) is None or isinstance(choice(value), str)
    assert anything(value) is None or isinstance(anything(value), str | bool | int | float)
    text(value).encode()
