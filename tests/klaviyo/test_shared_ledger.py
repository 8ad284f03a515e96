"""One ledger on Redis for several processes: shared, in order of atomic turns, and never a reason to fail."""

import asyncio
import logging
import time

import pytest

from klaviyo_mcp.klaviyo.errors import QuotaExhausted
from klaviyo_mcp.klaviyo.quota import Quota
from klaviyo_mcp.klaviyo.requests import Bucket, WaitBudget
from klaviyo_mcp.klaviyo.shared_ledger import QuotaServer

BURST = Bucket("get_lists", 3, 1)
STEADY = Bucket("get_lists", 4, 60)
NOW = WaitBudget(0.0)


class Machines:
    """As many processes as a test likes, each with connections of its own, and one account."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.servers: list[QuotaServer] = []

    def quota(self, owner: str = "DEMO01") -> Quota:
        self.servers.append(QuotaServer(self.url, away=0.2))
        return Quota(self.servers[-1].ledger(owner))


@pytest.fixture
async def machines(redis_server):
    made = Machines(redis_server.url)
    yield made
    for server in made.servers:
        await server.close()


async def test_machines_share_one_quota_and_accounts_do_not(machines) -> None:
    one, other, foreign = machines.quota(), machines.quota(), machines.quota("OTHER1")
    for quota in (one, other, one, other):
        await (await quota.take([STEADY], NOW)).answered(200, {})
    for quota in (one, other):
        with pytest.raises(QuotaExhausted, match="4 requests per minute for get_lists") as error:
            await quota.take([STEADY], WaitBudget(20.0))
        assert error.value.retry_at is not None
    await foreign.take([STEADY], NOW)


async def test_nothing_is_counted_where_another_window_refuses(machines) -> None:
    quota, burst, steady = machines.quota(), Bucket("get_lists", 3, 1), Bucket("get_lists", 1, 60)
    await quota.take([burst, steady], NOW)
    for _ in range(5):
        with pytest.raises(QuotaExhausted, match="per minute"):
            await machines.quota().take([burst, steady], NOW)
    await machines.quota().take([burst], NOW)
    await quota.take([burst], NOW)


async def test_waits_end_when_there_is_room_wherever_it_was_used(machines) -> None:
    one, other = machines.quota(), machines.quota()

    async def answered(quota: Quota) -> None:
        turn = await quota.take([BURST], WaitBudget(20.0))
        await turn.answered(200, {})

    began = time.monotonic()
    await asyncio.gather(*(answered((one, other)[number % 2]) for number in range(8)))
    assert time.monotonic() - began >= 2.0


async def test_what_never_left_is_given_back_to_all_also_by_a_call_that_is_cancelled(machines) -> None:
    one, other, daily = machines.quota(), machines.quota(), Bucket("create_list", 1, 86_400)
    await (await one.take([daily], NOW)).give_back()
    await (await other.take([daily], NOW)).give_back()
    for _ in range(20):
        task = asyncio.create_task(one.take([daily], NOW))
        await asyncio.sleep(0.0005)
        task.cancel()
        if not isinstance(turn := (await asyncio.gather(task, return_exceptions=True))[0], BaseException):
            await turn.give_back()
    await other.take([daily], NOW)


async def test_what_klaviyo_says_to_one_is_known_to_all(machines) -> None:
    one, other = machines.quota(), machines.quota()
    turn = await one.take([BURST, STEADY], NOW)
    spoken = {"RateLimit-Limit": "4, 3;w=1, 4;w=60", "RateLimit-Remaining": "0", "RateLimit-Reset": "30"}
    await turn.answered(200, spoken)
    with pytest.raises(QuotaExhausted, match="per minute"):
        await other.take([BURST, STEADY], WaitBudget(10.0))
    turn = await one.take([Bucket("get_tags", 3, 1)], NOW)
    await turn.answered(429, {"Retry-After": "40"})
    with pytest.raises(QuotaExhausted, match="asked for a pause before get_tags"):
        await other.take([Bucket("get_tags", 3, 1)], WaitBudget(10.0))


async def test_a_day_ends_for_all_when_klaviyo_says_so(machines) -> None:
    one, other, daily = machines.quota(), machines.quota(), Bucket("query_flow_values", 2, 86_400)
    for left in (1, 0):
        turn = await one.take([daily], NOW)
        limits = {"RateLimit-Limit": "1, 1;w=1, 2;w=60, 2;w=86400", "RateLimit-Remaining-Daily": str(left)}
        await turn.answered(200, {**limits, "RateLimit-Reset-Daily": "0"})
    await other.take([daily], WaitBudget(3.0))


async def test_without_redis_calls_go_on_by_themselves_and_return_to_it(machines, redis_server, caplog) -> None:
    """Counts of this process go on, so nobody sends more than allowed for that. One warning is enough."""
    one, other = machines.quota(), machines.quota()
    await (await one.take([STEADY], NOW)).answered(200, {})
    await (await other.take([STEADY], NOW)).answered(200, {})
    redis_server.stop()
    with caplog.at_level(logging.INFO, "klaviyo_mcp"):
        for _ in range(3):
            await (await one.take([STEADY], NOW)).answered(200, {})
        with pytest.raises(QuotaExhausted):
            await one.take([STEADY], NOW)
        (warning,) = [record.getMessage() for record in caplog.records]
        assert warning.startswith(f"Redis at 127.0.0.1:{redis_server.port} does not answer")
        redis_server.start()
        await asyncio.sleep(0.3)
        await (await one.take([Bucket("get_tags", 1, 60)], NOW)).answered(200, {})
        assert "answers again" in caplog.records[-1].getMessage()
    with pytest.raises(QuotaExhausted):
        await machines.quota().take([Bucket("get_tags", 1, 60)], NOW)


async def test_a_redis_that_is_silent_costs_one_call_a_second() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    listener = await asyncio.start_server(silent, "127.0.0.1", 0)
    server = QuotaServer(f"redis://:pass-word@127.0.0.1:{listener.sockets[0].getsockname()[1]}/0")
    quota, began = Quota(server.ledger("DEMO01")), time.monotonic()
    for _ in range(3):
        await (await quota.take([STEADY], NOW)).answered(200, {})
    assert time.monotonic() - began < 4.0
    assert "pass-word" not in repr(server)
    await server.close()
    listener.close()
