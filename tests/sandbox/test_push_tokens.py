"""Push tokens: registered for a profile, moved with their device, and read from both sides."""

from typing import Any

import httpx2
import pytest
from tests.sandbox.conftest import Talk

from klaviyo_sandbox.facts import REVISION


def register(
    sandbox: Talk, token: str, profile: dict[str, Any], revision: str = REVISION, **attributes: Any
) -> httpx2.Response:
    reference = {"data": {"type": "profile", **profile}}
    given = {"token": token, "platform": "ios", "vendor": "apns", "profile": reference, **attributes}
    return sandbox.post("/api/push-tokens", {"data": {"type": "push-token", "attributes": given}}, revision=revision)


def who(**attributes: Any) -> dict[str, Any]:
    return {"attributes": attributes}


def test_a_token_is_registered_for_a_new_profile(sandbox: Talk) -> None:
    device = {"device_id": "d1", "os_name": "ios", "klaviyo_sdk": "swift", "environment": "release"}
    answer = register(sandbox, "abc:1", who(email="ona@example.org", first_name="Ona"), device_metadata=device)
    assert (answer.status_code, answer.content) == (202, b"")
    found = sandbox.data("/api/push-tokens/abc:1")
    assert found["id"] == "abc:1"
    attributes = found["attributes"]
    assert attributes["metadata"]["device_id"] == "d1"
    assert attributes["metadata"]["app_name"] is None
    del attributes["metadata"]
    assert attributes == {
        "created": "2026-11-16T12:00:00+00:00",
        "token": "abc:1",
        "enablement_status": "AUTHORIZED",
        "platform": "ios",
        "vendor": "APNs",
        "background": "AVAILABLE",
        "recorded_date": "2026-11-16T12:00:00+00:00",
    }
    profile = sandbox.profile("ona@example.org")
    assert profile is not None
    assert found["relationships"]["profile"]["data"] == {"type": "profile", "id": profile["id"]}
    assert sandbox.subscriptions("ona@example.org")["mobile_push"]["marketing"]["can_receive_push_marketing"]


def test_registering_again_updates_and_a_token_moves_with_its_device(sandbox: Talk) -> None:
    ona, bo = sandbox.create_profile(email="ona@example.org"), sandbox.create_profile(email="bo@example.org")
    register(sandbox, "abc", {"id": ona, "attributes": {}})
    sandbox.clock.advance(60)
    register(sandbox, "abc", {"id": bo, "attributes": {}}, enablement_status="DENIED")
    found = sandbox.data("/api/push-tokens/abc")["attributes"]
    assert (found["created"], found["recorded_date"]) == ("2026-11-16T12:00:00+00:00", "2026-11-16T12:01:00+00:00")
    assert sandbox.data(f"/api/profiles/{ona}/push-tokens") == []
    assert sandbox.data(f"/api/profiles/{bo}/relationships/push-tokens") == [{"type": "push-token", "id": "abc"}]
    assert not sandbox.subscriptions("bo@example.org")["mobile_push"]["marketing"]["can_receive_push_marketing"]
    assert not sandbox.subscriptions("ona@example.org")["mobile_push"]["marketing"]["can_receive_push_marketing"]


def test_tokens_are_filtered_and_include_their_profile(sandbox: Talk) -> None:
    ona = sandbox.create_profile(email="ona@example.org")
    register(sandbox, "one", {"id": ona, "attributes": {}})
    register(
        sandbox, "two", {"id": ona, "attributes": {}}, platform="android", vendor="fcm", enablement_status="DENIED"
    )

    def found(condition: str) -> list[str]:
        tokens = sandbox.data(f'/api/push-tokens?filter=equals(profile.id,"{ona}"),{condition}')
        return [token["id"] for token in tokens]

    assert found('equals(platform,"android")') == ["two"]
    assert found('equals(enablement_status,"AUTHORIZED")') == ["one"]
    assert found('equals(id,"one")') == ["one"]
    document = sandbox.get(
        f'/api/push-tokens?filter=equals(profile.id,"{ona}")&include=profile&fields[profile]=email&page[size]=1'
    ).json()
    assert [item["attributes"] for item in document["included"]] == [{"email": "ona@example.org"}]
    everything = sandbox.walk("/api/push-tokens?page[size]=3&fields[push-token]=token,metadata.os_name")
    assert len({item["id"] for item in everything}) == len(everything) > 2
    assert set(everything[0]["attributes"]) == {"token", "metadata"}
    assert sandbox.problem(sandbox.get('/api/push-tokens?filter=equals(platform,"palm")'), 400)["code"] == "invalid"


