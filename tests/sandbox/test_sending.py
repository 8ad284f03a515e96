"""Sending campaigns: the job, the statuses on the way, whom it reaches and when, and stopping it."""

from datetime import datetime, timedelta

import pytest

AT_REVISION = "2026-07-15"
STRATEGY_TIME = "2026-11-17T09:00:00+00:00"


def email_campaign(sandbox, *, included=None, template=True, subject="Hello", **attributes):
    """A draft of one email; returns the ids of the campaign and its message."""
    content = {"subject": subject, "from_email": "hello@juniperandpine.example", "from_label": "Juniper"}
    message = {"type": "campaign-message", "attributes": {"definition": {"channel": "email", "content": content}}}
    body = {
        "name": "News",
        "audiences": {"included": included or [sandbox.list_id("Newsletter")]},
        "campaign-messages": {"data": [message]},
        **attributes,
    }
    answer = sandbox.post("/api/campaigns", {"data": {"type": "campaign", "attributes": body}})
    assert answer.status_code == 201, answer.text
    campaign = answer.json()["data"]["id"]
    (message,) = sandbox.data(f"/api/campaigns/{campaign}/campaign-messages")
    if template:
        assert assign(sandbox, message["id"], sandbox.data("/api/templates")[0]["id"]).status_code == 200
    return campaign, message["id"]


def assign(sandbox, message, template):
    related = {"template": {"data": {"type": "template", "id": template}}}
    body = {"data": {"type": "campaign-message", "id": message, "relationships": related}}
    return sandbox.post("/api/campaign-message-assign-template", body)


def send(sandbox, campaign):
    return sandbox.post("/api/campaign-send-jobs", {"data": {"type": "campaign-send-job", "id": campaign}})


def stop(sandbox, campaign, action):
    body = {"data": {"type": "campaign-send-job", "id": campaign, "attributes": {"action": action}}}
    return sandbox.patch(f"/api/campaign-send-jobs/{campaign}", body)


def status(sandbox, campaign):
    return sandbox.data(f"/api/campaigns/{campaign}")["attributes"]["status"]


def job(sandbox, campaign):
    return sandbox.data(f"/api/campaign-send-jobs/{campaign}")["attributes"]["status"]


def received(sandbox, message, metric="Received Email"):
    """The events of one message, newest first."""
    path = f'/api/events?filter=equals(metric_id,"{sandbox.metric_id(metric)}")&sort=-datetime&page[size]=1000'
    return [event for event in sandbox.walk(path) if event["attributes"]["event_properties"]["$message"] == message]


def people_list(sandbox, *emails, **attributes):
    group = sandbox.create_list("Some people")
    people = [sandbox.create_profile(email=email, **attributes) for email in emails]
    sandbox.add_to_list(group, *people)
    return group, people


def test_a_campaign_goes_through_its_statuses_while_the_job_runs(sandbox):
    campaign, _ = email_campaign(sandbox)
    answer = send(sandbox, campaign)
    assert answer.status_code == 202
    assert answer.json()["data"]["attributes"] == {"status": "queued"}
    assert answer.json()["data"]["id"] == campaign
    seen = [(job(sandbox, campaign), status(sandbox, campaign))]
    for _ in range(5):
        sandbox.clock.advance(0.25)
        seen.append((job(sandbox, campaign), status(sandbox, campaign)))
    assert list(dict.fromkeys(seen)) == [
        ("queued", "Preparing to send"),
        ("processing", "Adding Recipients"),
        ("processing", "Sending"),
        ("complete", "Sent"),
    ]
    attributes = sandbox.data(f"/api/campaigns/{campaign}")["attributes"]
    assert attributes["send_time"] == attributes["scheduled_at"] == "2026-11-16T12:00:00.000000+00:00"


def test_a_sent_campaign_is_received_by_whom_it_was_estimated_for(sandbox):
    campaign, message = email_campaign(sandbox)
    estimation = {"data": {"type": "campaign-recipient-estimation-job", "id": campaign}}
    sandbox.post("/api/campaign-recipient-estimation-jobs", estimation)
    sandbox.clock.advance(10)
    expected = sandbox.data(f"/api/campaign-recipient-estimations/{campaign}")["attributes"]
    send(sandbox, campaign)
    sandbox.clock.advance(2)
    events = received(sandbox, message)
    assert len(events) == expected["estimated_recipient_count"] > 5
    properties = events[0]["attributes"]["event_properties"]
    assert properties["Campaign Name"] == "News"
    assert properties["Subject"] == "Hello"
    assert properties["$campaign_channel"] == "email"


