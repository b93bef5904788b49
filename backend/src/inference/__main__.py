"""The command `python -m src.inference`: list the hardware that may be rented, and what models would cost.

`python -m src.inference 7 70` also says what models of so many billion parameters would run on.
"""

from __future__ import annotations

from src.shared.process.hardening import forbid_inspection

if __name__ == "__main__":  # before the imports below, which take a second
    forbid_inspection()

import argparse
import os
import sys

from src.inference.endpoints import EndpointError, Endpoints, use_api_at
from src.inference.hardware import Allowed, Offers, fits, largest
from src.running.inference import Hardware
from src.settings import Settings
from src.shared.environment import owners_file, read_settings
from src.shared.errors import exit_on_configuration_error
from src.shared.stores.hub import Hub
from src.upkeep.commands import NOT_DONE, WELL, say
from src.withdrawn_secrets import withdraw_secrets

PRECISION = "bfloat16"
"""The precision for which sizes are told. One of two bytes per number, as most models have."""

NO_TOKEN = "Set HF_TOKEN: the Hub shows hardware and prices to accounts only."
NOTHING = "Nothing may be rented: see ENDPOINT_HARDWARE and ENDPOINT_REGIONS in src/envs.py."
NO_QUOTA = "The account {} has no quota for: {}. Ask the Hub for it at https://endpoints.huggingface.co."
COLUMNS = ("hardware", "memory", "models up to", "an hour", "")


def main() -> int:
    """Print the list. Return 0, or 1 if there is none."""
    parser = argparse.ArgumentParser(prog="python -m src.inference", description=__doc__)
    parser.add_argument("billions", nargs="*", type=float, help="numbers of parameters, in billions")
    sizes = parser.parse_args().billions
    with exit_on_configuration_error():
        secrets = withdraw_secrets()
        settings = read_settings(Settings, owners_file("src.envs"), {**os.environ, **secrets})
    if settings.hf_token is None:
        say(NO_TOKEN)
        return NOT_DONE
    use_api_at(settings.inference_endpoints_url)
    endpoints = Endpoints(Hub(settings.hf_token), settings.namespace_of_endpoints, settings.requests_dataset)
    try:
        offers = endpoints.offers(Allowed(settings.endpoint_hardware, settings.endpoint_regions))
    except EndpointError as error:
        say(str(error))
        return NOT_DONE
    lines = [*table(offers), *(sentence(size, offers) for size in sizes)]
    if offers.beyond_the_quota:
        names = ", ".join(each.id for each in offers.beyond_the_quota)
        lines.append(NO_QUOTA.format(endpoints.namespace, names))
    if not offers.all:
        say(NOTHING, *lines[1:])
        return NOT_DONE
    say(*lines)
    return WELL


def table(offers: Offers) -> list[str]:
    """Return the list as lines with columns."""
    rows = [COLUMNS, *(row(each, is_free=each.id in offers.free) for each in offers.all)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(map(str.ljust, each, widths)).rstrip() for each in rows]


def row(hardware: Hardware, *, is_free: bool) -> tuple[str, ...]:
    """Return a line of the list."""
    has_bfloat16 = fits(hardware, 0, PRECISION)
    size = f"{largest(hardware) / 2:,.0f} B" + ("" if has_bfloat16 else ", not in bfloat16")
    note = "" if is_free else "none free"
    return hardware.id, f"{hardware.memory_gb:,.0f} GB", size, f"${hardware.price:.2f}", note


def sentence(billions: float, offers: Offers) -> str:
    """Return what a model of this size would run on."""
    found = next((each for each in offers.all if fits(each, billions, PRECISION)), None)
    if found is None:
        return f"A model of {billions:g} billion parameters fits on none of it."
    price = f"${found.price:.2f} an hour"
    return f"A model of {billions:g} billion parameters would run on {found.id}, for {price}."


if __name__ == "__main__":
    sys.exit(main())
