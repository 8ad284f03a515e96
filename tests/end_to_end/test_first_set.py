"""Every action of the first set, through the real client over stdio and over HTTP, against the sandbox over HTTP."""

from uuid import uuid4

import anyio
import pytest

MAYA = "maya.lindqvist@example.org"


def address() -> str:
    return f"p{uuid4().hex[:10]}@example.org"


async def person(call, **more) -> str:
    return (await call("create_profile", email=address(), **more))["record"]["id"]


async def test_the_account_tells_who_it_is(call) -> None:
    (account,) = (await call("get_accounts"))["records"]
    assert account["id"] == account["public_api_key"]
    assert account["contact_information"]["organization_name"]


async def test_a_person_is_found_by_address_with_consent_when_asked(call) -> None:
    by_email = [{"field": "email", "operator": "equals", "value": MAYA}]
    found = await call("get_profiles", filter=by_email, additional_profile_fields=["subscriptions"])
    (maya,) = found["records"]
    assert (maya["first_name"], maya["last_name"]) == ("Maya", "Lindqvist")
    assert "marketing" in maya["subscriptions"]["email"]
    again = await call("get_profile", id=maya["id"], profile_fields=["email"])
    assert again["record"] == {"id": maya["id"], "email": MAYA}


async def test_collections_page_with_a_cursor_or_fetch_many_at_once(call) -> None:
    first = await call("get_profiles", page_size=30, profile_fields=["email"])
    second = await call("get_profiles", page_size=30, profile_fields=["email"], cursor=first["next_cursor"])
    many = await call("get_profiles", max_records=150, profile_fields=["email"])
    assert first["count"] == second["count"] == 30
    ids = [record["id"] for record in first["records"] + second["records"]]
    assert len(set(ids)) == 60
    assert many["count"] == 150
    assert [record["id"] for record in many["records"]][:60] == ids
    assert many["next_cursor"]


async def test_a_profile_is_created_updated_and_cleared_field_by_field(call) -> None:
    made = (
        await call("create_profile", email=address().upper(), first_name="Ada", title="Dr", location={"city": "Oslo"})
    )["record"]
    assert made["email"] == made["email"].lower()
    changed = (await call("update_profile", id=made["id"], clear=["title"], last_name="Byron"))["record"]
    assert changed["first_name"] == "Ada"
    assert changed["last_name"] == "Byron"
    assert changed["location"]["city"] == "Oslo"
    assert "title" not in changed


async def test_an_upsert_finds_the_profile_by_any_identifier(call) -> None:
    email = address()
    made = (await call("create_or_update_profile", email=email, properties={"sizes": ["M"]}))["record"]
    again = (await call("create_or_update_profile", email=email, first_name="Ada", append_properties={"sizes": "L"}))[
        "record"
    ]
    assert again["id"] == made["id"]
    assert again["properties"]["sizes"] == ["M", "L"]


async def test_a_duplicate_names_the_profile_that_exists_and_what_to_do(call, fail) -> None:
    email = address()
    made = (await call("create_profile", email=email))["record"]
    error = await fail("create_profile", email=email)
    assert error["code"] == "conflict"
    assert error["duplicate_profile_id"] == made["id"]
    assert "update_profile" in error["next_step"] or "create_or_update_profile" in error["next_step"]
    assert error["outcome"] == "Klaviyo refused the request; nothing was changed."


async def test_an_event_is_accepted_creates_what_it_needs_and_a_repeat_is_dropped(call) -> None:
    email, name = address(), f"Visited Shop {uuid4().hex[:6]}"
    for value in (10, 99):
        accepted = await call(
            "create_event",
            metric={"name": name},
            profile={"email": email, "first_name": "Grace"},
            properties={"Door": "North"},
            value=value,
            unique_id="visit-1",
        )
        assert accepted["status"] == "accepted"
        assert accepted["verify"]["action"] == "get_events"
    profiles = await call("get_profiles", filter=[{"field": "email", "operator": "equals", "value": email}])
    (profile,) = profiles["records"]
    assert profile["first_name"] == "Grace"
    events = await call(
        "get_events",
        filter=[{"field": "profile_id", "operator": "equals", "value": profile["id"]}],
        include=["metric"],
        fields=["all"],
    )
    (event,) = events["records"]
    assert event["event_properties"]["Door"] == "North"
    assert float(event["event_properties"]["$value"]) == 10
    assert events["included"]["metric"][0]["name"] == name
    metrics = await call("get_metrics", metric_fields=["name"])
    assert name in {metric["name"] for metric in metrics["records"]}


async def test_a_list_is_made_renamed_filled_emptied_and_deleted(call, fail) -> None:
    made = (await call("create_list", name="Preview", opt_in_process="single_opt_in"))["record"]
    renamed = (await call("update_list", id=made["id"], name="Autumn preview"))["record"]
    assert renamed["name"] == "Autumn preview"
    assert renamed["opt_in_process"] == "single_opt_in"
    one, two = await person(call), await person(call)
    added = await call("add_profile_to_list", list_id=made["id"], profile_ids=[one, two, one])
    assert added["added"] == 2
    members = await call("get_profiles_for_list", id=made["id"], profile_fields=["email"])
    assert {record["id"] for record in members["records"]} == {one, two}
    removed = await call("remove_profile_from_list", list_id=made["id"], profile_ids=[one])
    assert removed["removed"] == 1
    members = await call("get_profiles_for_list", id=made["id"])
    assert [record["id"] for record in members["records"]] == [two]
    found = await call("get_lists", filter=[{"field": "id", "operator": "any", "value": [made["id"]]}])
    assert found["records"][0]["name"] == "Autumn preview"
    assert (await call("delete_list", id=made["id"]))["status"] == "done"
    error = await fail("update_list", id=made["id"], name="Gone")
    assert error["code"] == "precondition_failed"
    assert error["problems"][0]["argument"] == "id"