def test_opens_and_clicks_follow_over_the_days_after(sandbox):
    campaign, message = email_campaign(sandbox)
    send(sandbox, campaign)
    sandbox.clock.advance(2)
    assert received(sandbox, message, "Opened Email") == []
    sandbox.clock.advance(4 * 86400)
    delivered = len(received(sandbox, message))
    opened = len(received(sandbox, message, "Opened Email"))
    clicked = len(received(sandbox, message, "Clicked Email"))
    assert delivered > opened > clicked >= 0


def test_what_is_not_tracked_leaves_no_events(sandbox):
    options = {"is_tracking_opens": False, "is_tracking_clicks": False}
    campaign, message = email_campaign(sandbox, tracking_options=options)
    send(sandbox, campaign)
    sandbox.clock.advance(4 * 86400)
    assert received(sandbox, message)
    assert received(sandbox, message, "Opened Email") == received(sandbox, message, "Clicked Email") == []


def test_the_same_seed_has_the_same_people_open(make_sandbox):
    def opens(sandbox):
        campaign, message = email_campaign(sandbox)
        send(sandbox, campaign)
        sandbox.clock.advance(4 * 86400)
        return received(sandbox, message, "Opened Email")

    assert opens(make_sandbox(seed=5)) == opens(make_sandbox(seed=5))


def test_an_empty_list_cancels_the_campaign(sandbox):
    campaign, _ = email_campaign(sandbox, included=[sandbox.list_id("Spring pop-up (empty)")])
    send(sandbox, campaign)
    sandbox.clock.advance(2)
    assert (status(sandbox, campaign), job(sandbox, campaign)) == ("Cancelled: No Recipients", "cancelled")


@pytest.mark.parametrize("missing", [{"template": False}, {"subject": ""}])
def test_an_email_without_template_or_subject_is_misconfigured(sandbox, missing):
    campaign, message = email_campaign(sandbox, **missing)
    send(sandbox, campaign)
    sandbox.clock.advance(2)
    assert status(sandbox, campaign) == "Cancelled: Misconfigured"
    assert received(sandbox, message) == []


def test_smart_sending_spares_those_who_just_had_an_email(sandbox):
    group, _ = people_list(sandbox, "ana@example.org", "ben@example.org")
    first, _ = email_campaign(sandbox, included=[group])
    send(sandbox, first)
    sandbox.clock.advance(3600)
    second, _ = email_campaign(sandbox, included=[group])
    insistent, message = email_campaign(sandbox, included=[group], send_options={"use_smart_sending": False})
    send(sandbox, second)
    send(sandbox, insistent)
    sandbox.clock.advance(2)
    assert status(sandbox, second) == "Cancelled: Smart Sending"
    assert status(sandbox, insistent) == "Sent"
    assert len(received(sandbox, message)) == 2


def test_a_text_message_reaches_subscribers_as_a_text(sandbox):
    message = {
        "type": "campaign-message",
        "attributes": {"definition": {"channel": "sms", "content": {"body": "Hello there"}}},
    }
    body = {
        "name": "Text",
        "audiences": {"included": [sandbox.list_id("SMS subscribers")]},
        "campaign-messages": {"data": [message]},
    }
    campaign = sandbox.post("/api/campaigns", {"data": {"type": "campaign", "attributes": body}}).json()["data"]["id"]
    (message,) = sandbox.data(f"/api/campaigns/{campaign}/campaign-messages")
    send(sandbox, campaign)
    sandbox.clock.advance(2)
    events = received(sandbox, message["id"], "Received SMS")
    assert events
    assert events[0]["attributes"]["event_properties"]["To Number"].startswith("+")


def test_variations_share_the_recipients(sandbox):
    group, people = people_list(sandbox, *(f"person{number}@example.org" for number in range(6)))
    definition = {"channel": "email", "content": {"subject": "Hello"}}
    messages = [{"type": "campaign-message", "attributes": {"definition": definition}}] * 2
    body = {"name": "Two", "audiences": {"included": [group]}, "campaign-messages": {"data": messages}}
    campaign = sandbox.post("/api/campaigns", {"data": {"type": "campaign", "attributes": body}}).json()["data"]["id"]
    variations = [message["id"] for message in sandbox.data(f"/api/campaigns/{campaign}/campaign-messages")]
    for message in variations:
        assign(sandbox, message, sandbox.data("/api/templates")[0]["id"])
    send(sandbox, campaign)
    sandbox.clock.advance(2)
    assert [len(received(sandbox, message)) for message in variations] == [3, 3]
    assert len(people) == 6


