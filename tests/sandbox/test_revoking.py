"""How profiles stop being written to: unsubscribing, suppressing, and what unsuppressing lifts."""

from typing import Any

import httpx2
import pytest
from tests.sandbox.conftest import Talk

SUPPRESS, UNSUPPRESS = "profile-suppression-bulk-create-job", "profile-suppression-bulk-delete-job"
REVOKED = {"consent": "UNSUBSCRIBED"}
GRANTED = {"consent": "SUBSCRIBED"}


def unsubscribe(
    sandbox: Talk, list_id: str = "", channels: dict[str, Any] | None = None, **addresses: str
) -> httpx2.Response:
    channels = {"email": {"marketing": REVOKED}} if channels is None else channels
    profile = {"type": "profile", "attributes": {**addresses, "subscriptions": channels}}
    data: dict[str, Any] = {
        "type": "profile-subscription-bulk-delete-job",
        "attributes": {"profiles": {"data": [profile]}},
    }
    if list_id:
        data["relationships"] = {"list": {"data": {"type": "list", "id": list_id}}}
    return sandbox.post("/api/profile-subscription-bulk-delete-jobs", {"data": data})


def subscribe(sandbox: Talk, list_id: str, channels: dict[str, Any] | None = None, **addresses: str) -> None:
    channels = {"email": {"marketing": GRANTED}} if channels is None else channels
    data = {
        "type": "profile-subscription-bulk-create-job",
        "attributes": {
            "profiles": {"data": [{"type": "profile", "attributes": {**addresses, "subscriptions": channels}}]}
        },
        "relationships": {"list": {"data": {"type": "list", "id": list_id}}},
    }
    assert sandbox.post("/api/profile-subscription-bulk-create-jobs", {"data": data}).status_code == 202


def job(sandbox: Talk, kind: str, *emails: str, **groups: str) -> httpx2.Response:
    data: dict[str, Any] = {"type": kind, "attributes": {}}
    if emails:
        entries = [{"type": "profile", "attributes": {"email": email}} for email in emails]
        data["attributes"] = {"profiles": {"data": entries}}
    if groups:
        data["relationships"] = {
            name: {"data": {"type": name, "id": identifier}} for name, identifier in groups.items()
        }
    return sandbox.post(f"/api/{kind}s", {"data": data})


def reasons(sandbox: Talk, email: str) -> list[str]:
    return [item["reason"] for item in sandbox.subscriptions(email)["email"]["marketing"]["suppression"]]


def members(sandbox: Talk, list_id: str) -> list[str]:
    return [item["attributes"]["email"] for item in sandbox.data(f"/api/lists/{list_id}/profiles")]


def test_without_a_list_a_profile_is_unsubscribed_everywhere(sandbox: Talk) -> None:
    news = sandbox.create_list("News")
    subscribe(sandbox, news, email="ona@example.org")
    assert unsubscribe(sandbox, email="Ona@example.org").content == b""
    email = sandbox.subscriptions("ona@example.org")["email"]["marketing"]
    assert (email["consent"], email["can_receive_email_marketing"]) == ("UNSUBSCRIBED", False)
    assert reasons(sandbox, "ona@example.org") == ["UNSUBSCRIBE"]


def test_with_a_list_the_profile_is_on_only_that_list_is_left(sandbox: Talk) -> None:
    news, deals = sandbox.create_list("News"), sandbox.create_list("Deals")
    for target in (news, deals):
        subscribe(sandbox, target, email="ona@example.org")
    assert unsubscribe(sandbox, news, email="ona@example.org").status_code == 202
    email = sandbox.subscriptions("ona@example.org")["email"]["marketing"]
    assert (email["consent"], email["suppression"]) == ("SUBSCRIBED", [])
    assert [(item["list_id"], item["reason"]) for item in email["list_suppressions"]] == [(news, "UNSUBSCRIBE")]
    assert (members(sandbox, news), members(sandbox, deals)) == ([], ["ona@example.org"])


def test_with_a_list_the_profile_is_not_on_it_is_unsubscribed_everywhere(sandbox: Talk) -> None:
    news, other = sandbox.create_list("News"), sandbox.create_list("Other")
    subscribe(sandbox, news, email="ona@example.org")
    unsubscribe(sandbox, other, email="ona@example.org")
    assert reasons(sandbox, "ona@example.org") == ["UNSUBSCRIBE"]
    assert sandbox.subscriptions("ona@example.org")["email"]["marketing"]["consent"] == "UNSUBSCRIBED"


