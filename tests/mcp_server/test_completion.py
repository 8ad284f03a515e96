"""Completion of names: never more than the protocol takes, never more than the account's listing bears."""

from typing import Any

import httpx2
import mcp.types as types
import pytest

from klaviyo_mcp.accounts.account import OneAccount, open_account
from klaviyo_mcp.accounts.endpoint import Endpoint
from klaviyo_mcp.actions.engine import Engine
from klaviyo_mcp.klaviyo.pool import HttpPool
from klaviyo_mcp.mcp_server.completion import Completions
from klaviyo_mcp.mcp_server.prompts import Prompts
from klaviyo_mcp.registry.registry import Registry
from klaviyo_mcp.runtime.exposure import Exposure, parse_exposure
from klaviyo_sandbox import API_KEY, create_app


class Counting(httpx2.AsyncBaseTransport):
    """The sandbox, and how many requests it has had."""

    def __init__(self) -> None:
        self.inner = httpx2.ASGITransport(app=create_app(rate_limits=False))
        self.count = 0

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self.count += 1
        return await self.inner.handle_async_request(request)


@pytest.fixture
def klaviyo_here() -> Counting:
    return Counting()


@pytest.fixture
def accounts(klaviyo_here: Counting) -> OneAccount:
    endpoint = Endpoint("http://sandbox", HttpPool(klaviyo_here), pace=False)
    return OneAccount(open_account("sandbox", endpoint, api_key=API_KEY), endpoint)


def completions(registry: Registry, exposure: Exposure | None = None) -> Completions:
    exposure = exposure or Exposure()
    return Completions(Engine(registry), exposure, Prompts(registry, exposure))


async def lists(made: Completions, accounts: Any, typed: str, **given: str) -> types.Completion:
    params = types.CompleteRequestParams(
        ref=types.PromptReference(name="list_hygiene"),
        argument=types.CompletionArgument(name="list", value=typed),
        context=types.CompletionContext(arguments=given),
    )
    return await made.complete(params, accounts)


async def make_lists(klaviyo: Counting, *names: str) -> None:
    headers = {"Authorization": f"Klaviyo-API-Key {API_KEY}", "revision": "2026-07-15"}
    async with httpx2.AsyncClient(transport=klaviyo.inner, base_url="http://sandbox", headers=headers) as client:
        for name in names:
            made = await client.post("/api/lists", json={"data": {"type": "list", "attributes": {"name": name}}})
            assert made.status_code == 201, made.text


async def test_what_begins_as_typed_comes_before_what_holds_it(registry, accounts, klaviyo_here) -> None:
    await make_lists(klaviyo_here, "All news", "News of the shop")
    found = await lists(completions(registry), accounts, "NEWS")
    assert set(found.values[:2]) == {"Newsletter", "News of the shop"}
    assert found.values[2:] == ["All news"]
    assert (found.total, found.has_more) == (3, False)


async def test_a_hundred_values_at_most_and_it_is_told_that_there_may_be_more(registry, accounts, klaviyo_here) -> None:
    await make_lists(klaviyo_here, *(f"Made {number:03}" for number in range(105)))
    found = await lists(completions(registry), accounts, "")
    assert len(found.values) == 100
    assert (found.total, found.has_more) == (None, True)
    assert klaviyo_here.count == 10


async def test_names_are_read_once_for_many_keys_that_are_pressed(registry, accounts, klaviyo_here) -> None:
    made = completions(registry)
    for typed in ("", "N", "Ne", "New", "V"):
        assert (await lists(made, accounts, typed)).values
    assert klaviyo_here.count == 1


async def test_what_may_not_be_read_is_not_completed(registry, accounts, klaviyo_here) -> None:
    for exposure in (Exposure(frozenset({"profiles"})), parse_exposure("all", registry)):
        made = completions(registry, exposure)
        assert bool((await lists(made, accounts, "")).values) == (exposure.toolsets is None)
    assert (await lists(completions(registry), accounts, "", account="another")).values == []
    assert klaviyo_here.count == 1
