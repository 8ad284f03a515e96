"""The client of one Klaviyo account: sends a request, paces it, and turns every failure into an error.

What is sent again, and after which faults, is said in `retries`; what an answer means, in `replies`.
"""

import platform
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import replace

import anyio
import httpx2

from klaviyo_mcp import __version__
from klaviyo_mcp.klaviyo.breaker import Breaker
from klaviyo_mcp.klaviyo.errors import (
    AddressTooLong,
    AnswerTimeout,
    BodyTooLarge,
    CompanyIdMissing,
    ConnectionFailed,
    ConnectionLost,
    DeadlinePassed,
    KlaviyoError,
    SentInPart,
    StoppedBefore,
    StoppedWhile,
    Throttled,
)
from klaviyo_mcp.klaviyo.pool import HttpPool
from klaviyo_mcp.klaviyo.quota import Quota
from klaviyo_mcp.klaviyo.replies import judged
from klaviyo_mcp.klaviyo.requests import LONGEST_TARGET, ApiRequest, Reply, WaitBudget
from klaviyo_mcp.klaviyo.retries import Sending
from klaviyo_mcp.klaviyo.unreached import AUTHENTICATION, Departure, not_reached, proxy_refused
from klaviyo_mcp.klaviyo.watching import watched
from klaviyo_mcp.klaviyo.words import one_line
from klaviyo_mcp.loose_json import JSON, json_bytes

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
        breaker: Breaker | None = None,
    ) -> None:
        """`quota` None leaves pacing to Klaviyo's own 429s; `breaker` is that of the account, None one of its own."""
        self._auth = auth
        self._pool = pool
        self._base_url = base_url
        self._company_id = company_id
        self._quota = quota
        self._breaker = breaker or Breaker(httpx2.URL(base_url).host)

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
        """Send one request, and again after faults that allow it, as long as `budget` covers the waits.

        Raises a KlaviyoError for everything but a 2xx of Klaviyo's with a readable body.
        """
        request = self._request(outgoing)
        departure = Departure()
        quota = self._quota if outgoing.buckets else None
        # Whoever has a turn in the ledger waits there when Klaviyo asks for a pause, before all others.
        sending = Sending(outgoing, budget, paced=quota is not None)

        async def attempt() -> Reply:
            departure.begin()
            turn = await quota.take(outgoing.buckets, budget, again=sending.throttled) if quota else None
            try:
                exchange = self._exchange(request, outgoing, budget, departure)
                response = await watched(exchange, request, template=outgoing.template, operation=outgoing.operation)
                answer = judged(response, outgoing)
                if turn is not None:
                    klaviyos = isinstance(answer, Throttled)
                    await turn.answered(response.status_code, response.headers, klaviyos=klaviyos)
                if isinstance(answer, KlaviyoError):
                    raise answer
                return answer
            except BaseException as error:
                if turn is not None and not departure.left:
                    await turn.give_back()
                if isinstance(error, KlaviyoError):
                    # This attempt is over; what it leaves open, `sending` knows.
                    departure.begin()
                raise

        with self._pool.interruptions.breakable():
            with self._breaker.guarding():
                reply = await sending.run(attempt)
            return replace(reply, attempts=sending.attempts, before=tuple(sending.before))
        where = f"{outgoing.method} {outgoing.path}"
        if departure.left or sending.unknown:
            raise StoppedWhile(f"klaviyo-mcp was stopped before Klaviyo answered {where}.")
        raise StoppedBefore(f"klaviyo-mcp was stopped before it sent {where}.")

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
            parts["content"] = json_bytes(outgoing.body, "surrogatepass")
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

    async def _exchange(
        self, request: httpx2.Request, outgoing: ApiRequest, budget: WaitBudget, departure: Departure
    ) -> httpx2.Response:
        """The response to one attempt, complete, in the time that a request and its call may take."""
        where = f"{outgoing.method} {one_line(outgoing.path, 200)}"
        longest = min(self._pool.longest, budget.left)
        if longest <= 0:
            raise DeadlinePassed(f"This call had used up its time before {where} could be sent.")
        request.extensions["trace"] = departure
        response = None
        try:
            with anyio.move_on_after(longest):
                response = await self._pool.http.send(request, auth=self._auth)
        except (httpx2.RequestError, httpx2.InvalidURL, UnicodeError) as error:
            if departure.prevented(error):
                raise not_reached(error, request.url, where, self._pool.proxy(request.url)) from None
            if departure.left_in_part(request):
                raise SentInPart(f"The connection broke while {where} was sent ({_kind(error)}).") from None
            if isinstance(error, httpx2.TimeoutException):
                raise AnswerTimeout(f"Klaviyo did not answer {where} in time ({_kind(error)}).") from None
            raise ConnectionLost(f"The connection broke during {where} ({_kind(error)}).") from None
        if response is None:
            raise _too_late(request, where, longest, departure)
        # A proxy's own answer, where it is asked for plain HTTP: Klaviyo has not seen the request.
        if str(response.status_code) == AUTHENTICATION and (proxy := self._pool.proxy(request.url)):
            raise proxy_refused(AUTHENTICATION, request.url, proxy)
        return response


def _too_late(request: httpx2.Request, where: str, longest: float, departure: Departure) -> KlaviyoError:
    """The error for an exchange that was given up after `longest` seconds."""
    if not departure.left:
        return ConnectionFailed(f"No connection for {where} within {longest:.0f} s.")
    if departure.left_in_part(request):
        return SentInPart(f"{where} could not be sent whole within {longest:.0f} s.")
    return AnswerTimeout(f"Klaviyo did not answer {where} to the end within {longest:.0f} s.")


def _kind(error: Exception) -> str:
    """The class of a transport error. Its text is left out: it may hold an address with a key in it."""
    return type(error).__name__
