"""Runs the hosted service: puts it together from settings, listens, and stops so that a load balancer can follow."""

import asyncio
import socket
from collections.abc import Callable
from dataclasses import dataclass, replace
from types import FrameType
from typing import Any

import uvicorn
from starlette.applications import Starlette

from klaviyo_mcp.accounts.connections import ConnectedAccounts
from klaviyo_mcp.authorization.config import AuthorizationConfig
from klaviyo_mcp.authorization.pacing import OwnPace
from klaviyo_mcp.authorization.service import AuthorizationServer
from klaviyo_mcp.hosted.app import Draining, hosted_app
from klaviyo_mcp.hosted.company_jobs import CompanyJobs
from klaviyo_mcp.hosted.config import hosted_config, keeps_jobs
from klaviyo_mcp.hosted.limiting import shared_pace
from klaviyo_mcp.hosted.measuring import show_measurements, watch_grants, watch_jobs
from klaviyo_mcp.hosted.tenants import Tenants, company_of
from klaviyo_mcp.klaviyo.interruption import Interruptions
from klaviyo_mcp.mcp_server.draining import DrainingServer
from klaviyo_mcp.mcp_server.http import uvicorn_config
from klaviyo_mcp.mcp_server.server import make_server
from klaviyo_mcp.mcp_server.tools import Listing
from klaviyo_mcp.runtime.assembly import Selection, assemble
from klaviyo_mcp.runtime.authorities import bracketed
from klaviyo_mcp.runtime.exporters import Exporting
from klaviyo_mcp.runtime.job_worker import JobWorker
from klaviyo_mcp.runtime.listening import listen
from klaviyo_mcp.runtime.logs import announce, log
from klaviyo_mcp.tools.calls import room_of

MOST_OPEN = 1_000
"""Accounts that stay open at a time; each takes some kilobytes."""
TRUSTED = 5.0
"""Seconds that what was read of a grant holds. Whether the grant itself does is asked with each token."""


@dataclass(frozen=True, slots=True)
class HostedService:
    """A service that is put together. `accounts` are those that are open, whosever."""

    app: Starlette
    accounts: ConnectedAccounts
    authorization: AuthorizationServer
    worker: JobWorker


def hosted_service(
    selection: Selection,
    config: AuthorizationConfig,
    *,
    receiving: Interruptions | None = None,
    draining: Draining | None = None,
    **fetching: Any,
) -> HostedService:
    """A service for settings that were found to make one. `fetching` is how documents of clients are fetched."""
    settings = selection.settings
    if settings.klaviyo_mcp_quota_url is None and settings.klaviyo_mcp_vault_url is not None:
        # Instances that share connections share what is counted for them.
        settings = settings.model_copy(update={"klaviyo_mcp_quota_url": settings.klaviyo_mcp_vault_url})
    application = assemble(
        replace(selection, settings=settings), called=company_of, most_open=MOST_OPEN, trusted_for=TRUSTED
    )
    accounts = application.accounts
    assert isinstance(accounts, ConnectedAccounts)  # noqa: S101 - without a key and a sandbox there are no others
    registry = application.engine.registry
    quota_url = settings.klaviyo_mcp_quota_url
    pace = shared_pace(quota_url.get_secret_value()) if quota_url else OwnPace()
    authorization = AuthorizationServer(config, accounts.vault, accounts.endpoint, registry, pace=pace, **fetching)
    tenants = Tenants(accounts, authorization, f"{config.issuer}/manage")
    listing = Listing(registry, application.exposure, settings.answer_bytes)
    jobs = CompanyJobs(application, authorization, config)
    server = make_server(
        application.engine,
        tenants.of,
        listing,
        application.audit,
        room_of(application),
        tenants.after,
        jobs.worker,
    )
    app = hosted_app(
        server,
        authorization,
        config,
        registry,
        settings,
        receiving=receiving,
        draining=draining,
        pace=pace,
        jobs=jobs,
    )
    return HostedService(app, accounts, authorization, jobs.worker)


def serve_hosted(
    selection: Selection, host: str, port: int, *, account: str | None = None, exporting: Exporting | None = None
) -> None:
    """Serve until interrupted. Raises SettingsError for settings that make no service, or a port that is taken."""
    settings = selection.settings
    config = hosted_config(settings, selection.registry, account=account, confirm=selection.exposure.confirm)
    receiving, draining = Interruptions(), Draining()
    service = hosted_service(selection, config, receiving=receiving, draining=draining)
    listener = listen(host, port)
    if settings.klaviyo_mcp_metrics_port is not None:
        show_measurements(host, settings.klaviyo_mcp_metrics_port)
        watch_grants(lambda: service.accounts.open_now)
        watch_jobs(service.worker.tally)
    if not keeps_jobs(settings):
        log.warning(
            "KLAVIYO_MCP_JOBS_URL is not set, and instances share nothing else that jobs could be kept in: jobs and "
            "uploads are refused."
        )
    announce(f"listening on http://{bracketed(host)}:{listener.getsockname()[1]}, reached at {config.issuer}")
    LeavingServer(
        uvicorn_config(
            service.app,
            settings,
            proxy_headers=bool(settings.klaviyo_mcp_trusted_proxies),
            forwarded_allow_ips=settings.klaviyo_mcp_trusted_proxies or None,
        ),
        draining=draining,
        drain=settings.klaviyo_mcp_drain,
        stop_receiving=receiving.interrupt,
        interrupt=service.accounts.interrupt,
        at_end=exporting.flush if exporting else None,
        grace=settings.grace,
    ).run(sockets=[listener])


class LeavingServer(DrainingServer):
    """Says for a while that it is about to stop, and goes on answering: a load balancer has to notice first."""

    def __init__(self, config: uvicorn.Config, *, draining: Draining, drain: float, **stopping: Any) -> None:
        """`drain` is how many seconds it goes on; the rest is as DrainingServer has it."""
        super().__init__(config, **stopping)
        self._draining = draining
        self._drain = drain
        self._running: asyncio.AbstractEventLoop | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to accept."""
        self._running = asyncio.get_running_loop()
        await super().startup(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The first signal begins the while, any other ends it."""
        if self._draining.begun or self._running is None or not self._drain:
            self._draining.begun = True
            super().handle_exit(sig, frame)
            return
        self._draining.begun = True
        leave: Callable[[], None] = lambda: super(LeavingServer, self).handle_exit(sig, frame)  # noqa: E731
        self._running.call_soon_threadsafe(self._running.call_later, self._drain, leave)
