from src.shared.data.model_name import is_model_name
from src.shared.data.request import Status
from src.shared.errors import shown
from src.shared.models.model_source import ModelFacts
from src.submitting.blocklist import Blocklist
from src.submitting.case import Case
from src.submitting.form import Refused
from src.submitting.limits import HOUR, usage

FRIENDS = Blocklist()
LARGEST = 100
"""Parameters."""


def leaves_room_for_others(case: Case) -> None:
    """While ten requests wait, nobody submits more than one model an hour."""
    waiting = [request for request in case.requests.values() if request.status is Status.PENDING]
    if len(waiting) < 10 or not is_model_name(case.form.model):
        return
    if usage(waiting, case.submitter, case.now - HOUR).number:
        raise Refused("Many models wait: submit this one in an hour.")


def is_small(case: Case) -> None:
    """The model is small, as far as that is known."""
    facts: ModelFacts = case.facts
    if facts.params and facts.params > LARGEST and FRIENDS.model(facts.name) is None:
        raise Refused(f"{shown(facts.name)} has more than {LARGEST} parameters.", field="model")
