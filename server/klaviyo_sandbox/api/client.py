"""The public endpoints that websites and apps use with nothing but a company id."""

from klaviyo_sandbox import generic
from klaviyo_sandbox.api.catalog_kinds import one
from klaviyo_sandbox.api.common import BOOLEAN, MOMENT, STRING, sortable
from klaviyo_sandbox.api.consent import GRANT, GRANTS, group
from klaviyo_sandbox.api.events import EVENT, EVENT_REFERENCE
from klaviyo_sandbox.api.profile_shapes import NEW_TOKEN, PATCH, TOKEN, TOKEN_REQUIRED, WRITABLE, reference
from klaviyo_sandbox.behaviour import client, client_reviews, events, geofences
from klaviyo_sandbox.declare import XL, Filter, L, Limits, M, Operation, Page, Parameter, Resource, S
from klaviyo_sandbox.shapes import Document, Items, Number, Record, Shape, Text

_PERSON: dict[str, Shape] = {**WRITABLE, "_kx": STRING}
_TYPES = ("question", "rating", "review", "store")
_STATUSES = ("published", "unpublished", "rejected", "featured", "pending", "all")
_INCENTIVES = (
    "coupon_or_discount",
    "employee_review",
    "free_product",
    "loyalty_points",
    "other",
    "paid_promotion",
    "sweepstakes_entry",
)
_SINCE_OR_UNTIL = Filter("moment", ("greater-or-equal", "less-or-equal"))


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

_SUBSCRIPTIONS = Record(
    {
        **GRANTS,
        "push": Record(
            {
                "marketing": GRANT,
                "tokens": Items(Record(TOKEN, required=TOKEN_REQUIRED), nullable=True),
                "anonymous_id": STRING,
            },
            required=("marketing",),
        ),
    }
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
        "POST",
        "/client/subscriptions",
        "subscription",
        client.subscribe,
        ("subscriptions:write",),
        Limits(350, 750),
        body=Record(
            {
                "custom_source": STRING,
                "profile": reference({**_PERSON, "meta": PATCH, "subscriptions": _SUBSCRIPTIONS}),
            },
            required=("profile",),
        ),
        body_relationships=Record({"list": group("list")}, required=("list",)),
        empty=True,
    ),
    Operation(
        "create_client_push_token",
        "POST",
        "/client/push-tokens",
        "push-token",
        client.register_push_token,
        (),
        Limits(150, 1400),
        body=NEW_TOKEN,
        empty=True,
    ),
    Operation(
        "unregister_client_push_token",
        "POST",
        "/client/push-token-unregister",
        "push-token-unregister",
        client.unregister_push_token,
        (),
        M,
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
    ),
    Operation(
        "create_client_event",
        "POST",
        "/client/events",
        "event",
        events.create_event,
        ("events:write",),
        XL,
        body=Record({**EVENT, "profile": EVENT_REFERENCE}, required=("properties", "metric", "profile")),
        empty=True,
    ),
    Operation(
        "bulk_create_client_events",
        "POST",
        "/client/event-bulk-create",
        "event-bulk-create",
        events.bulk_create_client_events,
        ("events:write",),
        M,
        body=Record(
            {
                "backfill": BOOLEAN,
                "profile": reference({**_PERSON, "anonymous_id": STRING}, meta=PATCH),
                "events": Record({"data": Items(_EVENT, least=1, most=events.MOST_EVENTS)}, required=("data",)),
            },
            required=("profile", "events"),
        ),
        empty=True,
    ),
    Operation(
        "create_client_profile",
        "POST",
        "/client/profiles",
        "profile",
        client.write_person,
        ("profiles:write",),
        XL,
        body=Record({**_PERSON, "anonymous_id": STRING}),
        body_meta=PATCH,
        identified="optional",
        empty=True,
    ),
    Operation(
        "create_client_back_in_stock_subscription",
        "POST",
        "/client/back-in-stock-subscriptions",
        "back-in-stock-subscription",
        client.subscribe_back_in_stock,
        ("catalogs:write", "profiles:write"),
        XL,
        body=Record(
            {
                "channels": Items(Text(choices=("EMAIL", "PUSH", "SMS", "WHATSAPP")), least=1),
                "profile": reference({name: WRITABLE[name] for name in ("email", "phone_number", "external_id")}),
            },
            required=("channels", "profile"),
        ),
        body_relationships=one("variant", "catalog-variant"),
        empty=True,
    ),
    Operation(
        "get_client_reviews",
        "GET",
        "/client/reviews",
        "review",
        client_reviews.list_reviews,
        (),
        M,
        filters={
            "status": Filter(
                single=("equals",),
                column="s.value",
                choices=_STATUSES,
                exists="EXISTS (SELECT 1 FROM json_each(json_array(r.status, 'all')) AS s WHERE {test})",
            ),
            "review_type": Filter(single=("equals",), choices=_TYPES),
            "rating": Filter("number", ("equals", "greater-or-equal", "less-or-equal"), ("any", "equals")),
            "id": Filter(single=("equals",), listed=("any", "equals")),
            "content": Filter(single=("contains",)),
            "smart_quote": Filter(single=("has",), column=_body("smart_quote")),
            "public_reply": Filter(single=("has",), column=_body("public_reply")),
            "verified": Filter("flag", ("equals",)),
            "incentivized": Filter("flag", ("equals",), column=f"({_body('_incentive_type')} IS NOT NULL)"),
            "edited": Filter("flag", ("equals",), column=f"coalesce({_body('_edited')}, 0)"),
            "media": Filter(single=("has",), column="nullif(json_array_length(r.body, '$.images'), 0)"),
            "created": _SINCE_OR_UNTIL,
            "updated": _SINCE_OR_UNTIL,
        },
        sorts=sortable("created", "rating", "updated"),
        page=Page(20, 100),
    ),
    Operation(
        "create_client_review",
        "POST",
        "/client/reviews",
        "review",
        client_reviews.create_review,
        (),
        M,
        body=_REVIEW,
        body_relationships=Record({"order": Record({"data": _ORDER}, required=("data",))}),
        empty=True,
    ),
    Operation(
        "get_client_review_values_reports",
        "GET",
        "/client/review-values-reports",
        "review-values-report",
        client_reviews.report,
        (),
        M,
        filters={
            "product_external_ids": Filter(
                single=("equals",), listed=("any", "equals"), column=_body("product.external_id")
            )
        },
        page=Page(20, 100),
        parameters={
            "group_by": Parameter(("company_id", "product_id"), required=True),
            "statistics": Parameter(client_reviews.STATISTICS, required=True, listed=True),
            "timeframe": Parameter(tuple(client_reviews.TIMEFRAMES), required=True),
        },
    ),
    Operation(
        "get_client_geofences",
        "GET",
        "/client/geofences",
        "geofence",
        geofences.list_geofences,
        (),
        S,
        page=Page(20, 100),
    ),
    Operation(
        "get_client_ip_allowlist",
        "GET",
        "/client/ip-allowlists/{id}",
        "ip-allowlist",
        generic.get_resource,
        (),
        L,
        anonymous=True,
    ),
)

WORK = {"client.event": client.process_event, "client.profile": client.process_person}
