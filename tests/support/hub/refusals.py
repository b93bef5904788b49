"""What the Hub refuses, with the status, the code and the words of the real one.

Refusal
├── Moved                307  not an error: clients go on to where the repository is now
├── BadRequest           400
├── InvalidToken         401
├── InvalidClient        401
├── Unauthorized         401  to those without a token: the same whether there is such a repository or not
├── PaymentRequired      402
├── GatedRepository      403, and 401 to those without a token
├── Forbidden            403
├── RepositoryNotFound   404
├── RevisionNotFound     404
├── EntryNotFound        404
├── NotFound             404
├── Conflict             409
├── AlreadyExists        409
├── StaleParent          412
├── Unprocessable        422
└── RateLimited          429
"""

from __future__ import annotations

from collections.abc import Mapping

from starlette.responses import JSONResponse


class Refusal(Exception):
    """An answer that is an error. Clients go by its `code`, the header X-Error-Code."""

    status: int
    code: str | None = None

    def __init__(self, message: str, *, headers: Mapping[str, str] | None = None, **body: object) -> None:
        super().__init__(message)
        self.headers = dict(headers or {})
        self.body = {"error": message, **body}

    def answer(self) -> JSONResponse:
        """The answer, with its message also in a header, as far as a header can hold it."""
        plain = "".join(letter if " " <= letter <= "~" else "?" for letter in str(self))
        headers = {"X-Error-Message": plain, **self.headers}
        if self.code:
            headers["X-Error-Code"] = self.code
        return JSONResponse(self.body, self.status, headers)


class Moved(Refusal):
    """The repository has another name now."""

    status = 307

    def __init__(self, location: str) -> None:
        super().__init__(f"Temporary Redirect. Redirecting to {location}", headers={"Location": location})


class BadRequest(Refusal):
    """The request cannot be understood or carried out by anybody."""

    status = 400


class InvalidToken(Refusal):
    """The token is unknown, or was revoked."""

    status = 401


class InvalidClient(Refusal):
    """An application that wants to log somebody in is unknown, or that is not its secret."""

    status = 401

    def __init__(self) -> None:
        headers = {"WWW-Authenticate": "Basic"}
        super().__init__("invalid_client", headers=headers, error_description="Unknown client_id or secret.")


class Unauthorized(Refusal):
    """Who has no token learns nothing about private repositories.

    The real Hub sends no code here: over https its client takes every 401 for a missing repository. Over
    http it needs the code for that.
    """

    status = 401
    code = "RepoNotFound"

    def __init__(self) -> None:
        super().__init__("Invalid username or password.")


class PaymentRequired(Refusal):
    """Who is to pay for it has no payment method, or no credits."""

    status = 402


class GatedRepository(Refusal):
    """The files of a gated repository are for users whom its owner has let in."""

    code = "GatedRepo"

    def __init__(self, repository: str, *, logged_in: bool) -> None:
        self.status = 403 if logged_in else 401
        todo = (
            "and you are not in the authorized list. Visit its page to ask for access."
            if logged_in
            else "You must have access to it and be authenticated to access it. Please log in."
        )
        super().__init__(f"Access to {repository} is restricted{' ' if logged_in else '. '}{todo}")


class Forbidden(Refusal):
    """The token, or its user, may not do that."""

    status = 403


class RepositoryNotFound(Refusal):
    """There is no such repository, or it is private and not for this user."""

    status = 404
    code = "RepoNotFound"

    def __init__(self) -> None:
        super().__init__("Repository not found")


class RevisionNotFound(Refusal):
    """The repository has no such branch, tag or commit."""

    status = 404
    code = "RevisionNotFound"

    def __init__(self, revision: str) -> None:
        super().__init__(f"Invalid rev id: {revision}")


class EntryNotFound(Refusal):
    """The revision has no such file."""

    status = 404
    code = "EntryNotFound"


class NotFound(Refusal):
    """There is no such thing."""

    status = 404


class Conflict(Refusal):
    """That cannot be, with all else that is there."""

    status = 409


class AlreadyExists(Refusal):
    """What is to be created is there."""

    status = 409


class StaleParent(Refusal):
    """The branch is no longer where the commit's author saw it."""

    status = 412

    def __init__(self) -> None:
        super().__init__("The branch was updated since you opened this page. Please refresh and try again.")


class Unprocessable(Refusal):
    """The body does not have the fields that it should."""

    status = 422


class RateLimited(Refusal):
    """The caller has used up what is allowed for now. The headers say when there is more."""

    status = 429

    def __init__(self, headers: Mapping[str, str]) -> None:
        super().__init__("We had to rate limit you. Try again later.", headers=headers)
