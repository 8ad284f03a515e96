"""What an integration with Klaviyo does when a customer signs up, and what it does on a bad day."""

import httpx2

from klaviyo_sandbox import API_KEY


def sign_up(klaviyo: str, email: str) -> str:
    """The integration: create a profile, once more if Klaviyo is unavailable, and say what came of it."""
    headers = {"Authorization": f"Klaviyo-API-Key {API_KEY}", "revision": "2026-10-15"}
    body = {"data": {"type": "profile", "attributes": {"email": email}}}
    for _ in range(2):
        answer = httpx2.post(f"{klaviyo}/api/profiles", json=body, headers=headers)
        if answer.status_code != 503:
            break
    return {201: "created", 409: "known"}.get(answer.status_code, "failed")


def test_a_customer_is_created_once(klaviyo: str) -> None:
    assert sign_up(klaviyo, "ana@example.org") == "created"
    assert sign_up(klaviyo, "ana@example.org") == "known"


def test_a_short_outage_is_not_noticed(klaviyo: str) -> None:
    outage = {"operation": "create_profile", "fault": "status", "status": 503, "count": 1}
    httpx2.post(f"{klaviyo}/_sandbox/faults", json=[outage])
    assert sign_up(klaviyo, "ana@example.org") == "created"
    requests = httpx2.get(f"{klaviyo}/_sandbox/requests").json()
    assert [request["status"] for request in requests] == [503, 201]
