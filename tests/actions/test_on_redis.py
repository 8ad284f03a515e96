"""What processes know together through Redis: confirmations that are used, and what the day has used of caps."""

import pytest

from klaviyo_mcp.actions.metering import CountsHere, Share
from klaviyo_mcp.actions.on_redis import ConfirmationNotChecked, CountsOnRedis, SpentOnRedis
from klaviyo_mcp.actions.policy import NotCounted
from klaviyo_mcp.klaviyo.shared_ledger import QuotaServer


async def test_a_confirmation_is_used_once_by_all(redis_server) -> None:
    one, other = QuotaServer(redis_server.url), QuotaServer(redis_server.url)
    assert await SpentOnRedis(one).spend("abc", 60)
    assert not await SpentOnRedis(other).spend("abc", 60)
    assert await SpentOnRedis(other).spend("def", 0.2)
    await one.close()
    await other.close()


async def test_a_day_is_counted_together(redis_server) -> None:
    servers = [QuotaServer(redis_server.url) for _ in range(2)]
    first, second = map(CountsOnRedis, servers)
    assert await first.take("shop", "2026-11-26", [Share("items", 60, 100)]) is None
    refused = await second.take("shop", "2026-11-26", [Share("items", 50, 100)])
    assert refused is not None
    assert (refused.share.name, refused.used) == ("items", 60)
    await first.give_back("shop", "2026-11-26", [Share("items", 60, 100)])
    assert await second.take("shop", "2026-11-26", [Share("items", 50, 100)]) is None
    assert await second.take("other", "2026-11-26", [Share("items", 100, 100)]) is None
    assert await second.take("other", "2026-11-26", []) is None
    for server in servers:
        await server.close()


async def test_without_redis_nothing_is_risked() -> None:
    server = QuotaServer("redis://127.0.0.1:1/0")
    with pytest.raises(ConfirmationNotChecked):
        await SpentOnRedis(server).spend("abc", 60)
    with pytest.raises(NotCounted):
        await CountsOnRedis(server).take("shop", "2026-11-26", [Share("items", 1, 100)])
    await server.close()


async def test_one_process_counts_alike() -> None:
    counts = CountsHere()
    assert await counts.take("shop", "2026-11-26", [Share("items", 60, 100)]) is None
    refused = await counts.take("shop", "2026-11-26", [Share("items", 50, 100)])
    assert refused is not None
    assert refused.used == 60
    await counts.give_back("shop", "2026-11-26", [Share("items", 60, 100)])
    assert await counts.take("shop", "2026-11-26", [Share("items", 100, 100)]) is None
