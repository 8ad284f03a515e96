"""Vaults and connections in them, made against the sandbox whose secrets can be told apart."""

import logging
import time
from collections.abc import Callable
from typing import Any

import pytest

from klaviyo_mcp.accounts.connect import join, whose
from klaviyo_mcp.accounts.connections import ConnectedAccounts
from klaviyo_mcp.accounts.endpoint import Endpoint
from klaviyo_mcp.accounts.oauth import klaviyo_app
from klaviyo_mcp.accounts.records import Connection, Secret
from klaviyo_mcp.accounts.tokens import new_grant
from klaviyo_mcp.accounts.vault import Vault
from klaviyo_mcp.klaviyo.requests import ApiRequest, WaitBudget


@pytest.fixture(autouse=True)
def everything_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """Every library logs all it can, and conftest searches that for secrets."""
    caplog.set_level(logging.DEBUG)


@pytest.fixture
def fresh(klaviyo: Any) -> Any:
    """The sandbox without faults and with the settings it begins with."""
    klaviyo.begin()
    return klaviyo


@pytest.fixture
def connect(fresh: Any) -> Callable[..., Any]:
    """`await connect(vault)`: an OAuth connection in the vault, consented to by itself."""

    async def make(
        vault: Vault, company: str = "DEMO01", *, scopes: str = "accounts:read lists:read lists:write", **more: Any
    ) -> Connection:
        app = klaviyo_app(fresh.client_id, Secret(fresh.client_secret), base_url=fresh.url)
        consent = app.consent(fresh.redirect_uri, scopes.split())
        grant = new_grant(app, await app.exchange(fresh.code(consent.url, company), consent))
        async with Endpoint(fresh.url) as endpoint:
            found = await whose(grant, endpoint)
        return await join(vault, grant, found, base_url=fresh.url, **{"name": None, **more})

    return make


@pytest.fixture
def read() -> Callable[..., Any]:
    """`await read(accounts, name)` gives the id of the company that answers."""

    async def call(accounts: ConnectedAccounts, name: str | None = None) -> str:
        account = await accounts.find(name)
        reply = await account.client.send(ApiRequest("GET", "/api/accounts"), WaitBudget(5))
        return reply.document["data"][0]["id"]

    return call


@pytest.fixture
def age() -> Callable[..., Any]:
    """`await age(vault, name)`: the access token in the vault is about to expire, or has."""

    async def change(vault: Vault, name: str, seconds: float = -1.0, **changes: Any) -> None:
        connection = await vault.read(name)
        assert connection is not None
        async with vault.lock(name):
            now = time.time()
            await vault.write(connection.with_grant(expires_at=now + seconds, refreshed_at=now - 3600, **changes))

    return change
