"""Metrics that an account puts together from others."""

from klaviyo_sandbox import documents, generic
from klaviyo_sandbox.behaviour.metric_filters import is_pattern
from klaviyo_sandbox.calls import Answer, Call
from klaviyo_sandbox.errors import conflict, invalid_body
from klaviyo_sandbox.loose_json import Json
from klaviyo_sandbox.storage.store import Row

# With Advanced KDP or Marketing Analytics; a standard account may have one.
MOST_CUSTOM_METRICS = 50
_LINK = "custom-metric.metrics"


def create_custom_metric(call: Call) -> Answer:
    """A metric made of the named ones, which must exist."""
    most = MOST_CUSTOM_METRICS if call.world.entitled("custom-metrics") else 1
    if call.store.count(call.account, "custom-metric") >= most:
        raise invalid_body("/data", f"An account cannot have more than {most} custom metrics.")
    attributes: Json = call.data["attributes"]
    _check_name(call, attributes["name"])
    attributes["definition"] = _definition(call, attributes["definition"])
    body = generic.stamped(call, call.world.resources["custom-metric"], attributes)
    identifier = call.new_id("custom-metric")
    call.store.insert(call.account, "custom-metric", identifier, body)
    _link(call, identifier, body)
    return documents.one(call, Row(identifier, body), 201)


def update_custom_metric(call: Call) -> Answer:
    """Another name or, as a whole, another definition."""
    body = call.require("custom-metric", call.id)
    attributes: Json = call.data["attributes"]
    if attributes.get("name") is not None:
        _check_name(call, attributes["name"])
        body["name"] = attributes["name"]
    if attributes.get("definition") is not None:
        body["definition"] = _definition(call, attributes["definition"])
    body["updated"] = call.stamp
    call.store.replace(call.account, "custom-metric", call.id, body)
    _link(call, call.id, body)
    return documents.one(call, Row(call.id, body))


def delete_custom_metric(call: Call) -> Answer:
    """Remove a custom metric that no mapping uses."""
    mapped = call.store.find(call.account, "mapped-metric", "custom_metric_id", call.id)
    if mapped:
        raise conflict(f"Custom metric {call.id} is mapped to '{mapped[0].id}'. Change that mapping first.")
    return generic.delete_resource(call)


def _check_name(call: Call, name: str) -> None:
    if any(row.id != call.id for row in call.store.find(call.account, "custom-metric", "name", name)):
        raise invalid_body("/data/attributes/name", f"A custom metric named '{name}' already exists.")


def _definition(call: Call, definition: Json) -> Json:
    """The definition as it is kept, once its metrics and patterns are known to be good. Raises ApiError (400)."""
    groups: list[Json] = []
    for index, group in enumerate(definition["metric_groups"]):
        pointer = f"/data/attributes/definition/metric_groups/{index}"
        if call.store.get(call.account, "metric", group["metric_id"]) is None:
            raise invalid_body(f"{pointer}/metric_id", f"Metric with id {group['metric_id']} not found.")
        filters: list[Json] = group.get("metric_filters") or []
        for number, condition in enumerate(filters):
            wanted = condition["filter"].get("value")
            if condition["filter"]["operator"] in ("regex", "nregex") and not is_pattern(wanted or ""):
                where = f"{pointer}/metric_filters/{number}/filter/value"
                raise invalid_body(where, f"'{wanted}' is not a regular expression.")
        valued = definition["aggregation_method"] == "value"
        if not valued and group.get("value_property") is not None:
            raise invalid_body(
                f"{pointer}/value_property", "Only a metric that aggregates values has a value property."
            )
        groups.append(
            {
                "metric_id": group["metric_id"],
                "metric_filters": filters,
                "value_property": (group.get("value_property") or "$value") if valued else None,
            }
        )
    return {"aggregation_method": definition["aggregation_method"], "metric_groups": groups}


def _link(call: Call, identifier: str, body: Json) -> None:
    """Keep the relation to the metrics in step with the definition."""
    relation = call.world.resources["custom-metric"].relation("metrics")
    related = call.store.related_ids(call.account, relation, [identifier])[identifier]
    call.store.unlink(call.account, _LINK, identifier, related)
    metrics = {group["metric_id"] for group in body["definition"]["metric_groups"]}
    call.store.link(call.account, _LINK, identifier, metrics, call.micros)
