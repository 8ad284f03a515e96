"""Segments: groups of profiles that fit a definition."""

from klaviyo_sandbox import generic
from klaviyo_sandbox.api.common import MOMENT, STRING
from klaviyo_sandbox.api.conditions import DEFINITION
from klaviyo_sandbox.api.groups import MEMBER_LOOKUPS, relation_operations
from klaviyo_sandbox.behaviour import segmentation
from klaviyo_sandbox.behaviour.segmentation import current
from klaviyo_sandbox.declare import Column, Lookup, Operation, Relation, Resource
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

_MEMBER_LOOKUPS = {"profile_id": Lookup("id"), **MEMBER_LOOKUPS}

OPERATIONS = (
    Operation("get_segments", "segment", generic.list_resources),
    Operation("get_segment", "segment", generic.get_resource),
    Operation(
        "create_segment",
        "segment",
        segmentation.create_segment,
        body=Record(
            {"name": Text(shortest=1), "definition": DEFINITION, "is_starred": Flag(nullable=True)},
            required=("name", "definition"),
        ),
    ),
    Operation(
        "update_segment",
        "segment",
        segmentation.update_segment,
        body=Record(
            {
                "name": STRING,
                "definition": DEFINITION,
                "is_starred": Flag(nullable=True),
                "is_active": Flag(nullable=True),
            }
        ),
        identified="required",
    ),
    Operation("delete_segment", "segment", generic.delete_resource, empty=True),
    Operation(
        "get_profiles_for_segment",
        "profile",
        current(generic.list_related),
        parent="segment",
        extra=("joined_group_at",),
        lookups=_MEMBER_LOOKUPS,
    ),
    Operation(
        "get_profile_ids_for_segment",
        "profile",
        current(generic.list_related_ids),
        parent="segment",
        lookups=_MEMBER_LOOKUPS,
    ),
    *relation_operations("segment"),
)

WORK = {"segment.evaluate": segmentation.evaluate}
