"""Our own pacing: waits as long as a call may, and says when to come back."""

import asyncio
import time
from datetime import UTC, datetime
from typing import Any

import pytest

from klaviyo_mcp.klaviyo.errors import AllowanceExhausted, QuotaExhausted, RequestOutcome
from klaviyo_mcp.klaviyo.quota import Quota
from klaviyo_mcp.klaviyo.requests import Bucket, WaitBudget

BURST = Bucket("get_lists", 2, 1)
DAILY = Bucket("create_list", 1, 86_400)


async def test_room_in_every_window_costs_no_wait() -> None:
    budget = WaitBudget(0.0)
    await Quota().take([BURST, Bucket("get_lists", 10, 60)], budget)
    assert budget.waited == 0.0


async def test_a_full_burst_window_is_waited_for_within_the_patience() -> None:
    quota, budget = Quota(), WaitBudget(5.0)
    began = time.monotonic()
    for _ in range(3):
        await (await quota.take([BURST], budget)).answered(200, {})
    assert 0.5 < time.monotonic() - began < 3.0
    assert 0.5 < budget.waited < 3.0
    assert budget.reasons == ["Klaviyo allows 2 requests per second for get_lists"]


async def test_a_wait_that_is_too_long_is_an_error_with_the_time_to_come_back() -> None:
    quota = Quota()
    await quota.take([DAILY], WaitBudget(30.0))
    with pytest.raises(QuotaExhausted) as error:
        await quota.take([DAILY], WaitBudget(30.0))
    assert error.value.outcome is RequestOutcome.NOT_SENT
    assert error.value.retry_at is not None
    assert (error.value.retry_at - datetime.now(UTC)).total_seconds() > 80_000
    assert "create_list" in error.value.message


async def test_operations_and_accounts_have_quotas_of_their_own() -> None:
    first, second = Quota(), Quota()
    await first.take([DAILY], WaitBudget(0.0))
    await first.take([Bucket("other", 1, 86_400)], WaitBudget(0.0))
    await second.take([DAILY], WaitBudget(0.0))


async def test_a_shared_bucket_is_counted_across_operations() -> None:
    quota = Quota()
    shared = Bucket("additional-fields[list]=profile_count", 1, 60)
    await quota.take([Bucket("get_list", 10, 60), shared], WaitBudget(0.0))
    with pytest.raises(QuotaExhausted, match="profile_count"):
        await quota.take([Bucket("get_lists", 10, 60), shared], WaitBudget(0.0))


async def test_waits_side_by_side_count_once() -> None:
    budget = WaitBudget(10.0)
    await asyncio.gather(*(budget.sleep(0.2, "a test") for _ in range(8)))
    assert 0.15 < budget.waited < 1.0
    assert not budget.covers(9.9)
    assert budget.reasons == ["a test"]


async def test_a_client_is_told_of_a_wait_that_it_would_notice() -> None:
    told: list[tuple[float, float, str]] = []

    async def announce(*words: Any) -> None:
        told.append(words)

    budget = WaitBudget(10.0, announce)
    await asyncio.gather(*(budget.sleep(1.2, "Klaviyo allows so many") for _ in range(4)))
    await budget.sleep(0.1, "nothing to speak of")
    ((waited, in_all, reason),) = told
    assert waited < 0.5 < in_all
    assert reason == "Klaviyo allows so many"


async def test_nothing_is_counted_where_another_window_refuses() -> None:
    quota, burst, steady = Quota(), Bucket("get_lists", 3, 1), Bucket("get_lists", 1, 60)
    await quota.take([burst, steady], WaitBudget(0.0))
    for _ in range(5):
        with pytest.raises(QuotaExhausted, match="per minute"):
            await quota.take([burst, steady], WaitBudget(0.0))
    for _ in range(2):
        await quota.take([burst], WaitBudget(0.0))


async def test_a_request_that_never_left_is_not_counted() -> None:
    quota = Quota()
    turn = await quota.take([DAILY], WaitBudget(0.0))
    await turn.give_back()
    await quota.take([DAILY], WaitBudget(0.0))


async def test_a_request_counts_for_a_whole_window_after_its_answer() -> None:
    """It came to Klaviyo between leaving and its answer, and where Klaviyo's window starts cannot be seen."""
    quota, bucket = Quota(), Bucket("get_lists", 1, 1)
    turn = await quota.take([bucket], WaitBudget(0.0))
    await asyncio.sleep(0.5)
    await turn.answered(200, {})
    answered = time.monotonic()
    await quota.take([bucket], WaitBudget(5.0))
    assert time.monotonic() - answered >= 0.99


async def served(quota: Quota, name: str, order: list[str], **options: Any) -> None:
    turn = await quota.take([Bucket("get_lists", 2, 1)], WaitBudget(30.0), **options)
    order.append(name)
    await turn.answered(200, {})


async def test_who_came_first_is_served_first() -> None:
    quota, order = Quota(), list[str]()
    await asyncio.gather(*(served(quota, name, order) for name in "abcdef"))
    assert order == [*"abcdef"]


async def test_who_is_cancelled_leaves_the_turn_to_the_next() -> None:
    quota, order = Quota(), list[str]()
    tasks = [asyncio.create_task(served(quota, name, order)) for name in "abcdef"]
    await asyncio.sleep(0.1)
    for cancelled in (tasks[2], tasks[4]):  # the one at the head, and one in the middle
        cancelled.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert order == [*"abdf"]


