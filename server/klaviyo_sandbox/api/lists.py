"""Lists and who is on them."""

from klaviyo_sandbox import generic
from klaviyo_sandbox.api.common import BY_ID, BY_NAME_LIST, MOMENT, SINCE, STRING, sortable
from klaviyo_sandbox.api.groups import MEMBER_FILTERS, relation_operations
from klaviyo_sandbox.behaviour.counts import members_of
from klaviyo_sandbox.declare import Column, L, Limits, M, Operation, Page, Relation, Resource
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

_READ, _WRITE = ("lists:read",), ("lists:write",)
_READ_MEMBERS, _WRITE_MEMBERS = ("lists:read", "profiles:read"), ("lists:write", "profiles:write")
_INCLUDE = ("flow-triggers", "tags")
_MEMBERS = "/api/lists/{id}/relationships/profiles"

OPERATIONS = (
    Operation(
        "get_lists",
        "GET",
        "/api/lists",
        "list",
        generic.list_resources,
        _READ,
        L,
        filters={"name": BY_NAME_LIST, "id": BY_ID, "created": SINCE, "updated": SINCE},
        sorts=sortable("created", "id", "name", "updated"),
        page=Page(10, 10),
        include=_INCLUDE,
    ),
    Operation(
        "get_list",
        "GET",
        "/api/lists/{id}",
        "list",
        generic.get_resource,
        _READ,
        L,
        include=_INCLUDE,
        additional=("profile_count",),
    ),
    Operation(
        "create_list",
        "POST",
        "/api/lists",
        "list",
        generic.create_resource,
        _WRITE,
        Limits(10, 150, daily=150),
        body=Record({"name": Text(shortest=1), "opt_in_process": _OPT_IN}, required=("name",)),
    ),
    Operation(
        "update_list",
        "PATCH",
        "/api/lists/{id}",
        "list",
        generic.update_resource,
        _WRITE,
        M,
        body=Record({"name": Text(shortest=1), "opt_in_process": _OPT_IN}),
        identified="required",
    ),
    Operation("delete_list", "DELETE", "/api/lists/{id}", "list", generic.delete_resource, _WRITE, M, empty=True),
    Operation(
        "get_profiles_for_list",
        "GET",
        "/api/lists/{id}/profiles",
        "profile",
        generic.list_related,
        _READ_MEMBERS,
        L,
        parent="list",
        relation="profiles",
        filters=MEMBER_FILTERS,
        sorts={"joined_group_at": "l.at"},
        page=Page(20, 100),
        additional=("subscriptions", "predictive_analytics"),
        extra=("joined_group_at",),
    ),
    Operation(
        "get_profile_ids_for_list",
        "GET",
        _MEMBERS,
        "profile",
        generic.list_related_ids,
        _READ_MEMBERS,
        L,
        parent="list",
        relation="profiles",
        filters=MEMBER_FILTERS,
        sorts={"joined_group_at": "l.at"},
        page=Page(20, 100),
        relationships_only=True,
    ),
    Operation(
        "add_profiles_to_list",
        "POST",
        _MEMBERS,
        "profile",
        generic.add_related,
        _WRITE_MEMBERS,
        M,
        parent="list",
        relation="profiles",
        most_identifiers=1000,
        empty=True,
    ),
    Operation(
        "remove_profiles_from_list",
        "DELETE",
        _MEMBERS,
        "profile",
        generic.remove_related,
        _WRITE_MEMBERS,
        M,
        parent="list",
        relation="profiles",
        most_identifiers=1000,
        empty=True,
    ),
    *relation_operations("list"),
)
