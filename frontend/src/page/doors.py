"""The doors of this Space: what its page, its login, its API and its files need, and nothing else."""

from __future__ import annotations

from starlette.middleware import Middleware

from src.page.assets import asset_doors
from src.page.details.routes import details_doors
from src.page.health import DOOR as HEALTH
from src.page.plain.routes import plain_doors
from src.page.table import COMPONENT
from src.settings import Settings
from src.shared.serving.doors import FILE, INSTALLATION, LAUNCH, PAGE, SESSION, Door, Doors, origin_of
from src.shared.serving.folder_files import file_doors
from src.shared.wiring import Stores

ENDPOINTS = "(?:leaderboard|queue|reproduce|submit|withdraw|maintain)"

TABLE_AND_FORM = (
    Door(("GET",), f"/gradio_api/custom_component/{COMPONENT}/client/component/{FILE}", "the table"),
    Door(("POST",), "/gradio_api/run/predict", "the page's events that do not queue"),
    Door(("GET",), f"/gradio_api/heartbeat/{SESSION}", "Gradio forgets a visitor who has left"),
)

API = (
    Door(("GET",), "/gradio_api/info", "clients, and the view “Use via API”, read what can be called"),
    Door(("GET",), "/monitoring/summary", "the view “Use via API” is empty without it"),
    Door(("POST",), f"/gradio_api/call/{ENDPOINTS}", "curl calls an endpoint"),
    Door(("GET",), f"/gradio_api/call/{ENDPOINTS}/[0-9a-f]{{32}}", "and waits for the answer"),
)

IN_ONE_STEP = (Door(("POST",), f"/gradio_api/run/{ENDPOINTS}", "curl calls an endpoint in one step"),)
"""Open everywhere except on a Space."""

LOGIN = (
    Door(("GET",), "/login/huggingface", "the button that signs in"),
    Door(("GET",), "/login/callback", "the Hub sends the browser back"),
    Door(("GET",), "/logout", "the button that signs out"),
)


def doors(settings: Settings, stores: Stores) -> list[Middleware]:
    """The middleware that closes everything else."""
    origins = {origin for address in _addresses_of_the_login(settings) if (origin := origin_of(address))}
    return [Middleware(Doors, open_doors(settings, stores), origins)]


def open_doors(settings: Settings, stores: Stores) -> list[Door]:
    """Return the doors that are open under these settings."""
    found = [*LAUNCH, *PAGE, *TABLE_AND_FORM, *API, HEALTH]
    found += INSTALLATION if settings.is_a_space else IN_ONE_STEP
    found += LOGIN if settings.has_a_login else ()
    files = file_doors(stores.requests, stores.results)
    return found + files + asset_doors() + plain_doors() + details_doors()


def _addresses_of_the_login(settings: Settings) -> list[str]:
    """Return where the login sends the browser, besides the page: to the Hub, and out of the Hub's frame."""
    if not settings.has_a_login:
        return []
    return [str(settings.openid_provider_url), *(f"https://{host}" for host in settings.hosts)]
