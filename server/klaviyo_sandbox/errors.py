"""Klaviyo's JSON:API errors: what can go wrong, and how it is written in an answer."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import uuid4

from klaviyo_sandbox.loose_json import Json

JSON_API = "application/vnd.api+json"
INVALID_INPUT = "Invalid input."
SERVER_ERROR = "A server error occurred."


@dataclass(frozen=True, slots=True)
class Problem:
    """One entry of an `errors` array."""

    code: str
    title: str
    detail: str
    source: dict[str, str] = field(default_factory=dict[str, str])
    meta: Json = field(default_factory=Json)
    links: dict[str, str] = field(default_factory=dict[str, str])


class ApiError(Exception):
    """A request that is answered with an error: a status, one or more problems, and any headers that go with them."""

    def __init__(self, status: int, problems: Sequence[Problem], headers: dict[str, str] | None = None) -> None:
        """Answer with `status` and `problems` (at least one)."""
        super().__init__(f"{status}: {'; '.join(problem.detail for problem in problems)}")
        self.status = status
        self.problems = tuple(problems)
        self.headers = headers or {}

    def document(self) -> Json:
        """The JSON:API error document."""
        return {"errors": [_entry(self.status, problem) for problem in self.problems]}


# Recorded with neither `links` nor `meta`; errors of other statuses and codes have both, mostly empty.
_BARE_STATUSES = (401, 404, 405, 500, 503, 504)
_BARE_CODES = ("permission_denied",)


def _entry(status: int, problem: Problem) -> Json:
    entry: Json = {
        "id": str(uuid4()),
        "status": status,
        "code": problem.code,
        "title": problem.title,
        "detail": problem.detail,
        "source": problem.source,
    }
    if status in _BARE_STATUSES or problem.code in _BARE_CODES:
        return entry
    return {**entry, "links": problem.links, "meta": problem.meta}


def invalid_field(pointer: str, detail: str) -> Problem:
    """A problem with one place of a request body."""
    return Problem("invalid", INVALID_INPUT, detail, {"pointer": pointer})


def invalid_parameter(parameter: str, detail: str) -> ApiError:
    """400 for a query parameter."""
    return ApiError(400, [Problem("invalid", INVALID_INPUT, detail, {"parameter": parameter})])


def invalid_body(pointer: str, detail: str) -> ApiError:
    """400 for one place of a request body."""
    return ApiError(400, [invalid_field(pointer, detail)])


def not_found(detail: str) -> ApiError:
    """404 for something that does not exist in this account."""
    return ApiError(404, [Problem("not_found", "Not found.", detail, {"pointer": "/data/"})])


def server_error() -> ApiError:
    """500, where Klaviyo was seen to break."""
    return ApiError(500, [Problem("error", SERVER_ERROR, SERVER_ERROR, {"pointer": "/data"})])


def conflict(
    detail: str, code: str = "conflict", meta: Json | None = None, pointer: str = "/data/attributes"
) -> ApiError:
    """409 for something that collides with what exists."""
    return ApiError(409, [Problem(code, "Conflict.", detail, {"pointer": pointer}, meta or {})])


def duplicate_profile(existing_id: str) -> ApiError:
    """409 for identifiers that another profile already has; the caller finds that profile's id in `meta`."""
    return conflict(
        "A profile already exists with one of these identifiers.",
        "duplicate_profile",
        {"duplicate_profile_id": existing_id},
    )


def forbidden(detail: str) -> ApiError:
    """403 for an account that may not do this."""
    return ApiError(403, [Problem("forbidden", "Forbidden.", detail, {"pointer": "/data"})])


def permission_denied(detail: str) -> ApiError:
    """403 for a key that may not do this."""
    title = "You do not have permission to perform this action."
    return ApiError(403, [Problem("permission_denied", title, detail, {"pointer": "/data/"})])