def test_a_static_strategy_schedules_the_campaign(sandbox):
    campaign, message = email_campaign(sandbox, send_strategy={"method": "static", "datetime": STRATEGY_TIME})
    send(sandbox, campaign)
    assert status(sandbox, campaign) == "Preparing to schedule"
    sandbox.clock.advance(1)
    assert (status(sandbox, campaign), job(sandbox, campaign)) == ("Scheduled", "complete")
    attributes = sandbox.data(f"/api/campaigns/{campaign}")["attributes"]
    assert (attributes["scheduled_at"], attributes["send_time"]) == ("2026-11-16T12:00:00.000000+00:00", STRATEGY_TIME)
    times = sandbox.data(f"/api/campaign-messages/{message}")["attributes"]["send_times"]
    assert times == [{"datetime": STRATEGY_TIME, "is_local": False}]
    sandbox.clock.advance(20 * 3600)
    assert status(sandbox, campaign) == "Scheduled"
    sandbox.clock.advance(3600 + 2)
    assert status(sandbox, campaign) == "Sent"
    assert received(sandbox, message)


def test_a_time_that_has_passed_is_refused(sandbox):
    strategy = {"method": "static", "datetime": "2026-11-16T11:59:00+00:00"}
    campaign, _ = email_campaign(sandbox, send_strategy=strategy)
    assert "is past" in sandbox.problem(send(sandbox, campaign), 400)["detail"]
    assert status(sandbox, campaign) == "Draft"


def test_a_scheduled_campaign_can_be_moved(sandbox):
    campaign, _ = email_campaign(sandbox, send_strategy={"method": "static", "datetime": STRATEGY_TIME})
    send(sandbox, campaign)
    sandbox.clock.advance(1)
    later = {"method": "static", "datetime": "2026-11-18T09:00:00+00:00"}
    body = {"data": {"type": "campaign", "id": campaign, "attributes": {"send_strategy": later}}}
    changed = sandbox.patch(f"/api/campaigns/{campaign}", body).json()["data"]["attributes"]
    assert (changed["status"], changed["send_time"]) == ("Scheduled", later["datetime"])
    sandbox.clock.advance(86400)
    assert status(sandbox, campaign) == "Scheduled"
    sandbox.clock.advance(86400)
    assert status(sandbox, campaign) == "Sent"


def test_throttled_sending_goes_out_hour_by_hour(sandbox):
    group, _ = people_list(sandbox, *(f"person{number}@example.org" for number in range(10)))
    start = "2026-11-16T13:00:00+00:00"
    strategy = {"method": "throttled", "datetime": start, "throttle_percentage": 50}
    campaign, message = email_campaign(sandbox, included=[group], send_strategy=strategy)
    send(sandbox, campaign)
    sandbox.clock.advance(3600 + 60)
    assert status(sandbox, campaign) == "Sending"
    assert len(received(sandbox, message)) == 5
    sandbox.clock.advance(3600)
    assert status(sandbox, campaign) == "Sent"
    assert len(received(sandbox, message)) == 10


def test_local_times_follow_the_clocks_of_the_recipients(sandbox):
    group = sandbox.create_list("Two places")
    for email, zone in (("ayu@example.org", "Asia/Tokyo"), ("lea@example.org", "Europe/Berlin")):
        sandbox.add_to_list(group, sandbox.create_profile(email=email, location={"timezone": zone}))
    strategy = {"method": "static", "datetime": "2026-11-18T09:00:00", "options": {"is_local": True}}
    campaign, message = email_campaign(sandbox, included=[group], send_strategy=strategy)
    send(sandbox, campaign)
    sandbox.clock.advance(3 * 86400)
    assert status(sandbox, campaign) == "Sent"
    moments = [datetime.fromisoformat(event["attributes"]["datetime"]) for event in received(sandbox, message)]
    assert [moment.isoformat(timespec="minutes") for moment in moments] == [
        "2026-11-18T08:00+00:00",
        "2026-11-18T00:00+00:00",
    ]


def test_smart_send_time_spreads_a_campaign_over_the_day(sandbox):
    group, _ = people_list(sandbox, *(f"person{number}@example.org" for number in range(12)))
    strategy = {"method": "smart_send_time", "date": "2026-11-18"}
    campaign, message = email_campaign(sandbox, included=[group], send_strategy=strategy)
    send(sandbox, campaign)
    sandbox.clock.advance(4 * 86400)
    assert status(sandbox, campaign) == "Sent"
    moments = [datetime.fromisoformat(event["attributes"]["datetime"]) for event in received(sandbox, message)]
    assert len(moments) == 12
    assert timedelta(hours=3) < max(moments) - min(moments) < timedelta(days=1)


