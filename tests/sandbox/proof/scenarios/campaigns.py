"""Campaigns of audiences, messages and variations, from draft to report."""

from typing import Any

from scenarios.sdk import JSON, Klaviyo, body, brought, every_page, ids, ref, refused

LATER = "2026-11-20T09:00:00+00:00"


def _newsletter(klaviyo: Klaviyo) -> str:
    return klaviyo.Lists.get_lists(filter='equals(name,"Newsletter")').data[0].id


def _variation(klaviyo: Klaviyo, name: str = "A", subject: str = "Hello") -> JSON:
    template = klaviyo.Templates.get_templates(filter='equals(name,"Monthly newsletter")').data[0].id
    details: JSON = {"channel": "email", "subject": subject, "preview_text": "News", "template_id": template}
    return {"name": name, "details": {**details, "from_email": "us@example.org", "from_label": "Us"}}


def _draft(klaviyo: Klaviyo, name: str, *variations: JSON) -> tuple[str, str]:
    """A campaign of one message to the newsletter; the ids of both."""
    message: JSON = {"audience_temporary_id": "all", "name": "Mail", "throttling_type": "NONE"}
    message["variations"] = [{"definition": each} for each in variations or (_variation(klaviyo),)]
    audience = {"temporary_id": "all", "name": "Everybody", "included": [_newsletter(klaviyo)], "excluded": []}
    made = klaviyo.Campaigns.create_campaign(
        body("campaign", definition={"name": name, "builder": "wizard"}, audiences=[audience], messages=[message])
    ).data
    (only,) = ids(klaviyo.Campaigns.get_message_ids_for_campaign(made.id))
    return made.id, only


def _status(klaviyo: Klaviyo, message: str) -> str:
    return klaviyo.Campaigns.get_campaign_message(message).data.attributes.definition.status


def _placed_order(klaviyo: Klaviyo) -> str:
    metrics = klaviyo.Metrics.get_metrics(filter='equals(integration.name,"Shopify")').data
    return next(metric.id for metric in metrics if metric.attributes.name == "Placed Order")


def a_campaign_goes_from_draft_to_sent_to_report(klaviyo: Klaviyo) -> None:
    campaign, message = _draft(klaviyo, "SDK news")
    api = klaviyo.Campaigns
    source = klaviyo.Templates.get_templates(filter='equals(name,"Welcome, first email")').data[0].id
    assigned = api.assign_template_to_campaign_message(
        body("campaign-message", message, {"template": ("template", source)})
    )
    assert assigned.data.id == message
    copy = api.get_template_for_campaign_message(message).data.id
    assert copy != source
    assert api.get_template_id_for_campaign_message(message).data.id == copy

    api.refresh_campaign_recipient_estimation(body("campaign-recipient-estimation-job", campaign))
    assert api.get_campaign_recipient_estimation_job(campaign).data.attributes.status == "processing"
    klaviyo.wait(5)
    assert api.get_campaign_recipient_estimation_job(campaign).data.attributes.status == "complete"
    expected = api.get_campaign_recipient_estimation(campaign).data.attributes
    assert expected.estimated_recipient_count > 0

    api.send_campaign(body("campaign-send-job", campaign))
    klaviyo.wait(3600)
    assert api.get_campaign_send_job(campaign).data.attributes.status == "complete"
    assert _status(klaviyo, message) == "sent"
    assert refused(api.send_campaign, body("campaign-send-job", campaign))[0] in (400, 409)
    report = klaviyo.Reporting.query_campaign_values(
        body(
            "campaign-values-report",
            statistics=["recipients", "delivered", "opens_unique", "conversion_value"],
            timeframe={"key": "today"},
            conversion_metric_id=_placed_order(klaviyo),
            filter=f'equals(campaign_id,"{campaign}")',
        )
    )
    (row,) = report.data.attributes.results
    assert row.groupings["campaign_id"] == campaign
    assert row.statistics["recipients"] == expected.estimated_recipient_count


