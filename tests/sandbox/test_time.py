"""Time that runs faster than the machine's."""

import time
from datetime import timedelta

import pytest

from klaviyo_sandbox import ManualClock, create_app
from klaviyo_sandbox.clock import ScaledClock


def now(sandbox):
    return sandbox.get("/_sandbox/clock", key=None).json()["now"]


def test_at_60_times_the_speed_a_minute_passes_in_a_second(make_sandbox):
    sandbox = make_sandbox(speed=60)
    assert now(sandbox) == "2026-11-16T12:00:00+00:00"
    sandbox.clock.advance(1)
    assert now(sandbox) == "2026-11-16T12:01:00+00:00"


def test_rate_limits_and_delayed_work_follow_the_faster_clock(make_sandbox):
    sandbox = make_sandbox(speed=60, rate_limits=True, estimation_seconds=600.0)
    campaign = sandbox.data("/api/campaigns")[0]["id"]
    job = {"data": {"type": "campaign-recipient-estimation-job", "id": campaign}}
    sandbox.post("/api/campaign-recipient-estimation-jobs", job)
    assert [sandbox.get("/api/accounts").status_code for _ in range(2)] == [200, 429]
    sandbox.clock.advance(1 / 60)
    assert sandbox.get("/api/accounts").status_code == 200
    sandbox.clock.advance(9)
    assert sandbox.get(f"/api/campaign-recipient-estimations/{campaign}").status_code == 404
    sandbox.clock.advance(1)
    assert sandbox.get(f"/api/campaign-recipient-estimations/{campaign}").status_code == 200


def test_moving_the_clock_by_hand_is_in_the_sandboxs_own_seconds(make_sandbox):
    sandbox = make_sandbox(speed=60)
    sandbox.post("/_sandbox/clock", {"advance": 30})
    assert now(sandbox) == "2026-11-16T12:00:30+00:00"


def test_it_runs_over_the_machines_clock():
    base = ManualClock()
    clock = ScaledClock(base, 3600)
    started = clock.now()
    base.advance(0.5)
    assert clock.now() - started == timedelta(minutes=30)


def test_without_a_clock_it_is_the_machines_that_runs_faster(make_sandbox):
    sandbox = make_sandbox(speed=100_000, clock=None)
    before = now(sandbox)
    time.sleep(0.05)
    assert now(sandbox) > before


@pytest.mark.parametrize("speed", [0, -1, float("inf"), float("nan")])
def test_time_cannot_stand_still_or_run_backwards(speed):
    with pytest.raises(ValueError, match="positive"):
        create_app(speed=speed)
