"""Who may call the server over HTTP: the hosts it answers to, the pages that may call it, and the token.

Refusals are JSON-RPC errors, so that clients show their words, and name the setting that would change them.
"""

import hmac
from collections.abc import Mapping
from typing import Any

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from klaviyo_mcp.klaviyo.words import one_line
from klaviyo_mcp.mcp_server.wire import INVALID_REQUEST
from klaviyo_mcp.runtime.authorities import Authority, Origin
from klaviyo_mcp.runtime.settings import Settings

PATHS = ("/mcp", "/mcp/")
"""Where MCP is. Both are served, as a redirect loses the body with some clients and the scheme behind some proxies."""
LOCAL = tuple(Authority(name) for name in ("127.0.0.1", "localhost", "::1"))
LOCKED = (
    "This server needs the header 'Authorization: Bearer …' with the token that is set as KLAVIYO_MCP_HTTP_TOKEN where "
    "it runs. It has no OAuth."
)
EXPOSED_HEADERS = ("WWW-Authenticate", "MCP-Protocol-Version", "Mcp-Session-Id", "Retry-After")


def refusal(
    status: int,
    message: str,
    headers: Mapping[str, str] | None = None,
    *,
    code: int = INVALID_REQUEST,
    given: str | int | float | None = None,
) -> Response:
    """A JSON-RPC error, for the request whose id was `given` where one could be read."""
    error = {"code": code, "message": message}
    return JSONResponse({"jsonrpc": "2.0", "id": given, "error": error}, status, headers)


class Visitors:
    """Whom the server answers, by what its settings say and where it listens."""

    def __init__(self, settings: Settings, host: str) -> None:
        """`host` is what was given as the address to listen on."""
        own = Authority.read(f"[{host}]" if ":" in host else host)
        self._hosts = [*LOCAL, *settings.allowed_hosts, *([own] if own else [])]
        self._origins = settings.allowed_origins
        token = settings.klaviyo_mcp_http_token
        self._token = token.get_secret_value().encode() if token else None

    def may_ask_for(self, host: str, reached_at: str) -> bool:
        """Whether a Host header is one of ours. An address that a connection was made to is, as no name can fake it."""
        asked = Authority.read(host)
        if asked is None:
            return False
        return asked.host == reached_at or any(own.covers(asked) for own in self._hosts)

    def may_come_from(self, origin: str) -> bool:
        """Whether the pages of an origin may call: those of this machine, and those of the settings."""
        page = Origin.read(origin)
        if page is None:
            return False
        local = page.scheme in ("http", "https") and any(own.host == page.authority.host for own in LOCAL)
        return local or any(allowed.covers(page) for allowed in self._origins)

    def may_enter_with(self, authorization: str) -> bool:
        """Whether an Authorization header has the token, where one is needed. The name of its scheme has no case."""
        if self._token is None:
            return True
        parts = authorization.encode("latin-1").split(None, 1)
        if len(parts) != 2 or parts[0].lower() != b"bearer":
            return False
        return hmac.compare_digest(parts[1].strip(), self._token)


class OriginGate:
    """Refuses pages of other origins before anything else, preflights too. Health checks are open to all."""

    def __init__(self, app: ASGIApp, visitors: Visitors) -> None:
        """`app` comes behind."""
        self._app, self._visitors = app, visitors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer 403."""
        origin = Headers(scope=scope).get("origin") if scope["type"] == "http" and scope["path"] in PATHS else None
        if origin is None or self._visitors.may_come_from(origin):
            await self._app(scope, receive, send)
            return
        message = (
            f"Pages of the origin {one_line(origin, 100)} may not call this server. If they should, a person adds it "
            "to KLAVIYO_MCP_ALLOWED_ORIGINS and restarts the server."
        )
        await refusal(403, message, {"Vary": "Origin"})(scope, receive, send)


class Cors(CORSMiddleware):
    """Lets the pages that may call read the answers, refusals too. A preflight carries no token and needs none."""

    def __init__(self, app: ASGIApp, visitors: Visitors) -> None:
        """`app` comes behind. All headers are allowed, as those of tools' parameters have any name."""
        super().__init__(
            app,
            allow_methods=("POST", "GET", "DELETE", "OPTIONS"),
            allow_headers=("*",),
            expose_headers=EXPOSED_HEADERS,
            max_age=600,
        )
        self._visitors = visitors

    def is_allowed_origin(self, origin: str) -> bool:
        """Whether an origin is let in, decided by the same rule as everywhere."""
        return self._visitors.may_come_from(origin)


class Door:
    """What stands before MCP itself: host, token, method and media type."""

    def __init__(self, app: ASGIApp, visitors: Visitors) -> None:
        """`app` comes behind."""
        self._app, self._visitors = app, visitors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or refuse it."""
        answer = self._refused(scope) or self._app
        await answer(scope, receive, send)

    def _refused(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        if not self._visitors.may_ask_for(headers.get("host", ""), _address(scope.get("server"))):
            return refusal(
                421,
                f"This server does not answer to the Host {one_line(headers.get('host', ''), 100)!r}. If that is its "
                "name, a person adds it to KLAVIYO_MCP_ALLOWED_HOSTS and restarts the server.",
            )
        if not self._visitors.may_enter_with(headers.get("authorization", "")):
            return refusal(
                401,
                LOCKED,
                {"WWW-Authenticate": "Bearer"},
            )
        if scope["method"] != "POST":
            return refusal(
                405, "MCP is spoken by POST here; there are no sessions and no streams to listen to.", {"Allow": "POST"}
            )
        if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            return refusal(415, "The header Content-Type must be application/json.")
        return None


def _address(server: Any) -> str:
    """The address that a connection was made to, as `Authority` writes it."""
    read = Authority.read(f"[{server[0]}]" if ":" in server[0] else server[0]) if server else None
    return read.host if read else ""
