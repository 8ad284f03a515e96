"""Campaigns: drafts and their messages, changing and deleting them, and estimating whom they would reach."""

import re

import pytest

AT_REVISION = "2026-07-15"
EMAIL_MESSAGE = {"channel": "email", "label": "Hello", "content": {"subject": "Hi", "from_email": "a@b.example"}}


def draft(sandbox, *definitions, included=None, expect=201, **attributes):
    messages = [
        {"type": "campaign-message", "attributes": {"definition": definition}}
        for definition in (definitions or (EMAIL_MESSAGE,))
    ]
    body = {
        "name": "Test",
        "audiences": {"included": [sandbox.list_id("Newsletter")] if included is None else included},
        "campaign-messages": {"data": messages},
        **attributes,
    }
    answer = sandbox.post("/api/campaigns", {"data": {"type": "campaign", "attributes": body}})
    assert answer.status_code == expect, answer.text
    return answer.json()["data"] if expect == 201 else answer


def change(sandbox, campaign, status=200, **attributes):
    body = {"data": {"type": "campaign", "id": campaign, "attributes": attributes}}
    answer = sandbox.patch(f"/api/campaigns/{campaign}", body)
    assert answer.status_code == status, answer.text
    return answer.json()["data"]["attributes"] if status == 200 else answer


def estimate(sandbox, campaign):
    job = {"data": {"type": "campaign-recipient-estimation-job", "id": campaign}}
    return sandbox.post("/api/campaign-recipient-estimation-jobs", job)


def test_a_new_campaign_is_a_draft_to_be_sent_at_once(sandbox):
    campaign = draft(sandbox)
    assert re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{26}", campaign["id"])
    attributes = campaign["attributes"]
    assert set(attributes) == {
        "name", "status", "archived", "audiences", "send_options", "tracking_options", "send_strategy",
        "created_at", "scheduled_at", "updated_at", "send_time",
    }  # fmt: skip
    assert (attributes["status"], attributes["archived"]) == ("Draft", False)
    assert attributes["send_strategy"] == {"method": "immediate"}
    assert attributes["send_options"] == {"use_smart_sending": True, "ignore_unsubscribes": False}
    assert attributes["audiences"] == {"included": [sandbox.list_id("Newsletter")], "excluded": []}
    assert attributes["scheduled_at"] is attributes["send_time"] is None
    assert sandbox.data(f"/api/campaigns/{campaign['id']}") == campaign


def test_a_campaign_comes_with_its_messages(sandbox):
    campaign = draft(sandbox)
    (message,) = sandbox.data(f"/api/campaigns/{campaign['id']}/campaign-messages")
    assert campaign["relationships"]["campaign-messages"]["data"] == [{"type": "campaign-message", "id": message["id"]}]
    definition = message["attributes"]["definition"]
    assert (definition["channel"], definition["label"]) == ("email", "Hello")
    assert (definition["content"]["subject"], definition["content"]["preview_text"]) == ("Hi", None)
    assert message["relationships"]["campaign"]["data"] == {"type": "campaign", "id": campaign["id"]}
    assert set(message["relationships"]["template"]) == {"links"}
    asked = sandbox.data(f"/api/campaign-messages/{message['id']}?include=template")
    assert asked["relationships"]["template"]["data"] is None
    document = sandbox.get(f"/api/campaigns/{campaign['id']}?include=campaign-messages,tags").json()
    assert document["included"] == [message]
    assert document["data"]["relationships"]["tags"]["data"] == []


def test_a_text_message_gets_default_rendering(sandbox):
    campaign = draft(sandbox, {"channel": "sms", "content": {"body": "Hi"}, "render_options": {"shorten_links": False}})
    (message,) = sandbox.data(f"/api/campaigns/{campaign['id']}/campaign-messages")
    assert message["attributes"]["definition"] == {
        "channel": "sms",
        "content": {"body": "Hi", "media_url": None},
        "render_options": {
            "shorten_links": False,
            "add_org_prefix": True,
            "add_info_link": True,
            "add_opt_out_language": False,
        },
    }
    found = sandbox.data("/api/campaigns?filter=and(equals(messages.channel,'sms'),contains(name,'test'))")
    assert [item["id"] for item in found] == [campaign["id"]]


