"""What a profile is related to, how two become one, and how one is deleted."""

from typing import Any

import httpx2
import pytest
from tests.sandbox.conftest import Talk


def merge(sandbox: Talk, destination: str, *sources: str, query: str = "") -> httpx2.Response:
    profiles = [{"type": "profile", "id": source} for source in sources]
    data = {"type": "profile-merge", "id": destination, "relationships": {"profiles": {"data": profiles}}}
    return sandbox.post(f"/api/profile-merge{query}", {"data": data})


def delete(sandbox: Talk, identifier: str | None = None, **attributes: str) -> httpx2.Response:
    profile: dict[str, Any] = {"type": "profile", "attributes": attributes}
    if identifier is not None:
        profile["id"] = identifier
    data = {"type": "data-privacy-deletion-job", "attributes": {"profile": {"data": profile}}}
    return sandbox.post("/api/data-privacy-deletion-jobs", {"data": data})


def event(sandbox: Talk, email: str, **attributes: Any) -> None:
    given = {
        "properties": {"color": "red"},
        "metric": {"data": {"type": "metric", "attributes": {"name": "Waved"}}},
        "profile": {"data": {"type": "profile", "attributes": {"email": email}}},
        **attributes,
    }
    assert sandbox.post("/api/events", {"data": {"type": "event", "attributes": given}}).status_code == 202


def test_lists_and_segments_of_a_profile_are_read_in_full_or_as_ids(sandbox: Talk) -> None:
    ona = sandbox.create_profile(email="ona@example.org")
    target = sandbox.create_list("News")
    sandbox.add_to_list(target, ona)
    assert sandbox.data(f"/api/profiles/{ona}/relationships/lists") == [{"type": "list", "id": target}]
    maya = sandbox.data('/api/segments?filter=equals(name,["Repeat customers"])')[0]["id"]
    member = sandbox.data(f"/api/segments/{maya}/profiles")[0]["id"]
    segments = sandbox.data(f"/api/profiles/{member}/segments?fields[segment]=name")
    assert "Repeat customers" in [segment["attributes"]["name"] for segment in segments]
    ids = sandbox.data(f"/api/profiles/{member}/relationships/segments")
    assert ids == [{"type": "segment", "id": segment["id"]} for segment in segments]


def test_conversations_of_a_profile_and_the_first_of_them(shop: Talk) -> None:
    talking = next(
        item
        for item in shop.get("/api/profiles?include=conversations&page[size]=100").json()["data"]
        if len(item["relationships"]["conversations"]["data"]) == 1
    )
    path = f"/api/profiles/{talking['id']}"
    (conversation,) = shop.data(f"{path}/conversations")
    assert conversation["attributes"] == {"channel": "sms"}
    identifier = {"type": "conversation", "id": conversation["id"]}
    assert shop.data(f"{path}/relationships/conversations") == [identifier]
    assert shop.data(f"{path}/conversation") == conversation
    assert shop.data(f"{path}/relationships/conversation") == identifier
    assert "conversation" not in talking["relationships"]


def test_a_profile_nobody_talks_to_has_no_conversation(sandbox: Talk) -> None:
    ona = sandbox.create_profile(email="ona@example.org")
    assert sandbox.data(f"/api/profiles/{ona}/conversation") is None
    assert sandbox.data(f"/api/profiles/{ona}/relationships/conversation") is None
    assert sandbox.data(f"/api/profiles/{ona}/conversations") == []
    for relation in ("conversation", "conversations", "push-tokens", "segments", "lists"):
        assert sandbox.get(f"/api/profiles/01NOBODY/{relation}").status_code == 404


def test_merging_answers_with_the_destination_and_happens_later(sandbox: Talk) -> None:
    ona, bo = sandbox.create_profile(email="ona@example.org"), sandbox.create_profile(email="bo@example.org")
    answer = merge(sandbox, ona, bo)
    assert answer.status_code == 202
    links = {"self": f"http://sandbox/api/profiles/{ona}/"}
    assert answer.json()["data"] == {"type": "profile", "id": ona, "attributes": {}, "links": links}
    assert sandbox.get(f"/api/profiles/{bo}").status_code == 200
    sandbox.clock.advance(1)
    assert sandbox.get(f"/api/profiles/{bo}").status_code == 404


def test_the_destination_keeps_its_own_and_gets_what_it_lacks(sandbox: Talk) -> None:
    ona = sandbox.create_profile(
        email="ona@example.org", first_name="Ona", properties={"a": 1, "b": 2}, location={"city": "Oslo"}
    )
    bo = sandbox.create_profile(
        email="bo@example.org",
        phone_number="+14155550123",
        first_name="Bo",
        properties={"b": 3, "c": 4},
        location={"city": "Rome", "country": "Italy"},
    )
    merge(sandbox, ona, bo)
    sandbox.clock.advance(1)
    found = sandbox.data(f"/api/profiles/{ona}")["attributes"]
    assert (found["email"], found["phone_number"], found["first_name"]) == ("ona@example.org", "+14155550123", "Ona")
    assert found["properties"] == {"a": 1, "b": 2, "c": 4}
    assert (found["location"]["city"], found["location"]["country"]) == ("Oslo", "Italy")


