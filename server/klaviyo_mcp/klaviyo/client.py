"""One pooled HTTP client for one Klaviyo account: sends a request, paces it, and turns every failure into an error.

Nothing is retried here but 429, which Klaviyo answers before it looks at a request.
"""

import asyncio
import json
import platform
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from math import isfinite
from typing import Any, Self, cast

import httpx2

from klaviyo_mcp import __version__
from klaviyo_mcp.klaviyo.errors import (
    BY_STATUS,
    AnswerTimeout,
    ApiProblem,
    BodyTooLarge,
    CompanyIdMissing,
    ConnectionFailed,
    ConnectionLost,
    InvalidRequest,
    KlaviyoError,
    Redirected,
    ServerError,
    Throttled,
    UnreadableAnswer,
)
from klaviyo_mcp.klaviyo.quota import Quota
from klaviyo_mcp.klaviyo.requests import ApiRequest, QuotaLeft, Reply, WaitBudget

REVISION = "2026-07-15"
MEDIA_TYPE = "application/vnd.api+json"
MAX_BODY_BYTES = 5_000_000
TIMEOUT = httpx2.Timeout(connect=5.0, read=60.0, write=30.0, pool=30.0)
LONGEST_RETRY_AFTER = 366 * 86_400.0
"""A wait beyond a year is nonsense from a proxy, and too large for a date."""
USER_AGENT = f"klaviyo-mcp/{__version__} (Python {platform.python_version()})"


class KlaviyoClient:
    """Talks to one Klaviyo account. Use as an async context manager, or call `close`."""

    def __init__(
        self,
        auth: httpx2.Auth,
        *,
        base_url: str,
        company_id: str | None = None,
        quota: Quota | None = None,
        transport: httpx2.AsyncBaseTransport | None = None,
        timeout: httpx2.Timeout = TIMEOUT,
    ) -> None:
        """`quota` None leaves pacing to Klaviyo's own 429s; `transport` is for an in-process sandbox and for tests."""
        self._company_id = company_id
        self._quota = quota
        self._http = httpx2.AsyncClient(
            base_url=base_url,
            auth=auth,
            transport=transport,
            timeout=timeout,
            follow_redirects=False,
            headers={
                "Accept": MEDIA_TYPE,
                "User-Agent": USER_AGENT,
                "revision": REVISION,
                # Without this, a retired revision is silently answered in the shape of a newer one.
                "X-Klaviyo-Revision-Fall-Forward-Opt-Out": "1",
            },
        )

    async def __aenter__(self) -> Self:
        """Connections open at first use."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close all connections."""
        await self.close()

    async def close(self) -> None:
        """Close all connections; the client cannot be used again."""
        await self._http.aclose()

    @contextmanager
    def watching(self, look: Callable[[httpx2.Response], None]) -> Generator[None]:
        """Meanwhile, show every response as it comes in, whatever it says. For diagnosis."""

        async def hook(response: httpx2.Response) -> None:
            look(response)

        hooks = self._http.event_hooks["response"]
        hooks.append(hook)
        try:
            yield
        finally:
            hooks.remove(hook)

    async def send(self, outgoing: ApiRequest, budget: WaitBudget) -> Reply:
        """Send one request, waiting for quota and obeying Retry-After as long as `budget` covers it.

        Raises a KlaviyoError for everything but a 2xx with a readable body.
        """
        request = self._request(outgoing)
        while True:
            if self._quota is not None:
                await self._quota.take(outgoing.buckets, budget)
            response = await self._exchange(request, outgoing)
            if response.status_code != 429:
                return _reply(response)
            wait = _retry_after(response)
            if not budget.covers(wait):
                raise _refusal(response)
            budget.spend(wait)
            await asyncio.sleep(wait)

    def _request(self, outgoing: ApiRequest) -> httpx2.Request:
        target = outgoing.target
        if outgoing.needs_company_id:
            if self._company_id is None:
                raise CompanyIdMissing(
                    "This action goes to Klaviyo's public API, which needs the account's public key."
                )
            target += ("&" if outgoing.query else "?") + f"company_id={self._company_id}"
        if outgoing.form is not None:
            fields = {name: value for name, value in outgoing.form.items() if isinstance(value, str)}
            files = {name: value for name, value in outgoing.form.items() if not isinstance(value, str)}
            request = self._http.build_request(outgoing.method, target, data=fields, files=files)
        elif outgoing.body is not None:
            content = json.dumps(outgoing.body, ensure_ascii=False, separators=(",", ":")).encode(
                "utf-8", "surrogatepass"
            )
            headers = {"Content-Type": MEDIA_TYPE}
            request = self._http.build_request(outgoing.method, target, content=content, headers=headers)
        else:
            request = self._http.build_request(outgoing.method, target)
        request.headers.update(outgoing.headers)
        size = int(request.headers.get("Content-Length", "0"))
        if size > MAX_BODY_BYTES:
            raise BodyTooLarge(f"The request body has {size:,} bytes; Klaviyo takes at most {MAX_BODY_BYTES:,}.")
        return request

    async def _exchange(self, request: httpx2.Request, outgoing: ApiRequest) -> httpx2.Response:
        where = f"{outgoing.method} {outgoing.path}"
        try:
            return await self._http.send(request)
        except (httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.ConnectError, httpx2.UnsupportedProtocol) as error:
            raise ConnectionFailed(f"No connection to {request.url.host} for {where} ({_kind(error)}).") from None
        except httpx2.TimeoutException as error:
            raise AnswerTimeout(f"Klaviyo did not answer {where} in time ({_kind(error)}).") from None
        except httpx2.RequestError as error:
            raise ConnectionLost(f"The connection broke during {where} ({_kind(error)}).") from None


