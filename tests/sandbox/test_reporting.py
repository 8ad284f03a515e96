"""Reports: what became of the messages sent in a timeframe, and how forms and segments did, from stored events."""

from collections import Counter

import pytest

AT_REVISION = "2026-07-15"

CAMPAIGN = ["campaign_id", "campaign_message_id"]
FLOW = ["flow_id", "flow_message_id"]


def query(sandbox, kind, *statistics, timeframe="last_365_days", extra="", **attributes):
    timeframe = {"key": timeframe} if isinstance(timeframe, str) else timeframe
    asked = {"statistics": list(statistics), "timeframe": timeframe, **attributes}
    if kind.startswith(("campaign", "flow")):
        asked.setdefault("conversion_metric_id", sandbox.metric_id("Placed Order"))
    return sandbox.post(f"/api/{kind}-reports{extra}", {"data": {"type": f"{kind}-report", "attributes": asked}})


def results(answer):
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]["attributes"]["results"]


def track(sandbox, metric, properties, *, time=None, value=None, service="klaviyo", email="reader@fernmail.example"):
    attributes = {
        "properties": properties,
        "metric": {"data": {"type": "metric", "attributes": {"name": metric, "service": service}}},
        "profile": {"data": {"type": "profile", "attributes": {"email": email}}},
        "time": time,
        "value": value,
    }
    answer = sandbox.post("/api/events", {"data": {"type": "event", "attributes": attributes}})
    assert answer.status_code == 202, answer.text


def draft(sandbox):
    """A campaign that nothing was sent of yet, with its message."""
    campaign = sandbox.data("/api/campaigns?filter=equals(messages.channel,'email'),contains(name,'Candle')")[0]["id"]
    return campaign, sandbox.data(f"/api/campaigns/{campaign}/campaign-messages")[0]["id"]


def test_a_campaign_report_agrees_with_the_events(shop):
    report = query(shop, "campaign-values", "recipients", "delivered", "bounced", "opens", "opens_unique", "open_rate")
    document = report.json()
    assert document["data"]["type"] == "campaign-values-report"
    counted = {}
    for metric in ("Received Email", "Bounced Email", "Opened Email"):
        events = shop.walk(f"/api/events?filter=equals(metric_id,'{shop.metric_id(metric)}')&page[size]=1000")
        counted[metric] = [
            (event["attributes"]["event_properties"]["$message"], event["relationships"]["profile"]["data"]["id"])
            for event in events
        ]
    by_email = [row for row in results(report) if row["groupings"]["send_channel"] == "email"]
    assert len(by_email) == 7
    for row in by_email:
        assert list(row["groupings"]) == ["campaign_id", "campaign_message_id", "send_channel"]
        message, told = row["groupings"]["campaign_message_id"], row["statistics"]
        happened = {name: Counter(found for found in all_ if found[0] == message) for name, all_ in counted.items()}
        assert told["delivered"] == happened["Received Email"].total()
        assert told["bounced"] == happened["Bounced Email"].total()
        assert told["recipients"] == told["delivered"] + told["bounced"]
        assert told["opens"] == happened["Opened Email"].total()
        assert told["opens_unique"] == len(happened["Opened Email"])
        assert told["open_rate"] == pytest.approx(told["opens_unique"] / told["delivered"], abs=1e-4)
    assert "relationships" not in document["data"]


