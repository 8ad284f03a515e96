"""Our own pacing: waits as long as a call may, and says when to come back."""

import time
from datetime import UTC, datetime

import pytest

from klaviyo_mcp.klaviyo.errors import Outcome, QuotaExhausted
from klaviyo_mcp.klaviyo.quota import Quota
from klaviyo_mcp.klaviyo.requests import Bucket, Patience

BURST = Bucket("get_lists", 2, 1)
DAILY = Bucket("create_list", 1, 86_400)


async def test_room_in_every_window_costs_no_wait() -> None:
    patience = Patience(0.0)
    await Quota().take([BURST, Bucket("get_lists", 10, 60)], patience)
    assert patience.seconds == 0.0


async def test_a_full_burst_window_is_waited_for_within_the_patience() -> None:
    quota, patience = Quota(), Patience(5.0)
    began = time.monotonic()
    for _ in range(3):
        await quota.take([BURST], patience)
    assert 0.5 < time.monotonic() - began < 3.0
    assert patience.seconds < 5.0


async def test_a_wait_that_is_too_long_is_an_error_with_the_time_to_come_back() -> None:
    quota = Quota()
    await quota.take([DAILY], Patience(30.0))
    with pytest.raises(QuotaExhausted) as error:
        await quota.take([DAILY], Patience(30.0))
    assert error.value.outcome is Outcome.NOT_SENT
    assert error.value.retry_at is not None
    assert (error.value.retry_at - datetime.now(UTC)).total_seconds() > 80_000
    assert "create_list" in error.value.message


async def test_operations_and_accounts_have_quotas_of_their_own() -> None:
    first, second = Quota(), Quota()
    await first.take([DAILY], Patience(0.0))
    await first.take([Bucket("other", 1, 86_400)], Patience(0.0))
    await second.take([DAILY], Patience(0.0))


async def test_a_shared_bucket_is_counted_across_operations() -> None:
    quota = Quota()
    shared = Bucket("additional-fields[list]=profile_count", 1, 60)
    await quota.take([Bucket("get_list", 10, 60), shared], Patience(0.0))
    with pytest.raises(QuotaExhausted, match="profile_count"):
        await quota.take([Bucket("get_lists", 10, 60), shared], Patience(0.0))


def test_waits_side_by_side_count_once() -> None:
    patience = Patience(10.0)
    for _ in range(8):
        assert patience.covers(2.0)
        patience.spend(2.0)
    assert 7.5 < patience.seconds <= 8.1
    assert not patience.covers(12.0)