def _kind(error: Exception) -> str:
    """The class of a transport error. Its text is left out: it may hold an address with a key in it."""
    return type(error).__name__


def _reply(response: httpx2.Response) -> Reply:
    if not response.is_success:
        raise _refusal(response)
    document: Any = None
    if response.content:
        try:
            document = response.json()
        except ValueError:
            raise UnreadableAnswer(
                f"Klaviyo answered {response.status_code} with a body that is not JSON.",
                status=response.status_code,
                request_id=response.headers.get("X-Klaviyo-Req-Id"),
            ) from None
    return Reply(
        status=response.status_code,
        document=document,
        quota=_quota_left(response.headers),
        request_id=response.headers.get("X-Klaviyo-Req-Id"),
    )


def _refusal(response: httpx2.Response) -> KlaviyoError:
    """The error for a response that is not 2xx. Bodies may be JSON:API, HTML from a proxy, or empty."""
    status = response.status_code
    problems, meta = _problems(response)
    if status >= 500:
        kind: type[KlaviyoError] = ServerError
    elif status < 400:
        kind = Redirected
    else:
        kind = BY_STATUS.get(status, InvalidRequest)
    if problems:
        message = "; ".join(_sentence(problem) for problem in problems[:5])
    elif kind is Redirected:
        message = f"{response.url.host} answered with a redirect ({status}), which is not followed."
    else:
        # Cloudflare and proxies answer in HTML; its text is no use to an agent and not to be trusted.
        body = "an empty body" if not response.content else "a body that is not Klaviyo's JSON (a proxy or firewall?)"
        message = f"{response.url.host} answered {status} with {body}."
    return kind(
        message,
        status=status,
        problems=problems,
        retry_at=datetime.now(UTC) + timedelta(seconds=_retry_after(response)) if kind is Throttled else None,
        request_id=response.headers.get("X-Klaviyo-Req-Id"),
        meta=meta,
    )


def _problems(response: httpx2.Response) -> tuple[tuple[ApiProblem, ...], dict[str, Any]]:
    try:
        document: Any = response.json()
    except ValueError:
        return (), {}
    entries: Any = cast(dict[str, Any], document).get("errors") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        return (), {}
    known = [cast(dict[str, Any], entry) for entry in cast(list[Any], entries) if isinstance(entry, dict)]
    problems: list[ApiProblem] = []
    for entry in known:
        found: Any = entry.get("source")
        source = cast(dict[str, Any], found) if isinstance(found, dict) else {}
        problems.append(
            ApiProblem(
                code=str(entry.get("code") or ""),
                title=str(entry.get("title") or ""),
                detail=str(entry.get("detail") or ""),
                source=str(source.get("parameter") or source.get("pointer") or ""),
            )
        )
    meta: Any = known[0].get("meta") if known else None
    return tuple(problems), cast(dict[str, Any], meta) if isinstance(meta, dict) else {}


def _sentence(problem: ApiProblem) -> str:
    text = problem.detail or problem.title or problem.code
    return f"{text} ({problem.source})" if problem.source not in ("", "/data", "/data/") else text


def _retry_after(response: httpx2.Response) -> float:
    """Seconds to wait after a 429. Klaviyo sends an integer; the HTTP standard also allows a date. At least 1 s."""
    text = response.headers.get("Retry-After", "")
    try:
        seconds = float(text)
    except ValueError:
        pass
    else:
        return min(max(seconds, 1.0), LONGEST_RETRY_AFTER) if isfinite(seconds) else 1.0
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return 1.0
    return max((moment.astimezone(UTC) - datetime.now(UTC)).total_seconds(), 1.0)


def _quota_left(headers: httpx2.Headers) -> QuotaLeft:
    def number(name: str) -> int | None:
        text = headers.get(name, "").partition(",")[0].strip()
        return int(text) if text.isdecimal() else None

    return QuotaLeft(
        limit=number("RateLimit-Limit"),
        remaining=number("RateLimit-Remaining"),
        reset_seconds=number("RateLimit-Reset"),
        remaining_today=number("RateLimit-Remaining-Daily"),
        reset_today_seconds=number("RateLimit-Reset-Daily"),
    )