def test_events_count_for_the_day_their_message_was_sent(sandbox):
    campaign, message = draft(sandbox)
    about = {"$message": message, "Campaign Name": "Candle restock"}
    track(sandbox, "Received Email", about, time="2026-11-09T20:00:00+00:00")
    track(sandbox, "Opened Email", about, time="2026-11-14T20:00:00+00:00")
    track(sandbox, "Placed Order", {}, time="2026-11-15T20:00:00+00:00", value=80, service="shopify")
    # More than five days after the message was opened, an order is nobody's doing.
    track(sandbox, "Placed Order", {}, time="2026-11-19T21:00:00+00:00", value=50, service="shopify")
    only = f'equals(campaign_id,"{campaign}")'
    statistics = ("delivered", "opens", "conversions", "conversion_value", "revenue_per_recipient", "conversion_rate")
    day = {"start": "2026-11-09T00:00:00", "end": "2026-11-10T00:00:00"}
    (row,) = results(query(sandbox, "campaign-values", *statistics, timeframe=day, filter=only))
    assert row["statistics"] == {
        "delivered": 1,
        "opens": 1,
        "conversions": 1,
        "conversion_value": 80,
        "revenue_per_recipient": 80,
        "conversion_rate": 1,
    }
    later = {"start": "2026-11-10T00:00:00", "end": "2026-11-16T00:00:00"}
    assert results(query(sandbox, "campaign-values", "opens", timeframe=later, filter=only)) == []


def test_the_offset_of_a_timeframe_is_ignored_for_the_account_s_time_zone(sandbox):
    campaign, message = draft(sandbox)
    # Eleven in the evening of the 9th in Portland.
    track(sandbox, "Received Email", {"$message": message}, time="2026-11-10T07:00:00+00:00")
    only = f'equals(campaign_id,"{campaign}")'
    ninth = {"start": "2026-11-09T00:00:00+05:00", "end": "2026-11-10T00:00:00+05:00"}
    assert len(results(query(sandbox, "campaign-values", "delivered", timeframe=ninth, filter=only))) == 1


def test_a_custom_metric_can_be_what_counts_as_a_conversion(sandbox):
    (large,) = sandbox.data("/api/custom-metrics")
    campaign, message = draft(sandbox)
    track(sandbox, "Received Email", {"$message": message}, time="2026-11-15T20:00:00+00:00")
    track(sandbox, "Clicked Email", {"$message": message}, time="2026-11-15T20:01:00+00:00")
    for minute, (count, value) in enumerate([(2, 10), (3, 40), (5, 60)]):
        time = f"2026-11-15T20:1{minute}:00+00:00"
        track(sandbox, "Placed Order", {"Item Count": count}, time=time, value=value, service="shopify")
    only = f'equals(campaign_id,"{campaign}")'
    asked = {"conversion_metric_id": large["id"], "filter": only}
    (row,) = results(
        query(sandbox, "campaign-values", "conversions", "conversion_value", "average_order_value", **asked)
    )
    assert row["statistics"] == {"conversions": 2, "conversion_value": 100, "average_order_value": 50}


def test_groups_can_be_told_apart_by_name_tag_and_audience(shop):
    by = [*CAMPAIGN, "campaign_message_name", "tag_name", "group_name", "send_channel"]
    rows = results(query(shop, "campaign-values", "recipients", group_by=by))
    text = next(row for row in rows if row["groupings"]["send_channel"] == "sms")["groupings"]
    assert (text["campaign_message_name"], text["group_name"]) == ("Weekend text: free shipping", "SMS subscribers")
    tagged = [row["groupings"] for row in rows if row["groupings"]["tag_name"] == "Summer"]
    assert sorted(row["campaign_message_name"] for row in tagged) == ["Late summer sale", "Summer camping checklist"]


def test_text_messages_cost_credits(shop):
    statistics = ("delivered", "message_segment_count_sum", "text_message_credit_usage_amount", "text_message_spend")
    (row,) = results(query(shop, "campaign-values", *statistics, filter='equals(send_channel,"sms")'))
    told = row["statistics"]
    assert told["message_segment_count_sum"] == told["text_message_credit_usage_amount"] >= told["delivered"] > 0
    assert told["text_message_spend"] == pytest.approx(told["text_message_credit_usage_amount"] / 100)


