"""Profiles, the ways to write them, and the consent jobs."""

from klaviyo_mcp.sandbox import engine
from klaviyo_mcp.sandbox.api.common import MOMENT, RANGE, STRING, sortable
from klaviyo_mcp.sandbox.declare import Column, Filter, L, Operation, Page, Relation, Resource, S
from klaviyo_mcp.sandbox.handlers import consent, predictions, profiles
from klaviyo_mcp.sandbox.shapes import Coordinate, Document, Flag, Free, Items, Number, Record, Shape, Text

_LOCATION = Record(
    {
        "address1": STRING,
        "address2": STRING,
        "city": STRING,
        "country": STRING,
        "latitude": Coordinate(),
        "longitude": Coordinate(),
        "region": STRING,
        "zip": STRING,
        "timezone": STRING,
        "ip": STRING,
    },
    nullable=True,
)
_WRITABLE: dict[str, Shape] = {
    "email": Text(form="email", nullable=True),
    "phone_number": Text(form="phone", nullable=True),
    "external_id": Text(shortest=1, nullable=True),
    "first_name": STRING,
    "last_name": STRING,
    "organization": STRING,
    "locale": STRING,
    "title": STRING,
    "image": STRING,
    "location": _LOCATION,
    "properties": Free(nullable=True),
}

# Channels that share one form in answers; whatsapp's also show the number they belong to.
_PERMISSION: dict[str, Shape] = {
    "consent": Text(),
    "consent_timestamp": MOMENT,
    "last_updated": MOMENT,
    "created_timestamp": MOMENT,
    "metadata": Free(nullable=True),
    "can_receive": Flag(),
    "valid_until": MOMENT,
}
_WHATSAPP = Record({**_PERMISSION, "phone_number": STRING})
_SMS: dict[str, Shape] = {
    "consent": Text(),
    "consent_timestamp": MOMENT,
    "method": STRING,
    "method_detail": STRING,
    "last_updated": MOMENT,
}
_SUBSCRIPTIONS = Record(
    {
        "email": Record(
            {
                "marketing": Record(
                    {
                        "can_receive_email_marketing": Flag(),
                        "consent": Text(),
                        "consent_timestamp": MOMENT,
                        "last_updated": MOMENT,
                        "method": STRING,
                        "method_detail": STRING,
                        "custom_method_detail": STRING,
                        "double_optin": Flag(nullable=True),
                        "suppression": Items(Document()),
                        "list_suppressions": Items(Document()),
                    }
                ),
                "open_tracking": Record(_PERMISSION),
            }
        ),
        "sms": Record(
            {
                "marketing": Record({"can_receive_sms_marketing": Flag(), **_SMS}),
                "transactional": Record({"can_receive_sms_transactional": Flag(), **_SMS}),
            }
        ),
        "mobile_push": Record(
            {
                "marketing": Record(
                    {"can_receive_push_marketing": Flag(), "consent": Text(), "consent_timestamp": MOMENT}
                )
            }
        ),
        "whatsapp": Record({"marketing": _WHATSAPP, "transactional": _WHATSAPP, "conversational": _WHATSAPP}),
    }
)
_PREDICTIONS = Record(
    {
        **{name: Number(nullable=True) for name in predictions.NUMBERS},
        "expected_date_of_next_order": MOMENT,
        "ranked_channel_affinity": Items(Text()),
    }
)
_METADATA = ("device_id", "klaviyo_sdk", "sdk_version", "device_model", "os_name", "os_version", "manufacturer")
_APP_METADATA = ("app_name", "app_version", "app_build", "app_id", "environment")
_DEVICE = Record(dict.fromkeys((*_METADATA, *_APP_METADATA), STRING))

PATCH = Record(
    {
        "patch_properties": Record(
            {
                "append": Free(nullable=True),
                "unappend": Free(nullable=True),
                "unset": Items(Text(), lone=True, nullable=True),
            }
        )
    }
)
EVENT_PROFILE = Record({**_WRITABLE, "anonymous_id": STRING, "_kx": STRING, "meta": PATCH})

