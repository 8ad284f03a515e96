"""A client against the sandbox with its limits on: all that is allowed, no 429, and other programs beside it."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import httpx2
import pytest

from klaviyo_mcp.klaviyo.client import KlaviyoClient
from klaviyo_mcp.klaviyo.credentials import ApiKeyAuth
from klaviyo_mcp.klaviyo.errors import QuotaExhausted, Throttled
from klaviyo_mcp.klaviyo.pool import HttpPool
from klaviyo_mcp.klaviyo.quota import Quota
from klaviyo_mcp.klaviyo.requests import ApiRequest, Bucket, WaitBudget
from klaviyo_sandbox import API_KEY, create_app
from klaviyo_sandbox.testing import serve

Client = Callable[[], KlaviyoClient]

LISTS = ApiRequest(
    "GET",
    "/api/lists",
    operation="get_lists",
    buckets=(Bucket("get_lists", 75, 1), Bucket("get_lists", 750, 60)),
)
ACCOUNTS = ApiRequest(
    "GET", "/api/accounts", operation="get_accounts", buckets=(Bucket("accounts", 1, 1), Bucket("accounts", 15, 60))
)


@pytest.fixture
def url() -> Iterator[str]:
    with serve(create_app(profiles=3)) as url:
        yield url


@pytest.fixture
async def client(url: str) -> AsyncIterator[Client]:
    pool = HttpPool()

    def make(quota: Quota | None = None) -> KlaviyoClient:
        return KlaviyoClient(ApiKeyAuth(API_KEY), pool, base_url=url, quota=quota or Quota())

    yield make
    await pool.close()


def statuses(url: str) -> list[int]:
    return [entry["status"] for entry in httpx2.get(f"{url}/_sandbox/requests").json()]


def other_program(url: str, path: str, times: int) -> None:
    """What another program does on the same account."""
    headers = {"Authorization": f"Klaviyo-API-Key {API_KEY}", "revision": "2026-07-15"}
    for _ in range(times):
        httpx2.get(url + path, headers=headers)


async def test_many_calls_at_once_use_the_burst_fully_and_meet_no_429(client: Client, url: str) -> None:
    one, began = client(), time.monotonic()
    await asyncio.gather(*(one.send(LISTS, WaitBudget(60)) for _ in range(200)))
    assert set(statuses(url)) == {200}
    assert time.monotonic() - began < 20


async def test_what_other_programs_use_is_taken_into_account(client: Client, url: str) -> None:
    """The answer to the first call says how many are left, so the calls after that wait, and none is refused."""
    other_program(url, "/api/lists", 72)
    one, budgets = client(), [WaitBudget(10) for _ in range(6)]
    for budget in budgets:
        await one.send(LISTS, budget)
    assert set(statuses(url)) == {200}


async def test_a_429_that_others_caused_is_waited_out_once_for_all_callers(client: Client, url: str) -> None:
    other_program(url, "/api/accounts", 1)
    one, budgets = client(), [WaitBudget(10) for _ in range(3)]
    await asyncio.gather(*(one.send(ACCOUNTS, budget) for budget in budgets))
    assert statuses(url).count(429) <= 1
    assert all(budget.waited < 9 for budget in budgets)
    assert budgets[2].reasons


async def test_after_a_429_with_a_long_wait_nothing_is_sent_in_vain(client: Client, url: str) -> None:
    faults: list[dict[str, Any]] = [
        {"operation": "get_accounts", "fault": "status", "retry_after": 40, "count": 1, "status": 429}
    ]
    made = httpx2.post(f"{url}/_sandbox/faults", json=faults)
    assert made.is_success, made.text
    quota = Quota()
    with pytest.raises(Throttled):
        await client(quota).send(ACCOUNTS, WaitBudget(5))
    for _ in range(3):
        with pytest.raises(QuotaExhausted, match="asked for a pause before accounts"):
            await client(quota).send(ACCOUNTS, WaitBudget(5))
    assert statuses(url) == [429]
