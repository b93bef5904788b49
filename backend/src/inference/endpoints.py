"""The Hub's Inference Endpoints: made, found and deleted under the worker's token.

The calls are those of huggingface_hub. What the Hub answers when it refuses to make one is not documented in
full, so a refusal is told apart by its status code first, and by words in its message second.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from huggingface_hub import InferenceEndpoint, InferenceEndpointType, constants

from src.inference.hardware import Allowed, Offers, offers
from src.running.inference import Hardware
from src.running.job import End, Ending, Job
from src.shared.stores.hub import FAILURES, HTTPError, Hub, TooManyCalls, is_passing, reason, status_of

PREFIX = "lb-"
BOARD_DIGITS = 8

SCALE_TO_ZERO_MINUTES = 15
"""After this long without a call the Hub stops an endpoint and bills no more. The shortest that it offers,
and the belt for the case that every worker is gone.
"""

PORT = 8000
"""Where vLLM's image listens."""

LONGEST_MESSAGE = 300

QUOTA = re.compile(r"quota", re.IGNORECASE)
SOLD_OUT = re.compile(r"capacity|not available|unavailable|sold out|no .{0,20}available", re.IGNORECASE)

ANY_FAILURE: tuple[type[Exception], ...] = (*FAILURES, KeyError, TypeError, AttributeError, RecursionError)
"""The errors of a call, and of an answer that lacks what the client expects."""

NOT_AT_FAULT = "The model is not at fault."

NO_PAYMENT = (
    "The Hub makes no Inference Endpoint for {namespace} without a payment method (402). The leaderboard's "
    f"owner has to add one at https://huggingface.co/settings/billing. {NOT_AT_FAULT}"
)
NO_RIGHT = (
    "The token in {token} may not manage the Inference Endpoints of {namespace} ({status}). The "
    f"leaderboard's owner has to give it that permission. {NOT_AT_FAULT}"
)
NO_QUOTA = (
    "The quota of {namespace} has no {hardware} left. The leaderboard's owner can ask the Hub for more, or "
    f"allow other hardware (ENDPOINT_HARDWARE). {NOT_AT_FAULT}"
)
IS_SOLD_OUT = (
    "The Hub has no {hardware} to rent in {region} at the moment. If that goes on, the leaderboard's owner "
    f"can allow other hardware or regions. {NOT_AT_FAULT}"
)
NOT_MADE = (
    "The Hub did not make an Inference Endpoint: {reason} The leaderboard's owner has to correct the "
    f"settings of endpoints. {NOT_AT_FAULT}"
)
NOT_SERVED = (
    "The Hub makes no Inference Endpoint for {model}: {message} Make it public and not gated, or ask the "
    "leaderboard's owner to request access to it."
)
NOT_REACHED = "The Hub's Inference Endpoints cannot be managed at the moment: {reason}"


def use_api_at(url: str | None) -> None:
    """Have huggingface_hub call another Inference Endpoints API, if there is one. No variable changes it."""
    if url:
        constants.INFERENCE_ENDPOINTS_ENDPOINT = url.rstrip("/")


class EndpointError(Exception):
    """An endpoint could not be made, found or deleted. `ending` is what that means for the evaluation."""

    def __init__(self, ending: Ending) -> None:
        super().__init__(ending.message)
        self.ending = ending


class NameTaken(EndpointError):
    """There is an endpoint of this name already."""


@dataclass(frozen=True)
class Found:
    """An endpoint as the Hub has it."""

    name: str
    state: str
    """`pending`, `initializing`, `running`, `failed`, `scaledToZero`, …"""
    message: str = ""
    """What the Hub says about the state, on one line."""
    url: str | None = None
    """Its base address, once it has one."""


