"""Scheduling messages of campaigns, stopping them, and A/B tests: who gets which variation, and when."""

from datetime import datetime

import pytest
from tests.sandbox.test_campaign_model import created, ids, to

TIME = "2026-11-17T09:00:00+00:00"
HOUR = 3600


def draft(sandbox, *subjects, people=6, **definition):
    """A campaign of one email to a list of its own, ready to go; the ids of both."""
    group = sandbox.create_list("Some people")
    if people:
        sandbox.add_to_list(group, *(sandbox.create_profile(email=f"p{n}@example.org") for n in range(people)))
    template = sandbox.data("/api/templates")[0]["id"]
    variations = [
        {"definition": {"name": subject, "details": {"channel": "email", "subject": subject, "template_id": template}}}
        for subject in subjects or ("Hello",)
    ]
    attributes = {
        "definition": {"name": "News"},
        "audiences": [{"temporary_id": "a", "included": [group]}],
        "messages": [{"audience_temporary_id": "a", "name": "Mail", "variations": variations}],
    }
    made = created(sandbox.post("/api/campaigns", {"data": {"type": "campaign", "attributes": attributes}}))
    message = made["relationships"]["campaign-messages"]["data"][0]["id"]
    if definition:
        body = {"data": {"type": "campaign-message", "id": message, "attributes": {"definition": definition}}}
        created(sandbox.patch(f"/api/campaign-messages/{message}", body), 200)
    return made["id"], message


def schedule(sandbox, message, **attributes):
    relationships = to(campaign_message=message)
    body = {"data": {"type": "campaign-message-schedule", "attributes": attributes, "relationships": relationships}}
    return sandbox.post("/api/campaign-message-schedule", body)


def stop(sandbox, message, action):
    body = {"data": {"type": "campaign-message-schedule", "id": message, "attributes": {"action": action}}}
    return sandbox.patch(f"/api/campaign-message-schedule/{message}", body)


def shown(sandbox, message):
    return sandbox.data(f"/api/campaign-messages/{message}")["attributes"]["definition"]


def status(sandbox, message):
    return shown(sandbox, message)["status"]


def received(sandbox, message, metric="Received Email"):
    path = f'/api/events?filter=equals(metric_id,"{sandbox.metric_id(metric)}")&sort=-datetime&page[size]=1000'
    properties = [event["attributes"] for event in sandbox.walk(path)]
    return [event for event in properties if event["event_properties"]["$message"] == message]


def test_a_scheduled_message_goes_out_when_its_time_comes(sandbox):
    campaign, message = draft(sandbox)
    data = created(schedule(sandbox, message, strategy="static", send_time=TIME))
    assert (data["id"], data["attributes"]["send_time"]) == (message, TIME)
    assert data["relationships"]["campaign-message"]["data"]["id"] == message
    assert shown(sandbox, message)["send_options"]["send_time"] == TIME
    earlier = sandbox.data(f"/api/campaigns/{campaign}", revision="2026-07-15")["attributes"]
    assert (earlier["status"], earlier["send_time"]) == ("Scheduled", TIME)
    sandbox.clock.advance(20 * HOUR)
    assert status(sandbox, message) == "scheduled"
    sandbox.clock.advance(HOUR + 0.1)
    assert status(sandbox, message) == "sending"
    sandbox.clock.advance(2)
    assert status(sandbox, message) == "sent"
    assert len(received(sandbox, message)) == 6
    sandbox.problem(stop(sandbox, message, "cancel"), 409)


