"""Who is calling, what they may do, and which revision of the API they ask for."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from klaviyo_sandbox.declare import Operation
from klaviyo_sandbox.errors import INVALID_INPUT, ApiError, Problem, invalid_parameter, permission_denied
from klaviyo_sandbox.facts import REVISION

API_KEY = "pk_sandbox_demo_key"
READ_ONLY_API_KEY = "pk_sandbox_readonly"
OTHER_API_KEY = "pk_sandbox_other"
COMPANY_ID = "DEMO01"
OTHER_COMPANY_ID = "OTHER1"

_STABLE, _SUPPORTED = timedelta(days=365), timedelta(days=2 * 365)


@dataclass(frozen=True, slots=True)
class Key:
    """Who is calling: for which company, and what they may do.

    read_only: whether a private key's scopes stop at reading
    scopes, app: what an OAuth app was granted, and its client id; None and "" for private keys, which may do anything
    """

    account: str
    read_only: bool = False
    scopes: frozenset[str] | None = None
    app: str = ""

    @property
    def quota(self) -> str:
        """Whose rate limits its requests count against: all private keys of an account share one quota."""
        return f"{self.account}:{self.app}" if self.app else self.account


KEYS: Mapping[str, Key] = {
    API_KEY: Key(COMPANY_ID),
    READ_ONLY_API_KEY: Key(COMPANY_ID, read_only=True),
    OTHER_API_KEY: Key(OTHER_COMPANY_ID),
}


def authenticate(authorization: str | None, bearer: Callable[[str], Key | None]) -> Key:
    """The key behind an Authorization header; `bearer` knows access tokens. Raises ApiError (401)."""
    scheme, _, credentials = (authorization or "").strip().partition(" ")
    if scheme not in ("Klaviyo-API-Key", "Bearer") or not credentials:
        raise _not_authenticated("Missing or invalid authorization scheme. Please use Klaviyo-API-Key.")
    credentials = credentials.strip()
    if scheme == "Klaviyo-API-Key" and not credentials.startswith("pk_"):
        raise _not_authenticated("Missing or invalid private key.")
    key = KEYS.get(credentials) if scheme == "Klaviyo-API-Key" else bearer(credentials)
    if key is None:
        wording = "Incorrect authentication credentials."
        raise ApiError(401, [Problem("authentication_failed", wording, wording, {"pointer": "/data/"})])
    return key


def identify(company_id: str | None) -> Key:
    """The company that calls a public endpoint, by the id that takes a key's place there. Raises ApiError (400)."""
    if not company_id:
        raise invalid_parameter("company_id", "'company_id' is required: the account's public API key.")
    if company_id not in {key.account for key in KEYS.values()}:
        raise invalid_parameter("company_id", f"'{company_id}' is not the public API key of any account.")
    return Key(company_id)


def authorize(key: Key, operation: Operation) -> None:
    """Let the key through if it has every scope the operation needs. Raises ApiError (403)."""
    if key.scopes is not None:
        lacking = [scope for scope in operation.scopes if scope not in key.scopes]
    else:
        lacking = [scope for scope in operation.scopes if key.read_only and not scope.endswith(":read")]
    if lacking:
        holder = "access token" if key.app else "API key"
        raise permission_denied(f"The {holder} is missing the required scopes: {', '.join(lacking)}.")


def check_revision(revision: str | None, stay: bool, now: datetime) -> dict[str, str]:
    """Refuse a revision that Klaviyo would not serve. Raises ApiError.

    Gives the header that tells, of a revision that is stable no more, when it is retired.

    A revision is stable for a year, deprecated for another and then retired. Retired ones fall forward to a newer
    revision, unless the caller opted out of that (`stay`). A future one is later than both today and REVISION, so that
    a sandbox whose clock was set back still serves REVISION.
    """
    if revision is None:
        raise _revision_error(400, "invalid", INVALID_INPUT, f"A 'revision' header is required, such as {REVISION}.")
    asked = _revision_date(revision)
    if asked is None:
        detail = f"'{revision}' is not a valid revision. Use a date such as {REVISION}."
        raise _revision_error(400, "invalid", INVALID_INPUT, detail)
    if asked > max(now.date(), date.fromisoformat(REVISION)):
        raise _revision_error(404, "not_found", "Not found.", "Unable to specify a future revision date")
    if stay and asked < now.date() - _SUPPORTED:
        detail = f"Revision {revision} has been retired. Use a newer revision, such as {REVISION}."
        raise _revision_error(410, "gone", "Gone.", detail)
    old = asked < now.date() - _STABLE
    return {"X-Klaviyo-API-Retirement-Date": (asked + _SUPPORTED).isoformat()} if old else {}


def other_form(operation: Operation, revision: str) -> ApiError:
    """The answer to a request at a revision from before the form of an operation that is simulated."""
    detail = (
        f"{operation.name} is served here from revision {operation.since} on, and this request asks for {revision}. "
        "Before, there was no such operation, or it had another form, which this sandbox does not have."
    )
    return _revision_error(404, "not_found", "Not found.", detail)


def _not_authenticated(detail: str) -> ApiError:
    title = "Authentication credentials were not provided."
    return ApiError(401, [Problem("not_authenticated", title, detail, {"pointer": "/data/"})])


def _revision_date(revision: str) -> date | None:
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}(\.pre)?", revision):
        return None
    try:
        return date.fromisoformat(revision.removesuffix(".pre"))
    except ValueError:
        return None


def _revision_error(status: int, code: str, title: str, detail: str) -> ApiError:
    return ApiError(status, [Problem(code, title, detail, {"parameter": "revision"})])
