"""Campaigns from draft to report, their messages, and the tags and groups that keep order."""

from typing import Any

from scenarios.sdk import JSON, Klaviyo, body, every_page, ids, ref, refs, refused

EMAIL = 'equals(messages.channel,"email")'


def _draft(klaviyo: Klaviyo, name: str, *, channel: str = "email", **attributes: Any) -> Any:
    newsletter = klaviyo.Lists.get_lists(filter='equals(name,"Newsletter")').data[0].id
    email: JSON = {"subject": "Hello", "preview_text": "News", "from_email": "us@example.org", "from_label": "Us"}
    content = email if channel == "email" else {"body": "Hello from the shop"}
    message = {"type": "campaign-message", "attributes": {"definition": {"channel": channel, "content": content}}}
    made = klaviyo.Campaigns.create_campaign(
        body(
            "campaign",
            name=name,
            audiences={"included": [newsletter]},
            **{"campaign-messages": {"data": [message]}},
            **attributes,
        )
    )
    return made.data


def a_campaign_goes_from_draft_to_sent_to_report(klaviyo: Klaviyo) -> None:
    campaign = _draft(klaviyo, "SDK news", send_strategy={"method": "immediate"})
    assert campaign.attributes.status == "Draft"
    (message,) = ids(klaviyo.Campaigns.get_message_ids_for_campaign(campaign.id))
    assert ids(klaviyo.Campaigns.get_messages_for_campaign(campaign.id, include=["template", "campaign"])) == [message]

    source = klaviyo.Templates.get_templates(filter='equals(name,"Monthly newsletter")').data[0].id
    assigned = klaviyo.Campaigns.assign_template_to_campaign_message(
        body("campaign-message", message, {"template": ("template", source)})
    )
    assert assigned.data.id == message
    copy = klaviyo.Campaigns.get_template_for_campaign_message(message).data.id
    assert copy != source
    assert klaviyo.Campaigns.get_template_id_for_campaign_message(message).data.id == copy
    assert klaviyo.Campaigns.get_campaign_for_campaign_message(message).data.id == campaign.id
    assert klaviyo.Campaigns.get_campaign_id_for_campaign_message(message).data.id == campaign.id

    definition = {"channel": "email", "content": {"subject": "A better subject"}}
    klaviyo.Campaigns.update_campaign_message(message, body("campaign-message", message, definition=definition))
    read = klaviyo.Campaigns.get_campaign_message(message, include=["campaign", "template"]).data.attributes
    assert read.definition["content"]["subject"] == "A better subject"
    renamed = klaviyo.Campaigns.update_campaign(campaign.id, body("campaign", campaign.id, name="SDK news, final"))
    assert renamed.data.attributes.name == "SDK news, final"

    klaviyo.Campaigns.refresh_campaign_recipient_estimation(body("campaign-recipient-estimation-job", campaign.id))
    assert klaviyo.Campaigns.get_campaign_recipient_estimation_job(campaign.id).data.attributes.status == "processing"
    klaviyo.wait(5)
    assert klaviyo.Campaigns.get_campaign_recipient_estimation_job(campaign.id).data.attributes.status == "complete"
    expected = klaviyo.Campaigns.get_campaign_recipient_estimation(campaign.id).data.attributes
    assert expected.estimated_recipient_count > 0

    klaviyo.Campaigns.send_campaign(body("campaign-send-job", campaign.id))
    klaviyo.wait(3600)
    assert klaviyo.Campaigns.get_campaign_send_job(campaign.id).data.attributes.status == "complete"
    assert klaviyo.Campaigns.get_campaign(campaign.id, include=["tags"]).data.attributes.status == "Sent"

    order = klaviyo.Metrics.get_metrics(filter='equals(integration.name,"Shopify")').data
    placed = next(metric.id for metric in order if metric.attributes.name == "Placed Order")
    report = klaviyo.Reporting.query_campaign_values(
        body(
            "campaign-values-report",
            statistics=["recipients", "delivered", "opens_unique", "conversion_value"],
            timeframe={"key": "today"},
            conversion_metric_id=placed,
            filter=f'equals(campaign_id,"{campaign.id}")',
        )
    )
    (row,) = report.data.attributes.results
    assert row.groupings["campaign_id"] == campaign.id
    assert row.statistics["recipients"] == expected.estimated_recipient_count
    assert refused(klaviyo.Campaigns.send_campaign, body("campaign-send-job", campaign.id))[0] in (400, 409)