def test_all_messages_of_a_campaign_are_scheduled_at_once_or_none(sandbox):
    campaign, message = draft(sandbox)
    _, other = draft(sandbox, people=0)

    def both(*messages):
        each = [{"message_id": message, "strategy": "static", "send_time": TIME} for message in messages]
        attributes, relationships = {"message_schedules": each}, to(campaign=campaign)
        body = {"data": {"type": "campaign-schedule", "attributes": attributes, "relationships": relationships}}
        return sandbox.post("/api/campaign-schedule", body)

    error = sandbox.problem(both(message, other), 400)
    assert error["source"]["pointer"] == "/data/attributes/message_schedules/1/message_id"
    assert status(sandbox, message) == "draft"
    sandbox.problem(both(message, message), 400)
    data = created(both(message))
    assert (data["id"], ids(data["attributes"]["messages"])) == (campaign, [message])
    assert status(sandbox, message) == "scheduled"


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"strategy": "static"}, "/send_time"),
        ({"strategy": "static", "send_time": "2026-11-16T11:59:00+00:00"}, "/send_time"),
        ({"strategy": "immediate", "send_time": TIME}, "/strategy"),
        ({"strategy": "smart_send_time"}, "/send_date"),
        ({"strategy": "smart_send_time", "send_date": "2026-11-14"}, "/send_date"),
        ({"strategy": "throttled", "send_time": TIME}, "/throttled_options"),
        (
            {"strategy": "throttled", "send_time": TIME, "throttled_options": {"throttling_percentage": 3}},
            "/throttled_options/throttling_percentage",
        ),
    ],
)
def test_a_wrong_schedule_is_refused_with_where_it_is_wrong(sandbox, wrong, pointer):
    _, message = draft(sandbox)
    assert (
        sandbox.problem(schedule(sandbox, message, **wrong), 400)["source"]["pointer"] == f"/data/attributes{pointer}"
    )
    assert status(sandbox, message) == "draft"


def test_a_message_without_content_is_not_scheduled(sandbox):
    _, message = draft(sandbox, "")
    assert (
        "lacks content" in sandbox.problem(schedule(sandbox, message, strategy="static", send_time=TIME), 400)["detail"]
    )
    sandbox.problem(schedule(sandbox, "01HZZZZZZZZZZZZZZZZZZZZZZZ", strategy="static", send_time=TIME), 404)


def test_what_is_scheduled_is_left_alone_until_it_is_reverted(sandbox):
    campaign, message = draft(sandbox)
    created(schedule(sandbox, message, strategy="static", send_time=TIME))
    (audience,) = ids(sandbox.data(f"/api/campaigns/{campaign}/campaign-audiences"))
    (variation,) = ids(sandbox.data(f"/api/campaign-messages/{message}/campaign-variations"))
    sandbox.problem(schedule(sandbox, message, strategy="static", send_time=TIME), 409)
    for path in (f"campaign-messages/{message}", f"campaign-audiences/{audience}", f"campaign-variations/{variation}"):
        body = {"type": path.split("/")[0][:-1], "id": path.split("/")[1], "attributes": {"definition": {"name": "X"}}}
        sandbox.problem(sandbox.patch(f"/api/{path}", {"data": body}), 409)
        sandbox.problem(sandbox.delete(f"/api/{path}"), 409)
    assert stop(sandbox, message, "revert").status_code == 204
    assert status(sandbox, message) == "draft"
    assert shown(sandbox, message)["send_options"]["send_time"] is None
    sandbox.problem(stop(sandbox, message, "revert"), 409)
    sandbox.clock.advance(2 * 86400)
    assert received(sandbox, message) == []
    assert sandbox.delete(f"/api/campaign-messages/{message}").status_code == 204


def test_a_cancelled_message_stays_so(sandbox):
    _, message = draft(sandbox)
    created(schedule(sandbox, message, strategy="static", send_time=TIME))
    assert stop(sandbox, message, "cancel").status_code == 204
    sandbox.clock.advance(2 * 86400)
    assert status(sandbox, message) == "cancelled"
    assert received(sandbox, message) == []


def test_a_send_job_sends_every_draft_of_a_campaign_at_once(sandbox):
    campaign, message = draft(sandbox)
    created(sandbox.post("/api/campaign-send-jobs", {"data": {"type": "campaign-send-job", "id": campaign}}), 202)
    sandbox.clock.advance(2)
    assert status(sandbox, message) == "sent"
    assert len(received(sandbox, message)) == 6
    assert sandbox.delete(f"/api/campaign-messages/{message}").status_code == 204
    sandbox.problem(
        sandbox.post("/api/campaign-send-jobs", {"data": {"type": "campaign-send-job", "id": campaign}}), 400
    )


def test_throttled_messages_go_out_in_batches_by_the_minute(sandbox):
    _, message = draft(sandbox)
    options = {"throttling_percentage": 50, "throttle_unit": "minute"}
    data = created(schedule(sandbox, message, strategy="throttled", send_time=TIME, throttled_options=options))
    assert (data["attributes"]["throttling_percentage"], data["attributes"]["throttle_unit"]) == (50, "minute")
    sandbox.clock.advance(21 * HOUR + 30)
    assert (status(sandbox, message), len(received(sandbox, message))) == ("sending", 3)
    sandbox.clock.advance(60)
    assert (status(sandbox, message), len(received(sandbox, message))) == ("sent", 6)


