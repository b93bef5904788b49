"""A frontend's desk in a simulated hour, at which `python hour_of_a_frontend.py MODEL SECONDS …` submits.

Each line on standard input moves the clock; the answer has how long each submission waited, as far as it has
ended.
"""

from __future__ import annotations

import json
import sys
from threading import Thread

from src.board.keeper import Keeper
from src.shared.environment import read_settings
from src.shared.settings import CommonSettings
from src.shared.wiring import open_stores
from src.submitting.desk import Desk
from src.submitting.form import Form
from src.submitting.group_commit import GroupCommit
from src.submitting.receipts import submissions
from src.tasks import Task
from support.simulated_time import SimulatedClock, steps
from support.waiting import wait_for

SYNC_SECONDS = 30


def main(times: dict[str, float]) -> None:
    clock = SimulatedClock()
    stores = open_stores(read_settings(CommonSettings), clock=clock)
    tasks = [Task("tiny_copy", "acc", "Copying")]
    keeper = Keeper(stores.requests, stores.results, tasks, clock=clock, steady=clock)
    group = GroupCommit(
        stores.requests, keeper.read_requests, submissions(), show=keeper.show, clock=clock, sleep=clock.sleep
    )
    desk = Desk(stores.models, group, backend=lambda: keeper.now.board.backend, clock=clock, steady=clock)
    waited: dict[str, float] = {}
    people: list[Thread] = []

    def submit(model: str, came: float) -> None:
        desk.submit(Form(model=model, precision="float32", model_type="pretrained"))
        waited[model] = clock.seconds - came

    def nothing_moves() -> bool:
        """Everybody has been told, or waits for their common commit, whose time is yet to come."""
        alive = sum(person.is_alive() for person in people)
        return alive == 0 or (clock.somebody_sleeps and alive == group.waiting)

    for now in steps(clock, lambda: json.dumps(waited)):
        wait_for(nothing_moves, what="the submissions")
        if now % SYNC_SECONDS == 0:
            keeper.sync()
        come = {model: time for model, time in times.items() if time <= now}
        for model, time in come.items():
            del times[model]
            people.append(Thread(target=submit, args=(model, time)))
            people[-1].start()
        wait_for(nothing_moves, what="the submissions")


if __name__ == "__main__":
    models, seconds = sys.argv[1::2], map(float, sys.argv[2::2])
    main(dict(zip(models, seconds, strict=True)))
