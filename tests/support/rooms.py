"""The rooms of the two Spaces, from the bottom up."""

from __future__ import annotations

SHARED = [
    "errors times version",
    "environment process",
    "data",
    "index estimates",
    "stores",
    "models moderation serving settings",
    "doctor wiring",
]
"""The rooms and files of `src/shared/`, from the bottom up: each imports only what is on lower lines."""

FLOORS = {
    "frontend": [
        "envs model_types tasks",
        "about queue",
        "submitting",
        "leaderboard settings",
        "board",
        "doctor",
        "maintaining",
        "page",
        "export",
        "app",
    ],
    "backend": [
        "envs withdrawn_secrets",
        "running",
        "inference",
        "queue",
        "fleet",
        "settings",
        "suite",
        "evaluation page try_task",
        "telling",
        "hub_fleet own_fleet",
        "parts",
        "doctor",
        "upkeep",
        "worker",
    ],
}
"""The same for what lies above the shared code."""

OWNERS = {"checks": "submitting", "columns": "leaderboard"}
"""Files that owners edit, and the room that each is a part of."""


def floors(space: str) -> dict[str, int]:
    """How high each room and each loose file of a Space lies."""
    shared = [[f"shared.{name}" for name in line.split()] for line in SHARED]
    own = [line.split() for line in FLOORS[space]]
    return {name: height for height, line in enumerate([*shared, *own]) for name in line}


def room_of(module: str) -> str:
    """The room, or the loose file, that a module of `src` belongs to; empty for `src` itself."""
    parts = module.removeprefix("src").strip(".").split(".")
    name = ".".join(parts[:2]) if parts[0] == "shared" else parts[0]
    return OWNERS.get(name, name)