_GRANT = Record({"consent": Text(choices=("SUBSCRIBED",)), "consented_at": MOMENT}, required=("consent",))
_TRACKING_GRANT = Record({"consent": Text(choices=("SUBSCRIBED",))}, required=("consent",))
_SUBSCRIBE = Record(
    {
        "type": Text(choices=("profile",)),
        "id": STRING,
        "attributes": Record(
            {
                "email": Text(form="email", nullable=True),
                "phone_number": Text(form="phone", nullable=True),
                "subscriptions": Record(
                    {
                        "email": Record({"marketing": _GRANT, "open_tracking": _TRACKING_GRANT}),
                        "sms": Record({"marketing": _GRANT, "transactional": _GRANT}),
                        "whatsapp": Record({"marketing": _GRANT, "transactional": _GRANT}),
                    }
                ),
            },
            required=("subscriptions",),
        ),
    },
    required=("type", "attributes"),
)
_LIST_REFERENCE = Record(
    {
        "data": Record(
            {"type": Text(choices=("list",)), "id": Text()},
            required=("type", "id"),
        )
    },
    required=("data",),
)

_SUPPRESSED = (
    "EXISTS (SELECT 1 FROM suppression AS s"
    " WHERE s.account = r.account AND s.profile = r.id AND s.list {} AND {{test}})"
)
_GLOBAL = _SUPPRESSED.format("= ''")
_BY_LIST = _SUPPRESSED.format("<> ''")
# The plus sign keeps SQLite from walking all suppressions in order of time for each profile.
_LATEST = "(SELECT max(+s.at) FROM suppression AS s WHERE s.account = r.account AND s.profile = r.id AND s.list {})"
_MARKETING = "subscriptions.email.marketing"

RESOURCES = (
    Resource(
        "profile",
        Record(
            {
                **_WRITABLE,
                "created": MOMENT,
                "updated": MOMENT,
                "last_event_date": MOMENT,
                "subscriptions": _SUBSCRIPTIONS,
                "predictive_analytics": _PREDICTIONS,
            }
        ),
        ids="ulid",
        on_request=("subscriptions", "predictive_analytics"),
        computed={"subscriptions": consent.subscriptions, "predictive_analytics": predictions.predictive_analytics},
        relations=(
            Relation("lists", "list", link="list.profiles", inverse=True),
            Relation("segments", "segment", link="segment.profiles", inverse=True),
            Relation("push-tokens", "push-token", foreign="profile_id"),
            Relation("conversations", "conversation", foreign="profile_id"),
        ),
        columns={
            "email": Column("email"),
            "phone_number": Column("phone_number"),
            "external_id": Column("external_id"),
            "exchange_id": Column("_kx"),
            "anonymous_id": Column("_anonymous_id"),
            "created": Column("created", "moment", nullable=False),
            "updated": Column("updated", "moment", nullable=False),
        },
        unique=(("email",), ("phone_number",), ("external_id",), ("exchange_id",), ("anonymous_id",)),
        indexes=(("created", "id"), ("updated", "id"), ("email", "id")),
    ),
    Resource(
        "push-token",
        Record(
            {
                "created": MOMENT,
                "token": Text(),
                "enablement_status": Text(),
                "platform": Text(),
                "vendor": Text(),
                "background": Text(),
                "recorded_date": Text(),
                "metadata": _DEVICE,
            }
        ),
        relations=(Relation("profile", "profile", column="profile_id"),),
        columns={"profile_id": Column("_profile_id"), "token": Column("token")},
        indexes=(("profile_id",), ("token",)),
        stamps=("created", ""),
    ),
    Resource(
        "conversation",
        Record({"channel": Text()}),
        relations=(Relation("profile", "profile", column="profile_id"),),
        columns={"profile_id": Column("_profile_id")},
        indexes=(("profile_id",),),
        stamps=("", ""),
    ),
    Resource("profile-subscription-bulk-create-job", Record({}), stored=False),
)

