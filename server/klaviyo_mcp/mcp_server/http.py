"""Running the MCP server over HTTP, for any number of clients."""

import hmac
import socket
from collections.abc import Callable
from typing import Any

from mcp.server import Server
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from klaviyo_mcp.runtime.logs import announce
from klaviyo_mcp.runtime.settings import Settings, SettingsError, is_loopback


def check_listening(host: str, settings: Settings) -> None:
    """Raises SettingsError for a server that anyone on the network could use without a token."""
    if not is_loopback(host) and settings.klaviyo_mcp_http_token is None:
        raise SettingsError(
            f"Listening on {host} would let the whole network use the Klaviyo account. Set KLAVIYO_MCP_HTTP_TOKEN "
            "to a long random word that clients send as 'Authorization: Bearer …', or listen on 127.0.0.1."
        )


def http_app(
    server: Server[Any], settings: Settings, *, tools: int, metrics: Callable[[], tuple[bytes, str]] | None = None
) -> Starlette:
    """The ASGI app: /mcp (stateless, JSON), /healthz, /readyz. Host and Origin are checked on /mcp.

    `metrics` gives the text and the media type of /metrics, None leaves that page out.
    """
    from mcp.server.transport_security import TransportSecuritySettings  # only HTTP needs it

    local = ["127.0.0.1", "localhost", "[::1]"]

    async def healthz(_request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def readyz(_request: Request) -> Response:
        return JSONResponse({"status": "ready", "tools": tools})

    app = server.streamable_http_app(
        streamable_http_path="/mcp",
        json_response=True,
        stateless_http=True,
        transport_security=TransportSecuritySettings(
            allowed_hosts=[*local, *(f"{host}:*" for host in local), *_with_ports(settings.allowed_hosts)],
            allowed_origins=[
                *(f"http://{host}{port}" for host in local for port in ("", ":*")),
                *settings.allowed_origins,
            ],
        ),
        custom_starlette_routes=[Route("/healthz", healthz), Route("/readyz", readyz), *_page(metrics)],
    )
    if settings.klaviyo_mcp_http_token is not None:
        app.add_middleware(_TokenGate, token=settings.klaviyo_mcp_http_token.get_secret_value())
    return app


def serve_http(app: Starlette, host: str, port: int, *, at_end: Callable[[], None] | None = None) -> None:
    """Serve until interrupted, and then call `at_end`. Raises SettingsError when the port cannot be had."""
    import uvicorn  # only HTTP needs it

    from klaviyo_mcp.runtime.listening import listen

    listener = listen(host, port)
    bound = listener.getsockname()[1]
    announce(f"listening on http://{host}:{bound}")

    class Serving(uvicorn.Server):
        """Calls `at_end` in time: the signal that ended it is raised again afterwards, and ends the process at once."""

        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            await super().shutdown(sockets)
            if at_end is not None:
                at_end()

    config = uvicorn.Config(app, log_config=None, log_level="warning", access_log=False, timeout_graceful_shutdown=10)
    Serving(config).run(sockets=[listener])


def _page(metrics: Callable[[], tuple[bytes, str]] | None) -> list[Route]:
    """/metrics for Prometheus, which needs the token as /mcp does."""
    if metrics is None:
        return []

    def page(_request: Request) -> Response:
        text, media_type = metrics()
        return Response(text, media_type=media_type)

    return [Route("/metrics", page)]


def _with_ports(hosts: list[str]) -> list[str]:
    return [form for host in hosts for form in ((host,) if ":" in host else (host, f"{host}:*"))]


class _TokenGate:
    """Lets a request through when it carries the token; health checks need none."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._expected = f"Bearer {token}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] not in ("/healthz", "/readyz"):
            sent = dict(scope["headers"]).get(b"authorization", b"")
            if not hmac.compare_digest(sent, self._expected):
                refusal = JSONResponse(
                    {"error": "This server needs 'Authorization: Bearer …' with its KLAVIYO_MCP_HTTP_TOKEN."},
                    status_code=401,
                    headers={"WWW-Authenticate": "Bearer"},
                )
                await refusal(scope, receive, send)
                return
        await self._app(scope, receive, send)
