"""One deployment: signing in, looking at what is there, deciding, changing, waiting."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from huggingface_hub import get_token

from saying import Say
from src.shared.stores.hub import Hub

from .files import SpaceFiles, read_files, size_text
from .git import head_of
from .hardware import check_hardware, read_sleep_time
from .identity import TOKENS, WHAT_IT_NEEDS, Identity, Repo, check_deployer, check_secret, read_identity
from .looking import DatasetNow, SpaceNow, look_at_dataset, look_at_space
from .names import ROLES, Board
from .plan import Clone, Step, Wanted, secrets_to_set, steps_for
from .refusals import IN_THE_SHELL, Stopped, ask
from .secret_values import Secrets, read_secrets, wanted_secrets
from .space_settings import Reader, Settled, read_assignments, settle
from .waiting import wait_until_up

NOTHING = "Nothing to do: all is as in this clone."
NEXT = """
Next:
  1. Open {page}
     and sign in under "Submit here!". Submit a small model, such as HuggingFaceTB/SmolLM2-135M.
  2. `make doctor {arguments}` says what is wrong or missing.
  3. Write your tasks and texts into frontend/src/about.py and backend/src/envs.py, and run this again."""

VARIABLES = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")
"""The variables that the client prefers to the saved login."""

Sleep = Callable[[float], None]


@dataclass(frozen=True)
class Deployment:
    """What the owner asked for, and who does it."""

    options: argparse.Namespace
    root: Path
    board: Board
    secrets: Secrets = field(repr=False)
    hub: Hub = field(repr=False)
    who: Identity
    say: Say
    sleep: Sleep


@dataclass(frozen=True)
class Found:
    """What is on the Hub, and what the Spaces will use and need there."""

    spaces: Mapping[str, SpaceNow | None]
    settled: Settled
    datasets: Mapping[str, DatasetNow]
    secrets: Mapping[str, Sequence[str]]
    """The names of the secrets to set in each Space."""

    @property
    def dataset_ids(self) -> list[str]:
        """The names of the two datasets."""
        return [each.id for each in self.datasets.values()]


def deploy(
    options: argparse.Namespace,
    *,
    root: Path,
    endpoint: str | None,
    stdin: TextIO | None,
    say: Say,
    sleep: Sleep,
) -> int:
    """Deploy a clone; 0 once both Spaces are well. Raises Stopped."""
    board = Board(options.org, options.board)
    asked, sleep_time = wanted_secrets(options.secret), read_sleep_time(options.sleep)
    files = {role: read_files(root / role) for role in ROLES}
    for role in ROLES:
        for path in files[role].left_out:
            say(f"Note: {role}/{path} is not uploaded, because it looks like a secret.")
    clone = Clone(root, head_of(root))
    secrets = read_secrets(from_stdin=options.stdin, stdin=stdin)
    hub, who = sign_in(secrets, endpoint, sleep, owner=board.owner)
    say(f"{who.user} deploys {board.spaces['frontend']} to {hub.api.endpoint}.")
    deployment = Deployment(options, root, board, secrets, hub, who, say, sleep)

    check_deployer(who, board.owner, {})
    hardware = {"frontend": options.frontend_hardware, "backend": options.hardware}
    check_hardware(hub, hardware)
    found = look(deployment, asked)
    check_rights(deployment, found)

    def plan(values: Mapping[str, str]) -> list[Step]:
        wanted = {
            role: Wanted(
                files=files[role],
                variables=found.settled.variables[role],
                secrets={name: values.get(name, "") for name in found.secrets[role]},
                hardware=hardware[role],
                sleep_time=sleep_time if role == "backend" else None,
            )
            for role in ROLES
        }
        return steps_for(hub, board, clone, found.spaces, found.datasets, wanted, overwrite=options.overwrite)

    plan({})  # may refuse, before anybody is asked for a secret
    steps = plan(secret_values(deployment, found))
    if options.dry_run:
        say_what_would_change(steps, files, say)
        return 0
    carry_out(steps, say)
    return finish(deployment, found.dataset_ids, steps)


def sign_in(secrets: Secrets, endpoint: str | None, sleep: Sleep, *, owner: str = "") -> tuple[Hub, Identity]:
    """Return the Hub under the token that deploys: the saved login's, else one that is given or asked for.

    Raises Stopped.
    """
    login = get_token()
    is_variable = bool(login) and any(os.environ.get(name, "").strip() == login for name in VARIABLES)
    name = IN_THE_SHELL if is_variable else "your login" if login else "HF_TOKEN"
    needs = WHAT_IT_NEEDS.format(owner=owner or "your account or organisation")
    also = ", and that the Spaces write to their datasets with" if owner else ""
    purpose = f"the token that deploys{also}; it needs {needs}"
    token = login or secrets.ask("HF_TOKEN", purpose=purpose)
    hub = Hub(token, token_name=name, endpoint=endpoint, sleep=sleep)
    return hub, read_identity(ask(hub, "find out whose token this is", hub.api.whoami))


def look(deployment: Deployment, asked: Sequence[str]) -> Found:
    """Look at all that is on the Hub, and read the settings that both Spaces will have. Raises Stopped."""
    options, board, hub = deployment.options, deployment.board, deployment.hub
    spaces = {role: look_at_space(hub, id) for role, id in board.spaces.items()}
    given = list(deployment.secrets.values) if options.stdin else []
    to_set = secrets_to_set(spaces, asked, given)
    reader = Reader(deployment.root)
    names = {role: reader.names(role) for role in ROLES} if options.set else {}
    settled = settle(
        reader,
        board,
        there={role: space.variables if space else {} for role, space in spaces.items()},
        wanted=read_assignments(options.set, names),
        secrets={role: {*to_set[role], *(space.secrets if space else ())} for role, space in spaces.items()},
    )
    for note in settled.notes:
        deployment.say(f"Note: {note}")
    datasets = {
        "requests": look_at_dataset(hub, board, settled.requests),
        "results": look_at_dataset(hub, board, settled.results),
    }
    for each in datasets.values():
        if each.note:
            deployment.say(f"Note: {each.note}")
    return Found(spaces, settled, datasets, to_set)


def check_rights(deployment: Deployment, found: Found) -> None:
    """Check that the token may do all of it. Raises Stopped."""
    board, who = deployment.board, deployment.who
    exist = {Repo("space", id): found.spaces[role] is not None for role, id in board.spaces.items()}
    exist |= {Repo("dataset", each.id): each.exists for each in found.datasets.values()}
    # Somebody else's dataset is not made here, and the token of the Spaces has to write to it.
    ours = {repo: there for repo, there in exist.items() if repo.id.startswith(f"{board.owner}/")}
    check_deployer(who, board.owner, ours)
    if not all(found.spaces.values()) and who.pays(board.owner) is False:
        deployment.say(
            f"Note: {board.owner} has no PRO plan, so the Hub will probably refuse to create a Gradio Space."
        )


def secret_values(deployment: Deployment, found: Found) -> dict[str, str]:
    """Return the secrets to set, asked for unless given. A dry run asks for none. Raises Stopped."""
    secrets, hub = deployment.secrets, deployment.hub
    values = {}
    for name in sorted({name for names in found.secrets.values() for name in names}):
        if deployment.options.dry_run and name not in secrets.values:
            values[name] = ""
            continue
        values[name] = secrets.ask(name, otherwise=str(hub.api.token) if name == "HF_TOKEN" else "")
        check_value(deployment, found, name, values[name])
    check_each_has_one_purpose(values, login=str(hub.api.token))
    return values


HELD_ELSEWHERE = {
    "INFERENCE_TOKEN": (
        "evaluations of strangers' models hold it. Create one that may only make calls to Inference Endpoints"
    ),
    "FLEET_TOKEN": "jobs hold it. Create one that may only read and write the two datasets",
}
"""Tokens that are not only in the Spaces: who else has each, and what to do instead."""

ASKED_ABOUT = ("HF_TOKEN", "HF_READ_TOKEN", "FLEET_TOKEN")
"""Secrets that are tokens of the Hub. INFERENCE_TOKEN may be for a server of the owner's own."""


