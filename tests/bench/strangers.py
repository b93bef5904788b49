"""What others notice while strangers call the page of 5,000 models on 30 tasks with all that is hostile."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.attack import AT_ONCE, Plan
from bench.figures import Report, percentile, say, seconds
from bench.pages import make_leaderboard, served

MODELS, TASKS, ORGANIZATIONS = 5_000, 30, 500
CALLS, PROBES, ROUNDS = 200, 100, 5
"""In all rounds together; a round is the page at rest and then under attack: a machine is busy at times."""

MOST_RATIO, MOST_SECONDS = 3.0, 1.0

SMALL = 60_000
"""Characters that fit into any limit of a body's size; what is larger may be refused unread."""

LARGE = 2_000_000
CARDS = ("<!--", "#\n", "\n", "---\n", "[More Information Needed", "<!-- -->", " ", "\n--- ")
"""What the cards of the hostile models repeat. Each is looked up anew by every submission."""


@dataclass(frozen=True)
class Attack:
    """A kind of hostile calls: the function that is called, and what is delivered for its inputs, in turn."""

    what: str
    function: str
    deliveries: Sequence[Mapping[int, Any]]
    is_queued: bool = False


def filled(unit: str, length: int) -> str:
    """A text of this length that repeats a unit."""
    return (unit * (length // len(unit) + 1))[:length]


EVERYTHING = [
    *(f"Task {place}" for place in range(TASKS)),
    *("Average ⬆️", "Type", "Architecture", "Weight type", "Precision", "Hub License", "#Params (B)", "Hub ❤️"),
    *("Available on the hub", "Evaluated", "Model sha"),
]

LISTS = [f"Task {place}" for place in range(1500)]
"""Three of them fit into 60 kB."""

ATTACKS = [
    Attack("hostile cards by /submit", "submit", [{0: f"acme/card-{n}"} for n in range(len(CARDS))]),
    Attack(
        "hostile cards by the form",
        "look_up",
        [{1: f"acme/card-{n}"} for n in range(len(CARDS))],
        is_queued=True,
    ),
    Attack(
        "fields of 60 kB by /submit", "submit", [{0: filled(unit, SMALL)} for unit in ("a/", ":", "🟢"[:1])]
    ),
    Attack("60 kB of q;q;… on the About tab", "live", [{1: filled("q;", SMALL)}]),
    Attack("2 MB of q;q;… on the About tab", "live", [{1: filled("q;", LARGE)}]),
    Attack("the longest search on the About tab", "live", [{1: ";".join(f"{n:0>48}" for n in range(20))}]),
    Attack("60 kB of q;q;… in the table's search", "change_view", [{1: filled("q;", SMALL)}]),
    Attack(
        "lists of 1,500 columns, types, precisions", "change_view", [{1: "q", 2: LISTS, 3: LISTS, 4: LISTS}]
    ),
    Attack(
        "wrong types in every control", "change_view", [{place: {"a": [1e308] * 50} for place in range(8)}]
    ),
    Attack(
        "tables with all columns, each another",
        "change_view",
        [{2: EVERYTHING, 5: n / 1e6} for n in range(100)],
    ),
    Attack(
        "tables with weights of one's own, each others",
        "change_view",
        [{14: f"weight=Task+0:{n}"} for n in range(2, 300)],
    ),
    Attack("/reproduce with 1,000 alternatives", "reproduce", [{0: ";".join(map(str, range(1000)))}]),
    Attack("/leaderboard", "leaderboard", [{}]),
    Attack("/queue", "queue", [{}]),
    Attack("/leaderboard through the queue", "leaderboard", [{}], is_queued=True),
    Attack("what follows the board, again and again", "live", [{}]),
    Attack("functions that there are not", "", [{}]),
]


def main() -> None:
    """Measure each kind: the page at rest, and then under attack."""
    report = Report(
        "The page while strangers call it",
        [
            f"The page with {MODELS:,} models on {TASKS} tasks. At least {CALLS} hostile calls of each kind, "
            f"{AT_ONCE} at a time, each in a new session, from a process on the same machine; meanwhile "
            f"`/config` is asked for {PROBES} times, one after the other. The 95th percentile of its times "
            f"is compared with that of the server at rest, in {ROUNDS} turns of rest and attack.",
        ],
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_leaderboard(folder, models=MODELS, organizations=ORGANIZATIONS, tasks=TASKS)
        for place, unit in enumerate(CARDS):
            make_model(folder / "models" / f"acme/card-{place}", filled(unit, 100_000))
        with served("many_tasks_app", folder, tasks=TASKS) as space:
            page = Page(space.url)
            page.wait_until_read()
            for attack in ATTACKS:
                measure(report, page, attack, folder / "plan.json")
    report.hand_over()


def make_model(folder: Path, card: str) -> None:
    """A model that states no licence: it is looked at with all checks, and then refused."""
    folder.mkdir(parents=True)
    (folder / "config.json").write_text('{"architectures": ["LlamaForCausalLM"]}', encoding="utf-8")
    (folder / "README.md").write_text(card, encoding="utf-8")


class Page:
    """A page under attack, by the numbers that Gradio has given to its functions."""

    def __init__(self, url: str) -> None:
        self.port = int(url.rpartition(":")[2])
        with urllib.request.urlopen(f"{url}/config") as answer:
            config = json.load(answer)
        self._values = {part["id"]: part["props"].get("value") for part in config["components"]}
        self._functions = {each["api_name"]: each for each in config["dependencies"]}

    def wait_until_read(self) -> None:
        """Wait until the server has read the datasets, and has made what it makes once."""
        plan = Plan(self.port, "/gradio_api/run/predict", [self.body("queue", {})], 1)
        while len(self._post(plan.path, plan.bodies[0])) < 1_000_000:
            time.sleep(1)
        for function in ("leaderboard", "live", "refresh", "change_view"):
            self._post(plan.path, self.body(function, {}))

    def body(self, function: str, delivered: Mapping[int, Any]) -> dict[str, Any]:
        """What is sent to call a function: what its controls hold at first, or what is delivered instead."""
        if function not in self._functions:
            return {"data": [], "fn_index": 100_000}
        event = self._functions[function]
        values = [self._values.get(place) for place in event["inputs"]]
        data = [delivered.get(place, value) for place, value in enumerate(values)]
        return {"data": data, "fn_index": event["id"]}

    def _post(self, path: str, body: Mapping[str, Any]) -> bytes:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request("POST", path, json.dumps(body).encode(), {"Content-Type": "application/json"})
        return connection.getresponse().read()


def measure(report: Report, page: Page, attack: Attack, file: Path) -> None:
    """Add what a kind of attack does to others."""
    bodies = [page.body(attack.function, each) for each in attack.deliveries]
    path = "/gradio_api/queue/join" if attack.is_queued else "/gradio_api/run/predict"
    Plan(page.port, path, bodies, CALLS // ROUNDS, attack.is_queued).write(file)
    at_rest, attacked = [], []
    statuses: Counter[str] = Counter()
    for _ in range(ROUNDS):
        at_rest += probes(page.port, PROBES // ROUNDS)
        with attacking(file) as answered:
            attacked += probes(page.port, PROBES // ROUNDS)
        statuses.update(answered)
    say(f"{attack.what}: {', '.join(f'{number:,} × {status}' for status, number in statuses.items())}")
    before, during = percentile(at_rest, 95), percentile(attacked, 95)
    report.add(
        f"{attack.what}: {sum(statuses.values()):,} calls",
        f"at rest {seconds(before)}, attacked {seconds(during)}, {during / before:.1f} ×",
        goal=f"≤ {MOST_RATIO:g} ×, < {seconds(MOST_SECONDS)}",
        is_met=during <= MOST_RATIO * before and during < MOST_SECONDS,
    )


@contextmanager
def attacking(file: Path) -> Iterator[Counter[str]]:
    """Make the calls of a plan during the block; the statuses of their answers are there when it is over."""
    statuses: Counter[str] = Counter()
    command = [sys.executable, "-m", "bench.attack", str(file)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin and process.stdout
        time.sleep(0.3)  # until it has begun
        yield statuses
        process.stdin.close()
        statuses.update(json.loads(process.stdout.read()))


def probes(port: int, number: int) -> Iterator[float]:
    """How long `/config` takes, several times, one after the other."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
    for _ in range(number):
        started = time.perf_counter()
        connection.request("GET", "/config")
        connection.getresponse().read()
        yield time.perf_counter() - started
        time.sleep(0.005)


if __name__ == "__main__":
    main()
