"""What the docs say of submitting is what the code does: parameters, answers, checks, the blocklist."""

import re
from typing import Any

from src import checks
from src.maintaining.office import Again, Step
from src.page import api
from src.page.api import Answer, Problem
from src.settings import Settings
from src.shared.data.request import Status
from src.shared.moderation.acts import Act
from src.shared.moderation.blocklist import read_blocklist
from src.submitting.form import Form
from support.boards import Leaderboard
from support.cases import make_case
from support.sources import ROOT


def section(document: str, heading: str) -> str:
    """The text below a heading of the second level."""
    text = (ROOT / "docs" / document).read_text(encoding="utf-8")
    found = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", text, re.M | re.S)
    assert found, f"docs/{document} has no heading {heading}"
    return found[1]


def first_cells(text: str) -> list[str]:
    """The names in the first column of the tables."""
    cells = re.findall(r"^\| (`[^|]*) \|", text, re.M)
    return [name for cell in cells for name in re.findall(r"`([^`]+)`", cell)]


def parameters(page: Any, endpoint: str) -> list[dict[str, Any]]:
    """The parameters of an endpoint, as gradio tells programs of them."""
    named: list[dict[str, Any]] = page.get_api_info()["named_endpoints"][endpoint]["parameters"]
    return named


def test_submit_has_the_parameters_that_the_docs_say_in_their_order(leaderboard: Leaderboard) -> None:
    text = section("api.md", "`/submit`").partition("| key |")[0]
    rows = re.findall(r"^\| `(\w+)` \| (?:`(.*?)`)? ?\|", text, re.M)
    found = parameters(leaderboard.page(), "/submit")
    assert [name for name, _ in rows] == [each["parameter_name"] for each in found]
    assert [name for name, _ in rows] == list(vars(Form("")))
    defaults = {each["parameter_name"]: each.get("parameter_default") for each in found}
    told = {name: default for name, default in rows if default}
    assert told == {name: str(defaults[name]).replace("False", "false") for name in told}


def test_withdraw_has_the_one_parameter_that_the_docs_say(leaderboard: Leaderboard) -> None:
    [parameter] = parameters(leaderboard.page(), "/withdraw")
    assert f"one parameter, `{parameter['parameter_name']}`" in section("api.md", "`/withdraw`")


def test_maintain_has_the_parameters_and_the_acts_that_the_docs_say(leaderboard: Leaderboard) -> None:
    text, _, acts = section("api.md", "`/maintain`").partition("| `act` | of |")
    assert first_cells(text) == [
        each["parameter_name"] for each in parameters(leaderboard.page(), "/maintain")
    ]
    assert sorted(first_cells(acts)) == sorted([*Step, *Again, *Act])


def test_every_named_endpoint_is_in_the_docs(leaderboard: Leaderboard) -> None:
    for endpoint in leaderboard.page().get_api_info()["named_endpoints"]:
        assert section("api.md", f"`{endpoint}`")


def test_the_answer_to_a_submission_has_the_keys_that_the_docs_say() -> None:
    text = section("api.md", "`/submit`").partition("| key |")[2]
    assert first_cells(text) == list(Answer.__annotations__)
    assert all(f"`{key}`" in text for key in Problem.__annotations__)


def test_an_entry_of_the_queue_has_the_keys_that_the_docs_say(leaderboard: Leaderboard) -> None:
    leaderboard.add_request(status=Status.PENDING)
    leaderboard.keeper.sync()
    [entry] = api.queue(leaderboard.keeper.now.board)
    assert first_cells(section("api.md", "`/queue`")) == list(entry)


RULES = section("customise.md", "The form, the checks and the columns").partition("**A column**")[0]


def test_what_a_rule_may_look_at_is_there() -> None:
    case = make_case()
    named = re.findall(r"`case\.([\w.]+)`", RULES)
    assert len(named) >= 10
    for path in named:
        value: Any = case
        for name in path.split("."):
            value = getattr(value, name)
    fields = {name for name in vars(case)} - {"lookup"}
    assert fields <= set(named), "docs/customise.md does not name all that a rule may look at"
    assert re.findall(r"`(\w+)`", RULES.partition("| `case.form`")[2].partition("\n")[0]) == list(
        vars(case.form)
    )


def test_the_checks_that_the_docs_name_are_in_the_list() -> None:
    in_the_list = {check.__name__ for check in checks.CHECKS}
    named = {name for name in re.findall(r"`([a-z]+(?:_[a-z]+)+)`", RULES)} - set(vars(Form("")))
    assert len(named) == 5
    assert named <= in_the_list


def test_the_example_of_a_blocklist_blocks(leaderboard: Leaderboard) -> None:
    examples = re.findall(
        r"^```yaml\n(.*?)^```", section("data-format.md", "Who and what is blocked or removed"), re.M | re.S
    )
    blocked = read_blocklist("".join(examples).encode())
    assert dict(blocked.hidden) == {"acme/leaked": "trained on the test questions"}
    assert blocked.model("Acme/Broken-Model") == ""
    assert blocked.model("spammers/anything") == "their models copy the test questions"
    assert blocked.user("mallory") == "submitted the same model under forty names"
    assert blocked.user("alice") is blocked.model("acme/tiny") is None


def test_the_limits_that_owners_read_are_those_without_any_setting() -> None:
    terms = Settings().terms
    assert (terms.quota, terms.period.days, terms.writes, terms.pending) == (5, 7, 30, 1000)
    text = " ".join(section("submitters.md", "Who may submit").split())
    assert "Five submissions of one login are evaluated in seven days" in text
    assert "may submit and withdraw thirty times in an hour" in text
    assert "a thousand requests wait" in text
