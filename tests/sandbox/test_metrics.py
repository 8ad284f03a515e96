"""Metrics: their properties, custom and mapped ones, and aggregates of their events."""

import pytest

from klaviyo_sandbox import READ_ONLY_API_KEY

RANGE = "greater-or-equal(datetime,2026-06-06T00:00:00),less-than(datetime,2026-11-01T00:00:00)"


def definition(metric, method="count", filters=(), **more):
    group = {"metric_id": metric, "metric_filters": list(filters), **more}
    return {"aggregation_method": method, "metric_groups": [group]}


def custom(name, content, identifier=None):
    data = {"type": "custom-metric", "attributes": {"name": name, "definition": content}}
    return {"data": {**data, **({"id": identifier} if identifier else {})}}


def create(sandbox, name, content):
    answer = sandbox.post("/api/custom-metrics", custom(name, content))
    assert answer.status_code == 201, answer.text
    return answer.json()["data"]


def aggregate(sandbox, metric, **attributes):
    asked = {"metric_id": metric, "measurements": ["count"], "filter": [RANGE], **attributes}
    return sandbox.post("/api/metric-aggregates", {"data": {"type": "metric-aggregate", "attributes": asked}})


def rows(answer):
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]["attributes"]["data"]


def test_a_metric_triggers_flows(shop):
    metric = shop.metric_id("Started Checkout")
    (flow,) = shop.data(f"/api/metrics/{metric}/flow-triggers")
    assert flow["attributes"]["name"] == "Abandoned cart"
    assert shop.data(f"/api/metrics/{metric}/relationships/flow-triggers") == [{"type": "flow", "id": flow["id"]}]
    shop.problem(shop.get("/api/metrics/NOPE99/flow-triggers"), 404)


def test_a_metric_has_the_properties_of_its_events(shop):
    metric = shop.metric_id("Placed Order")
    found = shop.data(f"/api/metrics/{metric}/metric-properties?additional-fields[metric-property]=sample_values")
    about = {item["attributes"]["property"]: item for item in found}
    assert about["Items"]["attributes"]["inferred_type"] == "List"
    assert about["Item Count"]["attributes"]["inferred_type"] == "Numeric"
    assert about["$currency_code"]["attributes"]["sample_values"] == ["USD"]
    ids = shop.data(f"/api/metrics/{metric}/relationships/metric-properties")
    assert {item["id"] for item in ids} == {item["id"] for item in found}

    path = f"/api/metric-properties/{about['Items']['id']}"
    one = shop.get(f"{path}?include=metric").json()
    assert "sample_values" not in one["data"]["attributes"]
    assert one["included"][0]["attributes"]["name"] == "Placed Order"
    assert shop.data(f"{path}/metric")["id"] == metric
    assert shop.data(f"{path}/relationships/metric") == {"type": "metric", "id": metric}
    assert shop.data(f"{path}?fields[metric-property]=label")["attributes"] == {"label": "Items"}
    shop.problem(shop.get(f"/api/metric-properties/{'0' * 32}"), 404)


def test_a_new_event_brings_new_properties(sandbox):
    metric = {"data": {"type": "metric", "attributes": {"name": "Tried On"}}}
    profile = {"data": {"type": "profile", "attributes": {"email": "ana@fernmail.example"}}}
    attributes = {"properties": {"Hat": True, "Sizes": [1, 2]}, "metric": metric, "profile": profile}
    sandbox.post("/api/events", {"data": {"type": "event", "attributes": attributes}})
    path = f"/api/metrics/{sandbox.metric_id('Tried On')}/metric-properties"
    found = sandbox.data(f"{path}?additional-fields[metric-property]=sample_values")
    told = {
        i["attributes"]["property"]: (i["attributes"]["inferred_type"], i["attributes"]["sample_values"]) for i in found
    }
    assert told["Hat"] == ("Boolean", [True])
    assert told["Sizes"] == ("List", [1, 2])


def test_a_custom_metric_is_made_changed_and_deleted(sandbox):
    placed, viewed = sandbox.metric_id("Placed Order"), sandbox.metric_id("Viewed Product")
    made = create(sandbox, "Big orders", definition(placed, "value"))
    assert made["attributes"]["definition"]["metric_groups"][0]["value_property"] == "$value"
    path = f"/api/custom-metrics/{made['id']}"
    assert sandbox.data(f"{path}/relationships/metrics") == [{"type": "metric", "id": placed}]

    sandbox.clock.advance(60)
    changed = sandbox.patch(path, custom("Looks", definition(viewed), made["id"])).json()["data"]
    assert changed["attributes"]["updated"] > changed["attributes"]["created"]
    assert [item["attributes"]["name"] for item in sandbox.data(f"{path}/metrics")] == ["Viewed Product"]
    read = sandbox.get(f"{path}?include=metrics&fields[custom-metric]=name,definition.aggregation_method").json()
    assert read["data"]["attributes"] == {"name": "Looks", "definition": {"aggregation_method": "count"}}
    assert read["included"][0]["id"] == viewed
    assert sorted(i["attributes"]["name"] for i in sandbox.data("/api/custom-metrics")) == ["Large orders", "Looks"]
    assert sandbox.delete(path).status_code == 204
    sandbox.problem(sandbox.get(path), 404)