def test_a_scheduled_campaign_can_be_cancelled_for_good(sandbox):
    campaign, message = email_campaign(sandbox, send_strategy={"method": "static", "datetime": STRATEGY_TIME})
    send(sandbox, campaign)
    sandbox.clock.advance(1)
    answer = stop(sandbox, campaign, "cancel")
    assert (answer.status_code, answer.content) == (204, b"")
    assert (status(sandbox, campaign), job(sandbox, campaign)) == ("Cancelled", "cancelled")
    sandbox.clock.advance(2 * 86400)
    assert status(sandbox, campaign) == "Cancelled"
    assert received(sandbox, message) == []
    sandbox.problem(send(sandbox, campaign), 409)


def test_a_campaign_on_its_way_can_be_made_a_draft_again_and_resent(sandbox):
    campaign, message = email_campaign(sandbox)
    send(sandbox, campaign)
    sandbox.clock.advance(0.3)
    assert stop(sandbox, campaign, "revert").status_code == 204
    attributes = sandbox.data(f"/api/campaigns/{campaign}")["attributes"]
    assert (attributes["status"], attributes["scheduled_at"], attributes["send_time"]) == ("Draft", None, None)
    assert sandbox.data(f"/api/campaign-messages/{message}")["attributes"]["send_times"] is None
    sandbox.clock.advance(60)
    assert received(sandbox, message) == []
    assert send(sandbox, campaign).status_code == 202
    sandbox.clock.advance(2)
    assert status(sandbox, campaign) == "Sent"
    assert received(sandbox, message)


def test_what_is_sent_can_be_neither_sent_again_nor_stopped_nor_changed(sandbox):
    campaign, message = email_campaign(sandbox)
    send(sandbox, campaign)
    sandbox.problem(send(sandbox, campaign), 409)
    sandbox.clock.advance(2)
    sandbox.problem(send(sandbox, campaign), 409)
    sandbox.problem(stop(sandbox, campaign, "cancel"), 409)
    sandbox.problem(assign(sandbox, message, sandbox.data("/api/templates")[0]["id"]), 409)


def test_a_draft_has_no_send_job(sandbox):
    campaign, _ = email_campaign(sandbox)
    sandbox.problem(sandbox.get(f"/api/campaign-send-jobs/{campaign}"), 404)
    sandbox.problem(stop(sandbox, campaign, "cancel"), 404)
    sandbox.problem(stop(sandbox, campaign, "pause"), 400)
    sandbox.problem(send(sandbox, "01HZZZZZZZZZZZZZZZZZZZZZZZ"), 404)


def test_a_deleted_campaign_is_not_sent(sandbox):
    campaign, message = email_campaign(sandbox)
    send(sandbox, campaign)
    assert sandbox.delete(f"/api/campaigns/{campaign}").status_code == 204
    sandbox.clock.advance(5)
    sandbox.problem(sandbox.get(f"/api/campaign-send-jobs/{campaign}"), 404)
    assert received(sandbox, message) == []


def test_a_batch_that_is_still_to_come_is_stopped_too(sandbox):
    group, _ = people_list(sandbox, *(f"person{number}@example.org" for number in range(10)))
    strategy = {"method": "throttled", "datetime": "2026-11-16T13:00:00+00:00", "throttle_percentage": 20}
    campaign, message = email_campaign(sandbox, included=[group], send_strategy=strategy)
    send(sandbox, campaign)
    sandbox.clock.advance(2 * 3600 + 60)
    assert stop(sandbox, campaign, "cancel").status_code == 204
    sandbox.clock.advance(86400)
    assert len(received(sandbox, message)) == 4


def test_the_scheduled_campaign_of_the_demo_shop_goes_out_when_its_time_comes(sandbox):
    (preview,) = sandbox.data("/api/campaigns?filter=equals(messages.channel,'email'),contains(name,'Holiday preview')")
    assert job(sandbox, preview["id"]) == "complete"
    sandbox.clock.advance(5 * 86400 + 60)
    assert status(sandbox, preview["id"]) == "Sent"
    (message,) = sandbox.data(f"/api/campaigns/{preview['id']}/campaign-messages")
    assert received(sandbox, message["id"])


def test_the_profile_knows_of_the_latest_event(sandbox):
    group, _ = people_list(sandbox, "ana@example.org")
    campaign, _ = email_campaign(sandbox, included=[group])
    send(sandbox, campaign)
    sandbox.clock.advance(2)
    profile = sandbox.profile("ana@example.org")
    assert profile["attributes"]["last_event_date"] == "2026-11-16T12:00:01+00:00"