def test_a_text_has_no_tracking_of_its_own(sandbox):
    attributes = draft(sandbox, {"channel": "sms", "content": {"body": "Hi"}})["attributes"]
    assert attributes["tracking_options"] == {"add_tracking_params": False, "custom_tracking_params": []}
    assert attributes["send_options"] == {"use_smart_sending": True}


@pytest.mark.parametrize(
    ("options", "shown"),
    [
        ({}, {"is_local": False}),
        ({"options": {"is_local": False}}, {"is_local": False}),
        ({"options": {"is_local": True}}, {"is_local": True, "send_past_recipients_immediately": False}),
    ],
)
def test_a_planned_email_says_whether_its_time_is_local(sandbox, options, shown):
    planned = {"method": "static", "datetime": "2026-12-24T09:00:00+00:00", **options}
    campaign = draft(sandbox, send_strategy=planned)
    assert campaign["attributes"]["send_strategy"] == {**planned, "options": shown}
    later = draft(sandbox)["id"]
    assert change(sandbox, later, send_strategy=planned)["send_strategy"]["options"] == shown


def test_a_push_message_is_standard_unless_silent(sandbox):
    draft(sandbox, {"channel": "mobile_push", "content": {"title": "Hi", "body": "There"}})
    draft(sandbox, {"channel": "mobile_push", "notification_type": "silent", "kv_pairs": {"a": "b"}})
    draft(sandbox, {"channel": "mobile_push", "kv_pairs": {"a": "b"}}, expect=400)
    assert len(sandbox.data("/api/campaigns?filter=equals(messages.channel,'mobile_push')")) == 2


def test_a_seeded_campaign_includes_its_template(shop):
    (campaign,) = shop.data("/api/campaigns?filter=equals(messages.channel,'email'),contains(name,'Holiday preview')")
    document = shop.get(f"/api/campaigns/{campaign['id']}/campaign-messages?include=template,campaign").json()
    assert {item["type"] for item in document["included"]} == {"template", "campaign"}
    (message,) = document["data"]
    assert message["attributes"]["send_times"][0]["datetime"] == campaign["attributes"]["send_time"]


def test_a_message_leads_to_its_campaign_and_its_template(shop):
    (campaign,) = shop.data("/api/campaigns?filter=equals(messages.channel,'email'),contains(name,'survey')")
    message = shop.data(f"/api/campaigns/{campaign['id']}/campaign-messages")[0]
    path = f"/api/campaign-messages/{message['id']}"
    assert shop.data(path) == message
    assert shop.data(f"{path}/campaign") == campaign
    # The survey has no template or image yet.
    assert shop.data(f"{path}/template") is None
    assert shop.data(f"{path}/image") is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"included": ["NOPE01"]},
        {"audiences": {"excluded": []}},
        {"campaign-messages": {"data": []}},
        {"send_strategy": {"method": "pigeon"}},
        {"send_strategy": {"method": "static"}},
        {"send_strategy": {"method": "throttled", "datetime": "2027-01-01T00:00:00Z", "throttle_percentage": 3}},
        {"tracking_options": {"custom_tracking_params": [{"type": "static", "name": "utm_source", "value": "x"}]}},
        {"tracking_options": {"custom_tracking_params": [{"type": "dynamic", "name": "utm_source", "value": "x"}]}},
        {"status": "Sent"},
    ],
)
def test_a_wrong_campaign_is_refused(sandbox, wrong):
    draft(sandbox, expect=400, **wrong)


