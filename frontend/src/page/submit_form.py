"""The form: it fills in what a model's page shows, and shows problems beside each field before submission."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import replace
from typing import Any

import gradio as gr
from anyio import to_thread

from src.board.keeper import Keeper
from src.checks import LONGEST_FIELD
from src.model_types import MODEL_TYPES
from src.page import api, notices
from src.page.links import Links
from src.page.updates import ASKING_THE_HUB, QUIETLY, Doing, Event, Follow, Updates, telling, when_pressed
from src.page.visitors import Visitors
from src.shared.data.model_name import linked_revision
from src.shared.data.request import ORIGINAL
from src.submitting.desk import Desk, Finding
from src.submitting.form import MAIN, Form, precisions, tidied, weight_types
from src.submitting.submitter import Submitter
from src.submitting.suggestions import SUGGESTED

SUBMIT = "Submit"
FIELDS = ("model", "base_model", "revision", "precision", "weight_type", "model_type", "use_chat_template")
"""Those of Form, in its order."""

KINDS = [str(each) for each in MODEL_TYPES]

EMPTY = Form("", precision="", model_type="")
"""The form as it opens."""

CHAT, ALWAYS_CHAT = (
    "Format prompts the way a chat model expects them",
    "Always used here: models run on a server that formats prompts with it",
)
"""What the form says of the chat template."""

CHECK_FIRST = "We filled in what we found. Check it, then press Submit again."


class SubmitForm:
    """The form's components and their events. Make it inside its tab.

    `seen` is the suggestion for the model that was looked up last, `suggestion` the one about to be filled
    in. `handed_in` is what was just accepted, until the form is emptied.
    """

    def __init__(self, keeper: Keeper, desk: Desk, visitors: Visitors) -> None:
        self._keeper = keeper
        self._desk = desk
        self._visitors = visitors
        self.errors: dict[str, gr.HTML] = {}
        self.seen = gr.State(None)
        self.suggestion = gr.State(None)
        self.handed_in = gr.State(None)
        with gr.Column(visible=desk.terms.anonymous) as self.whole:
            self.where = gr.HTML(padding=False, elem_id="where-models-run")
            self.fields = self._make_fields()
            self.expected = gr.HTML(padding=False, elem_id="expected")
            self.general = gr.HTML(padding=False, elem_id="problems")
            self.button = gr.Button(SUBMIT, variant="primary", elem_id="submit")
            self.message = gr.HTML(padding=False, elem_id="submission")

    def _make_fields(self) -> dict[str, Any]:
        """The components by field, each with a place for what is wrong with it."""
        fields: dict[str, Any] = {}
        offered = self._offered
        with gr.Row():
            with gr.Column(scale=2):
                fields["model"] = gr.Textbox(
                    label="Model name",
                    placeholder="organisation/model, or its page's address",
                    info="Press Enter to look it up",
                    max_length=LONGEST_FIELD,
                )
                self._place_for_errors("model")
            with gr.Column():
                fields["revision"] = gr.Textbox(
                    MAIN, label="Revision", info="A branch, a tag or a commit", max_length=LONGEST_FIELD
                )
                self._place_for_errors("revision")
        self.found = gr.HTML(padding=False, elem_id="found")
        with gr.Row():
            with gr.Column():
                fields["precision"] = gr.Dropdown(offered["precision"], value=None, label="Precision")
                self._place_for_errors("precision")
            with gr.Column():
                fields["model_type"] = gr.Dropdown(KINDS, value=None, label="Model type")
                self._place_for_errors("model_type")
            with gr.Column():
                fields["weight_type"] = gr.Dropdown(
                    offered["weight_type"], value=ORIGINAL, label="Weights type"
                )
                self._place_for_errors("weight_type")
        fields["base_model"] = gr.Textbox(
            label="Base model",
            info="The model that the adapter was made from: organisation/model, or organisation/model@commit",
            max_length=LONGEST_FIELD,
            visible=False,
        )
        self._place_for_errors("base_model")
        fields["use_chat_template"] = gr.Checkbox(
            False,
            label="Use the chat template",
            info=CHAT,
        )
        return {name: fields[name] for name in FIELDS}

    def _place_for_errors(self, field: str) -> None:
        self.errors[field] = gr.HTML(padding=False, elem_classes="field-error", elem_id=f"error-{field}")

    @property
    def _offered(self) -> dict[str, tuple[str, ...]]:
        """The choices that are on offer now, by field."""
        backend = self._keeper.now.board.backend
        return {"precision": precisions(backend), "weight_type": weight_types(backend)}

    @property
    def outputs(self) -> list[Any]:
        """The components that change when a model is looked up or submitted."""
        places = [
            self.found,
            self.expected,
            self.general,
            self.message,
            self.seen,
            self.suggestion,
            *self.errors.values(),
        ]
        return [*places, *self.fields.values()]

    @property
    def outputs_of_opening(self) -> list[Any]:
        """The components that depend on the visitor, and on what the backend runs."""
        offered = (self.fields[name] for name in (*self._offered, "use_chat_template"))
        return [self.whole, self.where, *offered]

    def listen(self, opened: gr.State, outputs: list[Any], follow: Follow) -> None:
        """Connect the form. `follow` gives the updates of other `outputs` once something is submitted."""
        fields = self.fields
        inputs = [self.seen, *fields.values()]
        named = [
            event for name in ("model", "revision") for event in (fields[name].submit, fields[name].blur)
        ]
        asking = {**ASKING_THE_HUB, **QUIETLY}
        looked_up = gr.on(named, self.look_up, inputs, self.outputs, trigger_mode="always_last", **asking)
        # This reads the corrections that were made while the Hub was asked.
        looked_up.then(self.fill_in, [self.suggestion, *inputs], self.outputs, **asking)
        corrected = [
            fields[name].input for name in ("precision", "weight_type", "model_type", "use_chat_template")
        ]
        gr.on(
            [*corrected, fields["base_model"].submit, fields["base_model"].blur],
            self.check,
            inputs,
            self.outputs,
            trigger_mode="always_last",
            **asking,
        )
        when_pressed(
            self.button,
            Event(
                telling(self.message, self.hand_in(follow)),
                [opened, *inputs],
                [*self.outputs, *outputs, self.handed_in],
            ),
            Event(
                self.ready_for_the_next,
                [self.handed_in, *inputs],
                [self.handed_in, self.button, *self.outputs],
            ),
        )

    def look_up(self, request: gr.Request, seen: Form | None, *filled_in: Any) -> Iterator[Updates]:
        """Look up another model or revision. The next step fills in the suggestion."""
        form = self._asked_for(filled_in, seen)
        if not form.model:
            nothing = {self.found: "", self.expected: "", self.suggestion: None}
            yield self._problems([]) | nothing | {self.seen: _forgotten(seen)}
        elif _is_of(form, seen):
            yield {self.suggestion: None}
        else:
            yield {self.found: notices.looking_up(form.model), self.expected: "", self.message: ""}
            finding = self._desk.look_up(form, self._visitors.signed_in(request), fill=True)
            yield self._found(finding, seen) | self._read_otherwise(form, filled_in)

    def fill_in(
        self, request: gr.Request, suggestion: Form | None, seen: Form | None, *filled_in: Any
    ) -> Updates:
        """Fill in the suggestion where the visitor chose nothing, then show the problems."""
        form = self._form(filled_in)
        if suggestion is None or not _is_of(form, suggestion):  # submitted meanwhile, or another model
            return {self.suggestion: None} | ({} if form.model else {self.found: ""})
        return self._checked(_filled(form, seen, suggestion), self._visitors.signed_in(request)) | {
            self.seen: suggestion,
            self.suggestion: None,
        }

    def check(self, request: gr.Request, seen: Form | None, *filled_in: Any) -> Updates:
        """Show the problems after a correction, once there is a model. Nothing in the form changes."""
        form = self._form(filled_in)
        base = {self.fields["base_model"]: gr.Textbox(visible=form.weight_type != ORIGINAL)}
        if not _is_of(form, seen):
            return base
        finding = self._desk.look_up(form, self._visitors.signed_in(request))
        return base | self._wrong(finding) | {self.message: ""}

    def hand_in(self, follow: Follow) -> Doing:
        """Return the function of the button."""

        async def hand_in(
            request: gr.Request, opened: str, seen: Form | None, *filled_in: Any
        ) -> AsyncIterator[Updates]:
            """Submit the form.

            If the visitor left something open and has not seen the suggestion, show that first. If writing
            takes a while, show first until when.
            """
            form, who = self._form(filled_in), self._visitors.signed_in(request)
            if form.model and not _is_of(form, seen) and self._leaves_open(filled_in, seen):
                yield {self.found: notices.looking_up(form.model), self.message: ""}
                yield await api.LOOKING_UP.run(self._look_up_first, filled_in, seen, who)
                return
            due = self._desk.due()
            if due:
                yield {self.message: notices.gathering(due)}
            outcome = await api.submit(self._desk, form, who)
            message: Updates = {self.message: notices.answer(outcome)}
            if outcome["ok"]:
                followed = await to_thread.run_sync(follow, request, opened)
                yield message | followed | {self.handed_in: form, self.expected: ""}
            else:
                yield message | self._problems(outcome["problems"]) | {self.general: ""}

        return hand_in

    def ready_for_the_next(self, handed_in: Form | None, seen: Form | None, *filled_in: Any) -> Updates:
        """Empty the form, unless the visitor has begun the next one. Filled-in suggestions do not count as
        begun.
        """
        is_left = handed_in is not None and _filled(self._form(filled_in), seen, handed_in) == handed_in
        button = gr.Button(SUBMIT, interactive=True)
        return {self.handed_in: None, self.button: button} | (self._empty() if is_left else {})

    def _leaves_open(self, filled_in: tuple[Any, ...], seen: Form | None) -> bool:
        """Return whether something is not the visitor's choice: it is empty, or left from another model."""
        form = self._form(filled_in)
        chosen = _filled(self._asked_for(filled_in, seen), seen, EMPTY)
        return not (form.precision and form.model_type) or form != chosen

    def _look_up_first(self, filled_in: tuple[Any, ...], seen: Form | None, who: Submitter) -> Updates:
        """Look the model up and show the suggestion before anything is submitted."""
        form = self._asked_for(filled_in, seen)
        finding = self._desk.look_up(form, who, fill=True)
        updates = self._read_otherwise(form, filled_in)
        if finding.facts is None:
            return updates | self._found(finding, seen)
        updates |= self._checked(_filled(form, seen, finding.form), who)
        has_problems = any(updates[place] for place in (*self.errors.values(), self.general))
        message = "" if has_problems else notices.note(CHECK_FIRST)
        shown = {self.seen: finding.form, self.suggestion: None, self.message: message}
        return updates | self._found(finding, seen) | shown

    def _form(self, filled_in: tuple[Any, ...]) -> Form:
        """Return the form as it is filled in. A component without a choice gives None."""
        given = dict(zip(FIELDS, filled_in, strict=True))
        use_chat_template = bool(given.pop("use_chat_template"))
        texts = {name: str(value or "") for name, value in given.items()}
        return tidied(Form(**texts, use_chat_template=use_chat_template))

    def _asked_for(self, filled_in: tuple[Any, ...], seen: Form | None) -> Form:
        """Return the form, with the default revision if the model changed and the revision did not.

        The revision in a link came with the model.
        """
        form = self._form(filled_in)
        is_left = seen is not None and form.model != seen.model and form.revision == seen.revision
        is_linked = linked_revision(str(filled_in[FIELDS.index("model")] or ""))
        return replace(form, revision=MAIN) if is_left and not is_linked else form

    def _found(self, finding: Finding, seen: Form | None) -> Updates:
        """Show the facts, or the problems that prevented them."""
        if finding.facts is None:
            nothing = {self.found: "", self.suggestion: None, self.seen: _forgotten(seen)}
            return self._wrong(finding) | nothing
        shown = notices.found_model(finding.facts, Links.of(self._keeper))
        return {self.found: shown, self.suggestion: finding.form}

    def _checked(self, form: Form, who: Submitter) -> Updates:
        """The form, with what is wrong next to each field."""
        finding = self._desk.look_up(form, who)
        values = self._values(finding.form)
        for name in ("model", "revision"):  # the visitor may be typing another one by now
            del values[self.fields[name]]
        return values | self._wrong(finding) | {self.message: ""}

    def _read_otherwise(self, form: Form, filled_in: tuple[Any, ...]) -> Updates:
        """The name and the revision, where they are not what was written: those in a link."""
        written = dict(zip(FIELDS, filled_in, strict=True))
        read = {"model": form.model, "revision": form.revision}
        return {self.fields[name]: value for name, value in read.items() if value != written[name]}

    def _values(self, form: Form) -> Updates:
        """The components with a form's values; what is not offered cannot be chosen."""
        values: Updates = {self.fields[name]: value for name, value in vars(form).items()}
        for name, choices in {**self._offered, "model_type": KINDS}.items():
            value = getattr(form, name)
            values[self.fields[name]] = gr.Dropdown(choices, value=value if value in choices else None)
        is_a_part = form.weight_type != ORIGINAL
        values[self.fields["base_model"]] = gr.Textbox(form.base_model, visible=is_a_part)
        return values

    def open(self, *, visible: bool) -> Updates:
        """The form for somebody who has just come, and may be typing already: nothing is emptied."""
        backend = self._keeper.now.board.backend
        offered = {self.fields[name]: gr.Dropdown(choices) for name, choices in self._offered.items()}
        is_chat_only = backend is not None and backend.is_chat_only
        chat = {self.fields["use_chat_template"]: gr.Checkbox(info=ALWAYS_CHAT if is_chat_only else CHAT)}
        where = {self.where: notices.where_models_run(backend)}
        return {self.whole: gr.Column(visible=visible)} | where | offered | chat

    def _empty(self) -> Updates:
        """The form as it is at first."""
        nothing = {self.found: "", self.expected: "", self.seen: None, self.suggestion: None}
        return self._values(EMPTY) | self._problems([]) | nothing

    def _wrong(self, finding: Finding) -> Updates:
        expected = notices.expected(finding.request, self._keeper.now.board.outlook)
        return self._problems([api.problem(each) for each in finding.problems]) | {self.expected: expected}

    def _problems(self, problems: Sequence[api.Problem]) -> Updates:
        """Show each problem beside its field, and the others below the form."""
        places: dict[Any, list[api.Problem]] = {place: [] for place in (*self.errors.values(), self.general)}
        for problem in problems:
            places[self.errors.get(problem["field"] or "", self.general)].append(problem)
        return {place: notices.problems(each) for place, each in places.items()}


def _is_of(form: Form, seen: Form | None) -> bool:
    """Return whether the suggestion is for this model at this revision."""
    return seen is not None and (form.model, form.revision) == (seen.model, seen.revision)


def _forgotten(seen: Form | None) -> Form | None:
    """Return the suggestion without its model: it is still not the visitor's own choice,
    whatever comes next.
    """
    return replace(seen, model="") if seen else None


def _filled(form: Form, seen: Form | None, suggestion: Form) -> Form:
    """Return the form with the suggestion, except where the visitor chose something else."""
    untouched = seen or EMPTY
    taken = {
        name: getattr(suggestion, name)
        for name in SUGGESTED
        if getattr(form, name) == getattr(untouched, name)
    }
    return replace(form, **taken)
