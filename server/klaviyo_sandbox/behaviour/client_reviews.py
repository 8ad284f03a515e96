"""Reviews as websites read and write them, and what they add up to."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from klaviyo_sandbox import documents, generic
from klaviyo_sandbox.behaviour.sequences import page_of
from klaviyo_sandbox.calls import Answer, Call
from klaviyo_sandbox.clock import microseconds
from klaviyo_sandbox.filters import Where
from klaviyo_sandbox.loose_json import Json
from klaviyo_sandbox.storage.store import Row

_SHOWN = Where("{column} IN ('published', 'featured')", column='r."status"', exact=True)
# In days; None for all there is.
TIMEFRAMES: Mapping[str, int | None] = {"all_time": None, "last_30_days": 30, "last_365_days": 365, "last_90_days": 90}


def list_reviews(call: Call) -> Answer:
    """A page of reviews: those that are public, unless a status is asked for."""
    query = call.query
    if not any(where.field == "status" for where in query.filters):
        query = replace(query, filters=[*query.filters, _SHOWN])
    answer = generic.list_resources(replace(call, query=query))
    for item in (answer.document or {})["data"]:
        item.pop("relationships", None)
    return answer


def create_review(call: Call) -> Answer:
    """Take in a review; it waits for somebody to publish it."""
    attributes: Json = call.data["attributes"]
    named: Json | None = attributes.get("product")
    order: Json | None = call.data.get("relationships", {}).get("order")
    item = f"$custom:::$default:::{named['external_id']}" if named else ""
    stocked = call.store.get(call.account, "catalog-item", item) or {}
    product = named and {
        "url": stocked.get("url") or "",
        "name": stocked.get("title") or named["external_id"],
        "image_url": stocked.get("image_full_url"),
        "external_id": named["external_id"],
    }
    body: Json = {
        "email": attributes["email"].strip().lower(),
        "status": {"value": "pending"},
        "verified": False,
        "review_type": attributes["review_type"],
        "created": call.stamp,
        "updated": call.stamp,
        "images": attributes.get("images") or [],
        "product": product,
        # A question has no rating.
        "rating": None if attributes["review_type"] == "question" else attributes.get("rating"),
        "author": attributes["author"],
        "content": attributes["content"],
        "title": attributes.get("title"),
        "smart_quote": None,
        "public_reply": None,
        "_item_id": item if stocked else None,
        "_incentive_type": attributes.get("incentive_type"),
        "_custom_questions": attributes.get("custom_questions") or [],
        "_order_id": order["data"]["id"] if order else None,
    }
    call.store.insert(call.account, "review", call.new_id("review"), body)
    return Answer(202)


def report(call: Call) -> Answer:
    """Statistics of the public reviews: of the company as a whole, or of each product."""
    parameters = call.query.parameters
    (group_by,), (timeframe,) = parameters["group_by"], parameters["timeframe"]
    filters = [*call.query.filters, _SHOWN]
    days = TIMEFRAMES[timeframe]
    if days is not None:
        filters.append(Where("{column} >= ?", (microseconds(call.now - timedelta(days=days)),), 'r."created"'))
    groups: dict[str, list[Json]] = {} if group_by == "product_id" else {call.account: []}
    for row in call.store.page(call.account, "review", filters=filters):
        product: Json = row.body.get("product") or {}
        group: str | None = product.get("external_id") if group_by == "product_id" else call.account
        if group is not None:
            groups.setdefault(group, []).append(row.body)
    rows = [
        Row(group, {"results": [{"groupings": {group_by: group}, "statistics": _statistics(found, parameters)}]})
        for group, found in sorted(groups.items())
    ]
    return documents.many(call, page_of(call, rows))


def _statistics(reviews: Sequence[Json], parameters: Mapping[str, tuple[str, ...]]) -> Json:
    of_type = {kind: [one for one in reviews if one["review_type"] == kind] for kind in ("question", "rating", "store")}
    written = [one for one in reviews if one["review_type"] == "review"]
    values: Json = {
        "average_rating": _average([*written, *of_type["rating"]]),
        "average_store_rating": _average(of_type["store"]),
        "total_questions": len(of_type["question"]),
        "total_ratings": len(of_type["rating"]),
        "total_reviews": len(written),
        "total_store_reviews": len(of_type["store"]),
    }
    return {name: values[name] for name in parameters["statistics"]}


def _average(reviews: Sequence[Json]) -> float | None:
    ratings = [one["rating"] for one in reviews if one["rating"] is not None]
    return round(sum(ratings) / len(ratings), 2) if ratings else None
