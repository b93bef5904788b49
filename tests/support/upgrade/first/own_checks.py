from src.case import Case
from src.form import Refused
from src.model_name import is_model_name
from src.shared.errors import shown
from src.shared.model_source import ModelFacts
from src.shared.request import Status

LARGEST = 100
"""Parameters."""


def leaves_room_for_others(case: Case) -> None:
    """While ten requests wait, nobody submits more."""
    waiting = [request for request in case.requests.values() if request.status is Status.PENDING]
    if len(waiting) >= 10 and is_model_name(case.form.model):
        raise Refused("Many models wait: submit this one tomorrow.")


def is_small(case: Case) -> None:
    """The model is small, as far as that is known."""
    facts: ModelFacts = case.facts
    if facts.params and facts.params > LARGEST:
        raise Refused(f"{shown(facts.name)} has more than {LARGEST} parameters.", field="model")
