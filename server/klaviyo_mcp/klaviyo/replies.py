"""A response made into a reply or an error: what it shows of the request, in Klaviyo's words where it is Klaviyo's."""

from datetime import datetime
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
from klaviyo_mcp.klaviyo.quota import SHORTEST_PAUSE, moment_in
from klaviyo_mcp.klaviyo.rate_headers import quota_left, retry_after
from klaviyo_mcp.klaviyo.receiving import UNREAD, TooLarge
from klaviyo_mcp.klaviyo.requests import ApiRequest, Reply
from klaviyo_mcp.klaviyo.words import one_line, quoted
from klaviyo_mcp.loose_json import JSON, items, mapping, objects

MOST_PROBLEMS = 50
"""Problems of one answer that are looked at."""


def judged(response: httpx2.Response, outgoing: ApiRequest) -> Reply | KlaviyoError:
    """What a response is: the reply that a 2xx of Klaviyo's is, an error for everything else."""
    if not response.is_success:
        return refusal_of(response)
    document, fault = _read(response)
    if fault is not None or not is_own_success(response, document, outgoing.expects):
        return _odd_success(response, fault)
    if outgoing.expects == "data" and not is_data(document):
        return _odd_success(response, "has an empty body" if not response.content else "is not what Klaviyo documents")
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
        retry_at=_retry_at(response, kind),
        request_id=request_id_of(response),
        meta=meta,
    )


def request_id_of(response: httpx2.Response) -> str | None:
    """What Klaviyo's support asks for."""
    return one_line(response.headers.get("X-Klaviyo-Req-Id", ""), 100) or None


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


def _retry_at(response: httpx2.Response, kind: type[KlaviyoError]) -> datetime | None:
    """When a request that was refused for now may come again."""
    if kind is Throttled:
        return moment_in(retry_after(response.headers) or SHORTEST_PAUSE)
    wait = retry_after(response.headers) if kind is ServerError and response.status_code == 503 else None
    return moment_in(wait) if wait else None
