"""The sandbox's own endpoints."""

import pytest

from klaviyo_sandbox import API_KEY, OTHER_API_KEY
from klaviyo_sandbox.facts import REVISION


def log(sandbox):
    return sandbox.get("/_sandbox/requests", key=None).json()


def test_requests_are_remembered_without_their_secrets(sandbox):
    sandbox.get("/api/lists?sort=name", X_Trace="abc")
    sandbox.get("/api/nowhere", key="pk_secret")
    first, second = log(sandbox)
    assert (first["method"], first["path"], first["query"], first["status"]) == ("GET", "/api/lists", "sort=name", 200)
    assert first["headers"]["x-trace"] == "abc"
    assert first["headers"]["revision"] == REVISION
    assert (second["path"], second["status"]) == ("/api/nowhere", 404)
    assert API_KEY not in str(first)
    assert "pk_secret" not in str(second)


def test_only_the_last_500_requests_are_remembered(sandbox):
    for number in range(510):
        sandbox.get(f"/api/nowhere/{number}")
    remembered = log(sandbox)
    assert len(remembered) == 500
    assert remembered[-1]["path"] == "/api/nowhere/509"
    assert remembered[-1]["number"] == 510


def test_resetting_brings_back_the_seeded_shop(make_sandbox):
    sandbox = make_sandbox(rate_limits=True)
    before = sandbox.walk("/api/lists")
    group = sandbox.create_list("New")
    sandbox.delete(f"/api/lists/{before[0]['id']}")
    sandbox.post("/_sandbox/clock", {"advance": 100})
    assert sandbox.post("/_sandbox/reset", None).json() == {"now": "2026-11-16T12:00:00+00:00"}
    assert log(sandbox) == []
    assert sandbox.walk("/api/lists") == before
    assert sandbox.get(f"/api/lists/{group}").status_code == 404
    assert sandbox.create_list("New") == group


def test_moving_the_clock_does_the_work_that_comes_due(make_sandbox):
    sandbox = make_sandbox(estimation_seconds=3600.0)
    campaign = sandbox.data("/api/campaigns")[0]["id"]
    job = {"data": {"type": "campaign-recipient-estimation-job", "id": campaign}}
    sandbox.post("/api/campaign-recipient-estimation-jobs", job)
    assert sandbox.post("/_sandbox/clock", {"advance": 3600}).json() == {"now": "2026-11-16T13:00:00+00:00"}
    assert sandbox.get(f"/api/campaign-recipient-estimations/{campaign}").status_code == 200


@pytest.mark.parametrize("body", [{}, {"advance": -1}, {"advance": "1"}, {"advance": True}, b"no json", []])
def test_the_clock_only_moves_forward(sandbox, body):
    assert sandbox.post("/_sandbox/clock", body).status_code == 400


def test_confirming_needs_a_contact_of_a_known_company(sandbox):
    assert sandbox.post("/_sandbox/confirm", {}).status_code == 400
    assert sandbox.post("/_sandbox/confirm", {"contact": "a@b.example", "company_id": "OTHER1"}).json() == {
        "confirmed": 0
    }


def test_one_company_cannot_confirm_for_another(sandbox):
    entry = {
        "type": "profile",
        "attributes": {
            "email": "ana@example.org",
            "subscriptions": {"email": {"marketing": {"consent": "SUBSCRIBED"}}},
        },
    }
    job = {"type": "profile-subscription-bulk-create-job", "attributes": {"profiles": {"data": [entry]}}}
    sandbox.post("/api/profile-subscription-bulk-create-jobs", {"data": job}, key=OTHER_API_KEY)
    assert sandbox.post("/_sandbox/confirm", {"contact": "ana@example.org"}).json() == {"confirmed": 0}
    other = {"contact": "ana@example.org", "company_id": "OTHER1"}
    assert sandbox.post("/_sandbox/confirm", other).json() == {"confirmed": 1}
