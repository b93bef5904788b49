"""What a backend runs, as a file that anybody with access to the dataset may have written."""

from dataclasses import replace

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from src.shared.data.backend_description import (
    MAX_EXAMPLE,
    BackendDescription,
    Example,
    FleetDescription,
    HardwareDescription,
    Metric,
    TaskDescription,
    read_description,
    write_description,
)
from src.shared.data.names import BACKEND_DESCRIPTION, is_data_path, is_safe_path
from src.shared.data.yaml_file import MAX_BYTES
from src.shared.errors import BadFile

ACCURACY = Metric(key="acc,none", higher_is_better=True)
GSM8K = TaskDescription(
    name="gsm8k",
    kind="generate_until",
    metrics=(
        Metric(key="exact_match,strict-match", higher_is_better=True),
        Metric(key="exact_match,flexible-extract", higher_is_better=True),
    ),
    num_fewshot=5,
    version="3.0",
    datasets=("openai/gsm8k",),
    file="lm_eval/tasks/gsm8k/gsm8k.yaml",
)
WHOLE = BackendDescription(
    tasks=(
        TaskDescription(name="tiny", metrics=(ACCURACY,), num_fewshot=0, questions=100, random_baseline=0.05),
        GSM8K,
        TaskDescription(name="mmlu", metrics=(ACCURACY,), subtasks=2, parts=("mmlu_a", "mmlu_b")),
    ),
    problems=("The task tiny is – all the same – too small: “mend” it.",),
    limit=0.1,
    batch_size="8",
    precisions=("float16",),
    weight_types=("Original",),
    versions={"lm_eval": "0.4.13"},
    architectures=("LlamaForCausalLM",),
)


def test_what_is_written_is_read_again() -> None:
    assert read_description(write_description(WHOLE)) == WHOLE


def test_a_question_that_is_published_is_read_again_and_is_bounded() -> None:
    task = replace(GSM8K, example=Example(question="1 + 1 =\n\t", answer="2"))
    told = replace(WHOLE, tasks=(task,), tried="ab" * 32)
    assert read_description(write_description(told)) == told
    data = yaml.safe_dump({"tasks": [{"name": "x", "example": {"question": "x" * 50_000, "answer": 5}}]})
    [read] = read_description(data.encode()).tasks
    assert read.example
    assert (len(read.example.question), read.example.answer) == (MAX_EXAMPLE, "5")


@given(
    name=st.text(),
    problem=st.text() | st.sampled_from(["\x85", "\u2028", "null", "1e3", "="]),
    limit=st.none() | st.floats(allow_nan=False, allow_infinity=False),
)
def test_any_text_and_number_is_read_as_it_was_written(name: str, problem: str, limit: float | None) -> None:
    task = replace(GSM8K, name=name)
    description = replace(WHOLE, tasks=(task,), problems=(problem,), limit=limit)
    assert read_description(write_description(description)) == description


def test_the_file_is_yaml_that_a_person_can_read() -> None:
    text = write_description(WHOLE).decode()
    assert text.startswith("format: 1\nengine: lm_eval\ntasks:\n- name: tiny\n")


def test_the_same_description_gives_the_same_bytes() -> None:
    assert write_description(replace(WHOLE)) == write_description(WHOLE)


def test_nobody_takes_the_file_for_a_result() -> None:
    assert is_safe_path(BACKEND_DESCRIPTION)
    assert not is_data_path(BACKEND_DESCRIPTION)


def test_unknown_keys_are_ignored_at_every_level() -> None:
    raw = yaml.safe_load(write_description(WHOLE))
    raw |= {"later": {"a": 1}, 7: "a number as a key"}
    raw["tasks"][0]["later"] = [1]
    raw["tasks"][0]["metrics"][0]["later"] = None
    assert read_description(yaml.safe_dump(raw).encode()) == WHOLE


def test_names_of_tasks_are_enough() -> None:
    description = read_description(b"tasks: [{name: arc_easy}]")
    assert description.version is None
    [task] = description.tasks
    assert (task.metrics, task.num_fewshot, task.questions, task.random_baseline) == ((), None, None, None)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("exact_match,strict-match", "exact_match,strict-match"),
        ("exact_match", None),
        ("acc", None),
    ],
)
def test_a_metric_under_two_filters_is_found_by_its_whole_name_only(name: str, key: str | None) -> None:
    found = GSM8K.metric(name)
    assert (found.key if found else None) == key


def test_a_metric_without_a_filter_is_found_by_its_short_name() -> None:
    assert WHOLE.tasks[0].metric("acc") == WHOLE.tasks[0].metric("acc,none") == ACCURACY