class Endpoints:
    """The Inference Endpoints of one account.

    `board` tells a leaderboard's endpoints from all others in the account: only those are ever listed or
    deleted here.
    """

    def __init__(self, hub: Hub, namespace: str, board: str) -> None:
        self._hub = hub
        self._api = hub.api
        self.namespace = namespace
        digest = hashlib.sha256(board.encode()).hexdigest()[:BOARD_DIGITS]
        self._prefix = f"{PREFIX}{digest}-"
        self._name = re.compile(rf"{re.escape(self._prefix)}([0-9a-f]{{16}})")

    def name(self, nonce: str) -> str:
        """Return the name of the endpoint for the claim with this nonce."""
        return f"{self._prefix}{nonce}"

    def offers(self, allowed: Allowed) -> Offers:
        """Return what can be rented. Raises EndpointError."""
        try:
            listed = self._hub.call(self._api.list_inference_endpoints_hardware, namespace=self.namespace)
            return offers(listed, allowed)
        except ANY_FAILURE as error:
            raise self._error(error) from error

    def create(self, nonce: str, job: Job, hardware: Hardware, *, image: str, args: Sequence[str]) -> None:
        """Make the endpoint for a claim. It is billed until it is deleted.

        Raises NameTaken if it is there, and EndpointError.
        """
        try:
            self._hub.call(
                self._api.create_inference_endpoint,
                self.name(nonce),
                namespace=self.namespace,
                repository=job.model,
                revision=job.commit,
                framework="pytorch",
                task="text-generation",
                accelerator=hardware.accelerator,
                vendor=hardware.vendor,
                region=hardware.region,
                instance_type=hardware.instance_type,
                instance_size=hardware.instance_size,
                min_replica=0,
                max_replica=1,
                scale_to_zero_timeout=SCALE_TO_ZERO_MINUTES,
                custom_image={"vLLM": {"url": image, "port": PORT}},
                container_args=list(args),
                type=InferenceEndpointType.AUTHENTICATED,
                tags=["leaderboard"],
            )
        except ANY_FAILURE as error:
            raise self._error(error, hardware, job) from error

    def find(self, nonce: str) -> Found | None:
        """Return the endpoint of a claim, or None if there is none. Raises EndpointError."""
        try:
            found = self._hub.call(
                self._api.get_inference_endpoint, self.name(nonce), namespace=self.namespace
            )
            return as_found(found)
        except ANY_FAILURE as error:
            if isinstance(error, FAILURES) and status_of(error) == 404:
                return None
            raise self._error(error) from error

    def delete(self, nonce: str) -> None:
        """Delete the endpoint of a claim, if there is one. Raises EndpointError."""
        try:
            self._hub.call(self._api.delete_inference_endpoint, self.name(nonce), namespace=self.namespace)
        except FAILURES as error:
            if status_of(error) != 404:
                raise self._error(error) from error

    def ours(self) -> frozenset[str]:
        """Return the nonces of all endpoints of this leaderboard. Raises EndpointError."""
        # As the Hub wrote it: one endpoint that the client cannot read must not hide the others.
        address = f"{constants.INFERENCE_ENDPOINTS_ENDPOINT}/endpoint/{self.namespace}"
        try:
            listed = json.loads(self._hub.get(address))["items"]
            names = [self._name.fullmatch(str(each["name"])) for each in listed]
        except ANY_FAILURE as error:
            raise self._error(error) from error
        return frozenset(found[1] for found in names if found)

    def _error(
        self, error: Exception, hardware: Hardware | None = None, job: Job | None = None
    ) -> EndpointError:
        """Return the error that a failed call means."""
        status = status_of(error) if isinstance(error, HTTPError) else None
        why = reason(error, self._hub) if isinstance(error, FAILURES) else "its answer is not the Hub's."
        if is_passing(error) or isinstance(error, TooManyCalls) or status is None:
            return EndpointError(Ending(End.UNREACHABLE, NOT_REACHED.format(reason=why)))
        message = one_line(getattr(error, "server_message", None) or "")
        if job and job.model in message:
            return EndpointError(Ending(End.REFUSED, NOT_SERVED.format(model=job.model, message=message)))
        names = {"namespace": self.namespace, "token": self._hub.token_name, "status": status}
        names |= {
            "hardware": hardware.name if hardware else "",
            "region": hardware.region if hardware else "",
        }
        if status == 409 and not QUOTA.search(message):
            return NameTaken(Ending(End.WORKER, NOT_MADE.format(reason="its name is taken.")))
        if status == 402:
            return EndpointError(Ending(End.WORKER, NO_PAYMENT.format(**names)))
        if hardware and status is not None and QUOTA.search(message):
            return EndpointError(Ending(End.NO_HARDWARE, NO_QUOTA.format(**names)))
        if hardware and status is not None and SOLD_OUT.search(message):
            return EndpointError(Ending(End.NO_HARDWARE, IS_SOLD_OUT.format(**names)))
        if status in (401, 403):
            return EndpointError(Ending(End.WORKER, NO_RIGHT.format(**names)))
        return EndpointError(Ending(End.WORKER, NOT_MADE.format(reason=why)))


def as_found(endpoint: InferenceEndpoint) -> Found:
    """Return an endpoint of huggingface_hub with what is used here. A bad address counts as missing."""
    status = endpoint.raw["status"]
    url = endpoint.url if isinstance(endpoint.url, str) and _is_address(endpoint.url) else None
    return Found(str(endpoint.name), str(status["state"]), one_line(status.get("message") or ""), url)


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc


def one_line(text: object) -> str:
    """Return a message on one line, shortened, since what a container printed may be in it."""
    words = " ".join(str(text)[: 10 * LONGEST_MESSAGE].split())
    return "".join(letter for letter in words if letter.isprintable())[:LONGEST_MESSAGE]