async def test_people_are_added_by_address_in_as_few_requests_as_there_can_be(call, requests_seen) -> None:
    made = (await call("create_list", name="By address"))["record"]["id"]
    known = (await call("get_profiles", max_records=150, profile_fields=["email"]))["records"]
    emails = [record["email"].upper() for record in known if "email" in record][:120]
    requests_seen()
    added = await call("add_profile_to_list", list_id=made, emails=[*emails, "no.body@example.org"])
    sent = [(request["method"], request["path"]) for request in requests_seen()]
    assert added["added"] == 120
    assert added["not_found"] == ["no.body@example.org"]
    assert added["created"] == 0
    assert "create_missing" in added["warnings"][0]
    # 121 addresses are two pages of profiles; then one look at the list, one change.
    assert sorted(sent) == sorted(
        [
            ("GET", f"/api/lists/{made}"),
            ("GET", "/api/profiles"),
            ("GET", "/api/profiles"),
            ("POST", f"/api/lists/{made}/relationships/profiles"),
        ]
    )


async def test_missing_people_are_created_only_when_asked(call) -> None:
    made = (await call("create_list", name="New faces"))["record"]["id"]
    emails = [address() for _ in range(3)]
    nobody = await call("add_profile_to_list", list_id=made, emails=emails)
    assert (nobody["added"], nobody["not_found"]) == (0, emails)
    added = await call("add_profile_to_list", list_id=made, emails=emails, create_missing=True)
    assert (added["added"], added["created"], added["not_found"]) == (3, 3, [])
    again = await call("add_profile_to_list", list_id=made, emails=emails, create_missing=True)
    assert (again["added"], again["created"]) == (3, 0)
    removed = await call("remove_profile_from_list", list_id=made, emails=[emails[0], "no.body@example.org"])
    assert (removed["removed"], removed["not_found"]) == (1, ["no.body@example.org"])
    members = await call("get_profiles_for_list", id=made)
    assert members["count"] == 2


async def test_a_campaign_is_drafted_and_its_reach_estimated(call, fail) -> None:
    list_id = (await call("create_list", name="Reach"))["record"]["id"]
    profiles = await call("get_profiles", max_records=40, profile_fields=["email"])
    await call("add_profile_to_list", list_id=list_id, profile_ids=[record["id"] for record in profiles["records"]])
    made = await call(
        "create_campaign",
        name="Winter sale",
        audiences={"included": [list_id]},
        messages=[{"channel": "email", "subject": "Winter is here", "label": "Main"}],
    )
    campaign = made["record"]["id"]
    assert made["record"]["status"] == "Draft"
    error = await fail("get_campaign_recipient_estimation", id=campaign)
    assert error["code"] == "not_found"
    assert "refresh_campaign_recipient_estimation" in error["next_step"]
    accepted = await call("refresh_campaign_recipient_estimation", id=campaign)
    assert accepted["status"] == "accepted"
    assert accepted["verify"] == {"action": "get_campaign_recipient_estimation_job", "arguments": {"id": campaign}}
    with anyio.fail_after(10):
        status = "queued"
        while status != "complete":
            await anyio.sleep(0.1)
            status = (await call("get_campaign_recipient_estimation_job", id=campaign))["record"]["status"]
    estimate = await call("get_campaign_recipient_estimation", id=campaign)
    assert 0 < estimate["record"]["estimated_recipient_count"] <= 40
    shown = await call("get_campaign", id=campaign, include=["campaign-messages"])
    assert shown["included"]["campaign-message"][0]["definition"]["content"]["subject"] == "Winter is here"
    drafts = await call(
        "get_campaigns", channel="email", filter=[{"field": "status", "operator": "equals", "value": "Draft"}]
    )
    assert campaign in {record["id"] for record in drafts["records"]}


async def test_consent_is_recorded_with_the_subscribe_action_not_by_membership(call) -> None:
    list_id = (await call("create_list", name="Consent", opt_in_process="single_opt_in"))["record"]["id"]
    email = address()
    await call("add_profile_to_list", list_id=list_id, emails=[email], create_missing=True)

    async def consent() -> str:
        found = await call(
            "get_profiles",
            filter=[{"field": "email", "operator": "equals", "value": email}],
            additional_profile_fields=["subscriptions"],
        )
        return found["records"][0]["subscriptions"]["email"]["marketing"]["consent"]

    assert await consent() == "NEVER_SUBSCRIBED"
    accepted = await call(
        "subscribe_profiles",
        list_id=list_id,
        profiles=[{"email": email, "subscriptions": {"email": {"marketing": {"consent": "SUBSCRIBED"}}}}],
    )
    assert accepted["status"] == "accepted"
    assert await consent() == "SUBSCRIBED"


@pytest.mark.parametrize(
    ("alias", "arguments"),
    [
        ("create_profile_import", {"email": "alias@example.org"}),
        ("get_account_lists", None),
        ("klaviyo_get_lists", {}),
        ("klaviyo-get-lists", None),
    ],
)
async def test_older_names_are_answered_and_wrong_ones_lead_to_the_right_one(client, alias, arguments) -> None:
    result = await client.call_tool(alias, arguments or {})
    if arguments is not None:
        assert not result.is_error
    else:
        assert result.is_error
        assert result.structured_content["error"]["code"] == "unknown_action"
        assert "get_lists" in result.structured_content["error"]["message"]
