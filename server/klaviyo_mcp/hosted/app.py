"""The hosted service as one ASGI app: MCP behind its gates, OAuth for clients, pages for people, health for probes."""

import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from urllib.parse import urlsplit

import anyio
from mcp.server import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from klaviyo_mcp.authorization.config import AuthorizationConfig
from klaviyo_mcp.authorization.errors import StoreAway
from klaviyo_mcp.authorization.pacing import OwnPace, Pace
from klaviyo_mcp.authorization.replies import ErrorPage
from klaviyo_mcp.authorization.service import AuthorizationServer
from klaviyo_mcp.hosted.company_jobs import CompanyJobs
from klaviyo_mcp.hosted.export_routes import ExportRoutes
from klaviyo_mcp.hosted.gate import BearerGate, LevelCheck
from klaviyo_mcp.hosted.limiting import AddressGate, RequestGate
from klaviyo_mcp.hosted.measuring import Timed
from klaviyo_mcp.hosted.oauth_routes import FOR_CLIENTS, OAuthRoutes
from klaviyo_mcp.hosted.pages import error_page
from klaviyo_mcp.hosted.site_routes import SiteRoutes
from klaviyo_mcp.hosted.upload_routes import UploadRoutes
from klaviyo_mcp.klaviyo.interruption import Interruptions
from klaviyo_mcp.mcp_server.connections import Patience
from klaviyo_mcp.mcp_server.http import COMPRESSED_FROM, PATIENCE, Body
from klaviyo_mcp.mcp_server.http_access import PATHS, Cors, Door, OriginGate, Visitors
from klaviyo_mcp.registry.registry import Registry
from klaviyo_mcp.runtime.settings import Settings

log = logging.getLogger("klaviyo_mcp")

SWEEP_EVERY = 3600.0
READY_WITHIN = 2.0
NOTHING = ErrorPage(404, "There is nothing here", "This address leads nowhere.", "The start is at /.", "nothing")


@dataclass(slots=True)
class Draining:
    """Whether the service is about to stop: it still answers, and says to probes that it is not ready."""

    begun: bool = False


def hosted_app(
    server: Server[object],
    authorization: AuthorizationServer,
    config: AuthorizationConfig,
    registry: Registry,
    settings: Settings,
    *,
    receiving: Interruptions | None = None,
    patience: Patience = PATIENCE,
    draining: Draining | None = None,
    pace: Pace | None = None,
    jobs: CompanyJobs | None = None,
) -> Starlette:
    """The ASGI app. `receiving` breaks off requests whose body has not come yet, `draining` is told of by readyz.

    `pace` counts what is limited, in this process by default. `jobs` are those of companies, and their files.
    """
    pace, receiving = pace or OwnPace(), receiving or Interruptions()
    manager = StreamableHTTPSessionManager(
        server, json_response=True, stateless=True, max_request_body_size=settings.klaviyo_mcp_max_body
    )
    visitors = Visitors(settings, urlsplit(config.issuer).hostname or "")
    levels, most = LevelCheck(authorization, registry), settings.klaviyo_mcp_max_body
    body = Body(manager.handle_request, most, receiving, patience.body, levels)
    # The token first: clients that look for OAuth do so with any method, and go by the 401.
    mcp = BearerGate(RequestGate(Door(body, visitors), pace), authorization, config.issuer)

    @asynccontextmanager
    async def running(_app: Starlette) -> AsyncGenerator[None]:
        beside = jobs.worker.looking_after() if jobs else nullcontext()
        async with manager.run(), beside, anyio.create_task_group() as upkeep:
            upkeep.start_soon(_sweep, authorization, jobs)
            yield
            upkeep.cancel_scope.cancel()

    routes = [
        *_probes(authorization, draining or Draining()),
        *(Route(path, mcp) for path in PATHS),
        *OAuthRoutes(authorization).routes,
        *_pages(authorization, config, jobs, pace, receiving),
    ]
    app = Starlette(
        routes=routes,
        middleware=[
            Middleware(Timed, routes={route.path for route in routes}),
            Middleware(Guarded, secure=config.secure),
            Middleware(GZipMiddleware, minimum_size=COMPRESSED_FROM, compresslevel=5),
            Middleware(OriginGate, visitors=visitors),
            Middleware(CorsByPath, visitors=visitors),
            Middleware(AddressGate, pace=pace),
        ],
        exception_handlers={404: _nothing},
        lifespan=running,
    )
    app.router.redirect_slashes = False
    return app


def _pages(
    authorization: AuthorizationServer,
    config: AuthorizationConfig,
    jobs: CompanyJobs | None,
    pace: Pace,
    receiving: Interruptions,
) -> list[Route]:
    """What people see in a browser, and do there."""
    files, exports, gone = (jobs.files, jobs.exports, jobs.gone) if jobs else (None, None, None)
    site = SiteRoutes(
        authorization,
        config.resource,
        takes_files=files is not None,
        makes_exports=exports is not None,
        gone=gone,
    )
    uploads = UploadRoutes(authorization, files, pace, receiving)
    return [*site.routes, *uploads.routes, *ExportRoutes(authorization, exports, pace).routes]


async def _nothing(_request: Request, _error: Exception) -> Response:
    return error_page(NOTHING)


def _probes(authorization: AuthorizationServer, draining: Draining) -> list[Route]:
    """Whether the process is alive, which hangs on nothing else, and whether it should be sent requests."""

    async def healthz(_request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def readyz(_request: Request) -> Response:
        if draining.begun:
            return JSONResponse({"status": "stopping"}, 503)
        try:
            with anyio.fail_after(READY_WITHIN):
                await authorization.check()
        except (StoreAway, TimeoutError):
            return JSONResponse({"status": "the store cannot be used"}, 503)
        return JSONResponse({"status": "ready"})

    return [Route("/healthz", healthz), Route("/readyz", readyz)]


async def _sweep(authorization: AuthorizationServer, jobs: CompanyJobs | None) -> None:
    """Remove what has expired, once an hour; a store that is away is left for the next time."""
    while True:
        await anyio.sleep(SWEEP_EVERY)
        try:
            await authorization.sweep()
            if jobs is not None:
                await jobs.sweep()
        except StoreAway:
            continue
        except Exception as error:  # noqa: BLE001 - upkeep must not end a service that answers
            log.error("the sweep failed: %s", type(error).__name__)


class CorsByPath:
    """Lets pages of any origin use what is for clients, those that may use MCP use that, and none the rest."""

    def __init__(self, app: ASGIApp, visitors: Visitors) -> None:
        """`app` comes behind."""
        self._mcp = Cors(app, visitors)
        self._clients = CORSMiddleware(
            app,
            allow_origins=("*",),
            allow_methods=("GET", "POST", "OPTIONS"),
            allow_headers=("*", "Authorization"),
            expose_headers=("WWW-Authenticate", "Retry-After"),
            max_age=600,
        )
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on by its path."""
        path = scope.get("path", "")
        app = self._mcp if path in PATHS else self._clients if path in FOR_CLIENTS else self._app
        await app(scope, receive, send)


class Guarded:
    """Headers that every answer has, whatever made it."""

    def __init__(self, app: ASGIApp, *, secure: bool) -> None:
        """`secure`: the service is reached over https, and browsers may remember that."""
        self._app = app
        self._secure = secure

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Add them."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.setdefault("X-Content-Type-Options", "nosniff")
                if self._secure:
                    headers.setdefault("Strict-Transport-Security", "max-age=31536000")
            await send(message)

        await self._app(scope, receive, guarded)
