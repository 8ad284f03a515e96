"""Authorization servers on a store of files, with the sandbox as Klaviyo."""

import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.authorization.driving import ISSUER, App, Clock, Documents, Service, new_service

from klaviyo_mcp.accounts.endpoint import Endpoint
from klaviyo_mcp.accounts.vault import Vault


@pytest.fixture(autouse=True)
def everything_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """Every library logs all it can, and conftest searches that for secrets."""
    caplog.set_level(logging.DEBUG)


@pytest.fixture
def fresh(klaviyo: Any) -> Any:
    """The sandbox without faults, whose app returns to the authorization server."""
    klaviyo.begin()
    klaviyo.control(
        "oauth/apps",
        client_id=klaviyo.client_id,
        client_secret=klaviyo.client_secret,
        redirect_uris=[klaviyo.redirect_uri, f"{ISSUER}/oauth/klaviyo/callback"],
    )
    return klaviyo


@pytest.fixture
async def service(vault: Vault, fresh: Any) -> AsyncIterator[Service]:
    async with Endpoint(fresh.url) as endpoint:
        yield new_service(vault, fresh, Clock(), Documents(), endpoint)


@pytest.fixture
async def app(service: Service) -> App:
    """A public client that has registered itself."""
    return App(service, (await service.register(client_name="Juniper"))["client_id"])