@pytest.mark.parametrize(("tomorrow", "moment"), [(False, "2026-11-16T12:00"), (True, "2026-11-17T05:00")])
def test_those_whose_local_time_has_passed_get_it_now_or_tomorrow(sandbox, tomorrow, moment):
    campaign, message = draft(sandbox, people=0)
    (audience,) = sandbox.data(f"/api/campaigns/{campaign}/campaign-audiences")
    (group,) = audience["attributes"]["definition"]["included"]
    for email, zone in (("ayu@example.org", "Asia/Tokyo"), ("lea@example.org", "Europe/Berlin")):
        sandbox.add_to_list(group, sandbox.create_profile(email=email, location={"timezone": zone}))
    asked = {"strategy": "local_timezone", "send_time": "2026-11-16T14:00:00+00:00"}
    created(schedule(sandbox, message, **asked, timezone_options={"send_past_timezones_tomorrow": tomorrow}))
    sandbox.clock.advance(2 * 86400)
    assert status(sandbox, message) == "sent"
    times = sorted(datetime.fromisoformat(event["datetime"]).isoformat()[:16] for event in received(sandbox, message))
    # In Berlin it is two o'clock an hour from now, in Tokyo it was so seven hours ago.
    assert times == sorted([moment, "2026-11-16T13:00"])


def test_smart_sending_times_take_a_day(sandbox):
    _, message = draft(sandbox, people=8)
    data = created(schedule(sandbox, message, strategy="smart_send_time", send_date="2026-11-18"))
    assert (data["attributes"]["send_date"], data["attributes"]["send_time"]) == ("2026-11-18", None)
    sandbox.clock.advance(3 * 86400)
    assert len({event["datetime"][:13] for event in received(sandbox, message)}) > 2


def report(sandbox, campaign, *by):
    attributes = {
        "statistics": ["recipients"],
        "timeframe": {"key": "last_30_days"},
        "conversion_metric_id": sandbox.metric_id("Placed Order"),
        "filter": f'equals(campaign_id,"{campaign}")',
        "group_by": ["campaign_id", "campaign_message_id", *by],
    }
    answer = sandbox.post(
        "/api/campaign-values-reports", {"data": {"type": "campaign-values-report", "attributes": attributes}}
    )
    results = created(answer, 200)["attributes"]["results"]
    return {tuple(row["groupings"][name] for name in by): row["statistics"]["recipients"] for row in results}


def test_variations_share_the_recipients_and_are_told_apart_in_reports(sandbox):
    campaign, message = draft(sandbox, "A", "B")
    created(schedule(sandbox, message, strategy="static", send_time=TIME))
    sandbox.clock.advance(22 * HOUR)
    first, second = ids(sandbox.data(f"/api/campaign-messages/{message}/campaign-variations"))
    assert report(sandbox, campaign, "variation", "variation_name") == {(first, "A"): 3, (second, "B"): 3}
    assert report(sandbox, campaign, "send_channel") == {("email",): 6}


@pytest.mark.parametrize("metric", ["opens_unique", "clicks_unique", "placed_orders_unique"])
def test_the_winner_of_a_test_goes_to_everybody_else(sandbox, metric):
    test = {"winner_metric": metric, "winner_percentage": 60, "winner_wait_hours": 24}
    campaign, message = draft(sandbox, "A", "B", people=40, ab_test=test)
    created(schedule(sandbox, message, strategy="static", send_time=TIME))
    sandbox.clock.advance(22 * HOUR)
    assert (status(sandbox, message), len(received(sandbox, message))) == ("sending", 16)
    earlier = sandbox.data(f"/api/campaigns/{campaign}", revision="2026-07-15")
    assert earlier["attributes"]["status"] == "Variations Sent"
    sandbox.clock.advance(24 * HOUR)
    assert status(sandbox, message) == "sent"
    parts = report(sandbox, campaign, "variation")
    assert sorted(parts.values()) == [8, 32]
    if metric == "opens_unique":
        opened = [event["event_properties"]["$variation"] for event in received(sandbox, message, "Opened Email")]
        (winner,) = max(parts, key=lambda each: parts[each])
        assert opened.count(winner) == max(opened.count(each) for (each,) in parts)
