"""Billing usage: a row for each thing that a plan limits, counted from what was sent in the calendar month."""

from klaviyo_sandbox import OTHER_API_KEY

NOW = "2026-10-15"
PATH = "/api/billing-usage"


def used(sandbox, usage):
    return sandbox.data(f"{PATH}/{usage}", revision=NOW)["attributes"]["usage_used"]


def send(sandbox, channel, **content):
    """Send a message to the newsletter at once, and let it arrive; returns how many people it was for."""
    audiences = {"included": [sandbox.list_id("Newsletter")]}
    message = {"type": "campaign-message", "attributes": {"definition": {"channel": channel, "content": content}}}
    attributes = {"name": "Frost", "audiences": audiences, "campaign-messages": {"data": [message]}}
    attributes["send_options"] = {"use_smart_sending": False}
    body = {"data": {"type": "campaign", "attributes": attributes}}
    made = sandbox.post("/api/campaigns", body, revision="2026-07-15").json()["data"]
    sandbox.post("/api/campaign-send-jobs", {"data": {"type": "campaign-send-job", "id": made["id"]}})
    sandbox.clock.advance(30)
    (message,) = made["relationships"]["campaign-messages"]["data"]
    events = sandbox.walk(f'/api/events?filter=equals(metric_id,"{sandbox.metric_id("Received SMS")}")&page[size]=200')
    return sum(event["attributes"]["event_properties"]["$message"] == message["id"] for event in events)


def test_a_row_says_how_much_of_what_was_used_in_which_period(sandbox):
    rows = {row["id"]: row["attributes"] for row in sandbox.data(PATH, revision=NOW)}
    assert {name: row["unit"] for name, row in rows.items()} == {
        "active_profiles": "profiles",
        "email_sends": "messages",
        "sms_credits": "credits",
    }
    for row in rows.values():
        assert 0 <= row["usage_used"] < row["usage_max"]
        assert (row["period_start"], row["period_end"]) == ("2026-11-01T00:00:00+00:00", "2026-12-01T00:00:00+00:00")
        assert row["as_of"] == "2026-11-16T12:00:00+00:00"
    some = sandbox.data(f'{PATH}?filter=any(id,["email_sends","profits"])&fields[billing-usage]=unit', revision=NOW)
    assert [(row["id"], row["attributes"]) for row in some] == [("email_sends", {"unit": "messages"})]
    assert len(sandbox.data(PATH, revision=NOW, key=OTHER_API_KEY)) == 3
    sandbox.problem(sandbox.get(f"{PATH}/profits", revision=NOW), 404)


def test_what_is_sent_is_counted_a_long_text_as_several_until_the_month_ends(sandbox):
    before, emails = used(sandbox, "sms_credits"), used(sandbox, "email_sends")
    people = send(sandbox, "sms", body="Frost tonight. " * 15)
    assert people > 0
    assert used(sandbox, "sms_credits") == before + 2 * people
    assert used(sandbox, "email_sends") == emails
    sandbox.clock.advance(15 * 86400)
    assert used(sandbox, "sms_credits") == 0
    assert used(sandbox, "active_profiles") > 0
