"""One server for many companies: whose accounts a request is about is asked for each request."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client
from starlette.applications import Starlette

from klaviyo_mcp.accounts.account import OneAccount, open_account
from klaviyo_mcp.accounts.endpoint import Endpoint
from klaviyo_mcp.accounts.permissions import GrantedAccess
from klaviyo_mcp.actions.engine import Engine
from klaviyo_mcp.mcp_server.http import http_app
from klaviyo_mcp.mcp_server.server import make_server
from klaviyo_mcp.mcp_server.tools import Listing
from klaviyo_mcp.runtime.exposure import Exposure
from klaviyo_mcp.runtime.settings import Settings
from klaviyo_sandbox import API_KEY, COMPANY_ID, OTHER_API_KEY


@pytest.fixture
async def app(klaviyo: Any, registry: Any) -> AsyncIterator[Starlette]:
    """A server that tells companies apart by a header, as one that is hosted would by a token."""
    klaviyo.begin()
    async with Endpoint(klaviyo.url) as endpoint:
        little = GrantedAccess("other", lambda: ["tags:read"])
        accounts = {
            "one": OneAccount(open_account("one", endpoint, api_key=API_KEY), endpoint),
            "other": OneAccount(open_account("other", endpoint, api_key=OTHER_API_KEY, access=little), endpoint),
        }
        listing = Listing(registry, Exposure(frozenset({"accounts", "tags"}), hide_unavailable=True))
        made = make_server(Engine(registry), lambda context: accounts[context.request.headers["x-company"]], listing)
        served = http_app(made, Settings(), tools=1)
        async with served.router.lifespan_context(served):
            yield served


async def ask(app: Starlette, company: str) -> tuple[set[str], Any]:
    headers, transport = {"x-company": company}, httpx2.ASGITransport(app=app)
    async with (
        httpx2.AsyncClient(transport=transport, headers=headers) as http,
        Client(streamable_http_client("http://localhost/mcp", http_client=http)) as client,
    ):
        names = {tool.name for tool in (await client.list_tools()).tools}
        return names, (await client.call_tool("get_accounts", {})).structured_content


async def test_each_request_is_answered_for_its_own_company(app) -> None:
    (seen, one), (other_seen, refused) = await asyncio.gather(ask(app, "one"), ask(app, "other"))
    assert one["records"][0]["id"] == COMPANY_ID
    assert refused["error"]["code"] == "scope_missing"
    assert "create_tag" in seen
    assert {"get_tags"} <= other_seen
    assert "create_tag" not in other_seen