def test_filters_combine_with_and(shop):
    rows = results(query(shop, "campaign-values", "opens"))
    ids = [row["groupings"]["campaign_id"] for row in rows]
    both = f'contains-any(campaign_id,["{ids[0]}","{ids[1]}"]),equals(send_channel,"email")'
    assert [
        row["groupings"]["campaign_id"] for row in results(query(shop, "campaign-values", "opens", filter=both))
    ] == ids[:2]
    tagged = results(query(shop, "campaign-values", "opens", filter='contains-any(tag_name,["Summer"])'))
    assert len(tagged) == 2
    assert results(query(shop, "campaign-values", "opens", filter='contains-all(tag_name,["Summer","VIP"])')) == []


def test_a_flow_series_adds_up_to_its_values(shop):
    by = [*FLOW, "flow_name", "flow_message_name"]
    values = results(query(shop, "flow-values", "recipients", "clicks", timeframe="last_12_months", group_by=by))
    series = query(
        shop, "flow-series", "recipients", "clicks", timeframe="last_12_months", interval="monthly", group_by=by
    )
    document = series.json()["data"]
    assert len(document["attributes"]["date_times"]) == 12
    assert document["attributes"]["date_times"][0] == "2025-11-01T07:00:00+00:00"
    for whole, parts in zip(values, results(series), strict=True):
        assert whole["groupings"] == parts["groupings"]
        assert whole["statistics"] == {name: sum(counts) for name, counts in parts["statistics"].items()}
    assert {row["groupings"]["flow_name"] for row in values} == {"Welcome series", "Order thank-you", "Abandoned cart"}
    assert "relationships" not in document


@pytest.mark.parametrize(
    ("interval", "timeframe", "count"),
    [
        ("hourly", "today", 24),
        ("daily", "last_7_days", 7),
        ("weekly", "last_30_days", 6),
        ("monthly", "last_3_months", 3),
    ],
)
def test_a_series_has_one_moment_for_each_interval(shop, interval, timeframe, count):
    answer = query(shop, "form-series", "submits", timeframe=timeframe, interval=interval)
    assert len(answer.json()["data"]["attributes"]["date_times"]) == count


def test_form_reports_count_form_events(sandbox):
    for metric in ("Viewed Form", "Viewed Form", "Submitted Form"):
        track(sandbox, metric, {"form_id": "XFORM1", "form_version_id": "7"}, email=f"{metric[0]}@fernmail.example")
        sandbox.clock.advance(2)
    asked = {"timeframe": "today", "filter": 'equals(form_id,"XFORM1")', "group_by": ["form_id", "form_version_id"]}
    statistics = ("viewed_form", "viewed_form_uniques", "submits", "submit_rate")
    (row,) = results(query(sandbox, "form-values", *statistics, **asked))
    assert row["groupings"] == {"form_id": "XFORM1", "form_version_id": "7"}
    assert row["statistics"] == {"viewed_form": 2, "viewed_form_uniques": 1, "submits": 1, "submit_rate": 0.5}
    (series,) = results(query(sandbox, "form-series", "viewed_form", interval="hourly", **asked))
    assert sum(series["statistics"]["viewed_form"]) == 2
    sandbox.problem(query(sandbox, "form-values", "submits", group_by=["form_version_id"]), 400)