async def test_a_request_that_was_refused_stands_before_those_that_wait() -> None:
    quota, order = Quota(), list[str]()
    tasks = [asyncio.create_task(served(quota, name, order)) for name in "abcd"]
    await asyncio.sleep(0.1)
    tasks.append(asyncio.create_task(served(quota, "again", order, again=True)))
    await asyncio.gather(*tasks)
    assert order == ["a", "b", "c", "again", "d"]


async def test_who_would_wait_too_long_behind_the_others_is_told_at_once() -> None:
    quota, bucket = Quota(), Bucket("get_lists", 1, 1)
    waiting = [asyncio.create_task(quota.take([bucket], WaitBudget(30.0))) for _ in range(6)]
    await asyncio.sleep(0.05)
    began = time.monotonic()
    with pytest.raises(QuotaExhausted) as error:
        await quota.take([bucket], WaitBudget(3.0))
    assert time.monotonic() - began < 1.0
    assert error.value.retry_at is not None
    assert 4 < (error.value.retry_at - datetime.now(UTC)).total_seconds() < 8
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)


async def test_who_waits_for_a_shared_allowance_holds_up_nobody_else() -> None:
    quota, own, shared = Quota(), Bucket("get_list", 10, 1), Bucket("additional-fields[list]=profile_count", 1, 1)
    await quota.take([own, shared], WaitBudget(0.0))
    waiting = asyncio.create_task(quota.take([own, shared], WaitBudget(5.0)))
    await asyncio.sleep(0.05)
    await quota.take([own], WaitBudget(0.0))
    assert not waiting.done()
    await waiting


async def test_klaviyo_is_believed_when_it_says_that_fewer_are_left() -> None:
    quota, steady = Quota(), Bucket("get_lists", 150, 60)
    buckets = [Bucket("get_lists", 10, 1), steady]
    turn = await quota.take(buckets, WaitBudget(0.0))
    spoken = {"RateLimit-Limit": "150, 10;w=1, 150;w=60", "RateLimit-Remaining": "0", "RateLimit-Reset": "22"}
    await turn.answered(200, spoken)
    with pytest.raises(QuotaExhausted, match="per minute") as error:
        await quota.take(buckets, WaitBudget(5.0))
    assert error.value.retry_at is not None
    assert 20 < (error.value.retry_at - datetime.now(UTC)).total_seconds() < 25


async def test_a_day_ends_when_klaviyo_says_so() -> None:
    quota, daily = Quota(), Bucket("query_flow_values", 2, 86_400)
    for left in (1, 0):
        turn = await quota.take([daily], WaitBudget(0.0))
        limits = {"RateLimit-Limit": "1, 1;w=1, 2;w=60, 2;w=86400", "RateLimit-Remaining-Daily": str(left)}
        await turn.answered(200, {**limits, "RateLimit-Reset-Daily": "0"})
    await quota.take([daily], WaitBudget(3.0))


async def test_limits_that_are_others_for_this_account_are_learned() -> None:
    quota, burst = Quota(), Bucket("get_lists", 10, 1)
    turn = await quota.take([burst], WaitBudget(0.0))
    await turn.answered(200, {"RateLimit-Limit": "2, 2;w=1, 30;w=60"})
    await quota.take([burst], WaitBudget(0.0))
    with pytest.raises(QuotaExhausted, match="allows 2 requests per second"):
        await quota.take([burst], WaitBudget(0.0))


async def test_what_klaviyo_says_of_a_shared_allowance_is_not_said_of_the_operation() -> None:
    quota, own = Quota(), [Bucket("get_list", 75, 1), Bucket("get_list", 750, 60)]
    shared = [Bucket("profile_count", 1, 1), Bucket("profile_count", 15, 60)]
    turn = await quota.take([*own, *shared], WaitBudget(0.0))
    spoken = {"RateLimit-Limit": "15, 1;w=1, 15;w=60", "RateLimit-Remaining": "0", "RateLimit-Reset": "40"}
    await turn.answered(200, spoken)
    with pytest.raises(AllowanceExhausted, match="profile_count"):
        await quota.take([*own, *shared], WaitBudget(0.0))
    await quota.take(own, WaitBudget(0.0))


async def test_a_429_is_a_pause_for_every_caller_of_that_operation() -> None:
    quota, other = Quota(), Bucket("get_segments", 10, 1)
    turn = await quota.take([Bucket("get_lists", 10, 1)], WaitBudget(0.0))
    await turn.answered(429, {"Retry-After": "40"})
    with pytest.raises(QuotaExhausted, match="asked for a pause before get_lists") as error:
        await quota.take([Bucket("get_lists", 10, 1)], WaitBudget(5.0))
    assert error.value.retry_at is not None
    assert 38 < (error.value.retry_at - datetime.now(UTC)).total_seconds() < 43
    await quota.take([other], WaitBudget(0.0))


@pytest.mark.parametrize(("status", "klaviyos"), [(429, False), (503, True)])
async def test_a_long_pause_is_believed_of_klaviyos_429_alone(status: int, klaviyos: bool) -> None:
    quota = Quota()
    turn = await quota.take([Bucket("get_lists", 10, 1)], WaitBudget(0.0))
    await turn.answered(status, {"Retry-After": "80000"}, klaviyos=klaviyos)
    with pytest.raises(QuotaExhausted) as error:
        await quota.take([Bucket("get_lists", 10, 1)], WaitBudget(5.0))
    assert error.value.retry_at is not None
    assert (error.value.retry_at - datetime.now(UTC)).total_seconds() < 62
