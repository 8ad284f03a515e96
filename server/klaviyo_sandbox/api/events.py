"""Events: what profiles did and when."""

from klaviyo_sandbox import generic
from klaviyo_sandbox.api.common import BOOLEAN, JULY, MOMENT, STRING
from klaviyo_sandbox.api.profile_shapes import EVENT_PROFILE, OPTIONAL_PATCH, PATCH, reference
from klaviyo_sandbox.behaviour import events
from klaviyo_sandbox.declare import Column, Lookup, Operation, Relation, Resource
from klaviyo_sandbox.shapes import Free, Items, Number, Record, Shape, Text

RESOURCES = (
    Resource(
        "event",
        Record(
            {
                "timestamp": Number(whole=True, nullable=True),
                "event_properties": Free(nullable=True),
                "datetime": MOMENT,
                "uuid": STRING,
            }
        ),
        ids="eleven",
        malformed=400,
        relations=(
            Relation("profile", "profile", column="profile_id", data=True),
            Relation("metric", "metric", column="metric_id", data=True),
            Relation("attributions", "attribution", foreign="event_id", data=True, unrelated="nothing"),
        ),
        columns={
            "at": Column("datetime", "moment", nullable=False),
            "profile_id": Column("_profile_id"),
            "metric_id": Column("_metric_id"),
            "unique_id": Column("_unique_id"),
            "value": Column("event_properties.$value", "number"),
        },
        unique=(("profile_id", "metric_id", "unique_id"),),
        indexes=(("at", "id"), ("profile_id", "at", "id"), ("metric_id", "at", "id")),
        cursors="seconds",
        stamps=("", ""),
    ),
    Resource("event-bulk-create-job", Record({}), stored=False),
    Resource(
        "attribution",
        Record({}),
        ids="eleven",
        columns={"event_id": Column("_event_id")},
        indexes=(("event_id",),),
        stamps=("", ""),
    ),
)

_METRIC = Record(
    {
        "data": Record(
            {
                "type": Text(choices=("metric",)),
                "attributes": Record({"name": Text(shortest=1, longest=127), "service": STRING}, required=("name",)),
            },
            required=("type", "attributes"),
        )
    },
    required=("data",),
)
_PROFILE = reference(EVENT_PROFILE, meta=OPTIONAL_PATCH)
# At 2026-07-15 what changes lists of the profile is one of its attributes.
JULY_PROFILE = reference({**EVENT_PROFILE, "meta": PATCH})
EVENT: dict[str, Shape] = {
    "properties": Free(most=400),
    "time": MOMENT,
    "value": Number(nullable=True),
    "value_currency": Text(shortest=3, longest=3, nullable=True),
    "unique_id": Text(shortest=1, longest=255, nullable=True),
    "backfill": BOOLEAN,
    "metric": _METRIC,
}
_BATCH = Record(
    {
        "type": Text(choices=("event-bulk-create",)),
        "attributes": Record(
            {
                "backfill": BOOLEAN,
                "profile": _PROFILE,
                "events": Record(
                    {
                        "data": Items(
                            Record(
                                {
                                    "type": Text(choices=("event",)),
                                    "attributes": Record(EVENT, required=("properties", "metric")),
                                },
                                required=("type", "attributes"),
                            ),
                            least=1,
                        )
                    },
                    required=("data",),
                ),
            },
            required=("profile", "events"),
        ),
    },
    required=("type", "attributes"),
)

OPERATIONS = (
    Operation(
        "create_event",
        "event",
        events.create_event,
        body=Record({**EVENT, "profile": _PROFILE}, required=("properties", "metric", "profile")),
        empty=True,
    ),
    Operation(
        "create_event",
        "event",
        events.create_event,
        body=Record({**EVENT, "profile": JULY_PROFILE}, required=("properties", "metric", "profile")),
        empty=True,
        revision=JULY,
    ),
    Operation(
        "bulk_create_events",
        "event-bulk-create-job",
        events.bulk_create_events,
        body=Record(
            {
                "events-bulk-create": Record(
                    {"data": Items(_BATCH, most=events.MOST_EVENTS, least=1)},
                    required=("data",),
                )
            },
            required=("events-bulk-create",),
        ),
        empty=True,
    ),
    Operation(
        "get_events",
        "event",
        generic.list_resources,
        default_sort="-at",
        lookups={
            "profile": Lookup("profile_id"),
            "metric": Lookup("metric_id"),
            "datetime": Lookup("at"),
            "timestamp": Lookup("at", unit=1_000_000),
        },
        past_only=True,
        existing={"metric_id": "metric"},
    ),
    Operation("get_metric_for_event", "metric", generic.get_related, parent="event"),
    Operation("get_profile_for_event", "profile", generic.get_related, parent="event"),
    Operation("get_metric_id_for_event", "metric", generic.get_related_id, parent="event"),
    Operation("get_profile_id_for_event", "profile", generic.get_related_id, parent="event"),
    Operation("get_event", "event", generic.get_resource),
)

WORK = {"event": events.process_event}
