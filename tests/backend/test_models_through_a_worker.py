"""Models that cannot be evaluated, through a worker that really evaluates: what each request says in the end,
whom that blames, and how many attempts it took.

Only the announcer is left out, which tries a suite before the worker claims anything. The two failing tasks
get past it: one fails on the answers of this model, the other one's site may answer later.
"""

import re
import shutil
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import chdir
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from threading import Event

import pytest
import torch

from src.queue.shipped import SHIPPED_TASKS
from src.running.executor import ProcessExecutor
from src.running.launchers import Launcher
from src.running.suite import Suite
from src.running.watch import GB, ChildLimits
from src.shared.data.request import Request, Status
from src.shared.models.folder_models import FolderModels
from support.blamed import MODEL, NOBODY, OWNER, blamed
from support.broken_models import BREAKAGES, edited, reweighted
from support.families import make_family
from support.jobs import TASKS
from support.queues import Queue
from support.sources import ROOT
from support.tables import compare_table
from support.tiny_model import make_tiny_model, with_a_sentencepiece_tokenizer
from support.waiting import PATIENCE

pytestmark = pytest.mark.slow

LIMITS = ChildLimits(timedelta(minutes=5), memory=int(0.5 * GB))

SHIPPED = Suite(tasks=SHIPPED_TASKS, tasks_dir=str(TASKS), limit=2)

CHAT = "{% for message in messages %}{{ message.content }}{% endfor %}"

VARIES = re.compile(r"(?<=used )[\d.]+|(?<=transformers )\d[\d.]*")
"""What a sentence measures, or says of the version of a library."""

WIDE = 3_500_000
"""So many neurons make a file of 0.34 GB, which takes twice as much memory in the requested precision."""


def tiny(spoil: Callable[[Path], None] = lambda model: None) -> Callable[[Path], object]:
    """Make a tiny model, and spoil it."""
    return lambda folder: spoil(make_tiny_model(folder))


def broken(name: str) -> Callable[[Path], object]:
    """Make a model that is broken in one of the known ways."""
    return tiny(next(each.spoil for each in BREAKAGES if each.name == name))


def looking_ahead(folder: Path) -> None:
    """Make a BERT as it is trained to fill gaps."""
    make_family("bert", folder, is_decoder=False)


def too_wide(model: Path) -> None:
    """Give a model weights that need more memory than an evaluation may have."""

    def widen(weights: dict[str, torch.Tensor]) -> None:
        for name in ("gate", "up", "down"):
            shape = (16, WIDE) if name == "down" else (WIDE, 16)
            weights[f"model.layers.0.mlp.{name}_proj.weight"] = torch.zeros(shape, dtype=torch.float16)

    edited("config.json", intermediate_size=WIDE)(model)
    reweighted(widen)(model)


def with_templates(*templates: tuple[str, str]) -> Callable[[Path], object]:
    """Make a model with several chat templates, each under a name."""
    named = [{"name": name, "template": template} for name, template in templates]
    return tiny(edited("tokenizer_config.json", chat_template=named))


@dataclass(frozen=True)
class Kind:
    """A kind of model or error: how the model is made, and what has to become of its request."""

    name: str
    make: Callable[[Path], object]
    status: Status
    blamed: str | None
    attempts: int
    use_chat_template: bool = False
    scoring: str = ""
    """How the owner's own code scores an answer, the body of a function; empty for the shipped tasks."""

    @property
    def model(self) -> str:
        """The name of the model, in a form that a repository may have."""
        return "acme/" + re.sub(r"\W+", "-", self.name)


FINISHED, FAILED = Status.FINISHED, Status.FAILED
NO_TOKENS = tiny(edited("tokenizer_config.json", eos_token=None, pad_token=None))
RAISES = tiny(edited("tokenizer_config.json", chat_template="{{ raise_exception('no system role') }}"))
NAMED = with_templates(("default", CHAT), ("tool_use", "{{ tools }}"))
UNNAMED = with_templates(("rag", CHAT), ("tool_use", CHAT))
QUANTIZED = tiny(edited("config.json", quantization_config={"quant_method": "own"}))
SENTENCEPIECE = tiny(with_a_sentencepiece_tokenizer)
DIVIDES = 'return {"exact_match": 1 / sum(letter in "aeiou" for letter in results[0])}'
DIALS = 'raise ConnectionError("the judge did not answer")'

