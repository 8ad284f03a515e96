"""The client of one Klaviyo account: sends a request, paces it, and turns every failure into an error.

Nothing is retried here but 429, which Klaviyo answers before it looks at a request.
"""

import json
import platform
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import httpx2

from klaviyo_mcp import __version__
from klaviyo_mcp.klaviyo.errors import (
    BY_STATUS,
    AddressTooLong,
    AnswerTimeout,
    ApiProblem,
    AuthenticationFailed,
    BodyTooLarge,
    CompanyIdMissing,
    ConnectionLost,
    FreshTokenRefused,
    InvalidRequest,
    KlaviyoError,
    Redirected,
    ServerError,
    StoppedBefore,
    StoppedWhile,
    UnreadableAnswer,
)
from klaviyo_mcp.klaviyo.pool import HttpPool
from klaviyo_mcp.klaviyo.quota import SHORTEST_PAUSE, Quota, moment_in
from klaviyo_mcp.klaviyo.rate_headers import quota_left, retry_after
from klaviyo_mcp.klaviyo.requests import LONGEST_TARGET, ApiRequest, Reply, WaitBudget
from klaviyo_mcp.klaviyo.unreached import AUTHENTICATION, Departure, not_reached, proxy_refused
from klaviyo_mcp.klaviyo.watching import watched
from klaviyo_mcp.klaviyo.words import one_line
from klaviyo_mcp.loose_json import JSON, items, mapping, objects

MEDIA_TYPE = "application/vnd.api+json"
MAX_BODY_BYTES = 5_000_000
HEADERS = {
    "Accept": MEDIA_TYPE,
    "User-Agent": f"klaviyo-mcp/{__version__} (Python {platform.python_version()})",
    # Without this, a retired revision is silently answered in the shape of a newer one.
    "X-Klaviyo-Revision-Fall-Forward-Opt-Out": "1",
}