def a_scheduled_campaign_is_cancelled_copied_and_deleted(klaviyo: Klaviyo) -> None:
    later = {"method": "static", "datetime": "2026-11-20T09:00:00+00:00"}
    campaign = _draft(klaviyo, "SDK later", send_strategy=later, tracking_options={"is_tracking_clicks": True})
    (message,) = ids(klaviyo.Campaigns.get_messages_for_campaign(campaign.id))
    source = klaviyo.Templates.get_templates(page_size=1).data[0].id
    klaviyo.Campaigns.assign_template_to_campaign_message(
        body("campaign-message", message, {"template": ("template", source)})
    )
    klaviyo.Campaigns.send_campaign(body("campaign-send-job", campaign.id))
    klaviyo.wait(60)
    assert klaviyo.Campaigns.get_campaign(campaign.id).data.attributes.status == "Scheduled"
    klaviyo.Campaigns.cancel_campaign_send(campaign.id, body("campaign-send-job", campaign.id, action="revert"))
    assert klaviyo.Campaigns.get_campaign(campaign.id).data.attributes.status == "Draft"

    copy = klaviyo.Campaigns.create_campaign_clone(body("campaign", campaign.id, new_name="SDK later, again")).data
    assert copy.id != campaign.id
    assert copy.attributes.name == "SDK later, again"
    drafts = klaviyo.Campaigns.get_campaigns(
        f'and({EMAIL},contains(name,"SDK later"))', include=["campaign-messages"], sort="-created_at", page_size=5
    )
    assert set(ids(drafts)) == {campaign.id, copy.id}
    assert len(drafts.included) == 2
    klaviyo.Campaigns.delete_campaign(copy.id)
    assert refused(klaviyo.Campaigns.get_campaign, copy.id) == (404, "not_found")
    assert refused(klaviyo.Campaigns.get_campaigns, "") == (400, "invalid")


def a_text_message_carries_an_image(klaviyo: Klaviyo) -> None:
    campaign = _draft(klaviyo, "SDK texts", channel="sms")
    (message,) = ids(klaviyo.Campaigns.get_messages_for_campaign(campaign.id))
    image = klaviyo.Images.get_images(page_size=1).data[0].id
    klaviyo.Campaigns.update_image_for_campaign_message(message, {"data": ref("image", image)})
    assert klaviyo.Campaigns.get_image_for_campaign_message(message).data.id == image
    assert klaviyo.Campaigns.get_image_id_for_campaign_message(message).data.id == image


