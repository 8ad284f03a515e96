"""The hosted service in the tests' own process, over real HTTP: with lives, documents and a Klaviyo of a test's own."""

import asyncio
import logging
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import uvicorn
from tests.hosted.processes import OWN_SECRET, free_port, register_app

from klaviyo_mcp.accounts.connections import ConnectedAccounts
from klaviyo_mcp.authorization.service import AuthorizationServer
from klaviyo_mcp.hosted.config import hosted_config
from klaviyo_mcp.hosted.serving import hosted_service
from klaviyo_mcp.registry.registry import Registry
from klaviyo_mcp.runtime.assembly import Selection
from klaviyo_mcp.runtime.exposure import Wanted, parse_exposure
from klaviyo_mcp.runtime.settings import Settings


@dataclass
class Running:
    """A service under way. `accounts` are those that are open, whosever."""

    url: str
    accounts: ConnectedAccounts
    authorization: AuthorizationServer


@contextmanager
def running(
    klaviyo: Any, home: Path, registry: Registry, *, access_life: float = 3600.0, documents: Any = None, **settings: Any
) -> Iterator[Running]:
    """A service at a free port. `documents` has what lies at the addresses of clients' metadata documents."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    register_app(klaviyo, url)
    read = Settings(
        klaviyo_mcp_home=home,
        klaviyo_base_url=klaviyo.url,
        klaviyo_oauth_base_url=klaviyo.url,
        klaviyo_client_id=klaviyo.client_id,
        klaviyo_client_secret=klaviyo.client_secret,
        klaviyo_mcp_public_url=url,
        klaviyo_mcp_secret=OWN_SECRET,
        **{"klaviyo_mcp_quota": "off", **settings},
    )
    config = replace(hosted_config(read, registry), access_life=access_life)
    exposure = parse_exposure(Wanted(None, "", "", ""), registry, confirm=read.klaviyo_mcp_confirm)
    fetching = {"resolver": documents.resolve, "metadata_transport": documents} if documents else {}
    service = hosted_service(Selection(read, registry, exposure), config, **fetching)
    with listening(service.app, port, service.accounts.close):
        yield Running(url, service.accounts, service.authorization)


@contextmanager
def listening(app: Any, port: int, closing: Callable[[], Awaitable[None]] | None = None) -> Iterator[None]:
    """An app on a port of this machine, in a thread with a loop of its own, which does `closing` at its end."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        config = uvicorn.Config(
            app,
            log_config=None,
            log_level=logging.WARNING,
            access_log=False,
            timeout_graceful_shutdown=1,
            proxy_headers=True,
            forwarded_allow_ips="127.0.0.1",
        )
        server = uvicorn.Server(config)

        async def serving() -> None:
            await server.serve(sockets=[listener])
            if closing:
                await closing()

        thread = threading.Thread(target=lambda: asyncio.run(serving()), daemon=True)
        thread.start()
        while not server.started and thread.is_alive():
            time.sleep(0.01)
        try:
            yield
        finally:
            server.should_exit = True
            thread.join(20)