def test_the_profile_is_reached_from_its_token(sandbox: Talk) -> None:
    ona = sandbox.create_profile(email="ona@example.org")
    register(sandbox, "abc", {"id": ona, "attributes": {}})
    path = "/api/push-tokens/abc"
    assert sandbox.data(f"{path}/profile?additional-fields[profile]=subscriptions")["id"] == ona
    assert sandbox.data(f"{path}/relationships/profile") == {"type": "profile", "id": ona}
    assert sandbox.data(f"{path}?include=profile")["relationships"]["profile"]["data"]["id"] == ona


def test_deleting_a_token_ends_push_messages(sandbox: Talk) -> None:
    register(sandbox, "abc", who(email="ona@example.org"))
    assert sandbox.delete("/api/push-tokens/abc").status_code == 204
    assert (
        sandbox.problem(sandbox.get("/api/push-tokens/abc"), 404)["detail"]
        == "Record with token ID: abc cannot be found."
    )
    assert not sandbox.subscriptions("ona@example.org")["mobile_push"]["marketing"]["can_receive_push_marketing"]
    assert sandbox.delete("/api/push-tokens/abc").status_code == 404


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"platform": "palm"}, "/data/attributes/platform"),
        ({"vendor": "pigeon"}, "/data/attributes/vendor"),
        ({"device_metadata": {"os_name": "beos"}}, "/data/attributes/device_metadata/os_name"),
    ],
)
def test_faults_are_pointed_at(sandbox: Talk, changes: dict[str, Any], pointer: str) -> None:
    answer = register(sandbox, "abc", who(email="ona@example.org"), **changes)
    assert sandbox.problem(answer, 400)["source"]["pointer"] == pointer


def test_a_token_needs_somebody_it_belongs_to(sandbox: Talk) -> None:
    pointer = "/data/attributes/profile/data/attributes"
    assert sandbox.problem(register(sandbox, "abc", who(first_name="Ona")), 400)["source"]["pointer"] == pointer
    assert register(sandbox, "abc", {"id": "01NOBODY", "attributes": {}}).status_code == 404


def test_a_profile_includes_its_tokens(sandbox: Talk) -> None:
    ona = sandbox.create_profile(email="ona@example.org")
    register(sandbox, "abc", {"id": ona, "attributes": {}})
    included = sandbox.get(f"/api/profiles/{ona}?include=push-tokens").json()["included"]
    assert [(item["type"], item["id"]) for item in included] == [("push-token", "abc")]


def test_registering_may_add_to_lists_of_the_profile(sandbox: Talk) -> None:
    meta = {"patch_properties": {"append": {"sizes": "M"}}}
    for revision, profile in ((REVISION, {"attributes": {}, "meta": meta}), ("2026-07-15", who(meta=meta))):
        ona = sandbox.create_profile(properties={"sizes": ["S"]}, external_id=revision)
        assert register(sandbox, revision, {"id": ona, **profile}, revision=revision).status_code == 202
        assert sandbox.data(f"/api/profiles/{ona}")["attributes"]["properties"] == {"sizes": ["S", "M"]}


def test_an_identifier_of_somebody_else_stays_with_them(sandbox: Talk) -> None:
    ona = sandbox.create_profile(email="ona@example.org")
    bo = sandbox.create_profile(email="bo@example.org", phone_number="+14155550123")
    profile = {"id": ona, "attributes": {"email": "bo@example.org", "title": "Owner"}}
    assert register(sandbox, "abc", profile).status_code == 202
    assert register(sandbox, "def", who(email="new@example.org", phone_number="+14155550123")).status_code == 202
    assert sandbox.data(f"/api/profiles/{ona}")["attributes"]["email"] == "ona@example.org"
    assert sandbox.data(f"/api/profiles/{bo}")["attributes"]["phone_number"] == "+14155550123"
    assert sandbox.data("/api/push-tokens/def/profile")["attributes"]["phone_number"] is None