def a_campaign_is_made_step_by_step_and_copied_in_parts(klaviyo: Klaviyo) -> None:
    api, newsletter = klaviyo.Campaigns, _newsletter(klaviyo)
    campaign = api.create_campaign(body("campaign", definition={"name": "SDK steps"})).data.id
    parent = {"campaign": ("campaign", campaign)}
    audience = api.create_campaign_audience(
        body("campaign-audience", None, parent, definition={"name": "Readers", "included": [newsletter]})
    ).data.id
    parents = {**parent, "campaign-audience": ("campaign-audience", audience)}
    message = api.create_campaign_message(body("campaign-message", None, parents, definition={"name": "Mail"})).data.id
    mail = {"campaign-message": ("campaign-message", message)}
    first, second = (
        api.create_campaign_variation(
            body("campaign-variation", None, mail, definition=_variation(klaviyo, name))
        ).data.id
        for name in "AB"
    )
    better = {"details": {"channel": "email", "subject": "A better subject"}}
    api.update_campaign_variation(first, body("campaign-variation", first, definition=better))
    read = api.get_campaign_variation(first, include=["campaign-message"])
    assert brought(read) == [message]
    assert _plain(read.data.attributes.definition)["details"]["subject"] == "A better subject"
    assert set(ids(api.get_variations_for_campaign_message(message))) == {first, second}
    assert set(ids(api.get_variation_ids_for_campaign_message(message))) == {first, second}
    assert api.get_message_for_campaign_variation(first).data.id == message
    assert api.get_message_id_for_campaign_variation(first).data.id == message
    assert api.get_image_for_campaign_variation(first).data is None
    assert api.get_image_id_for_campaign_variation(first).data is None
    api.delete_campaign_variation(second)
    assert refused(api.get_campaign_variation, second) == (404, "not_found")

    api.update_campaign_audience(audience, body("campaign-audience", audience, definition={"name": "All readers"}))
    api.update_campaign_message(message, body("campaign-message", message, definition={"name": "Letter"}))
    api.update_campaign(campaign, body("campaign", campaign, definition={"name": "SDK steps, final"}))
    whole = api.get_campaign(campaign, include=["campaign-audiences", "campaign-messages", "tags"])
    assert whole.data.attributes.definition.name == "SDK steps, final"
    assert set(brought(whole)) == {audience, message}
    shown = api.get_campaign_audience(audience, include=["campaign", "campaign-messages"])
    assert shown.data.attributes.definition.name == "All readers"
    _holds_together(klaviyo, campaign, audience, message)

    other = api.clone_campaign_audience(
        body("campaign-audience-clone", audience, parent, id=audience, name="Readers, again")
    ).data.id
    again = api.clone_campaign_message(
        body("campaign-message", message, {"campaign-audience": ("campaign-audience", other)}, id=message)
    ).data.id
    assert again in ids(api.get_campaign_messages_for_campaign_audience(other))
    api.delete_campaign_message(again)
    assert refused(api.get_campaign_message, again) == (404, "not_found")
    api.delete_campaign_audience(other)
    assert ids(api.get_audience_ids_for_campaign(campaign)) == [audience]


def _holds_together(klaviyo: Klaviyo, campaign: str, audience: str, message: str) -> None:
    """Each part leads to the others."""
    api = klaviyo.Campaigns
    assert ids(api.get_campaign_audiences_for_campaign(campaign)) == [audience]
    assert ids(api.get_audience_ids_for_campaign(campaign)) == [audience]
    assert ids(api.get_messages_for_campaign(campaign, include=["campaign"])) == [message]
    assert ids(api.get_campaign_messages_for_campaign_audience(audience)) == [message]
    assert ids(api.get_message_ids_for_campaign_audience(audience)) == [message]
    assert api.get_campaign_for_campaign_audience(audience).data.id == campaign
    assert api.get_campaign_id_for_campaign_audience(audience).data.id == campaign
    assert api.get_campaign_for_campaign_message(message).data.id == campaign
    assert api.get_campaign_id_for_campaign_message(message).data.id == campaign
    assert api.get_audience_for_campaign_message(message).data.id == audience
    assert api.get_audience_id_for_campaign_message(message).data.id == audience
    assert ids(api.get_tags_for_campaign_message(message)) == []
    assert ids(api.get_tag_ids_for_campaign_message(message)) == []
    found = api.get_campaign_messages(filter=f'equals(campaign_id,"{campaign}")', include=["campaign"])
    assert ids(found) == [message]
    assert api.get_campaign_message(message, include=["campaign", "campaign-variations"]).data.id == message