def test_channels_are_revoked_one_by_one(sandbox: Talk) -> None:
    news = sandbox.create_list("News")
    channels = {"email": {"marketing": GRANTED}, "sms": {"marketing": GRANTED, "transactional": GRANTED}}
    subscribe(sandbox, news, channels, email="ona@example.org", phone_number="+14155550123")
    unsubscribe(sandbox, channels={"sms": {"marketing": REVOKED}}, phone_number="+14155550123")
    found = sandbox.subscriptions("ona@example.org")
    assert found["email"]["marketing"]["consent"] == "SUBSCRIBED"
    assert found["sms"]["marketing"]["consent"] == "UNSUBSCRIBED"
    assert found["sms"]["transactional"]["consent"] == "SUBSCRIBED"
    revoked = {"email": {"open_tracking": REVOKED, "click_tracking": REVOKED}, "whatsapp": {"conversational": REVOKED}}
    unsubscribe(sandbox, channels=revoked, email="ona@example.org", phone_number="+14155550123")
    found = sandbox.subscriptions("ona@example.org")
    assert found["email"]["open_tracking"]["consent"] == "UNSUBSCRIBED"
    assert found["email"]["click_tracking"]["consent"] == "UNSUBSCRIBED"
    assert found["whatsapp"]["conversational"]["consent"] == "UNSUBSCRIBED"
    assert found["email"]["marketing"]["can_receive_email_marketing"]


def test_unsubscribing_from_push_removes_the_tokens(sandbox: Talk) -> None:
    profile = {"data": {"type": "profile", "attributes": {"email": "ona@example.org"}}}
    token = {"token": "abc", "platform": "ios", "vendor": "apns"}
    body = {"data": {"type": "push-token", "attributes": {**token, "profile": profile}}}
    assert sandbox.post("/api/push-tokens", body).status_code == 202
    unsubscribe(sandbox, channels={"push": {"marketing": REVOKED, "tokens": [token]}}, email="ona@example.org")
    assert sandbox.get("/api/push-tokens/abc").status_code == 404
    assert sandbox.subscriptions("ona@example.org")["mobile_push"]["marketing"]["consent"] == "UNSUBSCRIBED"


def test_an_address_nobody_has_is_passed_over(sandbox: Talk) -> None:
    assert unsubscribe(sandbox, email="stranger@example.org").status_code == 202
    assert sandbox.profile("stranger@example.org") is None


@pytest.mark.parametrize(
    ("channels", "pointer"),
    [
        ({}, "/data/attributes/profiles/data/0/attributes/subscriptions"),
        ({"sms": {"marketing": REVOKED}}, "/data/attributes/profiles/data/0/attributes/phone_number"),
    ],
)
def test_every_entry_names_a_channel_and_the_address_for_it(
    sandbox: Talk, channels: dict[str, Any], pointer: str
) -> None:
    answer = unsubscribe(sandbox, channels=channels, email="ona@example.org")
    assert sandbox.problem(answer, 400)["source"]["pointer"] == pointer


def test_an_unknown_list_is_refused(sandbox: Talk) -> None:
    error = sandbox.problem(unsubscribe(sandbox, "NOPE01", email="a@example.org"), 400)
    assert (error["code"], error["detail"]) == ("invalid", "List not found with id NOPE01.")
    assert error["source"] == {"pointer": "/data/relationships/list/data/id"}


def test_a_suppression_job_counts_what_it_did_and_what_it_skipped(sandbox: Talk) -> None:
    sandbox.create_profile(email="ona@example.org")
    answer = job(sandbox, SUPPRESS, "ona@example.org", "stranger@example.org")
    assert answer.status_code == 202
    assert answer.json()["data"]["attributes"] == {
        "status": "processing",
        "created_at": "2026-11-16T12:00:00.000000+00:00",
        "total_count": 2,
        "completed_count": 0,
        "completed_at": "2026-11-16T12:00:00.000000+00:00",
        "skipped_count": 0,
    }
    sandbox.clock.advance(1)
    found = sandbox.data(f"/api/{SUPPRESS}s/{answer.json()['data']['id']}")["attributes"]
    assert (found["status"], found["completed_count"], found["skipped_count"]) == ("complete", 1, 1)
    assert reasons(sandbox, "ona@example.org") == ["USER_SUPPRESSED"]
    assert not sandbox.subscriptions("ona@example.org")["email"]["marketing"]["can_receive_email_marketing"]