class KlaviyoClient:
    """Talks to one Klaviyo account. It holds no connection of its own, so there is nothing to close."""

    def __init__(
        self,
        auth: httpx2.Auth,
        pool: HttpPool,
        *,
        base_url: str,
        company_id: str | None = None,
        quota: Quota | None = None,
    ) -> None:
        """`quota` None leaves pacing to Klaviyo's own 429s."""
        self._auth = auth
        self._pool = pool
        self._base_url = base_url
        self._company_id = company_id
        self._quota = quota

    @contextmanager
    def watching(self, look: Callable[[httpx2.Response], None]) -> Generator[None]:
        """Meanwhile, show every response to this client as it comes in, whatever it says. For diagnosis."""

        async def hook(response: httpx2.Response) -> None:
            if response.request.extensions.get("client") is self:
                look(response)

        hooks = self._pool.http.event_hooks["response"]
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
        departure = Departure()
        with self._pool.interruptions.breakable():
            return await self._paced(request, outgoing, budget, departure)
        where = f"{outgoing.method} {outgoing.path}"
        if departure.left:
            raise StoppedWhile(f"klaviyo-mcp was stopped before Klaviyo answered {where}.")
        raise StoppedBefore(f"klaviyo-mcp was stopped before it sent {where}.")

    async def _paced(
        self, request: httpx2.Request, outgoing: ApiRequest, budget: WaitBudget, departure: Departure
    ) -> Reply:
        quota, again = self._quota, False
        while True:
            turn = await quota.take(outgoing.buckets, budget, again=again) if quota and outgoing.buckets else None
            try:
                sending = self._exchange(request, outgoing, departure)
                response = await watched(sending, request, template=outgoing.template, operation=outgoing.operation)
            except BaseException:
                if turn is not None and not departure.left:
                    await turn.give_back()
                raise
            if turn is not None:
                await turn.answered(response.status_code, response.headers, klaviyos=bool(_problems(response)[0]))
            if response.status_code != 429:
                return _reply(response)
            departure.left = False
            wait = retry_after(response.headers) or SHORTEST_PAUSE
            if not budget.covers(wait):
                raise _refusal(response)
            if turn is None:
                where = outgoing.operation or outgoing.path
                await budget.sleep(wait, f"Klaviyo asked for a pause (429) before {where}")
            again = True

    def _request(self, outgoing: ApiRequest) -> httpx2.Request:
        target = outgoing.target
        if outgoing.needs_company_id:
            if self._company_id is None:
                raise CompanyIdMissing(
                    "This action goes to Klaviyo's public API, which needs the account's public key."
                )
            target += ("&" if outgoing.query else "?") + f"company_id={self._company_id}"
        if len(target) > LONGEST_TARGET:
            raise AddressTooLong(
                f"The address of {outgoing.method} {one_line(outgoing.path, 200)} would have {len(target):,} "
                f"characters; at most {LONGEST_TARGET:,} can be sent."
            )
        headers = {**HEADERS, "revision": outgoing.revision}
        parts: JSON = {}
        if outgoing.form is not None:
            parts["data"] = {name: value for name, value in outgoing.form.items() if isinstance(value, str)}
            parts["files"] = {name: value for name, value in outgoing.form.items() if not isinstance(value, str)}
        elif outgoing.body is not None:
            text = json.dumps(outgoing.body, ensure_ascii=False, separators=(",", ":"))
            parts["content"] = text.encode("utf-8", "surrogatepass")
            headers["Content-Type"] = MEDIA_TYPE
        headers.update(outgoing.headers)
        try:
            request = self._pool.http.build_request(
                outgoing.method, self._base_url + target, headers=headers, extensions={"client": self}, **parts
            )
        except (httpx2.InvalidURL, UnicodeError) as error:
            raise not_reached(error, httpx2.URL(), f"{outgoing.method} {one_line(outgoing.path, 200)}", None) from None
        size = int(request.headers.get("Content-Length", "0"))
        if size > MAX_BODY_BYTES:
            raise BodyTooLarge(f"The request body has {size:,} bytes; Klaviyo takes at most {MAX_BODY_BYTES:,}.")
        return request

    async def _exchange(self, request: httpx2.Request, outgoing: ApiRequest, departure: Departure) -> httpx2.Response:
        where = f"{outgoing.method} {outgoing.path}"
        request.extensions["trace"] = departure
        try:
            response = await self._pool.http.send(request, auth=self._auth)
        except (httpx2.RequestError, httpx2.InvalidURL, UnicodeError) as error:
            if departure.prevented(error):
                raise not_reached(error, request.url, where, self._pool.proxy(request.url)) from None
            if isinstance(error, httpx2.TimeoutException):
                raise AnswerTimeout(f"Klaviyo did not answer {where} in time ({_kind(error)}).") from None
            raise ConnectionLost(f"The connection broke during {where} ({_kind(error)}).") from None
        # A proxy's own answer, where it is asked for plain HTTP: Klaviyo has not seen the request.
        if str(response.status_code) == AUTHENTICATION and (proxy := self._pool.proxy(request.url)):
            raise proxy_refused(AUTHENTICATION, request.url, proxy)
        return response


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
        quota=quota_left(response.headers),
        request_id=response.headers.get("X-Klaviyo-Req-Id"),
        partial_failure=one_line(response.headers.get("X-Klaviyo-Partial-Failure", ""), 200) or None,
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
    if kind is AuthenticationFailed and response.request.extensions.get("token_is_fresh"):
        kind = FreshTokenRefused
    if problems:
        message = "; ".join(_sentence(problem) for problem in problems[:5])
        message += f"; and {len(problems) - 5} more" if len(problems) > 5 else ""
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
        retry_at=_retry_at(response),
        request_id=response.headers.get("X-Klaviyo-Req-Id"),
        meta=meta,
    )


def _retry_at(response: httpx2.Response) -> datetime | None:
    """When a request that was refused for now may come again."""
    wait = retry_after(response.headers) if response.status_code in (429, 503) else None
    return moment_in(wait or SHORTEST_PAUSE) if wait or response.status_code == 429 else None


def _problems(response: httpx2.Response) -> tuple[tuple[ApiProblem, ...], JSON]:
    try:
        entries = objects(items(mapping(response.json()).get("errors")))
    except ValueError:
        return (), {}
    problems: list[ApiProblem] = []
    for entry in entries:
        source = mapping(entry.get("source"))
        problems.append(
            ApiProblem(
                code=one_line(str(entry.get("code") or ""), 100),
                title=one_line(str(entry.get("title") or "")),
                detail=one_line(str(entry.get("detail") or "")),
                source=one_line(str(source.get("parameter") or source.get("pointer") or "")),
            )
        )
    return tuple(problems), mapping(entries[0].get("meta")) if entries else {}


def _sentence(problem: ApiProblem) -> str:
    text = problem.detail or problem.title or problem.code
    return f"{text} ({problem.source})" if problem.source not in ("", "/data", "/data/") else text
