"""Segments: groups of profiles that fit a definition."""

from klaviyo_mcp.sandbox import engine
from klaviyo_mcp.sandbox.api.common import BY_ID, BY_NAME_LIST, IS, MOMENT, SINCE, STRING, sortable
from klaviyo_mcp.sandbox.declare import Column, Filter, L, Operation, Page, Relation, Resource
from klaviyo_mcp.sandbox.handlers.counts import members_of
from klaviyo_mcp.sandbox.shapes import Flag, Items, Number, Record
from klaviyo_mcp.sandbox.shapes import Free as Conditions

RESOURCES = (
    Resource(
        "segment",
        Record(
            {
                "name": STRING,
                "definition": Record({"condition_groups": Items(Conditions())}, nullable=True),
                "created": MOMENT,
                "updated": MOMENT,
                "is_active": Flag(),
                "is_processing": Flag(),
                "is_starred": Flag(),
                "profile_count": Number(),
            }
        ),
        on_request=("profile_count",),
        computed={"profile_count": members_of("segment.profiles")},
        relations=(
            Relation("profiles", "profile", link="segment.profiles", joined="joined_group_at"),
            Relation("tags", "tag", link="tag.segments", inverse=True),
            Relation("flow-triggers", "flow", link="segment.flow-triggers"),
        ),
        columns={
            "name": Column("name"),
            "created": Column("created", "moment", nullable=False),
            "updated": Column("updated", "moment", nullable=False),
            "is_active": Column("is_active", "flag"),
            "is_starred": Column("is_starred", "flag"),
        },
        indexes=(("name", "id"), ("created", "id"), ("updated", "id")),
    ),
)

_READ = ("segments:read",)
_INCLUDE = ("flow-triggers", "tags")

OPERATIONS = (
    Operation(
        "get_segments",
        "GET",
        "/api/segments",
        "segment",
        engine.list_resources,
        _READ,
        L,
        filters={
            "name": BY_NAME_LIST,
            "id": BY_ID,
            "created": SINCE,
            "updated": SINCE,
            "is_active": Filter("flag", ("equals",), listed=("any", "equals")),
            "is_starred": IS,
        },
        sorts=sortable("created", "id", "name", "updated"),
        page=Page(10, 10),
        include=_INCLUDE,
    ),
    Operation(
        "get_segment",
        "GET",
        "/api/segments/{id}",
        "segment",
        engine.get_resource,
        _READ,
        L,
        include=_INCLUDE,
        additional=("profile_count",),
    ),
)