def check_each_has_one_purpose(values: Mapping[str, str], *, login: str) -> None:
    """Refuse a token that is held elsewhere and has another purpose too. Raises Stopped."""
    for held, why in HELD_ELSEWHERE.items():
        others = {"the one that deploys": login, **values}
        same = [name for name, value in others.items() if name != held and value == values.get(held)]
        if same:
            raise Stopped(
                f"{held} is the same token as {same[-1]}, but {why} at {TOKENS}. Nothing was changed."
            )


def check_value(deployment: Deployment, found: Found, name: str, value: str) -> None:
    """Check a token that becomes a secret. Raises Stopped."""
    if name not in ASKED_ABOUT:
        return
    who, hub = deployment.who, deployment.hub
    if value != hub.api.token:
        other = Hub(value, token_name=name, endpoint=hub.api.endpoint)
        who = read_identity(ask(other, f"check {name}", other.api.whoami))
    note = check_secret(name, who, found.dataset_ids)
    if note:
        deployment.say(f"Note: {note}")


def say_what_would_change(steps: Sequence[Step], files: Mapping[str, SpaceFiles], say: Say) -> None:
    """Print the steps of a dry run."""
    for role in ROLES:
        contents = files[role].contents
        say(f"  {role}/ has {len(contents)} files ({size_text(sum(map(len, contents.values())))})")
    for step in steps:
        say(f"  would {step.what}")
    say("A dry run: nothing was changed." if steps else NOTHING)


def carry_out(steps: Sequence[Step], say: Say) -> None:
    """Carry out the steps, with a line for each. Raises Stopped."""
    for number, step in enumerate(steps, 1):
        say(f"  {number}/{len(steps)} {step.what}")
        step.do()
    if not steps:
        say(NOTHING)


def finish(deployment: Deployment, datasets: Sequence[str], steps: Sequence[Step]) -> int:
    """Wait for both Spaces, and say where all is and what to do next. Raises Stopped."""
    hub, board, say, options = deployment.hub, deployment.board, deployment.say, deployment.options
    problems: Sequence[str] = ()
    if not options.no_wait:
        uploaded = {step.uploads_to for step in steps}
        problems = wait_until_up(
            hub,
            list(board.spaces.values()),
            lambda line: say(f"  {line}"),
            changed={step.sets_up for step in steps} | uploaded,
            uploaded=uploaded,
            minutes=options.minutes,
            sleep=deployment.sleep,
        )
    for problem in problems:
        say(f"Problem: {problem}")
    if problems:
        return 1
    site = hub.api.endpoint
    say("Deployed." if options.no_wait else "Your leaderboard is up.")
    for address in [f"spaces/{id}" for id in board.spaces.values()] + [f"datasets/{id}" for id in datasets]:
        say(f"  {site}/{address}")
    say(NEXT.format(page=f"{site}/spaces/{board.spaces['frontend']}", arguments=board.arguments))
    return 0
