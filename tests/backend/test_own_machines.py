"""FLEET_MACHINES: the form that owners write, and each sentence about a mistake in it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.fleet.own_machines import EXAMPLE, OwnMachine, read_machines
from src.settings import Settings
from src.shared.environment import read_settings
from src.shared.errors import ConfigurationError


def test_the_example_is_understood() -> None:
    small, big = read_machines(EXAMPLE)
    assert small == OwnMachine("small", 16.0, None, ("--mem=16G",))
    assert big == OwnMachine("big", 80.0, 2.5, ("--partition=gpu", "--gres=gpu:1"))
    assert (small.flavour.price, small.flavour.accelerators) == (0.0, 0)
    assert (big.flavour.price, big.flavour.accelerators) == (2.5, 1)


def test_machines_may_stand_on_lines_of_their_own_or_in_a_list() -> None:
    assert read_machines("a: 1 GB\n\n b : 2.5GB, $ 0.40 ;") == read_machines(["a: 1 GB", "b: 2.5 GB, $0.40"])
    assert read_machines("") == ()


def test_an_option_may_hold_commas_and_quoted_spaces() -> None:
    (machine,) = read_machines("""a: 1 GB, --constraint="a100|h100" --exclude=n1,n2 --comment='of a board'""")
    assert machine.options == ("--constraint=a100|h100", "--exclude=n1,n2", "--comment=of a board")


@pytest.mark.parametrize(
    ("option", "number"),
    [
        ("--gres=gpu", 1),
        ("--gres=gpu:4", 4),
        ("--gres=gpu:a100:2", 2),
        ("--gres=tmp:10G,gpu:a100:2", 2),
        ("--gres=gpu:2,tmp:10G", 2),
        ("--gpus=8", 8),
        ("--gpus=h100:3", 3),
        ("--gpus-per-node=2", 2),
        ("--gpus-per-task=1", 1),
        ("--gpus-per-socket=a100:2", 2),
        ("--tres-per-task=cpu:4,gres/gpu:a100:2", 2),
        ("--tres-per-task=gres/gpu=3", 3),
        ("--cpus-per-gpu=4", 0),
        ("--gpu-bind=closest", 0),
        ("--gres=tmp:10G", 0),
        ("--partition=gpu", 0),
    ],
)
def test_the_number_of_gpus_follows_from_the_options(option: str, number: int) -> None:
    (machine,) = read_machines(f"a: 80 GB, {option}")
    assert machine.accelerators == number


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ("small", "FLEET_MACHINES has 'small': write the name, the memory and what sbatch needs, such as"),
        ("small: 16", "FLEET_MACHINES has 'small: 16': write the name"),
        ("Small: 16 GB", "FLEET_MACHINES has 'Small: 16 GB'"),
        ("a b: 16 GB", "FLEET_MACHINES has 'a b: 16 GB'"),
        (
            "a: 16 GB, -p main",
            "FLEET_MACHINES has '-p' among the options of a: write options in their long form",
        ),
        ("a: 16 GB, --mem 4G", "FLEET_MACHINES has '4G' among the options of a"),
        ("a: 16 GB, --mem='4G", "FLEET_MACHINES has a quote that does not end, in the options of a"),
        ("a: 16 GB, --job-name=x", "'--job-name=x' among the options of a, but the fleet decides about that"),
        ("a: 16 GB, --exp=NONE", "'--exp=NONE' among the options of a, but the fleet decides about that"),
        ("a: 16 GB, --array=0-9", "'--array=0-9' among the options of a, but the fleet decides about that"),
        ("a: 16 GB, --time=1:00", "'--time=1:00' among the options of a, but the fleet decides about that"),
        ("a: 16 GB, --gpus-per-t=1", "'--gpus-per-t=1' among the options of a, which does not say how many"),
        ("a: 16 GB, --tres-per-job=gres/gpu:1", "a, which does not say how many GPUs it asks for. Write it"),
        ("a: 16 GB, --gres=gpu:many:1:2", "'--gres=gpu:many:1:2' among the options of a, which does not"),
        ("a: 0 GB", "FLEET_MACHINES says that a has no memory"),
        ("a: 1 GB; a: 2 GB", "FLEET_MACHINES names a twice"),
        (";".join(f"m{number}: 1 GB" for number in range(51)), "FLEET_MACHINES names 51 machines"),
    ],
)
def test_a_mistake_is_one_sentence(given: str, sentence: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        read_settings(Settings, environment={"FLEET_MACHINES": given})
    assert sentence in str(raised.value)


@given(st.integers(1, 10**7))
def test_a_member_takes_the_largest_model_for_which_it_may_be_started(megabytes: int) -> None:
    machine = OwnMachine("small", megabytes / 1000)
    member = read_settings(Settings, environment={"MAX_MEMORY_GB": f"{machine.max_memory_gb:.3f}"})
    most = member.largest_model(member.memory_per_evaluation(10**12))
    assert most
    assert machine.flavour.room <= most <= machine.flavour.room + 0.002


def test_what_is_no_text_is_refused() -> None:
    with pytest.raises(ValueError, match="no text"):
        read_machines(7)


def test_a_cluster_needs_machines() -> None:
    with pytest.raises(ConfigurationError, match="FLEET is `slurm`, but FLEET_MACHINES is not set"):
        read_settings(Settings, environment={"FLEET": "slurm"})


def test_this_machine_takes_no_options_of_a_cluster() -> None:
    environment = {"FLEET": "local", "FLEET_MACHINES": EXAMPLE}
    with pytest.raises(ConfigurationError, match="has options of sbatch for small, big"):
        read_settings(Settings, environment=environment)