KINDS = [
    Kind("a good model", tiny(), FINISHED, None, 1),
    Kind("tokenizer.model of sentencepiece only", SENTENCEPIECE, FINISHED, None, 1),
    Kind("several named chat templates", NAMED, FINISHED, None, 1, use_chat_template=True),
    Kind("several chat templates, none is the default", UNNAMED, FAILED, MODEL, 1, use_chat_template=True),
    Kind("no chat template", tiny(), FAILED, MODEL, 1, use_chat_template=True),
    Kind("a chat template that raises", RAISES, FAILED, MODEL, 1, use_chat_template=True),
    Kind("weights cut off", broken("weights cut off"), FAILED, MODEL, 1),
    Kind("weights as a pickle only", broken("only a pickle of the weights"), FAILED, MODEL, 1),
    Kind("NaN among the weights", broken("NaN weights"), FAILED, MODEL, 1),
    Kind("weights of other shapes", broken("other shapes"), FAILED, MODEL, 1),
    Kind("code of its own", broken("code of its own"), FAILED, MODEL, 1),
    Kind("an unknown architecture", broken("unknown architecture"), FAILED, MODEL, 1),
    Kind("a T5", tiny(edited("config.json", model_type="t5")), FAILED, MODEL, 1),
    Kind("a BERT", looking_ahead, FAILED, MODEL, 1),
    Kind("no tokenizer", broken("no tokenizer"), FAILED, MODEL, 1),
    Kind("no special tokens", NO_TOKENS, FAILED, MODEL, 1),
    Kind("an unknown quantization", QUANTIZED, FAILED, MODEL, 1),
    Kind("a quantization whose package is missing", broken("quantized"), FAILED, OWNER, 1),
    Kind("too large for the memory", tiny(too_wide), FAILED, MODEL, 2),
    Kind("a task that divides by zero when it scores", tiny(), FAILED, NOBODY, 3, scoring=DIVIDES),
    Kind("a task whose judge is away", tiny(), FAILED, NOBODY, 20, scoring=DIALS),
]
"""Some need a task that fails, so they wait in a queue of their own; all others wait together in one."""


def suite_of(scoring: str, folder: Path) -> Suite:
    """The shipped tasks, or one with code of the owner's that scores so."""
    if not scoring:
        return SHIPPED
    folder.mkdir()
    (folder / "own_copy.yaml").write_text(
        f"include: {TASKS / 'tiny_copy.yaml'}\ntask: own_copy\nprocess_results: !function scoring.score\n"
    )
    (folder / "scoring.py").write_text(f"def score(doc, results):\n    {scoring}\n")
    return Suite(tasks=("own_copy",), tasks_dir=str(folder), limit=2)


def worked_off(scoring: str, folder: Path, launcher: Launcher) -> dict[str, Request]:
    """Evaluate all kinds that need this suite. Only the pauses between attempts are simulated."""
    queue, models = Queue(folder), FolderModels(folder / "models")
    paths = {}
    for kind in (each for each in KINDS if each.scoring == scoring):
        kind.make(folder / "models" / kind.model)
        paths[kind.name] = queue.submit(
            kind.model,
            precision="float32",
            commit=models.describe(kind.model).commit,
            use_chat_template=kind.use_chat_template,
        )
    ended = Event()
    executor = ProcessExecutor(folder / "work", limits=LIMITS, launcher=launcher, on_end=ended.set)
    suite = suite_of(scoring, folder / "tasks")
    worker = queue.worker(executor=executor, models=models, suite=suite, slots=2)
    while True:
        ended.clear()
        worker.tick()
        if worker.is_idle():
            shutil.rmtree(folder / "models")  # pytest keeps what tests leave, and one is large
            return {name: queue.read(path) for name, path in paths.items()}
        if worker.holds_nothing():
            queue.clock.move(hours=1)
        else:
            assert ended.wait(PATIENCE), "nothing ended"


@pytest.fixture(scope="module")
def requests(tmp_path_factory: pytest.TempPathFactory, warm: Launcher) -> Mapping[str, Request]:
    """The request for each kind after the worker has emptied the queue."""
    folders = {kind.scoring: tmp_path_factory.mktemp("data") for kind in KINDS}
    with chdir(ROOT / "backend"), ThreadPoolExecutor() as threads:
        running = [threads.submit(worked_off, scoring, folder, warm) for scoring, folder in folders.items()]
        return {name: request for each in running for name, request in each.result().items()}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_each_kind_blames_the_right_one_after_so_many_attempts(
    requests: Mapping[str, Request], kind: Kind, tmp_path_factory: pytest.TempPathFactory
) -> None:
    request = requests[kind.name]
    assert (request.status, whom(request), len(request.history)) == (kind.status, kind.blamed, kind.attempts)
    assert request.message.startswith(request.history[-1].message)
    assert str(tmp_path_factory.getbasetemp()) not in request.message


def test_the_sentences_are_those_in_the_docs(requests: Mapping[str, Request]) -> None:
    rows = [
        [name, sentence, whom(request) or "–", str(len(request.history))]
        for name, request in ((kind.name, requests[kind.name]) for kind in KINDS)
        for sentence in [VARIES.sub("…", request.message)]
    ]
    header = ["Model or task", "The request says", "To blame", "Attempts"]
    compare_table(ROOT / "docs" / "troubleshooting.md", "models", header, rows)


def whom(request: Request) -> str | None:
    """Whom the last attempt blames; None if it went well."""
    last = request.history[-1]
    return None if request.status is Status.FINISHED else blamed(last.end, last.message)
