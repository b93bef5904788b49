"""The form: what is filled in, what stays, and what is wrong beside each field."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import gradio as gr
import pytest

from src.page.submit_form import SubmitForm
from src.page.submit_tab import SubmitTab
from src.queue.entries import Group
from src.shared.data.backend_description import write_description
from src.shared.data.names import BACKEND_DESCRIPTION
from src.submitting.form import Form
from src.submitting.limits import Terms
from support.boards import TEXTS, Leaderboard
from support.factories import make_backend
from support.page_requests import page_request


def test_a_closed_desk_has_a_sentence_in_the_place_of_its_form(leaderboard: Leaderboard) -> None:
    desk = leaderboard.make_desk(leaderboard.requests, terms=Terms(anonymous=False))
    assert "ANONYMOUS_SUBMISSIONS" in str(leaderboard.page(desk).config)
    with gr.Blocks():
        tab = SubmitTab(leaderboard.keeper, desk, TEXTS, leaderboard.visitors())
    assert not tab.form.whole.visible
    assert not tab.open(page_request())[tab.form.whole].visible


def handed_in(tab: SubmitTab, *filled_in: Any, seen: Form | None = None) -> list[Any]:
    """All that the form tells."""

    async def tell() -> list[Any]:
        hand_in = tab.form.hand_in(tab.follow)
        return [updates async for updates in hand_in(page_request(), "", seen, *filled_in)]

    return asyncio.run(tell())


FILLED_IN = ("acme/tiny", "", "main", "float32", "Original", "🟢 : pretrained", False)


BLANK = ("", "main", None, "Original", None, False)


@pytest.fixture
def submit_tab(leaderboard: Leaderboard) -> Iterator[SubmitTab]:
    leaderboard.add_model()
    with gr.Blocks():
        yield SubmitTab(leaderboard.keeper, leaderboard.desk, TEXTS, leaderboard.visitors())


def test_the_form_is_emptied_by_success_and_kept_by_a_refusal(submit_tab: SubmitTab) -> None:
    form = submit_tab.form
    [updates] = handed_in(submit_tab, *FILLED_IN)
    assert "is in the queue, at position 1" in updates[form.message]
    assert "?request=acme/tiny_eval_request_False_float32_Original_" in updates[form.message]
    done = form.ready_for_the_next(updates[form.handed_in], None, *FILLED_IN)
    assert (done[form.fields["model"]], done[form.fields["revision"]]) == ("", "main")
    assert form.message not in done
    assert "acme/tiny" in updates[submit_tab.tables[Group.PENDING]]
    [updates] = handed_in(submit_tab, *FILLED_IN)
    assert "already submitted and is PENDING" in updates[form.message]
    assert "already submitted and is PENDING" in updates[form.errors["model"]]
    done = form.ready_for_the_next(updates.get(form.handed_in), None, *FILLED_IN)
    assert not set(form.fields.values()) & {*updates, *done}
    [updates] = handed_in(submit_tab, *FILLED_IN[:3], "float32", "Lora", "🟢 : pretrained", False)
    assert (
        "The weight type &#39;Lora&#39; of &#39;acme/tiny&#39; is not offered"
        in updates[form.errors["weight_type"]]
    )


def test_what_is_written_while_a_submission_waits_for_its_commit_stays(submit_tab: SubmitTab) -> None:
    form = submit_tab.form
    [updates] = handed_in(submit_tab, *FILLED_IN)
    accepted = updates[form.handed_in]
    for written in (("acme/next", *FILLED_IN[1:]), (*FILLED_IN[:3], "bfloat16", *FILLED_IN[4:])):
        done = form.ready_for_the_next(accepted, accepted, *written)
        assert not set(form.fields.values()) & {*updates, *done}
        assert done[form.button].interactive


def test_what_was_only_filled_in_while_a_submission_waited_does_not_keep_it(submit_tab: SubmitTab) -> None:
    form = submit_tab.form
    [updates] = handed_in(submit_tab, *FILLED_IN)
    seen = replace(updates[form.handed_in], use_chat_template=True)
    done = form.ready_for_the_next(updates[form.handed_in], seen, *FILLED_IN[:-1], True)
    assert done[form.fields["model"]] == ""


def test_opening_the_page_empties_nothing_and_offers_what_the_backend_runs(
    leaderboard: Leaderboard, submit_tab: SubmitTab
) -> None:
    """Whoever has just come may be typing already."""
    backend = make_backend(precisions=("bfloat16",))
    leaderboard.write("results", BACKEND_DESCRIPTION, write_description(backend))
    leaderboard.keeper.sync()
    updates, form = submit_tab.open(page_request()), submit_tab.form
    changed = {name: updates[field] for name, field in form.fields.items() if field in updates}
    assert set(changed) == {"precision", "weight_type", "use_chat_template"}
    for change in changed.values():
        assert "value" not in change.constructor_args
    assert changed["precision"].choices == [("bfloat16", "bfloat16")]


def test_where_models_run_in_conversations_only_the_form_says_so_suggests_it_and_refuses_another(
    leaderboard: Leaderboard, submit_tab: SubmitTab
) -> None:
    form = submit_tab.form
    before = submit_tab.open(page_request())
    assert before[form.where] == ""
    assert "Always used" not in before[form.fields["use_chat_template"]].info
    backend = make_backend(settings={"inference": "server", "inference_api": "chat"})
    leaderboard.write("results", BACKEND_DESCRIPTION, write_description(backend))
    leaderboard.keeper.sync()
    opened = submit_tab.open(page_request())
    assert "keeps. They are asked in conversations" in opened[form.where]
    assert "Always used here" in opened[form.fields["use_chat_template"]].info
    assert looked_up(form, "acme/tiny", *BLANK)[form.fields["use_chat_template"]] is True
    [refused] = handed_in(submit_tab, *FILLED_IN[:-1], False)
    assert "was submitted without its chat template" in refused[form.general] + refused[form.message]
    assert leaderboard.keeper.read_requests().values == {}
    [accepted] = handed_in(submit_tab, *FILLED_IN[:-1], True)
    assert "is in the queue" in accepted[form.message]


def test_what_was_not_chosen_is_looked_up_and_shown_before_it_is_submitted(
    leaderboard: Leaderboard, submit_tab: SubmitTab
) -> None:
    form = submit_tab.form
    looking, found = handed_in(submit_tab, "acme/tiny", *BLANK)
    assert "Looking up" in looking[form.found]
    assert "press Submit again" in found[form.message]
    assert found[form.fields["model_type"]].value == "🟢 : pretrained"
    assert found[form.fields["precision"]].value == "float32"
    assert leaderboard.keeper.read_requests().values == {}
    [submitted] = handed_in(submit_tab, *FILLED_IN, seen=found[form.seen])
    assert "is in the queue" in submitted[form.message]


def test_what_was_filled_in_for_another_model_is_shown_anew_before_it_is_submitted(
    leaderboard: Leaderboard, submit_tab: SubmitTab
) -> None:
    """The form stays after a refusal, and the next name may be typed into it."""
    form = submit_tab.form
    commit = leaderboard.models.describe("acme/tiny").commit
    refused = Form(
        "acme/other", "", commit, "bfloat16", "Original", "⭕ : instruction-tuned", use_chat_template=True
    )
    left = list(vars(refused).values())[1:]
    _, found = handed_in(submit_tab, "acme/tiny", *left, seen=refused)
    assert "press Submit again" in found[form.message]
    assert leaderboard.keeper.read_requests().values == {}
    values = [found[form.fields[name]] for name in ("precision", "model_type")]
    assert [each.value for each in values] == ["float32", "🟢 : pretrained"]
    assert found[form.fields["use_chat_template"]] is False
    assert found[form.fields["revision"]] == "main"
    [submitted] = handed_in(submit_tab, *FILLED_IN, seen=found[form.seen])
    assert "is in the queue" in submitted[form.message]


@pytest.mark.parametrize(
    "left", [{"use_chat_template": True}, {"model_type": "⭕ : instruction-tuned"}, {"revision": "v2"}]
)
def test_one_field_that_is_left_from_another_model_is_enough_to_show_the_form_anew(
    leaderboard: Leaderboard, submit_tab: SubmitTab, left: dict[str, Any]
) -> None:
    others = Form("acme/other", "", "v1", "int8", "Original", "💬", use_chat_template=False)
    written = replace(Form(*FILLED_IN[:-1]), **left)
    _, found = handed_in(submit_tab, *vars(written).values(), seen=replace(others, **left))
    assert "press Submit again" in found[submit_tab.form.message]
    assert leaderboard.keeper.read_requests().values == {}


def test_what_was_chosen_after_another_model_was_seen_is_submitted_at_once(submit_tab: SubmitTab) -> None:
    others = Form("acme/other", "", "v2", "bfloat16", "Original", "⭕ : instruction-tuned", True)
    [submitted] = handed_in(submit_tab, *FILLED_IN, seen=others)
    assert "is in the queue" in submitted[submit_tab.form.message]


def test_a_mistake_on_submitting_does_not_keep_what_was_suggested_for_another_model(
    submit_tab: SubmitTab,
) -> None:
    form = submit_tab.form
    others = Form("acme/other", "", "main", "bfloat16", "Original", "⭕ : instruction-tuned", True)
    left = list(vars(others).values())[1:]
    _, mistaken = handed_in(submit_tab, "acme/none", *left, seen=others)
    assert "There is no model acme/none" in mistaken[form.errors["model"]]
    _, found = handed_in(submit_tab, "acme/tiny", *left, seen=mistaken[form.seen])
    assert found[form.fields["model_type"]].value == "🟢 : pretrained"


def looked_up(form: SubmitForm, *filled_in: Any, seen: Form | None = None) -> Any:
    """What a look at a model changes in the two steps together."""
    updates: dict[Any, Any] = {}
    for step in form.look_up(page_request(), seen, *filled_in):
        updates |= step
    return updates | form.fill_in(page_request(), updates.get(form.suggestion), seen, *filled_in)


def test_what_a_model_says_of_itself_is_filled_in(leaderboard: Leaderboard, submit_tab: SubmitTab) -> None:
    leaderboard.add_model("acme/adapter", adapts="acme/tiny")
    form = submit_tab.form
    updates = looked_up(form, "https://huggingface.co/acme/adapter/tree/main", *BLANK)
    values = {name: updates.get(component) for name, component in form.fields.items()}
    assert values["model"] == "acme/adapter"
    assert [values[name].value for name in ("precision", "weight_type", "model_type", "base_model")] == [
        *("float16", "Adapter"),
        *("🔶 : fine-tuned", "acme/tiny"),
    ]
    assert values["base_model"].visible
    for text in ("acme/adapter", "mit", "unknown"):
        assert text in updates[form.found]
    assert not any(updates[place] for place in form.errors.values())


@pytest.mark.parametrize("name", ["acme/none", "acme/no name"])
def test_while_a_model_cannot_be_looked_up_what_it_would_fill_in_is_no_mistake(
    submit_tab: SubmitTab, name: str
) -> None:
    form = submit_tab.form
    updates = looked_up(form, name, *BLANK)
    told = {field for field, place in form.errors.items() if updates[place]}
    assert told == {"model"}
    updates = looked_up(form, name, "", "main", "int8", "Original", None, False)
    told = {field for field, place in form.errors.items() if updates[place]}
    assert told == {"model", "precision"}


def test_what_was_chosen_before_the_hub_answered_stays(submit_tab: SubmitTab) -> None:
    form = submit_tab.form
    chosen = ("", "main", "bfloat16", "Original", "⭕ : instruction-tuned", False)
    updates = looked_up(form, "acme/tiny", *chosen)
    assert updates[form.fields["precision"]].value == "bfloat16"
    assert updates[form.fields["model_type"]].value == "⭕ : instruction-tuned"


def test_what_was_filled_in_for_another_model_goes_with_it(
    leaderboard: Leaderboard, submit_tab: SubmitTab
) -> None:
    leaderboard.add_model("acme/tiny-chat")
    form = submit_tab.form
    seen = looked_up(form, "acme/tiny-chat", *BLANK)[form.seen]
    assert seen.model_type == "⭕ : instruction-tuned"
    filled_in = ("", "main", "float32", "Original", seen.model_type, False)
    updates = looked_up(form, "acme/tiny", *filled_in, seen=seen)
    assert updates[form.fields["model_type"]].value == "🟢 : pretrained"


def test_a_correction_stays_when_the_model_is_looked_at_again(
    leaderboard: Leaderboard, submit_tab: SubmitTab
) -> None:
    leaderboard.add_model("acme/tiny-chat")
    form = submit_tab.form
    seen = replace(looked_up(form, "acme/tiny-chat", *BLANK)[form.seen], use_chat_template=True)
    filled_in = ("", "v2", seen.precision, "Original", seen.model_type, False)
    commit = leaderboard.models.describe("acme/tiny-chat").commit
    updates = looked_up(form, "acme/tiny-chat", "", commit, *filled_in[2:], seen=seen)
    assert updates[form.fields["use_chat_template"]] is False


def test_a_mistake_between_two_models_does_not_keep_what_was_suggested_for_the_first(
    leaderboard: Leaderboard, submit_tab: SubmitTab
) -> None:
    leaderboard.add_model("acme/tiny-chat")
    form = submit_tab.form
    seen = looked_up(form, "acme/tiny-chat", *BLANK)[form.seen]
    filled_in = ("", "main", "float32", "Original", seen.model_type, False)
    forgotten = looked_up(form, "acme/none", *filled_in, seen=seen)[form.seen]
    updates = looked_up(form, "acme/tiny", *filled_in, seen=forgotten)
    assert updates[form.fields["model_type"]].value == "🟢 : pretrained"


def test_the_revision_of_a_link_goes_with_the_next_model(
    leaderboard: Leaderboard, submit_tab: SubmitTab
) -> None:
    leaderboard.add_model("acme/other")
    form = submit_tab.form
    commit = leaderboard.models.describe("acme/tiny").commit
    first = looked_up(form, f"https://huggingface.co/acme/tiny/tree/{commit}", *BLANK)
    assert first[form.fields["revision"]] == commit
    filled_in = ("", commit, "float32", "Original", "🟢 : pretrained", False)
    steps = list(form.look_up(page_request(), first[form.seen], "acme/other", *filled_in))
    assert steps[-1][form.fields["revision"]] == "main"
    assert "acme/other" in steps[-1][form.found]


def test_a_link_keeps_its_revision_where_the_last_model_had_one_of_the_same_name(
    submit_tab: SubmitTab,
) -> None:
    form = submit_tab.form
    seen = Form("acme/other", revision="v2")
    link = "https://huggingface.co/acme/tiny/tree/v2"
    *_, updates = form.look_up(page_request(), seen, link, "", "v2", *FILLED_IN[3:])
    assert updates[form.fields["model"]] == "acme/tiny"
    assert form.fields["revision"] not in updates  # the field has it
    assert "acme/tiny has no revision" in updates[form.errors["revision"]]


def test_a_correction_changes_nothing_but_what_is_told(submit_tab: SubmitTab) -> None:
    """What is being typed elsewhere meanwhile stays."""
    form = submit_tab.form
    seen = looked_up(form, "acme/tiny", *BLANK)[form.seen]
    updates = form.check(page_request(), seen, *FILLED_IN)
    assert set(updates) & set(form.fields.values()) == {form.fields["base_model"]}
    assert not isinstance(updates[form.fields["base_model"]], str)


def test_what_is_wrong_is_said_beside_the_field_before_submitting(
    leaderboard: Leaderboard, submit_tab: SubmitTab
) -> None:
    leaderboard.add_model("acme/bare", card="language: en", tensors={})
    form = submit_tab.form
    assert "states no licence" in looked_up(form, "acme/bare", *BLANK)[form.errors["model"]]
    unknown = looked_up(form, "acme/none", *BLANK)
    assert "There is no model acme/none" in unknown[form.errors["model"]]
    assert unknown[form.found] == ""
    seen = looked_up(form, "acme/tiny", *BLANK)[form.seen]
    again = form.check(page_request(), seen, *FILLED_IN[:3], "int3", *FILLED_IN[4:])
    assert "&#39;int3&#39; of &#39;acme/tiny&#39; is not offered" in again[form.errors["precision"]]
    assert again[form.errors["model"]] == ""