_ADDITIONAL = ("subscriptions", "predictive_analytics")
_READ, _WRITE = ("profiles:read",), ("profiles:write",)
_LARGEST_PROFILE = 100 * 1024

OPERATIONS = (
    Operation(
        "get_profiles",
        "GET",
        "/api/profiles",
        "profile",
        engine.list_resources,
        _READ,
        L,
        filters={
            "id": Filter(single=("equals",), listed=("any", "equals")),
            "email": Filter(single=("equals",), listed=("any", "equals"), lowercase=True),
            "phone_number": Filter(single=("equals",), listed=("any", "equals")),
            "external_id": Filter(single=("equals",), listed=("any", "equals")),
            "_kx": Filter(single=("equals",), column="exchange_id"),
            "created": Filter("moment", ("greater-than", "less-than")),
            "updated": Filter("moment", ("greater-than", "less-than")),
            f"{_MARKETING}.list_suppressions.reason": Filter(single=("equals",), column="s.reason", exists=_BY_LIST),
            f"{_MARKETING}.list_suppressions.timestamp": Filter("moment", RANGE, column="s.at", exists=_BY_LIST),
            f"{_MARKETING}.list_suppressions.list_id": Filter(single=("equals",), column="s.list", exists=_BY_LIST),
            f"{_MARKETING}.suppression.reason": Filter(single=("equals",), column="s.reason", exists=_GLOBAL),
            f"{_MARKETING}.suppression.timestamp": Filter("moment", RANGE, column="s.at", exists=_GLOBAL),
        },
        sorts={
            **sortable("created", "email", "id", "updated"),
            f"{_MARKETING}.suppression.timestamp": _LATEST.format("= ''"),
            f"{_MARKETING}.list_suppressions.timestamp": _LATEST.format("<> ''"),
        },
        page=Page(20, 100),
        include=("conversations", "push-tokens"),
        additional=_ADDITIONAL,
    ),
    Operation(
        "get_profile",
        "GET",
        "/api/profiles/{id}",
        "profile",
        engine.get_resource,
        _READ,
        L,
        include=("conversations", "lists", "push-tokens", "segments"),
        additional=_ADDITIONAL,
    ),
    Operation(
        "create_profile",
        "POST",
        "/api/profiles",
        "profile",
        profiles.create_profile,
        _WRITE,
        L,
        body=Record(_WRITABLE),
        additional=_ADDITIONAL,
        largest_body=_LARGEST_PROFILE,
    ),
    Operation(
        "create_or_update_profile",
        "POST",
        "/api/profile-import",
        "profile",
        profiles.import_profile,
        _WRITE,
        L,
        body=Record({**_WRITABLE, "_kx": STRING}),
        body_meta=PATCH,
        identified="optional",
        additional=_ADDITIONAL,
        largest_body=_LARGEST_PROFILE,
    ),
    Operation(
        "update_profile",
        "PATCH",
        "/api/profiles/{id}",
        "profile",
        profiles.update_profile,
        _WRITE,
        L,
        body=Record(_WRITABLE),
        body_meta=PATCH,
        identified="required",
        additional=_ADDITIONAL,
        largest_body=_LARGEST_PROFILE,
    ),
    Operation(
        "get_lists_for_profile",
        "GET",
        "/api/profiles/{id}/lists",
        "list",
        engine.list_related,
        ("lists:read", "profiles:read"),
        S,
        parent="profile",
        relation="lists",
    ),
    Operation(
        "bulk_subscribe_profiles",
        "POST",
        "/api/profile-subscription-bulk-create-jobs",
        "profile-subscription-bulk-create-job",
        consent.subscribe,
        ("lists:write", "profiles:write", "subscriptions:write"),
        L,
        body=Record(
            {
                "custom_source": STRING,
                "profiles": Record({"data": Items(_SUBSCRIBE, most=1000, least=1)}, required=("data",)),
                "historical_import": Flag(nullable=True),
            },
            required=("profiles",),
        ),
        body_relationships=Record({"list": _LIST_REFERENCE}),
        empty=True,
    ),
)
