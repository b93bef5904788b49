"""The fleet on the owner's machines, as the settings shape it: jobs of a cluster, or processes here."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from src.fleet.dispatcher import Dispatcher, TokenCheck
from src.fleet.kind import FleetKind
from src.fleet.local import LocalFleet, LocalTerms
from src.fleet.own_machines import THIS_MACHINE, OwnMachine
from src.fleet.situation import Limits
from src.fleet.slurm import SlurmFleet
from src.fleet.slurm_orders import SlurmTerms
from src.queue.policy import Policy
from src.running.memory import available_memory
from src.running.watch import GB
from src.settings import Settings
from src.shared.wiring import LOCAL_FOLDER

QUEUES_WITHIN = timedelta(days=1)
"""How long a member may wait in the queue of a cluster before other machines are tried for its models."""


def make_own_dispatcher(
    settings: Settings, policy: Policy, check_token: TokenCheck = lambda: None
) -> Dispatcher:
    """Return what starts workers on the owner's machines. Money limits them only if they have prices."""
    machines = settings.fleet_machines or (OwnMachine(THIS_MACHINE, available_memory() / GB),)
    names = settings.fleet_flavors or tuple(each.name for each in machines)
    dollars = settings.max_dollars_per_day if any(each.price for each in machines) else None
    fleet = make_slurm(settings) if settings.fleet is FleetKind.SLURM else make_local(settings, machines)
    limits = Limits(
        settings.max_workers,
        dollars,
        names,
        starts_within=QUEUES_WITHIN,
        claims_within=settings.start_of_a_member,
        stops_within=settings.members_stop_within,
    )
    return Dispatcher(fleet, limits, policy=policy, check_token=check_token)


def make_slurm(settings: Settings) -> SlurmFleet:
    """Return the fleet on a cluster."""
    return SlurmFleet(
        SlurmTerms(
            board=board_of(settings),
            machines=settings.fleet_machines,
            folder=folder_of_the_fleet(settings),
            environment=dict(os.environ),
            variables=variables_of_own_members(settings),
            tokens=tokens_of_members(settings),
            longest=settings.longest_of_a_member,
        )
    )


def make_local(settings: Settings, machines: Sequence[OwnMachine]) -> LocalFleet:
    """Return the fleet on this machine."""
    return LocalFleet(
        LocalTerms(
            board=board_of(settings),
            machines=machines,
            folder=folder_of_the_fleet(settings),
            environment=dict(os.environ),
            variables=variables_of_own_members(settings),
            tokens=tokens_of_members(settings),
        )
    )


def board_of(settings: Settings) -> str:
    """Return what tells this leaderboard from others: its requests dataset, or the folder of its data."""
    return settings.requests_dataset if settings.is_on_the_hub else str(local_folder(settings))


def local_folder(settings: Settings) -> Path:
    """Return the folder of the data, wherever a member is started."""
    return Path(settings.leaderboard_data_dir or LOCAL_FOLDER).resolve()


def folder_of_the_fleet(settings: Settings) -> Path:
    """Return where the logs of members are written."""
    return Path(settings.fleet_folder).expanduser().resolve()


def variables_of_own_members(settings: Settings) -> dict[str, str]:
    """Return the variables of members besides the environment of the fleet, whose envs.py they read."""
    where = {} if settings.is_on_the_hub else {"LEADERBOARD_DATA_DIR": str(local_folder(settings))}
    # A machine has room for one model. Whoever wrote MAX_PARALLEL meant a worker without a fleet.
    return {"FLEET": FleetKind.OFF, "COMMENT_ON_MODELS": "false", "MAX_PARALLEL": "1", **where}


def tokens_of_members(settings: Settings) -> dict[str, str]:
    """Return the tokens that members get: the one for the fleet, if the owner has created it."""
    tokens = {"HF_TOKEN": settings.fleet_token or settings.hf_token, "HF_READ_TOKEN": settings.hf_read_token}
    return {name: token for name, token in tokens.items() if token}
