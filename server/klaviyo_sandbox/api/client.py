"""The public endpoints that websites and apps use with nothing but a company id."""

from klaviyo_sandbox import generic
from klaviyo_sandbox.api.catalog_kinds import one
from klaviyo_sandbox.api.common import BOOLEAN, JULY, MOMENT, STRING
from klaviyo_sandbox.api.consent import JULY_GRANTS, group
from klaviyo_sandbox.api.events import EVENT, JULY_PROFILE
from klaviyo_sandbox.api.profile_shapes import JULY_NEW_TOKEN, PATCH, WRITABLE, reference
from klaviyo_sandbox.api.reviews import BY_STATUS
from klaviyo_sandbox.behaviour import client, client_reviews, events, geofences
from klaviyo_sandbox.declare import Lookup, Operation, Resource
from klaviyo_sandbox.shapes import Document, Items, Number, Record, Shape, Text

_PERSON: dict[str, Shape] = {**WRITABLE, "_kx": STRING}
_SUBSCRIBER = {**_PERSON, "phone_number": Text(form="phone", nullable=True, spared_by="email")}
_TYPES = ("question", "rating", "review", "store")
_INCENTIVES = (
    "coupon_or_discount",
    "employee_review",
    "free_product",
    "loyalty_points",
    "other",
    "paid_promotion",
    "sweepstakes_entry",
)


def _body(path: str) -> str:
    """SQL for something in a stored review that has no column."""
    return f"json_extract(r.body, '$.{path}')"


RESOURCES = (
    Resource("subscription", Record({}), stored=False),
    Resource("push-token-unregister", Record({}), stored=False),
    Resource("event-bulk-create", Record({}), stored=False),
    Resource(
        "review-values-report",
        Record({"results": Items(Document())}),
        stored=False,
        path="/client/review-values-reports",
    ),
    Resource(
        "geofence",
        Record({"latitude": Number(), "longitude": Number(), "radius": Number()}),
        ids="ulid",
        stamps=("", ""),
        path="/client/geofences",
    ),
    Resource(
        "ip-allowlist",
        Record({"prefixes": Items(Text()), "sync_token": Text(), "created": MOMENT}),
        ids="chosen",
        stamps=("created", ""),
        path="/client/ip-allowlists",
    ),
)

_REVIEW = Record(
    {
        "review_type": Text(choices=_TYPES),
        "email": Text(form="email"),
        "author": Text(),
        "content": Text(),
        "incentive_type": Text(choices=_INCENTIVES, nullable=True),
        "product": Record(
            {"external_id": Text(), "integration_key": Text(choices=("shopify", "woocommerce"))},
            required=("external_id", "integration_key"),
        ),
        "rating": Number(choices=(1, 2, 3, 4, 5), nullable=True),
        "title": STRING,
        "custom_questions": Items(
            Record({"id": Text(), "answers": Items(Text())}, required=("id", "answers")), nullable=True
        ),
        "images": Items(Text(), nullable=True),
    },
    required=("review_type", "email", "author", "content"),
)
_ORDER = Record({"type": Text(choices=("order",)), "id": Text()}, required=("type", "id"))
_EVENT = Record(
    {"type": Text(choices=("event",)), "attributes": Record(EVENT, required=("properties", "metric"))},
    required=("type", "attributes"),
)

OPERATIONS = (
    Operation(
        "create_client_subscription",
        "subscription",
        client.subscribe,
        body=Record(
            {
                "custom_source": STRING,
                "profile": reference({**_SUBSCRIBER, "meta": PATCH, "subscriptions": Record(JULY_GRANTS)}),
            },
            required=("profile",),
        ),
        body_relationships=Record({"list": group("list")}, required=("list",)),
        empty=True,
        revision=JULY,
    ),
    Operation(
        "create_client_push_token",
        "push-token",
        client.register_push_token,
        body=JULY_NEW_TOKEN,
        empty=True,
        revision=JULY,
    ),
    Operation(
        "unregister_client_push_token",
        "push-token-unregister",
        client.unregister_push_token,
        body=Record(
            {
                "token": Text(shortest=1),
                "platform": Text(choices=("android", "ios")),
                "vendor": Text(choices=("apns", "fcm"), nullable=True),
                "profile": reference(_PERSON, meta=PATCH),
            },
            required=("token", "platform", "profile"),
        ),
        empty=True,
        revision=JULY,
    ),
    Operation(
        "create_client_event",
        "event",
        events.create_event,
        body=Record({**EVENT, "profile": JULY_PROFILE}, required=("properties", "metric", "profile")),
        empty=True,
        revision=JULY,
    ),
    Operation(
        "bulk_create_client_events",
        "event-bulk-create",
        events.bulk_create_client_events,
        body=Record(
            {
                "backfill": BOOLEAN,
                "profile": reference({**_PERSON, "anonymous_id": STRING}, meta=PATCH),
                "events": Record({"data": Items(_EVENT, least=1, most=events.MOST_EVENTS)}, required=("data",)),
            },
            required=("profile", "events"),
        ),
        empty=True,
        revision=JULY,
    ),
    Operation(
        "create_client_profile",
        "profile",
        client.write_person,
        body=Record({**_PERSON, "anonymous_id": STRING}),
        body_meta=PATCH,
        identified="optional",
        empty=True,
        revision=JULY,
    ),
    Operation(
        "create_client_back_in_stock_subscription",
        "back-in-stock-subscription",
        client.subscribe_back_in_stock,
        body=Record(
            {
                "channels": Items(Text(choices=("EMAIL", "PUSH", "SMS", "WHATSAPP")), least=1),
                "profile": reference({name: WRITABLE[name] for name in ("email", "phone_number", "external_id")}),
            },
            required=("channels", "profile"),
        ),
        body_relationships=one("variant", "catalog-variant"),
        empty=True,
        revision=JULY,
    ),
    Operation(
        "get_client_reviews",
        "review",
        client_reviews.list_reviews,
        lookups={
            "status": BY_STATUS,
            "smart_quote": Lookup(_body("smart_quote")),
            "public_reply": Lookup(_body("public_reply")),
            "incentivized": Lookup(f"({_body('_incentive_type')} IS NOT NULL)"),
            "edited": Lookup(f"coalesce({_body('_edited')}, 0)"),
            "media": Lookup("nullif(json_array_length(r.body, '$.images'), 0)"),
        },
        revision=JULY,
    ),
    Operation(
        "create_client_review",
        "review",
        client_reviews.create_review,
        body=_REVIEW,
        body_relationships=Record({"order": Record({"data": _ORDER}, required=("data",))}),
        empty=True,
        revision=JULY,
    ),
    Operation(
        "get_client_review_values_reports",
        "review-values-report",
        client_reviews.report,
        lookups={"product_external_ids": Lookup(_body("product.external_id"))},
        revision=JULY,
    ),
    Operation(
        "get_client_geofences",
        "geofence",
        geofences.list_geofences,
        revision=JULY,
    ),
    Operation("get_client_ip_allowlist", "ip-allowlist", generic.get_resource),
)

WORK = {"client.event": client.process_event, "client.profile": client.process_person}