def tags_and_groups_are_related_to_everything_they_mark(klaviyo: Klaviyo) -> None:
    group = klaviyo.Tags.create_tag_group(body("tag-group", name="SDK group", exclusive=False)).data
    tag = klaviyo.Tags.create_tag(body("tag", None, {"tag-group": ("tag-group", group.id)}, name="SDK tag")).data
    assert klaviyo.Tags.get_tag(tag.id, include=["tag-group"]).included[0].id == group.id
    assert klaviyo.Tags.get_tag_group_for_tag(tag.id).data.id == group.id
    assert klaviyo.Tags.get_tag_group_id_for_tag(tag.id).data.id == group.id
    assert ids(klaviyo.Tags.get_tags_for_tag_group(group.id)) == [tag.id]
    assert ids(klaviyo.Tags.get_tag_ids_for_tag_group(group.id)) == [tag.id]
    klaviyo.Tags.update_tag(tag.id, body("tag", tag.id, name="SDK label"))
    klaviyo.Tags.update_tag_group(group.id, body("tag-group", group.id, name="SDK labels"))
    assert klaviyo.Tags.get_tag_group(group.id).data.attributes.name == "SDK labels"
    assert ids(klaviyo.Tags.get_tags(filter='equals(name,"SDK label")', include=["tag-group"], sort="name")) == [tag.id]
    assert group.id in ids(klaviyo.Tags.get_tag_groups(filter="equals(exclusive,false)", sort="-name"))

    tags, lists, segments, flows, campaigns = (
        klaviyo.Tags, klaviyo.Lists, klaviyo.Segments, klaviyo.Flows, klaviyo.Campaigns
    )  # fmt: skip
    marks = (
        ("list", ids(lists.get_lists()), tags.tag_lists, tags.get_list_ids_for_tag, lists.get_tags_for_list,
         lists.get_tag_ids_for_list, tags.remove_tag_from_lists),
        ("segment", ids(segments.get_segments()), tags.tag_segments, tags.get_segment_ids_for_tag,
         segments.get_tags_for_segment, segments.get_tag_ids_for_segment, tags.remove_tag_from_segments),
        ("flow", ids(flows.get_flows()), tags.tag_flows, tags.get_flow_ids_for_tag, flows.get_tags_for_flow,
         flows.get_tag_ids_for_flow, tags.remove_tag_from_flows),
        ("campaign", ids(campaigns.get_campaigns(EMAIL)), tags.tag_campaigns, tags.get_campaign_ids_for_tag,
         campaigns.get_tags_for_campaign, campaigns.get_tag_ids_for_campaign, tags.remove_tag_from_campaigns),
    )  # fmt: skip
    for kind, known, mark, marked, tags_of, tag_ids_of, unmark in marks:
        chosen = known[:2]
        mark(tag.id, refs(kind, *chosen))
        assert set(ids(marked(tag.id))) == set(chosen)
        assert tag.id in ids(tags_of(chosen[0]))
        assert tag.id in ids(tag_ids_of(chosen[1]))
        unmark(tag.id, refs(kind, chosen[0]))
        assert ids(marked(tag.id)) == [chosen[1]]
        assert tag.id not in ids(tags_of(chosen[0]))
    klaviyo.Tags.delete_tag(tag.id)
    assert refused(klaviyo.Tags.get_tag, tag.id) == (404, "not_found")
    klaviyo.Tags.delete_tag_group(group.id)
    assert group.id not in ids(klaviyo.Tags.get_tag_groups())
    assert len(every_page(klaviyo.Tags.get_tags, page_size=2)) == 5


def reports_tell_of_flows_forms_and_segments(klaviyo: Klaviyo) -> None:
    metrics = every_page(klaviyo.Metrics.get_metrics)
    placed = next(metric.id for metric in metrics if metric.attributes.name == "Placed Order")
    month, daily = {"timeframe": {"key": "last_30_days"}}, {"interval": "weekly"}
    sent = {"statistics": ["recipients", "open_rate"], "conversion_metric_id": placed, **month}
    reporting = klaviyo.Reporting
    values = reporting.query_flow_values(body("flow-values-report", **sent)).data.attributes.results
    series = reporting.query_flow_series(body("flow-series-report", **sent, **daily)).data.attributes
    assert {row.groupings["flow_message_id"] for row in values} >= {
        row.groupings["flow_message_id"] for row in series.results if any(row.statistics["recipients"])
    }
    assert all(len(row.statistics["recipients"]) == len(series.date_times) for row in series.results)

    seen = {"statistics": ["viewed_form", "submits"], **month}
    values = reporting.query_form_values(body("form-values-report", **seen)).data.attributes.results
    series = reporting.query_form_series(body("form-series-report", **seen, **daily)).data.attributes
    assert sum(row.statistics["viewed_form"] for row in values) >= sum(row.statistics["submits"] for row in values)
    assert all(len(row.statistics["submits"]) == len(series.date_times) for row in series.results)

    size = {"statistics": ["total_members", "net_members_changed"], **month}
    values = reporting.query_segment_values(body("segment-values-report", **size)).data.attributes.results
    series = reporting.query_segment_series(body("segment-series-report", **size, **daily)).data.attributes
    assert len(values) == 5
    assert len(series.date_times) in (4, 5, 6)
