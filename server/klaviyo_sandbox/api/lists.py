"""Lists and who is on them."""

from klaviyo_sandbox import generic
from klaviyo_sandbox.api.common import MOMENT, STRING
from klaviyo_sandbox.api.groups import MEMBER_LOOKUPS, relation_operations
from klaviyo_sandbox.behaviour.counts import members_of
from klaviyo_sandbox.declare import Column, Operation, Relation, Resource
from klaviyo_sandbox.shapes import Number, Record, Text

_OPT_IN = Text(choices=("double_opt_in", "single_opt_in"), nullable=True)

RESOURCES = (
    Resource(
        "list",
        Record(
            {"name": STRING, "created": MOMENT, "updated": MOMENT, "opt_in_process": _OPT_IN, "profile_count": Number()}
        ),
        on_request=("profile_count",),
        computed={"profile_count": members_of("list.profiles")},
        defaults={"opt_in_process": "double_opt_in"},
        relations=(
            Relation("profiles", "profile", link="list.profiles", joined="joined_group_at"),
            Relation("tags", "tag", link="tag.lists", inverse=True),
            Relation("flow-triggers", "flow", link="list.flow-triggers"),
        ),
        columns={
            "name": Column("name"),
            "created": Column("created", "moment", nullable=False),
            "updated": Column("updated", "moment", nullable=False),
        },
        indexes=(("name", "id"), ("created", "id"), ("updated", "id")),
    ),
)

OPERATIONS = (
    Operation("get_lists", "list", generic.list_resources, stray_prev="id"),
    Operation("get_list", "list", generic.get_resource),
    Operation(
        "create_list",
        "list",
        generic.create_resource,
        body=Record({"name": Text(shortest=1), "opt_in_process": _OPT_IN}, required=("name",)),
    ),
    Operation(
        "update_list",
        "list",
        generic.update_resource,
        body=Record({"name": Text(shortest=1), "opt_in_process": _OPT_IN}),
        identified="required",
    ),
    Operation("delete_list", "list", generic.delete_resource, empty=True),
    Operation(
        "get_profiles_for_list",
        "profile",
        generic.list_related,
        parent="list",
        extra=("joined_group_at",),
        lookups=MEMBER_LOOKUPS,
    ),
    Operation("get_profile_ids_for_list", "profile", generic.list_related_ids, parent="list", lookups=MEMBER_LOOKUPS),
    Operation("add_profiles_to_list", "profile", generic.add_related, parent="list", most_identifiers=1000, empty=True),
    Operation(
        "remove_profiles_from_list", "profile", generic.remove_related, parent="list", most_identifiers=1000, empty=True
    ),
    *relation_operations("list"),
)