def test_events_lists_consent_and_tokens_move_to_the_destination(sandbox: Talk) -> None:
    ona, bo = sandbox.create_profile(email="ona@example.org"), sandbox.create_profile(email="bo@example.org")
    event(sandbox, "ona@example.org", unique_id="same")
    event(sandbox, "bo@example.org", unique_id="same")
    event(sandbox, "bo@example.org", unique_id="other")
    target = sandbox.create_list("News")
    sandbox.add_to_list(target, bo)
    reference = {"data": {"type": "profile", "id": bo, "attributes": {}}}
    token = {"token": "abc", "platform": "ios", "vendor": "apns", "profile": reference}
    sandbox.post("/api/push-tokens", {"data": {"type": "push-token", "attributes": token}})
    merge(sandbox, ona, bo)
    sandbox.clock.advance(1)
    events = sandbox.data(f'/api/events?filter=equals(profile_id,"{ona}")')
    assert sorted(item["attributes"]["event_properties"]["$event_id"] for item in events) == ["other", "same"]
    assert {item["relationships"]["profile"]["data"]["id"] for item in events} == {ona}
    assert [item["id"] for item in sandbox.data(f"/api/lists/{target}/profiles")] == [ona]
    assert [item["id"] for item in sandbox.data(f"/api/profiles/{ona}/push-tokens")] == ["abc"]
    assert sandbox.subscriptions("ona@example.org")["mobile_push"]["marketing"]["can_receive_push_marketing"]
    assert sandbox.data(f'/api/events?filter=equals(profile_id,"{bo}")') == []


def test_the_other_address_of_a_merged_profile_still_finds_it(sandbox: Talk) -> None:
    ona, bo = sandbox.create_profile(email="ona@example.org"), sandbox.create_profile(email="bo@example.org")
    merge(sandbox, ona, bo)
    sandbox.clock.advance(1)
    body = {"data": {"type": "profile", "attributes": {"email": "bo@example.org", "title": "Owner"}}}
    answer = sandbox.post("/api/profile-import", body)
    assert (answer.status_code, answer.json()["data"]["id"]) == (200, ona)
    assert answer.json()["data"]["attributes"]["email"] == "ona@example.org"


def test_further_addresses_are_appended_and_taken_away(sandbox: Talk) -> None:
    ona = sandbox.create_profile(email="ona@example.org")

    def patch(**change: Any) -> None:
        meta = {"patch_identifiers": change}
        body = {"data": {"type": "profile", "id": ona, "attributes": {}, "meta": meta}}
        assert sandbox.patch(f"/api/profiles/{ona}", body).status_code == 200

    patch(append={"email": ["work@example.org"]})
    event(sandbox, "Work@example.org")
    assert len(sandbox.data(f'/api/events?filter=equals(profile_id,"{ona}")')) == 1
    patch(unappend={"email": "work@example.org"})
    event(sandbox, "work@example.org")
    assert len(sandbox.data(f'/api/events?filter=equals(profile_id,"{ona}")')) == 1
    assert sandbox.profile("work@example.org") is not None


@pytest.mark.parametrize("count", [0, 2])
def test_a_merge_takes_exactly_one_source(sandbox: Talk, count: int) -> None:
    ona = sandbox.create_profile(email="ona@example.org")
    others = [sandbox.create_profile(email=f"p{number}@example.org") for number in range(count)]
    answer = merge(sandbox, ona, *others)
    assert sandbox.problem(answer, 400)["source"]["pointer"] == "/data/relationships/profiles/data"


def test_both_profiles_of_a_merge_must_exist_and_differ(sandbox: Talk) -> None:
    ona = sandbox.create_profile(email="ona@example.org")
    assert sandbox.problem(merge(sandbox, ona, ona), 400)["code"] == "invalid"
    assert (
        sandbox.problem(merge(sandbox, ona, "01NOBODY"), 404)["detail"] == "A profile with id 01NOBODY does not exist."
    )
    assert merge(sandbox, "01NOBODY", ona).status_code == 404


def test_a_merge_shows_ids_only(sandbox: Talk) -> None:
    ona, bo = sandbox.create_profile(email="ona@example.org"), sandbox.create_profile(email="bo@example.org")
    assert merge(sandbox, ona, bo, query="?fields[profile]=id").status_code == 202
    refused = merge(sandbox, ona, bo, query="?fields[profile]=email")
    assert sandbox.problem(refused, 400)["source"] == {"parameter": "fields[profile]"}


@pytest.mark.parametrize("name", ["email", "phone_number", "id"])
def test_a_person_is_deleted_by_one_identifier_a_little_later(sandbox: Talk, name: str) -> None:
    ona = sandbox.create_profile(email="ona@example.org", phone_number="+14155550123")
    event(sandbox, "ona@example.org")
    target = sandbox.create_list("News")
    sandbox.add_to_list(target, ona)
    named = {"email": "Ona@example.org", "phone_number": "+14155550123"}
    answer = delete(sandbox, ona) if name == "id" else delete(sandbox, **{name: named[name]})
    assert (answer.status_code, answer.content) == (202, b"")
    assert sandbox.get(f"/api/profiles/{ona}").status_code == 200
    sandbox.clock.advance(1)
    assert sandbox.get(f"/api/profiles/{ona}").status_code == 404
    assert sandbox.data(f'/api/events?filter=equals(profile_id,"{ona}")') == []
    assert sandbox.data(f"/api/lists/{target}/profiles") == []
    assert sandbox.create_profile(email="ona@example.org") != ona


def test_deletion_takes_exactly_one_identifier_of_somebody(sandbox: Talk) -> None:
    both = delete(sandbox, email="a@example.org", phone_number="+14155550123")
    assert sandbox.problem(both, 400)["source"]["pointer"] == "/data/attributes/profile/data"
    assert sandbox.problem(delete(sandbox), 400)["code"] == "invalid"
    assert sandbox.problem(delete(sandbox, email="nonsense"), 400)["detail"] == "Invalid email address"
    unknown = sandbox.problem(delete(sandbox, email="stranger@example.org"), 404)
    gone = 'No profile with email "stranger@example.org" found.  The profile may have already been deleted.'
    assert (unknown["code"], unknown["detail"]) == ("not_found", gone)