def test_an_unknown_channel_and_mixed_channels_are_refused(sandbox):
    draft(sandbox, {"channel": "fax"}, expect=400)
    draft(sandbox, EMAIL_MESSAGE, {"channel": "sms", "content": {"body": "Hi"}}, expect=400)


def test_custom_tracking_with_source_and_medium_is_accepted(sandbox):
    parameters = [
        {"type": "static", "name": "utm_source", "value": "klaviyo"},
        {"type": "dynamic", "name": "utm_medium", "value": "message_type"},
    ]
    campaign = draft(sandbox, tracking_options={"add_tracking_params": True, "custom_tracking_params": parameters})
    options = campaign["attributes"]["tracking_options"]
    assert options["custom_tracking_params"] == parameters
    assert options["is_tracking_opens"] is True


def test_a_draft_can_be_changed(sandbox):
    campaign = draft(sandbox)
    vip = sandbox.list_id("VIP customers")
    sandbox.clock.advance(60)
    strategy = {"method": "static", "datetime": "2026-12-01T09:00:00+00:00", "options": {"is_local": False}}
    changed = change(sandbox, campaign["id"], name="Newer", audiences={"excluded": [vip]}, send_strategy=strategy)
    assert changed["name"] == "Newer"
    assert changed["audiences"] == {"included": campaign["attributes"]["audiences"]["included"], "excluded": [vip]}
    assert changed["send_strategy"] == strategy
    assert changed["updated_at"] > campaign["attributes"]["updated_at"]
    assert change(sandbox, campaign["id"], name=None)["name"] == "Newer"


def test_a_new_name_is_the_label_of_the_email_too(sandbox):
    campaign = draft(sandbox)["id"]
    change(sandbox, campaign, name="Renamed")
    (message,) = sandbox.data(f"/api/campaigns/{campaign}/campaign-messages")
    assert message["attributes"]["definition"]["label"] == "Renamed"


def test_a_clone_is_to_be_sent_now(sandbox):
    planned = {"method": "static", "datetime": "2026-12-24T09:00:00+00:00"}
    campaign = draft(sandbox, send_strategy=planned)["id"]
    body = {"data": {"type": "campaign", "id": campaign, "attributes": {}}}
    clone = sandbox.post("/api/campaign-clone", body).json()["data"]["attributes"]
    assert clone["send_strategy"]["datetime"] == "2026-11-16T12:00:00.000000+00:00"


def test_a_sent_campaign_cannot_be_changed(sandbox):
    (sent, *_) = sandbox.data("/api/campaigns?filter=equals(messages.channel,'email'),equals(status,'Sent')")
    assert sandbox.problem(change(sandbox, sent["id"], status=409, name="Newer"), 409)


def test_a_deleted_campaign_takes_its_messages_along(sandbox):
    campaign = draft(sandbox)["id"]
    estimate(sandbox, campaign)
    assert sandbox.delete(f"/api/campaigns/{campaign}").status_code == 204
    for path in (f"/api/campaigns/{campaign}", f"/api/campaigns/{campaign}/campaign-messages"):
        assert sandbox.get(path).status_code == 404
    assert sandbox.get(f"/api/campaign-recipient-estimation-jobs/{campaign}").status_code == 404
    sandbox.clock.advance(10)
    assert sandbox.get(f"/api/campaign-recipient-estimations/{campaign}").status_code == 404


def test_an_estimation_is_processed_and_complete(sandbox):
    campaign = draft(sandbox)["id"]
    answer = estimate(sandbox, campaign)
    assert answer.status_code == 202
    assert answer.json()["data"]["id"] == campaign
    assert answer.json()["data"]["attributes"] == {"status": "processing"}
    statuses = []
    for _ in range(5):
        statuses.append(sandbox.data(f"/api/campaign-recipient-estimation-jobs/{campaign}")["attributes"]["status"])
        result = sandbox.get(f"/api/campaign-recipient-estimations/{campaign}")
        if statuses[-1] != "complete":
            assert sandbox.problem(result, 404)["detail"].startswith("No results or results were out of date")
        sandbox.clock.advance(0.5)
    assert statuses == ["processing", "processing", "processing", "processing", "complete"]
    assert result.json()["data"]["attributes"]["estimated_recipient_count"] > 0


