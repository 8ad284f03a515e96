"""A process that has to stop: each request that is under way says whether it was sent."""

import anyio
import pytest

from klaviyo_mcp.klaviyo import errors
from klaviyo_mcp.klaviyo.client import KlaviyoClient
from klaviyo_mcp.klaviyo.credentials import ApiKeyAuth
from klaviyo_mcp.klaviyo.errors import RequestOutcome
from klaviyo_mcp.klaviyo.pool import HttpPool
from klaviyo_mcp.klaviyo.quota import Quota
from klaviyo_mcp.klaviyo.requests import ApiRequest, Bucket, WaitBudget

POST = ApiRequest("POST", "/api/lists", body={"data": {"type": "list"}}, operation="create_list")
BUSY = b"HTTP/1.1 429 Busy\r\nX-Klaviyo-Req-Id: 1\r\nRetry-After: 20\r\nContent-Length: 0\r\n\r\n"


async def interrupted(pool: HttpPool, client: KlaviyoClient, request: ApiRequest = POST, after: float = 0.2):
    """The error of a request that is broken off while it is under way."""
    found: list[errors.KlaviyoError] = []

    async def send() -> None:
        with pytest.raises(errors.KlaviyoError) as error:
            await client.send(request, WaitBudget(60))
        found.append(error.value)

    with anyio.fail_after(10):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(send)
            await anyio.sleep(after)
            pool.interruptions.interrupt()
    await pool.close()
    return found[0]


async def test_a_request_without_an_answer_may_have_been_carried_out(answering) -> None:
    async with answering(b"") as wire:
        pool = HttpPool()
        error = await interrupted(pool, KlaviyoClient(ApiKeyAuth("pk_x"), pool, base_url=wire_url(wire)))
    assert isinstance(error, errors.StoppedWhile)
    assert error.outcome is RequestOutcome.UNKNOWN
    assert len(wire.requests) == 1


async def test_a_request_that_klaviyo_told_to_wait_was_not_sent(answering) -> None:
    async with answering(BUSY) as wire:
        pool = HttpPool()
        error = await interrupted(pool, KlaviyoClient(ApiKeyAuth("pk_x"), pool, base_url=wire_url(wire)), after=1.0)
    assert isinstance(error, errors.StoppedBefore)
    assert error.outcome is RequestOutcome.NOT_SENT


async def test_a_request_that_waits_for_quota_was_not_sent(answering) -> None:
    paced = ApiRequest("POST", "/api/lists", body={}, buckets=(Bucket("lists", 1, 60),))
    async with answering(BUSY) as wire:
        pool, quota = HttpPool(), Quota()
        await quota.take(paced.buckets, WaitBudget(0))
        client = KlaviyoClient(ApiKeyAuth("pk_x"), pool, base_url=wire_url(wire), quota=quota)
        error = await interrupted(pool, client, paced)
    assert isinstance(error, errors.StoppedBefore)
    assert wire.requests == []


async def test_what_begins_afterwards_is_not_sent(answering) -> None:
    async with answering(BUSY) as wire:
        pool = HttpPool()
        pool.interruptions.interrupt()
        error = await interrupted(pool, KlaviyoClient(ApiKeyAuth("pk_x"), pool, base_url=wire_url(wire)))
    assert isinstance(error, errors.StoppedBefore)
    assert wire.requests == []


def wire_url(wire) -> str:
    return f"http://127.0.0.1:{wire.port}"