def test_custom_metrics_are_checked(sandbox):
    metric = sandbox.metric_id("Placed Order")
    create(sandbox, "Orders", definition(metric))
    bad_filter = {"property": "Source Name", "filter": {"type": "string", "operator": "louder-than", "value": "x"}}
    bad_pattern = {"property": "Source Name", "filter": {"type": "string", "operator": "regex", "value": "("}}
    for body in (
        custom("Orders", definition(metric)),
        custom("Unknown metric", definition("NOPE99")),
        custom("Bad filter", definition(metric, filters=[bad_filter])),
        custom("Bad pattern", definition(metric, filters=[bad_pattern])),
        custom("Counts have no value", definition(metric, value_property="Item Count")),
        custom("No groups", {"aggregation_method": "count", "metric_groups": []}),
    ):
        assert sandbox.post("/api/custom-metrics", body).status_code == 400


def test_an_account_has_at_most_50_custom_metrics_or_one_without_advanced_kdp(make_sandbox):
    full = make_sandbox()
    for number in range(49):
        create(full, f"Metric {number}", definition(full.metric_id("Placed Order")))
    answer = full.post("/api/custom-metrics", custom("One more", definition(full.metric_id("Placed Order"))))
    assert "50" in full.problem(answer, 400)["detail"]

    standard = make_sandbox(without=["custom-metrics"])
    answer = standard.post("/api/custom-metrics", custom("Second", definition(standard.metric_id("Placed Order"))))
    standard.problem(answer, 400)


def test_mapped_metrics_point_at_a_metric_or_a_custom_one(sandbox):
    mappings = sandbox.get("/api/mapped-metrics?include=metric,custom-metric").json()
    assert len(mappings["data"]) == 7
    assert "Placed Order" in [item["attributes"]["name"] for item in mappings["included"]]
    assert sandbox.data("/api/mapped-metrics/revenue/metric")["attributes"]["name"] == "Placed Order"
    assert sandbox.data("/api/mapped-metrics/revenue/custom-metric") is None

    (own,) = sandbox.data("/api/custom-metrics")
    target = {"data": {"type": "custom-metric", "id": own["id"]}}
    body = {"data": {"type": "mapped-metric", "id": "revenue", "relationships": {"custom-metric": target}}}
    answer = sandbox.patch("/api/mapped-metrics/revenue", body)
    assert answer.json()["data"]["attributes"] == {"updated": "2026-11-16T12:00:00.000000+00:00"}
    assert sandbox.data("/api/mapped-metrics/revenue/relationships/custom-metric") == target["data"]
    assert sandbox.data("/api/mapped-metrics/revenue/relationships/metric") is None
    assert sandbox.data("/api/mapped-metrics/revenue/custom-metric")["attributes"]["name"] == "Large orders"
    sandbox.problem(sandbox.delete(f"/api/custom-metrics/{own['id']}"), 409)

    nothing = {"data": {"type": "mapped-metric", "id": "revenue", "relationships": {"custom-metric": {"data": None}}}}
    assert sandbox.patch("/api/mapped-metrics/revenue", nothing).status_code == 200
    assert sandbox.data("/api/mapped-metrics/revenue/custom-metric") is None
    metric = {"data": {"type": "metric", "id": sandbox.metric_id("Placed Order")}}
    body["data"]["relationships"]["metric"] = metric
    sandbox.problem(sandbox.patch("/api/mapped-metrics/revenue", body), 400)
    metric["data"]["id"] = "NOPE99"
    body["data"]["relationships"] = {"metric": metric}
    sandbox.problem(sandbox.patch("/api/mapped-metrics/revenue", body), 404)
    sandbox.problem(sandbox.get("/api/mapped-metrics/profit"), 400)


