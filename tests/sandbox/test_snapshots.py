"""Copies of the whole state, and what processes that share a state file share."""

import pytest


def test_restoring_a_snapshot_undoes_everything_since(sandbox):
    before = sandbox.walk("/api/lists")
    kept = sandbox.create_list("Kept")
    assert sandbox.post("/_sandbox/snapshot", {"name": "first"}).json() == {"name": "first"}
    sandbox.delete(f"/api/lists/{kept}")
    lost = sandbox.create_list("Lost")
    sandbox.add_to_list(lost, sandbox.data("/api/profiles")[0]["id"])
    assert sandbox.post("/_sandbox/restore", {"name": "first"}).status_code == 200
    assert sandbox.get(f"/api/lists/{kept}").status_code == 200
    assert sandbox.get(f"/api/lists/{lost}").status_code == 404
    assert len(sandbox.walk("/api/lists")) == len(before) + 1
    assert sandbox.create_list("Lost") == lost


def test_a_snapshot_can_be_restored_any_number_of_times_and_survives_a_reset(sandbox):
    sandbox.post("/_sandbox/snapshot", {"name": "empty-handed"})
    for _ in range(2):
        group = sandbox.create_list("New")
        sandbox.post("/_sandbox/restore", {"name": "empty-handed"})
        assert sandbox.get(f"/api/lists/{group}").status_code == 404
    sandbox.post("/_sandbox/reset", None)
    assert sandbox.post("/_sandbox/restore", {"name": "empty-handed"}).status_code == 200


def test_a_snapshot_may_be_taken_again_under_its_name(sandbox):
    sandbox.post("/_sandbox/snapshot", {"name": "a"})
    group = sandbox.create_list("New")
    sandbox.post("/_sandbox/snapshot", {"name": "a"})
    sandbox.post("/_sandbox/snapshot", {"name": "b"})
    sandbox.delete(f"/api/lists/{group}")
    sandbox.post("/_sandbox/restore", {"name": "a"})
    assert sandbox.get(f"/api/lists/{group}").status_code == 200
    assert sandbox.get("/_sandbox/snapshots", key=None).json() == ["a", "b"]


def test_pending_work_is_part_of_it_and_done_when_it_is_due(make_sandbox):
    sandbox = make_sandbox(estimation_seconds=60.0)
    campaign = sandbox.data("/api/campaigns")[0]["id"]
    job = {"data": {"type": "campaign-recipient-estimation-job", "id": campaign}}
    sandbox.post("/api/campaign-recipient-estimation-jobs", job)
    sandbox.post("/_sandbox/snapshot", {"name": "counting"})
    sandbox.clock.advance(60)
    sandbox.post("/_sandbox/restore", {"name": "counting"})
    assert sandbox.get(f"/api/campaign-recipient-estimations/{campaign}").status_code == 200


def test_an_unknown_snapshot_is_not_found(sandbox):
    sandbox.post("/_sandbox/snapshot", {"name": "there"})
    answer = sandbox.post("/_sandbox/restore", {"name": "elsewhere"})
    assert answer.status_code == 404
    assert "there" in answer.json()["error"]


@pytest.mark.parametrize("name", ["", 'a"; DROP TABLE list', "a:b", "x" * 41, None, 5])
def test_names_are_plain(sandbox, name):
    assert sandbox.post("/_sandbox/snapshot", {"name": name}).status_code == 400
    assert sandbox.post("/_sandbox/restore", {"name": name}).status_code == 404


def test_apps_that_share_a_state_file_share_snapshots_the_log_and_the_quota(make_sandbox, tmp_path):
    first, second = (make_sandbox(state=tmp_path / "klaviyo.db", rate_limits=True) for _ in range(2))
    assert first.get("/api/accounts").status_code == 200
    assert second.get("/api/accounts").status_code == 429
    first.clock.advance(1)
    second.clock.advance(1)
    assert second.get("/api/accounts").headers["RateLimit-Remaining"] == "0"
    assert first.get("/api/accounts").status_code == 429
    logs = [sandbox.get("/_sandbox/requests", key=None).json() for sandbox in (first, second)]
    assert logs[0] == logs[1]
    assert [entry["status"] for entry in logs[0]] == [200, 429, 200, 429]
    first.post("/_sandbox/snapshot", {"name": "shared"})
    group = second.create_list("New")
    assert second.post("/_sandbox/restore", {"name": "shared"}).status_code == 200
    assert first.get(f"/api/lists/{group}").status_code == 404


def test_the_log_in_a_file_is_as_long_as_the_one_in_memory(make_sandbox, tmp_path):
    sandbox = make_sandbox(state=tmp_path / "klaviyo.db")
    for number in range(505):
        sandbox.get(f"/api/nowhere/{number}")
    remembered = sandbox.get("/_sandbox/requests", key=None).json()
    assert len(remembered) == 500
    assert remembered[-1]["path"] == "/api/nowhere/504"
    assert remembered[-1]["number"] == 505


def test_apps_without_a_file_share_nothing(make_sandbox):
    first, second = (make_sandbox(rate_limits=True) for _ in range(2))
    assert first.get("/api/accounts").status_code == 200
    assert second.get("/api/accounts").status_code == 200
    assert len(first.get("/_sandbox/requests", key=None).json()) == 1
