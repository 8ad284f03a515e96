"""How much one connection, one company and one address may ask for, and the answers to what exceeds it.

Buckets are shared by all instances where there is a Redis. Calls under way are counted by each instance for itself: a
count that has to be given back would outlive an instance that dies. Nobody is kept from MCP by an address, as many
people use the same one.
"""

from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from hashlib import sha256
from ipaddress import IPv6Address, ip_address
from math import ceil

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from klaviyo_mcp.authorization.errors import too_often
from klaviyo_mcp.authorization.pacing import RATES, Limited, OwnPace, Pace
from klaviyo_mcp.authorization.replies import Access, ErrorPage
from klaviyo_mcp.hosted.exchange import told
from klaviyo_mcp.hosted.measuring import limited as measured
from klaviyo_mcp.hosted.pages import error_page
from klaviyo_mcp.klaviyo.shared_ledger import QuotaServer
from klaviyo_mcp.mcp_server.http_access import refusal

PREFIX = "klaviyo_mcp_rate"
PATIENCE = 0.25
"""Seconds that a request waits for the count of all instances before it is counted here alone."""
GRANT_AT_ONCE = 8
ACCOUNT_AT_ONCE = 32
"""Requests under way, for one connection and for all of one company."""
BUSY = -32000
"""JSON-RPC's code for a server that refuses for a reason of its own."""
BY_ADDRESS: dict[str, tuple[Limited, str]] = {
    "/authorize": ("authorizations", "authorize"),
    "/connect": ("authorizations", "connect"),
    "/register": ("registrations", "register"),
}
"""What is limited by address: its path, by what rate, and its step in the log."""


class SharedPace:
    """Counts with all instances, on Redis; while that is slow or away, each counts for itself."""

    def __init__(self, server: QuotaServer) -> None:
        """`server` is left alone for a while when it does not answer."""
        self._server = server
        self._own = OwnPace()

    async def take(self, limited: Limited, key: str) -> float:
        """See Pace."""
        # What exceeds the count of one instance exceeds that of all, and a flood is not passed on.
        if wait := await self._own.take(limited, key):
            return wait
        # An address is somebody's: it is not kept as it is.
        place = f"{PREFIX}:{limited}:{sha256(key.encode()).hexdigest()[:24]}"
        rate = RATES[limited]
        answer = await self._server.run("bucket.lua", [place], [rate.burst, rate.each])
        return float(answer) if answer is not None else 0.0

    async def close(self) -> None:
        """Close the connections to Redis."""
        await self._server.close()


def shared_pace(url: str) -> SharedPace:
    """The pace that all instances with this Redis share."""
    return SharedPace(QuotaServer(url, patience=PATIENCE, counts="what is limited"))


class RequestGate:
    """Lets through as many requests to MCP as a connection and its company may make. Comes behind the bearer check."""

    def __init__(self, app: ASGIApp, pace: Pace) -> None:
        """`app` comes behind."""
        self._app = app
        self._pace = pace
        self._grants: Counter[str] = Counter()
        self._accounts: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer 429."""
        access: Access = scope["state"]["access"]
        if wait := await self._pace.take("requests", access.grant_id):
            words = f"This connection asks too often ({RATES['requests'].words})"
            await _refused(words, wait)(scope, receive, send)
            return
        if self._grants[access.grant_id] >= GRANT_AT_ONCE:
            words = f"This connection has {GRANT_AT_ONCE} requests under way, as many as it may"
            await _refused(words, 1.0)(scope, receive, send)
            return
        if self._accounts[access.account_id] >= ACCOUNT_AT_ONCE:
            words = f"This Klaviyo account has {ACCOUNT_AT_ONCE} requests under way, as many as it may"
            await _refused(words, 1.0)(scope, receive, send)
            return
        with _counted(self._grants, access.grant_id), _counted(self._accounts, access.account_id):
            await self._app(scope, receive, send)


class AddressGate:
    """Lets through as many authorizations and registrations as one address may ask for, and as all may together."""

    def __init__(self, app: ASGIApp, pace: Pace) -> None:
        """`app` comes behind."""
        self._app = app
        self._pace = pace

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer 429: with an error of OAuth's, or with a page."""
        which = BY_ADDRESS.get(scope["path"]) if scope["type"] == "http" else None
        if which is None:
            await self._app(scope, receive, send)
            return
        limited, step = which
        wait = await self._pace.take(limited, address_of(scope))
        if not wait and limited == "registrations":
            limited = "all_registrations"
            wait = await self._pace.take(limited, "")
        if not wait:
            await self._app(scope, receive, send)
            return
        told(step, Request(scope), 429, "too_often")
        measured(step)
        response = _oauth_refused(limited, wait) if step == "register" else _page(wait)
        await response(scope, receive, send)


def address_of(scope: Scope) -> str:
    """Whose address a request comes from: the whole network of it in IPv6, where one household has 2^64 of them."""
    given = (scope.get("client") or ("",))[0]
    try:
        address = ip_address(given)
    except ValueError:
        return str(given)[:100]
    if isinstance(address, IPv6Address):
        return str(address.ipv4_mapped or address.packed[:8].hex())
    return given


def _refused(words: str, wait: float) -> Response:
    measured("mcp")
    seconds = str(ceil(wait))
    return refusal(429, f"{words}; nothing was done. Call again in {seconds} s.", {"Retry-After": seconds}, code=BUSY)


def _oauth_refused(limited: Limited, wait: float) -> Response:
    problem = too_often(limited, wait)
    body = {"error": problem.error, "error_description": problem.description}
    return JSONResponse(body, problem.status, {**problem.headers, "Cache-Control": "no-store"})


def _page(wait: float) -> Response:
    seconds = str(ceil(wait))
    words = "From your network address there were more attempts to connect than this service takes."
    advice = f"Nothing was changed. Wait {seconds} seconds and try again."
    response = error_page(ErrorPage(429, "Too many attempts", words, advice, "too_often"))
    response.headers["Retry-After"] = seconds
    return response


@contextmanager
def _counted(counts: Counter[str], key: str) -> Generator[None]:
    counts[key] += 1
    try:
        yield
    finally:
        counts[key] -= 1
        if not counts[key]:
            del counts[key]
