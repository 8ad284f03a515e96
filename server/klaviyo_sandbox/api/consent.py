"""Who may be written to: the jobs that subscribe, unsubscribe, suppress and unsuppress profiles."""

from klaviyo_sandbox import generic
from klaviyo_sandbox.api.common import MOMENT, STRING
from klaviyo_sandbox.api.profile_shapes import TOKEN, TOKEN_REQUIRED
from klaviyo_sandbox.behaviour import jobs, revoking, subscribing
from klaviyo_sandbox.behaviour.consent import TRACKING
from klaviyo_sandbox.declare import Column, Lookup, Operation, Relation, Resource
from klaviyo_sandbox.shapes import Flag, Items, Record, Shape, Text

_FIELDS: dict[str, Shape] = {"consent": Text(choices=("SUBSCRIBED",)), "consented_at": MOMENT}
_GRANT = Record(_FIELDS, required=("consent",), nullable=True)
_TRACKING_GRANT = Record({"consent": Text(choices=("SUBSCRIBED",))}, required=("consent",), nullable=True)
JULY_GRANTS: dict[str, Shape] = {
    "email": Record({"marketing": _GRANT, "open_tracking": _TRACKING_GRANT}, nullable=True),
    "sms": Record({"marketing": _GRANT, "transactional": _GRANT}, nullable=True),
    "whatsapp": Record({"marketing": _GRANT, "transactional": _GRANT}, nullable=True),
    "push": Record(
        {
            "marketing": Record(_FIELDS, required=("consent",)),
            "tokens": Items(Record(TOKEN, required=TOKEN_REQUIRED), nullable=True),
            "anonymous_id": STRING,
        },
        required=("marketing",),
        nullable=True,
    ),
}
_GRANTS = {
    **JULY_GRANTS,
    "email": Record({"marketing": _GRANT, **dict.fromkeys(TRACKING, _TRACKING_GRANT)}, nullable=True),
}
_SUBSCRIBE = Record(
    {
        "type": Text(choices=("profile",)),
        "id": STRING,
        "attributes": Record(
            {
                "email": Text(form="email", nullable=True),
                "phone_number": Text(form="phone", nullable=True, spared_by="email"),
                "subscriptions": Record(_GRANTS),
                "age_gated_date_of_birth": Text(form="day", nullable=True),
            },
            required=("subscriptions",),
        ),
    },
    required=("type", "attributes"),
)


def group(kind: str) -> Record:
    """The shape of a relationship to one list or segment."""
    identifier = Record({"type": Text(choices=(kind,)), "id": Text()}, required=("type", "id"))
    return Record({"data": identifier}, required=("data",))


def _revocable(*kinds: str) -> Record:
    return Record(dict.fromkeys(kinds, Record({"consent": Text(choices=("UNSUBSCRIBED",))}, required=("consent",))))


def _entry(attributes: dict[str, Shape], *required: str) -> Record:
    record = Record(attributes, required=required)
    return Record({"type": Text(choices=("profile",)), "attributes": record}, required=("type", "attributes"))


_UNSUBSCRIBE = _entry(
    {
        "email": Text(form="email", nullable=True),
        "phone_number": Text(form="phone", nullable=True),
        "subscriptions": Record(
            {
                "email": _revocable("marketing", *TRACKING),
                "sms": _revocable("marketing", "transactional"),
                "whatsapp": _revocable("marketing", "transactional", "conversational"),
                "push": Record(
                    {**_revocable("marketing").fields, "tokens": Items(Record(TOKEN, required=TOKEN_REQUIRED))},
                    required=("marketing", "tokens"),
                ),
            }
        ),
    },
    "subscriptions",
)
_BY_ADDRESS = _entry({"email": Text(form="email")}, "email")
_CREATE, _DELETE = "profile-suppression-bulk-create-job", "profile-suppression-bulk-delete-job"
_ATTRIBUTES = {
    **{name: jobs.ATTRIBUTES[name] for name in ("status", "created_at", "total_count", "completed_count")},
    "completed_at": jobs.ATTRIBUTES["completed_at"],
    "skipped_count": jobs.ATTRIBUTES["completed_count"],
}


def _job(kind: str) -> Resource:
    return jobs.resource(
        kind,
        Relation("lists", "list", link=f"{kind}.lists", data=True, unrelated="links"),
        Relation("segments", "segment", link=f"{kind}.segments", data=True, unrelated="links"),
        attributes=_ATTRIBUTES,
        columns={"list_id": Column("_list_id"), "segment_id": Column("_segment_id")},
    )


RESOURCES = (
    Resource("profile-subscription-bulk-create-job", Record({}), stored=False),
    Resource("profile-subscription-bulk-delete-job", Record({}), stored=False),
    _job(_CREATE),
    _job(_DELETE),
)


def _suppression(verb: str, kind: str) -> tuple[Operation, ...]:
    """The operations of one kind of suppression job: start one, read one, read all."""
    return (
        Operation(
            f"bulk_{verb}_profiles",
            kind,
            revoking.start,
            body=Record(
                {"profiles": Record({"data": Items(_BY_ADDRESS, most=100)}, required=("data",), nullable=True)}
            ),
            body_relationships=Record({"list": group("list"), "segment": group("segment")}),
        ),
        Operation(f"get_bulk_{verb}_profiles_job", kind, generic.get_resource),
        Operation(
            f"get_bulk_{verb}_profiles_jobs",
            kind,
            generic.list_resources,
            default_sort="-created_at",
            lookups={"created": Lookup("created_at")},
        ),
    )


OPERATIONS = (
    Operation(
        "bulk_subscribe_profiles",
        "profile-subscription-bulk-create-job",
        subscribing.subscribe,
        body=Record(
            {
                "custom_source": STRING,
                "profiles": Record({"data": Items(_SUBSCRIBE, most=1000, least=1)}, required=("data",)),
                "historical_import": Flag(nullable=True),
            },
            required=("profiles",),
        ),
        body_relationships=Record({"list": group("list")}),
        empty=True,
    ),
    Operation(
        "bulk_unsubscribe_profiles",
        "profile-subscription-bulk-delete-job",
        revoking.unsubscribe,
        body=Record(
            {"profiles": Record({"data": Items(_UNSUBSCRIBE, most=100, least=1)}, required=("data",))},
            required=("profiles",),
        ),
        body_relationships=Record({"list": group("list")}),
        empty=True,
    ),
    *_suppression("suppress", _CREATE),
    *_suppression("unsuppress", _DELETE),
)

WORK = {**jobs.work(_CREATE, revoking.suppress), **jobs.work(_DELETE, revoking.unsuppress)}
