"""The tags and groups that keep order, and reports of what no scenario of its own sends."""

from scenarios.sdk import Klaviyo, body, every_page, ids, refs, refused


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
        ("campaign", ids(campaigns.get_campaigns()), tags.tag_campaigns, tags.get_campaign_ids_for_tag,
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
