"""Product reviews, ratings and questions, and whether they are shown."""

from dataclasses import replace

from klaviyo_sandbox import generic
from klaviyo_sandbox.api.common import MOMENT, STRING
from klaviyo_sandbox.behaviour import reviews
from klaviyo_sandbox.declare import Column, Lookup, Operation, Relation, Resource
from klaviyo_sandbox.shapes import Choice, Flag, Items, Number, Record, Text

_REASONS = ("fake", "false_or_misleading", "other", "private_information", "profanity_or_inappropriate", "unrelated")
_SHOWN_STATUSES = ("featured", "published", "unpublished", "pending")
_REASON = Choice(
    "reason",
    {
        reason: Record(
            {"reason": Text(), "status_explanation": STRING} if reason == "other" else {"reason": Text()}, ("reason",)
        )
        for reason in _REASONS
    },
)
_STATUS = Choice(
    "value",
    {
        "rejected": Record({"value": Text(), "rejection_reason": _REASON}, required=("value", "rejection_reason")),
        **{status: Record({"value": Text()}, required=("value",)) for status in _SHOWN_STATUSES},
    },
)
_TYPES = ("question", "rating", "review", "store")
_MOMENT = Text(form="moment")
_PRODUCT = Record({"url": Text(), "name": Text(), "image_url": STRING, "external_id": STRING})
_REPLY = Record({"content": Text(), "author": Text(), "updated": _MOMENT})

RESOURCES = (
    Resource(
        "review",
        Record(
            {
                "email": STRING,
                "status": _STATUS,
                "verified": Flag(),
                "review_type": Text(choices=_TYPES),
                "created": MOMENT,
                "updated": MOMENT,
                "images": Items(Text()),
                "product": _PRODUCT,
                "rating": Number(whole=True, nullable=True),
                "author": STRING,
                "content": STRING,
                "title": STRING,
                "smart_quote": STRING,
                "public_reply": _REPLY,
            }
        ),
        ids="digits",
        # Websites do not get to see it.
        on_request=("email",),
        relations=(
            Relation("events", "event", link="review.events", data=True),
            Relation("item", "catalog-item", column="item_id", data=True),
        ),
        columns={
            "created": Column("created", "moment", nullable=False),
            "updated": Column("updated", "moment", nullable=False),
            "rating": Column("rating", "number"),
            "item_id": Column("_item_id"),
            "content": Column("content"),
            "status": Column("status.value", nullable=False),
            "review_type": Column("review_type", nullable=False),
            "verified": Column("verified", "flag", nullable=False),
        },
        indexes=(("created", "id"), ("updated", "id"), ("rating", "id"), ("item_id", "id")),
    ),
)

# A review is found by its own status, and by "all" as well.
BY_STATUS = Lookup("s.value", exists="EXISTS (SELECT 1 FROM json_each(json_array(r.status, 'all')) AS s WHERE {test})")
_PRIVATE = ("email",)

OPERATIONS = (
    Operation(
        "get_reviews",
        "review",
        generic.list_resources,
        extra=_PRIVATE,
        lookups={"item.id": Lookup("item_id"), "status": BY_STATUS},
    ),
    Operation("get_review", "review", generic.get_resource, extra=_PRIVATE),
    Operation(
        "update_review",
        "review",
        reviews.update_review,
        body=Record({"status": replace(_STATUS, nullable=True)}),
        identified="required",
        extra=_PRIVATE,
    ),
)
