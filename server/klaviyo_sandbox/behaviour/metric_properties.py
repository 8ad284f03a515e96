"""The properties that events of a metric have, found in the events themselves."""

import json
from typing import Any

from klaviyo_sandbox import documents
from klaviyo_sandbox.calls import Answer, Call
from klaviyo_sandbox.identifiers import decoded, encoded
from klaviyo_sandbox.loose_json import Json
from klaviyo_sandbox.storage.store import Row

# The latest events say what a metric's events are like.
_LOOKED_AT = 500
_MOST_SAMPLES = 10
_TYPES = {"text": "String", "integer": "Numeric", "real": "Numeric", "true": "Boolean", "false": "Boolean"}


def list_of_metric(call: Call) -> Answer:
    """All properties of a metric."""
    call.require("metric", call.id)
    return documents.many(call, _properties(call, call.id))


def list_ids_of_metric(call: Call) -> Answer:
    """The identifiers of all properties of a metric."""
    call.require("metric", call.id)
    return documents.identifiers(call, _properties(call, call.id))


def get_property(call: Call) -> Answer:
    """One property, whichever metric's it is."""
    return documents.one(call, _find(call))


def get_metric(call: Call) -> Answer:
    """The metric that a property belongs to."""
    metric = _find(call).body["_metric_id"]
    return documents.one(call, Row(metric, call.require("metric", metric)))


def get_metric_id(call: Call) -> Answer:
    """The identifier of the metric that a property belongs to."""
    return documents.identifier(call, _find(call).body["_metric_id"])


def _find(call: Call) -> Row:
    metric, _, _ = (decoded(call.id) or "").partition(".")
    for row in _properties(call, metric):
        if row.id == call.id:
            return row
    raise call.missing("metric-property", call.id)


def _properties(call: Call, metric: str) -> list[Row]:
    sql = """
        SELECT p.key, p.type, p.value FROM (
            SELECT body FROM event WHERE account = ? AND metric_id = ? ORDER BY at DESC, id DESC LIMIT ?
        ) AS e, json_each(e.body, '$.event_properties') AS p ORDER BY p.key"""
    found: dict[str, Json] = {}
    for key, kind, value in call.store.rows(sql, (call.account, metric, _LOOKED_AT)):
        inferred = {"array": "List", "object": "Object"}.get(kind) or _TYPES.get(kind, "String")
        about = found.setdefault(
            key,
            {
                "label": key.removeprefix("$").replace("_", " ").strip().capitalize() if key[:1] == "$" else key,
                "property": key,
                "inferred_type": inferred,
                "sample_values": [],
                "_metric_id": metric,
            },
        )
        samples: list[Any] = about["sample_values"]
        for sample in _samples(kind, value):
            if len(samples) < _MOST_SAMPLES and sample not in samples:
                samples.append(sample)
    return [Row(encoded(f"{metric}.{key}"), about) for key, about in found.items()]


def _samples(kind: str, value: Any) -> list[Any]:
    """The simple values in a property: itself, or the items of a list."""
    if kind == "array":
        return [item for item in json.loads(value) if isinstance(item, (str, int, float))]
    return [value == 1] if kind in ("true", "false") else [value] if kind in _TYPES else []
