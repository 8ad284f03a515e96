"""Our own pacing: waits as long as a call may, and says when to come back."""

import time
from datetime import UTC, datetime

import pytest

from klaviyo_mcp.klaviyo.errors import QuotaExhausted, RequestOutcome
from klaviyo_mcp.klaviyo.quota import Quota
from klaviyo_mcp.klaviyo.requests import Bucket, WaitBudget

BURST = Bucket("get_lists", 2, 1)
DAILY = Bucket("create_list", 1, 86_400)


async def test_room_in_every_window_costs_no_wait() -> None:
    budget = WaitBudget(0.0)
    await Quota().take([BURST, Bucket("get_lists", 10, 60)], budget)
    assert budget.seconds == 0.0


async def test_a_full_burst_window_is_waited_for_within_the_patience() -> None:
    quota, budget = Quota(), WaitBudget(5.0)
    began = time.monotonic()
    for _ in range(3):
        await quota.take([BURST], budget)
    assert 0.5 < time.monotonic() - began < 3.0
    assert budget.seconds < 5.0


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


def test_waits_side_by_side_count_once() -> None:
    budget = WaitBudget(10.0)
    for _ in range(8):
        assert budget.covers(2.0)
        budget.spend(2.0, "a test")
    assert 7.5 < budget.seconds <= 8.1
    assert not budget.covers(12.0)