def count(sandbox, campaign):
    estimate(sandbox, campaign)
    sandbox.clock.advance(2)
    return sandbox.data(f"/api/campaign-recipient-estimations/{campaign}")["attributes"]["estimated_recipient_count"]


def test_the_estimate_counts_each_reachable_person_once(sandbox):
    first, second, excluded = (sandbox.create_list(name) for name in ("First", "Second", "Excluded"))
    ana, ben, carl = (sandbox.create_profile(email=f"{name}@example.org") for name in ("ana", "ben", "carl"))
    phone = sandbox.create_profile(phone_number="+4740000001")
    sandbox.add_to_list(first, ana, ben, phone)
    sandbox.add_to_list(second, ben, carl)
    sandbox.add_to_list(excluded, carl)
    campaign = draft(sandbox, included=[first, second], audiences={"included": [first, second], "excluded": [excluded]})
    assert count(sandbox, campaign["id"]) == 2


def test_the_suppressed_are_not_counted(make_sandbox):
    sandbox = make_sandbox(profiles=150)
    newsletter = sandbox.list_id("Newsletter")
    members = sandbox.walk(f"/api/lists/{newsletter}/profiles?additional-fields[profile]=subscriptions&page[size]=100")
    reachable = [
        item
        for item in members
        if item["attributes"]["subscriptions"]["email"]["marketing"]["can_receive_email_marketing"]
    ]
    assert 0 < len(reachable) < len(members)
    assert count(sandbox, draft(sandbox)["id"]) == len(reachable)


def test_text_messages_reach_only_their_subscribers(sandbox):
    group = sandbox.create_list("New")
    sandbox.add_to_list(group, sandbox.create_profile(phone_number="+4740000001"))
    campaign = draft(sandbox, {"channel": "sms", "content": {"body": "Hi"}}, included=[group])
    assert count(sandbox, campaign["id"]) == 0
    texts = draft(sandbox, {"channel": "sms", "content": {"body": "Hi"}}, included=[sandbox.list_id("SMS subscribers")])
    assert count(sandbox, texts["id"]) > 0


def test_segments_are_audiences_too(sandbox):
    segment = sandbox.data('/api/segments?filter=equals(name,"Repeat customers")')[0]["id"]
    assert count(sandbox, draft(sandbox, included=[segment])["id"]) > 0


def test_an_estimate_is_out_of_date_once_the_audience_changes(sandbox):
    campaign = draft(sandbox)["id"]
    count(sandbox, campaign)
    change(sandbox, campaign, name="Newer")
    assert sandbox.get(f"/api/campaign-recipient-estimations/{campaign}").status_code == 200
    change(sandbox, campaign, audiences={"included": [sandbox.list_id("VIP customers")]})
    assert sandbox.get(f"/api/campaign-recipient-estimations/{campaign}").status_code == 404


def test_a_new_estimation_replaces_one_that_is_under_way(sandbox):
    campaign = draft(sandbox)["id"]
    estimate(sandbox, campaign)
    sandbox.clock.advance(1.5)
    estimate(sandbox, campaign)
    sandbox.clock.advance(1)
    assert sandbox.get(f"/api/campaign-recipient-estimations/{campaign}").status_code == 404
    sandbox.clock.advance(1)
    assert sandbox.get(f"/api/campaign-recipient-estimations/{campaign}").status_code == 200


def test_an_unknown_campaign_cannot_be_estimated(sandbox):
    assert estimate(sandbox, "01ARZ3NDEKTSV4RRFFQ69G5FAV").status_code == 404
    assert sandbox.get("/api/campaign-recipient-estimation-jobs/01ARZ3NDEKTSV4RRFFQ69G5FAV").status_code == 404
