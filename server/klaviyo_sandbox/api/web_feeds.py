"""Web feeds: addresses whose JSON or XML templates can show."""

from klaviyo_sandbox import generic
from klaviyo_sandbox.api.common import MOMENT
from klaviyo_sandbox.behaviour import web_feeds
from klaviyo_sandbox.declare import Column, Operation, Resource
from klaviyo_sandbox.identifiers import CHOSEN_NAME
from klaviyo_sandbox.shapes import Record, Text

_METHODS = ("get", "post")
_CONTENT_TYPES = ("json", "xml")
_STATUSES = (
    "critical_nightly_refresh_timeout",
    "disabled",
    "ok",
    "refreshing",
    "warning_nightly_refresh_timeout",
    "warning_periodic_refresh_timeout",
)

RESOURCES = (
    Resource(
        "web-feed",
        Record(
            {
                "name": Text(),
                "url": Text(),
                "request_method": Text(choices=_METHODS),
                "content_type": Text(choices=_CONTENT_TYPES),
                "created": MOMENT,
                "updated": MOMENT,
                "status": Text(choices=_STATUSES, nullable=True),
            }
        ),
        ids="seven_digits",
        defaults={"status": "ok"},
        columns={
            "name": Column("name", nullable=False),
            "created": Column("created", "moment", nullable=False),
            "updated": Column("updated", "moment", nullable=False),
        },
        unique=(("name",),),
        indexes=(("created", "id"), ("updated", "id")),
    ),
)

OPERATIONS = (
    Operation("get_web_feeds", "web-feed", generic.list_resources),
    Operation(
        "create_web_feed",
        "web-feed",
        web_feeds.create_web_feed,
        body=Record(
            {
                "name": Text(shortest=1, pattern=CHOSEN_NAME),
                "url": Text(shortest=1),
                "request_method": Text(choices=_METHODS),
                "content_type": Text(choices=_CONTENT_TYPES),
            },
            required=("name", "url", "request_method", "content_type"),
        ),
    ),
    Operation("get_web_feed", "web-feed", generic.get_resource),
    Operation(
        "update_web_feed",
        "web-feed",
        web_feeds.update_web_feed,
        body=Record(
            {
                "name": Text(shortest=1, pattern=CHOSEN_NAME, nullable=True),
                "url": Text(shortest=1, nullable=True),
                "request_method": Text(choices=_METHODS, nullable=True),
                "content_type": Text(choices=_CONTENT_TYPES, nullable=True),
            }
        ),
        identified="required",
    ),
    Operation("delete_web_feed", "web-feed", generic.delete_resource, empty=True),
)
