"""A response made into a reply or an error: what it shows of the request, in Klaviyo's words where it is Klaviyo's."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from math import isfinite
from typing import Any

import httpx2

from klaviyo_mcp.klaviyo.documents import read_document
from klaviyo_mcp.klaviyo.errors import (
    BY_STATUS,
    AnswerTooLarge,
    AuthenticationFailed,
    ForeignAnswer,
    FreshTokenRefused,
    InvalidRequest,
    KlaviyoError,
    Redirected,
    ServerError,
    Throttled,
    UnreadableAnswer,
)
from klaviyo_mcp.klaviyo.problems import ApiProblem
from klaviyo_mcp.klaviyo.proof import has_own_header, is_data, is_own_refusal, is_own_success
from klaviyo_mcp.klaviyo.receiving import UNREAD, TooLarge
from klaviyo_mcp.klaviyo.requests import ApiRequest, QuotaLeft, Reply
from klaviyo_mcp.klaviyo.words import one_line, quoted
from klaviyo_mcp.loose_json import JSON, items, mapping, objects

LONGEST_RETRY_AFTER = 366 * 86_400.0
"""A wait beyond a year is nonsense from a proxy, and too large for a date."""
MOST_PROBLEMS = 50
"""Problems of one answer that are looked at."""


def reply_of(response: httpx2.Response, outgoing: ApiRequest) -> Reply:
    """The reply that a 2xx of Klaviyo's is. Raises a KlaviyoError for everything else."""
    if not response.is_success:
        raise refusal_of(response)
    document, fault = _read(response)
    if fault is not None or not is_own_success(response, document, outgoing.expects):
        raise _odd_success(response, fault)
    if outgoing.expects == "data" and not is_data(document):
        raise _odd_success(response, "has an empty body" if not response.content else "is not what Klaviyo documents")
    return Reply(
        status=response.status_code,
        document=document,
        quota=quota_left(response.headers),
        request_id=request_id_of(response),
        partial_failure=one_line(response.headers.get("X-Klaviyo-Partial-Failure", ""), 200) or None,
    )


def refusal_of(response: httpx2.Response) -> KlaviyoError:
    """The error for a response that is not 2xx. Bodies may be JSON:API, HTML from a proxy, or empty."""
    status = response.status_code
    document, fault = _read(response)
    own = is_own_refusal(response, document)
    problems, meta = _problems(document) if own else ((), {})
    if status >= 500:
        kind: type[KlaviyoError] = ServerError
    elif status < 400:
        kind = Redirected
    elif not own:
        kind = ForeignAnswer
    else:
        kind = BY_STATUS.get(status, InvalidRequest)
    if kind is AuthenticationFailed and response.request.extensions.get("token_is_fresh"):
        kind = FreshTokenRefused
    return kind(
        _message(response, kind, problems, fault, own=own),
        status=status,
        problems=problems,
        retry_at=moment_in(retry_after(response)) if kind is Throttled or _says_when(response, kind) else None,
        request_id=request_id_of(response),
        meta=meta,
    )


def retry_after(response: httpx2.Response) -> float:
    """Seconds to wait before trying again. Klaviyo sends an integer; HTTP also allows a date. From 1 s to a year."""
    text = response.headers.get("Retry-After", "")[:100]
    try:
        seconds = float(text)
    except ValueError:
        try:
            moment = parsedate_to_datetime(text).astimezone(UTC)
        except (ValueError, OverflowError, TypeError, IndexError):
            return 1.0
        seconds = (moment - datetime.now(UTC)).total_seconds()
    return min(max(seconds, 1.0), LONGEST_RETRY_AFTER) if isfinite(seconds) else 1.0


def moment_in(seconds: float) -> datetime:
    """The moment in so many seconds, rounded up: a retry that is told by the second must not come too early."""
    moment = datetime.now(UTC) + timedelta(seconds=seconds)
    return moment.replace(microsecond=0) + timedelta(seconds=1 if moment.microsecond else 0)