def test_a_mapping_changes_twice_a_day(sandbox):
    body = {"data": {"type": "mapped-metric", "id": "revenue", "relationships": {"custom-metric": {"data": None}}}}
    for _ in range(2):
        assert sandbox.patch("/api/mapped-metrics/revenue", body).status_code == 200
    error = sandbox.problem(sandbox.patch("/api/mapped-metrics/revenue", body), 403)
    assert error["code"] == "permission_denied"
    assert error["detail"] == "Mapped Metric `revenue` has reached the daily limit of updates (2)."
    other = {"data": {**body["data"], "id": "added_to_cart"}}
    assert sandbox.patch("/api/mapped-metrics/added_to_cart", other).status_code == 200
    sandbox.clock.advance(86400)
    assert sandbox.patch("/api/mapped-metrics/revenue", body).status_code == 200


def test_aggregates_are_of_a_year_at_most(shop):
    metric = shop.metric_id("Placed Order")
    year = "greater-or-equal(datetime,2025-11-01),less-than(datetime,2026-11-01)"
    assert aggregate(shop, metric, filter=[year]).status_code == 200
    error = shop.problem(aggregate(shop, metric, filter=[year.replace("2025-11", "2025-10")]), 400)
    assert error["source"] == {"pointer": "/data/attributes/filter"}


def test_aggregates_count_sum_and_tell_people_apart(shop):
    metric = shop.metric_id("Placed Order")
    answer = aggregate(
        shop, metric, measurements=["count", "sum_value", "unique"], interval="month", timezone="US/Eastern"
    )
    dates = answer.json()["data"]["attributes"]["dates"]
    # Intervals begin with the calendar's, in the time zone that was asked for.
    assert dates[0] == "2026-06-01T04:00:00+00:00"
    (row,) = rows(answer)
    events = shop.walk(f"/api/events?filter=equals(metric_id,'{metric}'),{RANGE}&page[size]=1000")
    assert row["dimensions"] == []
    assert sum(row["measurements"]["count"]) == len(events)
    spent = sum(event["attributes"]["event_properties"]["$value"] for event in events)
    assert sum(row["measurements"]["sum_value"]) == pytest.approx(spent)
    assert max(row["measurements"]["unique"]) <= max(row["measurements"]["count"])


def test_aggregates_are_grouped_and_filtered_by_dimensions(shop):
    metric = shop.metric_id("Opened Email")
    whole = rows(aggregate(shop, metric, by=["Campaign Name", "$flow"], interval="week"))
    names = [row["dimensions"][0] for row in whole if row["dimensions"][0]]
    assert "Late summer sale" in names
    part = rows(
        aggregate(shop, metric, by=["Campaign Name"], filter=[RANGE, 'equals(Campaign Name,"Late summer sale")'])
    )
    assert [row["dimensions"] for row in part] == [["Late summer sale"]]
    some = rows(aggregate(shop, metric, by=["Client Type"], filter=[RANGE, 'any(Client Type,["browser"])']))
    assert [row["dimensions"] for row in some] == [["browser"]]


def test_orders_are_attributed_to_the_messages_read_before(shop):
    by = ["$attributed_channel", "$attributed_message"]
    found = rows(aggregate(shop, shop.metric_id("Placed Order"), by=by, interval="month"))
    assert [] in [row["dimensions"] for row in found]
    assert {row["dimensions"][0] for row in found if row["dimensions"]} <= {"email", "sms"}
    assert len(found) > 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"sort": "-count"},
        {"page_size": 499},
        {"timezone": "us/eastern"},
        {"timezone": "Europe/Kyiv"},
        {"interval": "decade"},
        {"by": ["Shoe Size"]},
        {"measurements": []},
        {"measurements": ["median"]},
        {"filter": ["greater-or-equal(datetime,2026-06-06T00:00:00)"]},
        {"filter": ["less-than(datetime,2026-01-01T00:00:00),greater-or-equal(datetime,2026-06-06T00:00:00)"]},
        {"filter": [RANGE, 'equals(email,"a@b.example")']},
        {"filter": ["nonsense"]},
        {"filter": [RANGE, 'starts-with(URL,"x")']},
        {"page_cursor": "?"},
    ],
)
def test_aggregates_refuse_what_klaviyo_refuses(shop, wrong):
    shop.problem(aggregate(shop, shop.metric_id("Placed Order"), **wrong), 400)


def test_aggregates_of_an_unknown_metric_do_not_exist(shop):
    shop.problem(aggregate(shop, "NOPE99"), 404)


def test_aggregates_show_only_what_is_asked_for(shop):
    metric = shop.metric_id("Placed Order")
    asked = aggregate(shop, metric, return_fields=["dates"]).json()["data"]["attributes"]
    assert list(asked) == ["dates"]
    # Asking is reading, for a key that may only read.
    body = {"metric_id": metric, "measurements": ["count"], "filter": [RANGE]}
    data = {"data": {"type": "metric-aggregate", "attributes": body}}
    assert shop.post("/api/metric-aggregates?fields[metric-aggregate]=dates", data, key=READ_ONLY_API_KEY).is_success