def test_unsuppressing_lifts_only_what_the_shop_decided(sandbox: Talk) -> None:
    for email in ("ona@example.org", "bo@example.org"):
        sandbox.create_profile(email=email)
    unsubscribe(sandbox, email="bo@example.org")
    job(sandbox, SUPPRESS, "ona@example.org", "bo@example.org")
    sandbox.clock.advance(1)
    assert sorted(reasons(sandbox, "bo@example.org")) == ["UNSUBSCRIBE", "USER_SUPPRESSED"]
    lifted = job(sandbox, UNSUPPRESS, "ona@example.org", "bo@example.org", "nobody@example.org")
    sandbox.clock.advance(1)
    assert reasons(sandbox, "ona@example.org") == []
    assert reasons(sandbox, "bo@example.org") == ["UNSUBSCRIBE"]
    found = sandbox.data(f"/api/{UNSUPPRESS}s/{lifted.json()['data']['id']}")["attributes"]
    assert (found["completed_count"], found["skipped_count"]) == (2, 1)


def test_all_members_of_a_list_or_segment_are_suppressed(sandbox: Talk) -> None:
    target = sandbox.create_list("Gone")
    sandbox.add_to_list(
        target, sandbox.create_profile(email="a@example.org"), sandbox.create_profile(title=None, email="b@example.org")
    )
    by_list = job(sandbox, SUPPRESS, list=target).json()["data"]
    assert by_list["attributes"]["total_count"] == 2
    assert by_list["relationships"]["lists"]["data"] == [{"type": "list", "id": target}]
    segment = sandbox.data("/api/segments")[0]["id"]
    by_segment = job(sandbox, SUPPRESS, segment=segment).json()["data"]
    sandbox.clock.advance(1)
    assert reasons(sandbox, "a@example.org") == reasons(sandbox, "b@example.org") == ["USER_SUPPRESSED"]
    assert [item["id"] for item in sandbox.data(f'/api/{SUPPRESS}s?filter=equals(list_id,"{target}")')] == [
        by_list["id"]
    ]
    assert [item["id"] for item in sandbox.data(f'/api/{SUPPRESS}s?filter=equals(segment_id,"{segment}")')] == [
        by_segment["id"]
    ]
    job(sandbox, UNSUPPRESS, list=target)
    sandbox.clock.advance(1)
    assert reasons(sandbox, "a@example.org") == []


@pytest.mark.parametrize("kind", [SUPPRESS, UNSUPPRESS])
def test_profiles_a_list_and_a_segment_exclude_each_other(sandbox: Talk, kind: str) -> None:
    target = sandbox.create_list("Gone")
    assert sandbox.problem(job(sandbox, kind), 400)["code"] == "invalid"
    assert sandbox.problem(job(sandbox, kind, "a@example.org", list=target), 400)["code"] == "invalid"
    assert sandbox.problem(job(sandbox, kind, list=target, segment="ABC123"), 400)["code"] == "invalid"
    unknown = sandbox.problem(job(sandbox, kind, segment="NOPE01"), 404)
    assert unknown["detail"] == "A segment with id `NOPE01` does not exist."
    many = job(sandbox, kind, *(f"p{number}@example.org" for number in range(101)))
    assert "100 items" in sandbox.problem(many, 400)["detail"]


@pytest.mark.parametrize("kind", [SUPPRESS, UNSUPPRESS])
def test_jobs_are_listed_by_status_and_age_without_a_page_size(sandbox: Talk, kind: str) -> None:
    first = job(sandbox, kind, "a@example.org").json()["data"]["id"]
    sandbox.clock.advance(5)
    second = job(sandbox, kind, "b@example.org").json()["data"]["id"]
    assert [item["id"] for item in sandbox.data(f"/api/{kind}s?sort=created")] == [first, second]
    assert [item["id"] for item in sandbox.data(f"/api/{kind}s?sort=-created")] == [second, first]
    assert [item["id"] for item in sandbox.data(f'/api/{kind}s?filter=equals(status,"complete")')] == [first]
    assert sandbox.get(f"/api/{kind}s?page[size]=5").status_code == 400
    sandbox.clock.advance(7 * 86400)
    assert sandbox.get(f"/api/{kind}s/{first}").status_code == 404
