"""The Spaces of a Hub: secrets, variables, hardware, and the stages that a Space goes through.

hub.space("acme/leaderboard")                     # one of them: its secrets, variables, stage
hub.accounts.plans["acme"] = "team"               # else creating a Gradio or Docker Space answers 402
hub.spaces.looks = 3                              # each passing stage lasts for three looks at it
hub.spaces.fates["acme/backend"] = Stage.BUILD_ERROR   # where the next builds of it end
hub.spaces.held = True                            # Spaces stay in APP_STARTING until `started` is told
hub.space("acme/backend").started("http://…")     # it runs there (tests.support.started_spaces)
hub.spaces.can_pay = False                        # paid hardware answers 402

Unless it was told where it runs, a Space has an address on the Hub itself. There a static Space shows its
files, and any other answers for itself as if it were well.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from .card import card_of
from .git_objects import Blob, Commit
from .refusals import BadRequest
from .repository import RepoName, Repository

FREE = ("cpu-basic", "zero-a10g")
"""Hardware that nobody is billed for."""
HARDWARE = {"cpu-basic": 0.0, "cpu-upgrade": 0.0005, "zero-a10g": 0.0, "t4-small": 0.0067, "t4-medium": 0.01}
HARDWARE |= {"l4x1": 0.0133, "a10g-small": 0.0167, "l40sx1": 0.03, "a100-large": 0.0417}
"""What there is, with dollars per minute."""
SLEEPS_AFTER = 172_800
"""Seconds: free hardware sleeps after 48 hours, and nobody can change that."""
PAYING_PLANS = ("pro", "team", "enterprise")
START_FILES = {"gradio": "app.py", "docker": "Dockerfile", "static": "index.html"}


class Stage(StrEnum):
    """What the Hub says of a Space."""

    NO_APP_FILE = "NO_APP_FILE"
    CONFIG_ERROR = "CONFIG_ERROR"
    BUILDING = "BUILDING"
    BUILD_ERROR = "BUILD_ERROR"
    APP_STARTING = "APP_STARTING"
    RUNNING = "RUNNING"
    RUNNING_BUILDING = "RUNNING_BUILDING"
    RUNNING_APP_STARTING = "RUNNING_APP_STARTING"
    RUNTIME_ERROR = "RUNTIME_ERROR"
    PAUSED = "PAUSED"
    SLEEPING = "SLEEPING"
    STOPPED = "STOPPED"


STARTING = (Stage.APP_STARTING, Stage.RUNNING_APP_STARTING)


@dataclass(frozen=True)
class Setting:
    """A secret or a variable."""

    value: str
    description: str | None = None
    updated: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass
class SpacesOfAHub:
    """What is true of all Spaces from now on."""

    looks: int = 1
    fates: dict[str, Stage] = field(default_factory=dict)
    """Where the builds of a Space end, by its id in lower case. Otherwise it runs."""
    held: bool = False
    can_pay: bool = True
    tells_commit: bool = True
    """Whether the runtime of a Space names the commit that it was built of."""


@dataclass
class Space:
    """What a Space has besides its files."""

    name: RepoName
    common: SpacesOfAHub
    sdk: str = "gradio"
    secrets: dict[str, Setting] = field(default_factory=dict, repr=False)
    variables: dict[str, Setting] = field(default_factory=dict)
    hardware: str = "cpu-basic"
    sleep_time: int | None = None
    told_host: str | None = None
    built: str | None = None
    """The commit that it was built of."""
    logs: dict[str, list[str]] = field(default_factory=lambda: {"build": [], "run": []})
    message: str | None = None
    health: tuple[int, dict[str, object]] = (
        200,
        {"is_up_to_date": True, "is_ticking": True, "problem": None},
    )
    """What it answers about itself, in name."""
    stages: list[Stage] = field(default_factory=list)
    """Every stage that it was in."""
    _ahead: deque[Stage] = field(default_factory=deque)
    _looks: int = 0

    def __post_init__(self) -> None:
        self.stages.append(Stage.NO_APP_FILE)

    @property
    def stage(self) -> Stage:
        """The stage that the next look sees."""
        return self.stages[-1]

    @property
    def subdomain(self) -> str:
        """`acme-leaderboard`, as on the Hub."""
        return "-".join(self.name.id.lower().replace(".", "-").replace("_", "-").split("/"))

    def host(self, hub_url: str) -> str:
        """Where its page is."""
        return self.told_host or f"{hub_url}/_spaces/{self.name.id}"

    def look(self) -> Stage:
        """The stage, seen once more: after so many looks a passing one is over."""
        seen = self.stage
        self._looks += 1
        if self._ahead and self._looks >= self.common.looks and not self._waits():
            self._enter(self._ahead.popleft())
        return seen

    def started(self, host: str) -> None:
        """It runs, there."""
        self.told_host, self._ahead = host, deque()
        self._enter(Stage.RUNNING)

    def ended(self, stage: Stage, message: str | None = None) -> None:
        """It is in that stage from now on."""
        self._ahead, self.message = deque(), message
        self._enter(stage)

    def committed(self, repository: Repository, commit: Commit) -> None:
        """Build it of a commit, or say why that cannot be."""
        if self.stage == Stage.PAUSED:
            return
        self.built, self.message = commit.id, None
        card = card_of(repository, commit) or {}
        if not card.get("sdk"):
            self.ended(Stage.CONFIG_ERROR, "Missing configuration in README")
            return
        self.sdk = str(card["sdk"])
        start = card.get("app_file") or START_FILES.get(self.sdk, "app.py")
        if not isinstance(commit.tree.find(str(start)), Blob):
            self.ended(Stage.NO_APP_FILE)
        elif self.sdk == "static":
            self.ended(Stage.RUNNING)
        else:
            building = Stage.RUNNING_BUILDING if self.stage == Stage.RUNNING else Stage.BUILDING
            self.logs = {"build": ["===== Build Queued =====\n"], "run": []}
            self._begin([building, self._starting()])

    def restarted(self) -> None:
        """Start it again, as after each change of a setting; one that has no app stays as it is."""
        if self.stage not in (Stage.NO_APP_FILE, Stage.CONFIG_ERROR, Stage.PAUSED) and self.sdk != "static":
            self._begin([self._starting()])

    def resumed(self, repository: Repository) -> None:
        """Start it again in whatever stage it is."""
        self.ended(Stage.STOPPED)
        self.committed(repository, repository.head)

    def set_hardware(self, flavor: object, sleep_time: object = None) -> None:
        """Move it to other hardware. Raises BadRequest for an unknown one."""
        if not isinstance(flavor, str) or flavor not in HARDWARE:
            raise BadRequest(f'Invalid hardware flavor "{flavor}"')
        moves = flavor != self.hardware
        self.hardware = flavor
        if flavor in FREE:
            self.sleep_time = None
        if sleep_time is not None:
            self.set_sleep_time(sleep_time)
        if moves:
            self.restarted()

    def set_sleep_time(self, seconds: object) -> None:
        """Let it sleep after so many seconds without a visitor, with -1 never. Free hardware ignores it."""
        if not isinstance(seconds, int):
            raise BadRequest("Invalid sleep time")
        if self.hardware not in FREE:
            self.sleep_time = seconds

    def runtime(self, *, look: bool = True) -> dict[str, object]:
        """What the Hub tells of how it runs."""
        stage = self.look() if look else self.stage
        current = self.hardware if stage not in (Stage.NO_APP_FILE, Stage.BUILDING) else None
        if self.sdk == "static":
            return {"stage": stage, "hardware": {"current": None, "requested": None}, "devMode": False}
        answer: dict[str, object] = {
            "stage": stage,
            "hardware": {"current": current, "requested": self.hardware},
            "storage": None,
            "gcTimeout": SLEEPS_AFTER if self.hardware in FREE else self.sleep_time,
            "replicas": {"current": int(stage == Stage.RUNNING), "requested": 1},
            "devMode": False,
            "domains": [{"domain": f"{self.subdomain}.hf.space", "stage": "READY"}],
        }
        if self.message:
            answer["errorMessage"] = self.message
        if self.built and self.common.tells_commit:
            answer["sha"] = self.built
        return answer

    def _starting(self) -> Stage:
        return Stage.RUNNING_APP_STARTING if self.stage == Stage.RUNNING else Stage.APP_STARTING

    def _begin(self, passing: Sequence[Stage]) -> None:
        fate = self.common.fates.get(self.name.id.lower(), Stage.RUNNING)
        self.told_host = None if self.common.held else self.told_host
        if fate in (Stage.BUILD_ERROR, Stage.CONFIG_ERROR):
            passing = passing[:1]
            self.logs["build"] += ["ERROR: No matching distribution found for six==0\n", "exit code: 1\n"]
        elif fate == Stage.RUNTIME_ERROR:
            self.logs["run"] += ["Configuration error: OWNER is 'a/b': write a name as on the Hub.\n"]
            self.message = "Exit code: 2. Reason: Configuration error"
        self._ahead = deque([*passing[1:], fate])
        self._enter(passing[0])

    def _waits(self) -> bool:
        return self.common.held and self.stage in STARTING and self._ahead[0] == Stage.RUNNING

    def _enter(self, stage: Stage) -> None:
        self._looks = 0
        self.stages.append(stage)


def entries(given: object) -> dict[str, Setting]:
    """Secrets or variables, as the body of a call has them: `[{"key": …, "value": …}]`."""
    if given is None:
        return {}
    if not isinstance(given, list) or not all(isinstance(each, Mapping) for each in given):
        raise BadRequest("Not a list of keys and values")
    return dict(map(entry, given))


def entry(given: Mapping[str, object]) -> tuple[str, Setting]:
    """One of them. Raises BadRequest."""
    key, value, description = given.get("key"), given.get("value"), given.get("description")
    if not isinstance(key, str) or not key.isidentifier() or not isinstance(value, str):
        raise BadRequest("A secret or a variable needs a key and a value")
    return key, Setting(value, description if isinstance(description, str) else None)


README = """---
title: {title}
emoji: 🐢
colorFrom: green
colorTo: blue
sdk: {sdk}
{app_file}pinned: false
---

Check out the configuration reference at https://huggingface.co/docs/hub/spaces-config-reference
"""


def first_files(name: RepoName, sdk: str) -> dict[str, str]:
    """What the Hub puts into a new Space."""
    title = name.id.split("/")[1].replace("-", " ").title()
    app_file = "app_file: app.py\n" if sdk == "gradio" else ""
    page = {"index.html": "<!doctype html><title>A static Space</title>"} if sdk == "static" else {}
    return {"README.md": README.format(title=title, sdk=sdk, app_file=app_file), **page}
