"""Segments: groups of profiles that fit a definition."""

from klaviyo_sandbox import generic
from klaviyo_sandbox.api.common import BY_ID, BY_NAME_LIST, IS, MOMENT, SINCE, STRING, sortable
from klaviyo_sandbox.api.conditions import DEFINITION
from klaviyo_sandbox.api.groups import MEMBER_FILTERS, relation_operations
from klaviyo_sandbox.behaviour import segmentation
from klaviyo_sandbox.behaviour.segmentation import current
from klaviyo_sandbox.declare import Column, Filter, L, Limits, Operation, Page, Relation, Resource, S
from klaviyo_sandbox.shapes import Flag, Items, Number, Record, Text
from klaviyo_sandbox.shapes import Free as Conditions

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
        defaults={"is_active": True, "is_processing": True, "is_starred": False},
        computed={"profile_count": segmentation.count_members},
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
            "is_processing": Column("is_processing", "flag"),
        },
        indexes=(("name", "id"), ("created", "id"), ("updated", "id")),
    ),
)

_READ, _WRITE = ("segments:read",), ("segments:write",)
_READ_MEMBERS = ("profiles:read", "segments:read")
_INCLUDE = ("flow-triggers", "tags")
_DEFINING = Limits(1, 15, daily=100)
_MEMBER_FILTERS = {"profile_id": Filter(listed=("any", "equals"), column="id"), **MEMBER_FILTERS}

OPERATIONS = (
    Operation(
        "get_segments",
        "GET",
        "/api/segments",
        "segment",
        generic.list_resources,
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
        generic.get_resource,
        _READ,
        L,
        include=_INCLUDE,
        additional=("profile_count",),
    ),
    Operation(
        "create_segment",
        "POST",
        "/api/segments",
        "segment",
        segmentation.create_segment,
        _WRITE,
        _DEFINING,
        body=Record(
            {"name": Text(shortest=1), "definition": DEFINITION, "is_starred": Flag(nullable=True)},
            required=("name", "definition"),
        ),
    ),
    Operation(
        "update_segment",
        "PATCH",
        "/api/segments/{id}",
        "segment",
        segmentation.update_segment,
        _WRITE,
        _DEFINING,
        body=Record({"name": STRING, "definition": DEFINITION, "is_starred": Flag(nullable=True)}),
        identified="required",
    ),
    Operation(
        "delete_segment", "DELETE", "/api/segments/{id}", "segment", generic.delete_resource, _WRITE, S, empty=True
    ),
    Operation(
        "get_profiles_for_segment",
        "GET",
        "/api/segments/{id}/profiles",
        "profile",
        current(generic.list_related),
        _READ_MEMBERS,
        L,
        parent="segment",
        relation="profiles",
        filters=_MEMBER_FILTERS,
        sorts={"joined_group_at": "l.at"},
        page=Page(20, 100),
        additional=("subscriptions", "predictive_analytics"),
        extra=("joined_group_at",),
    ),
    Operation(
        "get_profile_ids_for_segment",
        "GET",
        "/api/segments/{id}/relationships/profiles",
        "profile",
        current(generic.list_related_ids),
        _READ_MEMBERS,
        L,
        parent="segment",
        relation="profiles",
        filters=_MEMBER_FILTERS,
        sorts={"joined_group_at": "l.at"},
        page=Page(20, 100),
        relationships_only=True,
    ),
    *relation_operations("segment"),
)

WORK = {"segment.evaluate": segmentation.evaluate}
