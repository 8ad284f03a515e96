"""Web feeds: addresses whose JSON or XML templates can show."""

from klaviyo_sandbox import generic
from klaviyo_sandbox.api.common import BETWEEN, MOMENT, sortable
from klaviyo_sandbox.behaviour import web_feeds
from klaviyo_sandbox.declare import XS, Column, Filter, Operation, Page, Resource
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

_READ = ("web-feeds:read",)
_WRITE = ("web-feeds:write",)

OPERATIONS = (
    Operation(
        "get_web_feeds",
        "GET",
        "/api/web-feeds",
        "web-feed",
        generic.list_resources,
        _READ,
        XS,
        filters={
            "name": Filter(single=("contains", "equals"), listed=("any", "equals")),
            "created": BETWEEN,
            "updated": BETWEEN,
        },
        sorts=sortable("created", "name", "updated"),
        page=Page(5, 20),
    ),
    Operation(
        "create_web_feed",
        "POST",
        "/api/web-feeds",
        "web-feed",
        web_feeds.create_web_feed,
        _WRITE,
        XS,
        body=Record(
            {
                "name": Text(shortest=1),
                "url": Text(shortest=1),
                "request_method": Text(choices=_METHODS),
                "content_type": Text(choices=_CONTENT_TYPES),
            },
            required=("name", "url", "request_method", "content_type"),
        ),
    ),
    Operation("get_web_feed", "GET", "/api/web-feeds/{id}", "web-feed", generic.get_resource, _READ, XS),
    Operation(
        "update_web_feed",
        "PATCH",
        "/api/web-feeds/{id}",
        "web-feed",
        web_feeds.update_web_feed,
        _WRITE,
        XS,
        body=Record(
            {
                "name": Text(shortest=1, nullable=True),
                "url": Text(shortest=1, nullable=True),
                "request_method": Text(choices=_METHODS, nullable=True),
                "content_type": Text(choices=_CONTENT_TYPES, nullable=True),
            }
        ),
        identified="required",
    ),
    Operation(
        "delete_web_feed", "DELETE", "/api/web-feeds/{id}", "web-feed", generic.delete_resource, _WRITE, XS, empty=True
    ),
)