def a_campaign_is_scheduled_taken_back_copied_and_deleted(klaviyo: Klaviyo) -> None:
    api = klaviyo.Campaigns
    campaign, message = _draft(klaviyo, "SDK later")
    strategy = {"message_id": message, "strategy": "static", "send_time": LATER}
    parent = {"campaign": ("campaign", campaign)}
    api.schedule_campaign(body("campaign-schedule", None, parent, message_schedules=[strategy]))
    assert _status(klaviyo, message) == "scheduled"
    stop = body("campaign-message-schedule", message, action="revert")
    api.update_campaign_message_schedule(message, stop)
    assert _status(klaviyo, message) == "draft"

    local = {"strategy": "local_timezone", "send_time": LATER}
    zones = {"timezone_options": {"send_past_timezones_tomorrow": True}}
    mail = {"campaign-message": ("campaign-message", message)}
    planned = api.schedule_campaign_message(body("campaign-message-schedule", None, mail, **local, **zones))
    assert planned.data.id == message
    api.update_campaign_message_schedule(message, stop)
    timed = {"send_options": {"send_strategy": "static", "send_time": LATER}}
    api.update_campaign_message(message, body("campaign-message", message, definition=timed))
    api.send_campaign(body("campaign-send-job", campaign))
    klaviyo.wait(60)
    assert _status(klaviyo, message) == "scheduled"
    api.cancel_campaign_send(campaign, body("campaign-send-job", campaign, action="revert"))
    assert _status(klaviyo, message) == "draft"

    copy = api.clone_campaign(body("campaign", campaign, name="SDK later, again")).data
    assert copy.attributes.definition.name == "SDK later, again"
    found = api.get_campaigns(filter='contains(name,"SDK later")', include=["campaign-messages"], page_size=5)
    assert set(ids(found)) == {campaign, copy.id}
    assert len(found.included) == 2
    assert len(every_page(api.get_campaigns, sort="-created_at", page_size=5)) > 5
    api.delete_campaign(copy.id)
    assert refused(api.get_campaign, copy.id) == (404, "not_found")


def the_better_of_two_variations_goes_to_the_rest(klaviyo: Klaviyo) -> None:
    both = (_variation(klaviyo, "A"), _variation(klaviyo, "B", "Hello there"))
    _, message = _draft(klaviyo, "SDK test", *both)
    test = {"winner_metric": "opens_unique", "winner_percentage": 50, "winner_wait_hours": 4}
    api = klaviyo.Campaigns
    changed = api.update_campaign_message(message, body("campaign-message", message, definition={"ab_test": test}))
    assert changed.data.attributes.definition.ab_test.winner_wait_hours == 4
    mail = {"campaign-message": ("campaign-message", message)}
    send = {"strategy": "static", "send_time": LATER}
    api.schedule_campaign_message(body("campaign-message-schedule", None, mail, **send))
    klaviyo.wait(5 * 86_400)
    assert _status(klaviyo, message) == "sent"


def a_text_message_carries_an_image(klaviyo: Klaviyo) -> None:
    texting = {"name": "Text", "details": {"channel": "sms", "body": "Hello from the shop"}}
    _, message = _draft(klaviyo, "SDK texts", texting)
    image = klaviyo.Images.get_images(page_size=1).data[0].id
    api = klaviyo.Campaigns
    api.update_image_for_campaign_message(message, {"data": ref("image", image)})
    assert api.get_image_for_campaign_message(message).data.id == image
    assert api.get_image_id_for_campaign_message(message).data.id == image
    (variation,) = ids(api.get_variation_ids_for_campaign_message(message))
    assert api.get_image_for_campaign_variation(variation).data.id == image


def _plain(definition: Any) -> Any:
    return definition if isinstance(definition, dict) else definition.to_dict()
