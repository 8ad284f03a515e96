"""The MCP server over HTTP: /mcp (stateless, JSON) and health checks, for any number of clients."""

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from typing import Any

import anyio
import uvicorn
from anyio import to_thread
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
from klaviyo_mcp.loose_json import JSON
from klaviyo_mcp.mcp_server.connections import ACCEPTED_AT_ONCE, Patience, bounded_protocol, most_connections
from klaviyo_mcp.mcp_server.draining import DrainingServer
from klaviyo_mcp.mcp_server.http_access import LOCKED, PATHS, Cors, Door, OriginGate, Visitors, refusal
from klaviyo_mcp.mcp_server.wire import PARSE_ERROR, Unreadable, read_line
from klaviyo_mcp.runtime.authorities import bracketed
from klaviyo_mcp.runtime.exporters import Exporting
from klaviyo_mcp.runtime.listening import listen
from klaviyo_mcp.runtime.logs import announce
from klaviyo_mcp.runtime.settings import Settings, SettingsError, is_loopback

PATIENCE = Patience()
COMPRESSED_FROM = 16_384
"""Bytes from which an answer is compressed: a list of all tools becomes a tenth."""
LONG_BODY = 200_000
"""Bytes that are parsed in a millisecond or two."""
Judge = Callable[[Scope, JSON], Response | None]
"""Says what a message is answered with before anything is dispatched, None to let it through."""


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
    metrics: Callable[[], tuple[bytes, str]] | None = None,
    beside: Callable[[], AbstractAsyncContextManager[None]] = nullcontext,
) -> Starlette:
    """The ASGI app. `host` is where it listens; `receiving` breaks off requests whose body has not come yet.

    `metrics` gives the text and the media type of /metrics, None leaves that page out. `beside` is entered meanwhile.
    """
    manager = StreamableHTTPSessionManager(
        server, json_response=True, stateless=True, max_request_body_size=settings.klaviyo_mcp_max_body
    )
    visitors = Visitors(settings, host)
    body = Body(manager.handle_request, settings.klaviyo_mcp_max_body, receiving or Interruptions(), patience.body)
    mcp = Door(body, visitors)

    async def healthz(_request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def readyz(_request: Request) -> Response:
        return JSONResponse({"status": "ready", "tools": tools})

    async def nothing(_request: Request, _error: Exception) -> Response:
        # Clients look for OAuth at several paths, and must be told plainly that there is none.
        return refusal(404, "There is nothing at this path: MCP is at /mcp. This server has no OAuth.")

    app = Starlette(
        routes=[
            Route("/healthz", healthz),
            Route("/readyz", readyz),
            *_page(metrics, visitors),
            *(Route(path, mcp) for path in PATHS),
        ],
        middleware=[
            Middleware(GZipMiddleware, minimum_size=COMPRESSED_FROM, compresslevel=5),
            Middleware(OriginGate, visitors=visitors),
            Middleware(Cors, visitors=visitors),
        ],
        exception_handlers={404: nothing},
        lifespan=lambda _: _both(manager.run(), beside()),
    )
    app.router.redirect_slashes = False
    return app


def serve_http(
    server: Server[Any],
    settings: Settings,
    host: str,
    port: int,
    *,
    tools: int,
    interrupt: Callable[[], None],
    exporting: Exporting | None = None,
    beside: Callable[[], AbstractAsyncContextManager[None]] = nullcontext,
) -> None:
    """Serve until interrupted. `interrupt` makes calls end that are still under way when the server has to.

    Raises SettingsError when the port cannot be had, or must not.
    """
    check_listening(host, settings)
    receiving = Interruptions()
    app = http_app(
        server,
        settings,
        tools=tools,
        host=host,
        receiving=receiving,
        metrics=exporting.page if exporting else None,
        beside=beside,
    )
    listener = listen(host, port)
    bound = listener.getsockname()[1]
    announce(f"listening on http://{bracketed(host)}:{bound}/mcp")
    DrainingServer(
        uvicorn_config(app, settings),
        stop_receiving=receiving.interrupt,
        interrupt=interrupt,
        at_end=exporting.flush if exporting else None,
        grace=settings.grace,
    ).run(sockets=[listener])


def uvicorn_config(app: ASGIApp, settings: Settings, **more: Any) -> uvicorn.Config:
    """How an app is served over HTTP: within bounds, and with no line of a log but ours."""
    return uvicorn.Config(
        app,
        http=bounded_protocol(most_connections(settings.klaviyo_mcp_max_connections), PATIENCE),
        ws="none",
        backlog=ACCEPTED_AT_ONCE,
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        **more,
    )


@asynccontextmanager
async def _both(
    first: AbstractAsyncContextManager[None], second: AbstractAsyncContextManager[None]
) -> AsyncGenerator[None]:
    async with first, second:
        yield


def _page(metrics: Callable[[], tuple[bytes, str]] | None, visitors: Visitors) -> list[Route]:
    """/metrics for Prometheus, which needs the token as /mcp does."""
    if metrics is None:
        return []

    def page(request: Request) -> Response:
        if not visitors.may_enter_with(request.headers.get("authorization", "")):
            return refusal(401, LOCKED, {"WWW-Authenticate": "Bearer"})
        text, media_type = metrics()
        return Response(text, media_type=media_type)

    return [Route("/metrics", page)]


class Body:
    """The body of a request, read whole before anything is done.

    It says when the body has to have come, how long it may be, and whether it is a message: the SDK's own words about
    one that is not name classes of its code.
    """

    def __init__(
        self, app: ASGIApp, most: int, receiving: Interruptions, patience: float, judge: Judge | None = None
    ) -> None:
        """`judge` looks at each message and says what it is answered with instead of being passed on, if anything."""
        self._app, self._most, self._receiving, self._patience = app, most, receiving, patience
        self._judge = judge

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a message on, or say what is wrong with the body."""
        body = await self._read(receive)
        if body is None:
            return
        answer = body if isinstance(body, Response) else await self._answer(body, scope)
        if isinstance(body, bytes) and answer is None:
            await self._app(scope, _replay(body, receive), send)
        elif answer is not None:
            await answer(scope, receive, send)

    async def _answer(self, body: bytes, scope: Scope) -> Response | None:
        """What a body is answered with here, None for a message that is passed on."""
        found = await _message(body)
        if isinstance(found, Unreadable):
            return refusal(400, found.message, code=found.code, given=found.id)
        return self._judge(scope, found) if self._judge else None

    async def _read(self, receive: Receive) -> bytes | Response | None:
        """The body, what to answer instead, or nothing when the client has gone."""
        read = bytearray()
        waiting = self._receiving.breakable()
        waiting.deadline = deadline = anyio.current_time() + self._patience
        with waiting:
            while (message := await receive())["type"] == "http.request":
                read += message.get("body", b"")
                if len(read) > self._most:
                    return refusal(
                        413,
                        f"The request has more than {self._most:,} bytes; nothing was done. Send less at once, or "
                        "have a person set KLAVIYO_MCP_MAX_BODY to more and restart the server.",
                    )
                if not message.get("more_body", False):
                    return bytes(read)
            return None
        late = anyio.current_time() >= deadline
        why = f"did not come within {self._patience:g} s" if late else "had not come when the server was stopped"
        return refusal(408 if late else 503, f"The body of the request {why}; nothing was done.")


async def _message(body: bytes) -> JSON | Unreadable:
    """A body as a message, or why it is none. A long one is read beside the loop, so that nobody else waits for it."""
    found = await to_thread.run_sync(read_line, body) if len(body) > LONG_BODY else read_line(body)
    if not isinstance(found, list):
        return found
    return found[0] if found else Unreadable(None, PARSE_ERROR, "the request has no body")


def _replay(body: bytes, receive: Receive) -> Receive:
    """What is left to receive of a request whose body is known."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return waiting.pop() if waiting else await receive()

    return replay
