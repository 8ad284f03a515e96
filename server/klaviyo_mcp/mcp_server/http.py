"""The MCP server over HTTP: /mcp (stateless, JSON) and health checks, for any number of clients."""

import sys
from collections.abc import Callable
from typing import Any

import anyio
import uvicorn
from mcp.server import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from klaviyo_mcp.klaviyo.interruption import Interruptions
from klaviyo_mcp.klaviyo.pool import LONGEST_EXCHANGE
from klaviyo_mcp.mcp_server.connections import ACCEPTED_AT_ONCE, Patience, bounded_protocol, most_connections
from klaviyo_mcp.mcp_server.draining import DrainingServer
from klaviyo_mcp.mcp_server.http_access import PATHS, Cors, Door, OriginGate, Visitors, refusal
from klaviyo_mcp.runtime.authorities import bracketed
from klaviyo_mcp.runtime.listening import listen
from klaviyo_mcp.runtime.settings import Settings, SettingsError, is_loopback

PATIENCE = Patience()
COMPRESSED_FROM = 16_384
"""Bytes from which an answer is compressed: a list of all tools becomes a tenth."""


def check_listening(host: str, settings: Settings) -> None:
    """Raises SettingsError for a server that anyone on the network could use without a token."""
    if not is_loopback(host) and settings.klaviyo_mcp_http_token is None:
        raise SettingsError(
            f"Listening on {host} would let the whole network use the Klaviyo account. Set KLAVIYO_MCP_HTTP_TOKEN "
            "to a long random word that clients send as 'Authorization: Bearer …', or listen on 127.0.0.1."
        )


def http_app(
    server: Server[Any],
    settings: Settings,
    *,
    tools: int,
    host: str = "127.0.0.1",
    receiving: Interruptions | None = None,
    patience: Patience = PATIENCE,
) -> Starlette:
    """The ASGI app. `host` is where it listens; `receiving` breaks off requests whose body has not come yet."""
    manager = StreamableHTTPSessionManager(
        server, json_response=True, stateless=True, max_request_body_size=settings.klaviyo_mcp_max_body
    )
    visitors = Visitors(settings, host)
    body = _Body(manager.handle_request, settings.klaviyo_mcp_max_body, receiving or Interruptions(), patience.body)
    mcp = Door(body, visitors)

    async def healthz(_request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def readyz(_request: Request) -> Response:
        return JSONResponse({"status": "ready", "tools": tools})

    async def nothing(_request: Request, _error: Exception) -> Response:
        # Clients look for OAuth at several paths, and must be told plainly that there is none.
        return refusal(404, "There is nothing at this path: MCP is at /mcp. This server has no OAuth.")

    app = Starlette(
        routes=[Route("/healthz", healthz), Route("/readyz", readyz), *(Route(path, mcp) for path in PATHS)],
        middleware=[
            Middleware(GZipMiddleware, minimum_size=COMPRESSED_FROM, compresslevel=5),
            Middleware(OriginGate, visitors=visitors),
            Middleware(Cors, visitors=visitors),
        ],
        exception_handlers={404: nothing},
        lifespan=lambda _: manager.run(),
    )
    app.router.redirect_slashes = False
    return app


def serve_http(
    server: Server[Any], settings: Settings, host: str, port: int, *, tools: int, interrupt: Callable[[], None]
) -> None:
    """Serve until interrupted. `interrupt` makes calls end that are still under way when the server has to.

    Raises SettingsError when the port cannot be had, or must not.
    """
    check_listening(host, settings)
    receiving = Interruptions()
    app = http_app(server, settings, tools=tools, host=host, receiving=receiving)
    listener = listen(host, port)
    bound = listener.getsockname()[1]
    print(f"klaviyo-mcp is listening on http://{bracketed(host)}:{bound}/mcp", file=sys.stderr, flush=True)
    grace = settings.klaviyo_mcp_stop_within
    config = uvicorn.Config(
        app,
        http=bounded_protocol(most_connections(settings.klaviyo_mcp_max_connections), PATIENCE),
        ws="none",
        backlog=ACCEPTED_AT_ONCE,
        log_level="warning",
        access_log=False,
        server_header=False,
    )
    DrainingServer(
        config,
        stop_receiving=receiving.interrupt,
        interrupt=interrupt,
        grace=settings.klaviyo_mcp_max_wait + LONGEST_EXCHANGE if grace is None else grace,
    ).run(sockets=[listener])


class _BodyMissing(Exception):
    """The body did not come in time, or the server was stopped before."""


class _Body:
    """The body of a request: when it has to have come, and what is said of one that is too large."""

    def __init__(self, app: ASGIApp, most: int, receiving: Interruptions, patience: float) -> None:
        self._app, self._most, self._receiving, self._patience = app, most, receiving, patience

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        deadline = anyio.current_time() + self._patience
        whole = refused = False

        async def bounded() -> Message:
            nonlocal whole
            if whole:
                return await receive()
            waiting = self._receiving.breakable()
            waiting.deadline = deadline
            with waiting:
                message = await receive()
                whole = not message.get("more_body", False)
                return message
            raise _BodyMissing

        async def worded(message: Message) -> None:
            nonlocal refused
            if message["type"] == "http.response.start" and message["status"] == 413:
                # The SDK's own words are plain text, which clients do not show.
                refused = True
                too_large = (
                    f"The request has more than {self._most:,} bytes; nothing was done. Send less at once, or have a "
                    "person set KLAVIYO_MCP_MAX_BODY to more and restart the server."
                )
                await refusal(413, too_large)(scope, receive, send)
            if not refused:
                await send(message)

        try:
            await self._app(scope, bounded, worded)
        except _BodyMissing:
            late = anyio.current_time() >= deadline
            why = f"did not come within {self._patience:g} s" if late else "had not come when the server was stopped"
            answer = refusal(408 if late else 503, f"The body of the request {why}; nothing was done.")
            await answer(scope, receive, send)
