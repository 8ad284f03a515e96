"""Tags, the groups they are in, and what they are on."""

from klaviyo_sandbox import generic
from klaviyo_sandbox.api.common import IS, MATCHES, sortable
from klaviyo_sandbox.behaviour import tags
from klaviyo_sandbox.declare import Column, Filter, Operation, Page, Relation, Resource, S
from klaviyo_sandbox.shapes import Flag, Items, Record, Text

RESOURCES = (
    Resource(
        "tag",
        Record({"name": Text()}),
        ids="uuid",
        relations=(
            Relation("tag-group", "tag-group", column="tag_group_id"),
            Relation("lists", "list", link="tag.lists"),
            Relation("segments", "segment", link="tag.segments"),
            Relation("campaigns", "campaign", link="tag.campaigns"),
            Relation("flows", "flow", link="tag.flows"),
        ),
        columns={"name": Column("name"), "tag_group_id": Column("_tag_group_id")},
        unique=(("name",),),
        indexes=(("name", "id"), ("tag_group_id", "id")),
        stamps=("", ""),
    ),
    Resource(
        "tag-group",
        Record({"name": Text(), "exclusive": Flag(), "default": Flag()}),
        ids="uuid",
        relations=(Relation("tags", "tag", foreign="tag_group_id"),),
        defaults={"exclusive": False, "default": False},
        columns={
            "name": Column("name", nullable=False),
            "exclusive": Column("exclusive", "flag"),
            "default": Column("default", "flag"),
        },
        unique=(("name",),),
        indexes=(("name", "id"),),
        owns=(("tag", "tag_group_id"),),
        stamps=("", ""),
    ),
)

_READ = ("tags:read",)
_WRITE = ("tags:read", "tags:write")
_NAME = Text(shortest=1)
_NAMES = Filter(single=MATCHES, listed=("equals",))
_GROUP_REFERENCE = Record(
    {"data": Record({"type": Text(choices=("tag-group",)), "id": Text()}, required=("type", "id"))},
    required=("data",),
)
# How many identifiers one request may list.
_MOST = 1000


def _on(resource: str) -> tuple[Operation, ...]:
    """What can be done about a tag's being on resources of one kind."""
    many = f"{resource}s"
    path = f"/api/tags/{{id}}/relationships/{many}"
    scopes = (f"{many}:write", "tags:write")
    return (
        Operation(
            f"get_{resource}_ids_for_tag",
            "GET",
            path,
            resource,
            generic.list_related_ids,
            (f"{many}:read", "tags:read"),
            S,
            parent="tag",
            relation=many,
            relationships_only=True,
        ),
        Operation(
            f"tag_{many}",
            "POST",
            path,
            resource,
            tags.put_tag,
            scopes,
            S,
            parent="tag",
            relation=many,
            most_identifiers=_MOST,
            empty=True,
        ),
        Operation(
            f"remove_tag_from_{many}",
            "DELETE",
            path,
            resource,
            generic.remove_related,
            scopes,
            S,
            parent="tag",
            relation=many,
            most_identifiers=_MOST,
            empty=True,
        ),
    )


OPERATIONS = (
    Operation(
        "get_tags",
        "GET",
        "/api/tags",
        "tag",
        generic.list_resources,
        _READ,
        S,
        filters={"name": _NAMES},
        sorts=sortable("id", "name"),
        page=Page(50, 50),
        include=("tag-group",),
    ),
    Operation(
        "create_tag",
        "POST",
        "/api/tags",
        "tag",
        tags.create_tag,
        _WRITE,
        S,
        body=Record({"name": _NAME}, required=("name",)),
        body_relationships=Record({"tag-group": _GROUP_REFERENCE}),
    ),
    Operation("get_tag", "GET", "/api/tags/{id}", "tag", generic.get_resource, _READ, S, include=("tag-group",)),
    Operation(
        "update_tag",
        "PATCH",
        "/api/tags/{id}",
        "tag",
        tags.rename,
        _WRITE,
        S,
        body=Record({"name": _NAME}, required=("name",)),
        identified="required",
        empty=True,
    ),
    Operation("delete_tag", "DELETE", "/api/tags/{id}", "tag", generic.delete_resource, _WRITE, S, empty=True),
    Operation(
        "get_tag_groups",
        "GET",
        "/api/tag-groups",
        "tag-group",
        generic.list_resources,
        _READ,
        S,
        filters={"name": _NAMES, "exclusive": IS, "default": IS},
        sorts=sortable("id", "name"),
        page=Page(25, 25),
    ),
    Operation(
        "create_tag_group",
        "POST",
        "/api/tag-groups",
        "tag-group",
        tags.create_tag_group,
        _WRITE,
        S,
        body=Record({"name": _NAME, "exclusive": Flag(nullable=True)}, required=("name",)),
    ),
    Operation("get_tag_group", "GET", "/api/tag-groups/{id}", "tag-group", generic.get_resource, _READ, S),
    Operation(
        "update_tag_group",
        "PATCH",
        "/api/tag-groups/{id}",
        "tag-group",
        tags.rename,
        _WRITE,
        S,
        # The answer has no body, so there are no fields to limit it to.
        body=Record({"name": _NAME, "return_fields": Items(Text(), nullable=True)}, required=("name",)),
        identified="required",
        empty=True,
    ),
    Operation(
        "delete_tag_group",
        "DELETE",
        "/api/tag-groups/{id}",
        "tag-group",
        tags.delete_tag_group,
        _WRITE,
        S,
        empty=True,
    ),
    *(operation for resource in ("flow", "campaign", "list", "segment") for operation in _on(resource)),
    Operation(
        "get_tag_group_for_tag",
        "GET",
        "/api/tags/{id}/tag-group",
        "tag-group",
        generic.get_related,
        _READ,
        S,
        parent="tag",
        relation="tag-group",
    ),
    Operation(
        "get_tag_group_id_for_tag",
        "GET",
        "/api/tags/{id}/relationships/tag-group",
        "tag-group",
        generic.get_related_id,
        _READ,
        S,
        parent="tag",
        relation="tag-group",
        relationships_only=True,
    ),
    Operation(
        "get_tags_for_tag_group",
        "GET",
        "/api/tag-groups/{id}/tags",
        "tag",
        generic.list_related,
        _READ,
        S,
        parent="tag-group",
        relation="tags",
    ),
    Operation(
        "get_tag_ids_for_tag_group",
        "GET",
        "/api/tag-groups/{id}/relationships/tags",
        "tag",
        generic.list_related_ids,
        _READ,
        S,
        parent="tag-group",
        relation="tags",
        relationships_only=True,
    ),
)
