"""Which metric stands for what a shop's business is made of: revenue, checkouts, product views."""

from collections.abc import Mapping

from klaviyo_sandbox import documents
from klaviyo_sandbox.calls import Answer, Call
from klaviyo_sandbox.errors import invalid_body, permission_denied
from klaviyo_sandbox.loose_json import Json
from klaviyo_sandbox.storage.store import Row

# Every account has all of these mappings; a shop begins with the metrics of its own that fit.
MAPPINGS: Mapping[str, str] = {
    "added_to_cart": "Added to Cart",
    "cancelled_sales": "Cancelled Order",
    "ordered_product": "Ordered Product",
    "refunded_sales": "Refunded Order",
    "revenue": "Placed Order",
    "started_checkout": "Started Checkout",
    "viewed_product": "Viewed Product",
}
# How often one mapping may be changed in 24 hours.
_MOST_A_DAY = 2
_DAY = 86400 * 1_000_000


def mapping(metric: str | None, custom_metric: str | None, updated: str) -> Json:
    """The stored body of a mapping."""
    return {"updated": updated, "_metric_id": metric, "_custom_metric_id": custom_metric}


def update_mapped_metric(call: Call) -> Answer:
    """Map to a metric or to a custom one, never to both; null maps to nothing."""
    body = call.require("mapped-metric", call.id)
    given: Json = call.data.get("relationships") or {}
    chosen: dict[str, str | None] = {}
    for kind, reference in given.items():
        identifier: str | None = reference["data"] and reference["data"]["id"]
        if identifier is not None:
            call.require(kind, identifier)
        chosen[kind] = identifier
    metric, custom = chosen.get("metric"), chosen.get("custom-metric")
    if metric is not None and custom is not None:
        raise invalid_body("/data/relationships", "Map to a metric or to a custom metric, not to both.")
    if chosen:
        kept = {"metric": body["_metric_id"], "custom-metric": body["_custom_metric_id"], **chosen}
        # A new metric of one kind takes the place of one of the other kind.
        if metric is not None:
            kept["custom-metric"] = None
        if custom is not None:
            kept["metric"] = None
        recent: list[int] = [at for at in body.get("_updates", ()) if at > call.micros - _DAY]
        if len(recent) >= _MOST_A_DAY:
            raise permission_denied(
                f"Mapped Metric `{call.id}` has reached the daily limit of updates ({_MOST_A_DAY})."
            )
        body = {**mapping(kept["metric"], kept["custom-metric"], call.stamp), "_updates": [*recent, call.micros]}
        call.store.replace(call.account, "mapped-metric", call.id, body)
    return documents.one(call, Row(call.id, body))