def laughs(levels: int) -> bytes:
    """A few hundred bytes that stand for ten to the power of `levels` items."""
    lines = ["a0: &a0 [x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, levels)]
    return "\n".join([*lines, f"tasks: *a{levels - 1}"]).encode()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "does not hold an object"),
        (b"- a\n- b\n", "does not hold an object"),
        (b"just a text", "does not hold an object"),
        (b"{}", "tasks: Field required"),
        (b"tasks: 5", "tasks: Input should be a valid tuple"),
        (b"tasks: [arc_easy]", "tasks.0: Input should be a dictionary"),
        (b"tasks: [{name: [a]}]", "tasks.0.name: Input should be a valid string"),
        (b"tasks: [{name: a, num_fewshot: many}]", "tasks.0.num_fewshot: "),
        (b"tasks: [{name: a, num_fewshot: .inf}]", "tasks.0.num_fewshot: "),
        (b"tasks: [", "not valid YAML"),
        (b"tasks: []\n---\ntasks: []", "not valid YAML"),
        (b"tasks: []\nwhen: 2026-99-99", "not valid YAML"),
        (b"tasks: [{name: a}]\nlimit: " + b"9" * 5000, "not valid YAML"),
        (b"\xff\xfe\x00", "not valid YAML"),
        (b"tasks: [{name: a\x00}]", "not valid YAML"),
        (b"? {a: b}\n: c", "not valid YAML"),
        (b'tasks: !!python/object/apply:os.system ["true"]', "tags or aliases"),
        (b"tasks: []\nwhen: !!timestamp soon", "tags or aliases"),
        (laughs(9), "tags or aliases"),
        (b"[" * 100_000, "nested more than 10 deep"),
        (b"- " * 100_000, "nested more than 10 deep"),
        (b"{a: " * 20_000, "nested more than 10 deep"),
        (b"tasks: []".ljust(MAX_BYTES + 1), "no more than 1,000,000 are read"),
    ],
    ids=lambda value: value[:40] if isinstance(value, bytes) else "",
)
def test_what_is_no_description_is_a_sentence(data: bytes, reason: str) -> None:
    with pytest.raises(BadFile) as error:
        read_description(data)
    assert reason in str(error.value)
    assert len(str(error.value)) < 500


@given(st.binary() | st.text(st.sampled_from("{}[]:,-?&*!|>'\"#%@` \nabc0123.:TZ")).map(str.encode))
def test_no_file_breaks_the_reader(data: bytes) -> None:
    try:
        read_description(data)
    except BadFile as error:
        assert str(error)


@pytest.mark.parametrize("limit", [".nan", ".inf", "some", "[1]", "true"])
def test_a_limit_that_is_no_number_is_unknown(limit: str) -> None:
    assert read_description(f"tasks: []\nlimit: {limit}".encode()).limit is None


def test_a_description_of_thousands_of_tasks_is_read() -> None:
    tasks = tuple(replace(GSM8K, name=f"task_{number}") for number in range(2000))
    assert len(read_description(write_description(replace(WHOLE, tasks=tasks))).tasks) == 2000


FLEET = FleetDescription(
    max_workers=4,
    dollars_a_day=20.0,
    hardware=(
        HardwareDescription(name="l4x1", largest_gb=18.0, price=0.8),
        HardwareDescription(name="here", largest_gb=60.0),
    ),
)


def with_a_fleet(**changes: object) -> bytes:
    fleet = {"max_workers": 4, "hardware": [{"name": "l4x1", "largest_gb": 18, "price": 0.8}], **changes}
    return yaml.safe_dump({"tasks": [{"name": "one"}], "fleet": fleet}).encode()


def test_what_a_fleet_may_start_is_read_as_it_was_written() -> None:
    description = replace(WHOLE, fleet=FLEET)
    assert read_description(write_description(description)) == description


@pytest.mark.parametrize(
    "changes",
    [
        {"max_workers": 0},
        {"max_workers": 1_000_000},
        {"max_workers": "many"},
        {"dollars_a_day": 0},
        {"dollars_a_day": float("inf")},
        {"hardware": "l4x1"},
        {"hardware": [{"name": f"l{number}", "largest_gb": 18} for number in range(51)]},
        {"hardware": [{"name": "l" * 101, "largest_gb": 18}]},
        {"hardware": [{"name": "", "largest_gb": 18}]},
        {"hardware": [{"name": "l4x1", "largest_gb": float("nan")}]},
        {"hardware": [{"name": "l4x1", "largest_gb": -1}]},
    ],
)
def test_a_fleet_that_no_dispatcher_writes_counts_as_none(changes: dict[str, object]) -> None:
    assert read_description(with_a_fleet()).fleet is not None
    description = read_description(with_a_fleet(**changes))
    assert description.fleet is None
    assert [each.name for each in description.tasks] == ["one"]


def test_a_price_that_no_machine_has_is_unknown() -> None:
    fleet = read_description(with_a_fleet(hardware=[{"name": "a", "largest_gb": 1, "price": -3}])).fleet
    assert fleet == FleetDescription(max_workers=4, hardware=(HardwareDescription(name="a", largest_gb=1.0),))