def test_segment_reports_follow_who_joins_and_leaves(sandbox):
    condition = {
        "type": "profile-property",
        "property": "first_name",
        "filter": {"type": "string", "operator": "equals", "value": "Zebedee"},
    }
    content = {"condition_groups": [{"conditions": [condition]}]}
    attributes = {"name": "Zebedees", "definition": content}
    made = sandbox.post("/api/segments", {"data": {"type": "segment", "attributes": attributes}}).json()["data"]["id"]
    person = sandbox.create_profile(email="z@fernmail.example", first_name="Zebedee")
    sandbox.create_profile(email="y@fernmail.example", first_name="Zebedee")
    sandbox.clock.advance(120)
    only = f'equals(segment_id,"{made}")'
    statistics = ("members_added", "members_removed", "net_members_changed", "total_members")
    (row,) = results(query(sandbox, "segment-values", *statistics, timeframe="today", filter=only))
    assert row["groupings"] == {"segment_id": made}
    assert list(row["statistics"].values()) == [2, 0, 2, 2]

    sandbox.clock.advance(86400)
    body = {"data": {"type": "profile", "id": person, "attributes": {"first_name": "Zoe"}}}
    sandbox.patch(f"/api/profiles/{person}", body)
    (row,) = results(query(sandbox, "segment-values", *statistics, timeframe="today", filter=only))
    assert list(row["statistics"].values()) == [0, 1, -1, 1]
    two = query(sandbox, "segment-series", *statistics, timeframe="last_7_days", interval="daily", filter=only)
    (row,) = results(two)
    assert row["statistics"]["total_members"] == [0, 0, 0, 0, 0, 2, 1]


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        ("campaign-values", {"timeframe": {"start": "2024-01-01T00:00:00", "end": "2025-01-02T00:00:00"}}),
        ("campaign-values", {"timeframe": {"start": "2026-02-01T00:00:00", "end": "2026-01-01T00:00:00"}}),
        ("campaign-values", {"timeframe": {"start": "2026-02-01T00:00:00"}}),
        ("campaign-values", {"timeframe": {"key": "today", "start": "2026-02-01T00:00:00"}}),
        ("campaign-values", {"timeframe": "fortnight"}),
        ("campaign-values", {"group_by": ["campaign_id", "send_channel"]}),
        ("campaign-values", {"conversion_metric_id": "NOPE99"}),
        ("campaign-values", {"filter": "equals(campaign_id,unquoted)) "}),
        ("campaign-values", {"filter": 'any(campaign_id,["x"])'}),
        ("campaign-values", {"filter": 'equals(tag_name,"Summer")'}),
        ("campaign-values", {"filter": 'equals(send_channel,"fax")'}),
        ("campaign-values", {"filter": 'equals(group,"x")'}),
        ("campaign-values", {"filter": 'equals(campaign_id,"a"),equals(campaign_id,"b")'}),
        ("campaign-values", {"filter": f"contains-any(campaign_id,{[str(n) for n in range(101)]})"}),
        ("flow-values", {"group_by": ["flow_id"]}),
        ("flow-series", {}),
        ("flow-series", {"interval": "hourly", "timeframe": "last_30_days"}),
        ("flow-series", {"interval": "daily", "timeframe": "last_90_days"}),
        ("form-values", {"conversion_metric_id": "NOPE99"}),
        ("form-series", {"interval": "monthly", "timeframe": "last_365_days"}),
        ("segment-values", {"group_by": ["segment_id"]}),
        ("segment-values", {"filter": 'contains-any(segment_id,["x"])'}),
    ],
)
def test_reports_refuse_what_klaviyo_refuses(shop, kind, wrong):
    statistic = {"form": "submits", "segment": "total_members"}.get(kind.split("-")[0], "opens")
    assert query(shop, kind, statistic, **wrong).status_code == 400


def test_a_statistic_must_exist_for_the_kind_of_report(shop):
    shop.problem(query(shop, "segment-values", "opens"), 400)
    shop.problem(query(shop, "campaign-values", "opens", extra="?page_cursor=x"), 400)
    assert results(query(shop, "campaign-values", "opens", extra="?page_cursor=100")) == []


def test_reports_are_limited_to_two_a_minute(make_sandbox):
    limited = make_sandbox(rate_limits=True)
    first = query(limited, "segment-values", "total_members")
    assert first.headers["RateLimit-Limit"].endswith("1;w=1, 2;w=60, 225;w=86400")
    assert first.headers["RateLimit-Remaining-Daily"] == "224"
    limited.clock.advance(1)
    assert query(limited, "segment-values", "total_members").status_code == 200
    limited.clock.advance(1)
    limited.problem(query(limited, "segment-values", "total_members"), 429)