def request_id_of(response: httpx2.Response) -> str | None:
    """What Klaviyo's support asks for."""
    return one_line(response.headers.get("X-Klaviyo-Req-Id", ""), 100) or None


def quota_left(headers: httpx2.Headers) -> QuotaLeft:
    """What the headers of an answer say is left. What is no sensible number counts as not said."""

    def number(name: str, most: float) -> int | None:
        text = headers.get(name, "").partition(",")[0].strip()
        count = int(text) if text.isascii() and text.isdecimal() and len(text) <= 12 else None
        return count if count is not None and count <= most else None

    return QuotaLeft(
        limit=number("RateLimit-Limit", 1e9),
        remaining=number("RateLimit-Remaining", 1e9),
        reset_seconds=number("RateLimit-Reset", LONGEST_RETRY_AFTER),
        remaining_today=number("RateLimit-Remaining-Daily", 1e9),
        reset_today_seconds=number("RateLimit-Reset-Daily", LONGEST_RETRY_AFTER),
    )


def _read(response: httpx2.Response) -> tuple[Any, str | None]:
    """The document of a response, and what is wrong with its body, in words, where something is."""
    if unread := response.extensions.get(UNREAD):
        return None, f"has a body that {unread}"
    if not response.content:
        return None, None
    try:
        return read_document(response.content), None
    except ValueError:
        return None, "has a body that is not JSON, or nested too deep"


def _odd_success(response: httpx2.Response, fault: str | None) -> KlaviyoError:
    """The error for a 2xx that is not as it should be: Klaviyo has carried the request out only if it is Klaviyo's."""
    status = response.status_code
    what = fault or "does not show that it is Klaviyo's"
    if has_own_header(response):
        kind = AnswerTooLarge if isinstance(response.extensions.get(UNREAD), TooLarge) else UnreadableAnswer
        return kind(f"Klaviyo's answer ({status}) {what}.", status=status, request_id=request_id_of(response))
    return ForeignAnswer(f"The answer of {response.url.host} ({status}) {what}.", status=status)


def _message(
    response: httpx2.Response,
    kind: type[KlaviyoError],
    problems: tuple[ApiProblem, ...],
    fault: str | None,
    *,
    own: bool,
) -> str:
    """One sentence. Klaviyo's words stand in quotes, others are left out: they are of no use and not to be trusted."""
    status = response.status_code
    if len(problems) == 1:
        return f"Klaviyo answered {status}: {in_quotes(problems[0])}"
    if problems:
        return f"Klaviyo answered {status} with {len(problems)} problems."
    if kind is Redirected:
        return f"{response.url.host} answered with a redirect ({status}), which is not followed."
    if own:
        return f"Klaviyo answered {status} without saying why."
    body = "an empty body" if not response.content and fault is None else "a body that is not Klaviyo's"
    return f"{response.url.host} answered {status} with {body} (a proxy or firewall?)."


def in_quotes(problem: ApiProblem) -> str:
    """Klaviyo's words about a problem, in quotes, and the place it names."""
    words = quoted(problem.detail or problem.title or problem.code or "no reason given")
    place = one_line(problem.source, 200)
    return words + (f" ({place})" if place not in ("", "/data", "/data/") else "")


def _problems(document: object) -> tuple[tuple[ApiProblem, ...], JSON]:
    entries = objects(items(mapping(document).get("errors")))
    problems: list[ApiProblem] = []
    for entry in entries[:MOST_PROBLEMS]:
        source = mapping(entry.get("source"))
        problems.append(
            ApiProblem(
                code=one_line(str(entry.get("code") or ""), 100),
                title=one_line(str(entry.get("title") or "")),
                detail=one_line(str(entry.get("detail") or "")),
                source=one_line(str(source.get("parameter") or source.get("pointer") or ""), 200),
            )
        )
    return tuple(problems), mapping(entries[0].get("meta")) if entries else {}


def _says_when(response: httpx2.Response, kind: type[KlaviyoError]) -> bool:
    return kind is ServerError and response.status_code == 503 and "Retry-After" in response.headers
