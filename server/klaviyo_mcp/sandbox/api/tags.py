"""Tags and the groups they are in."""

from klaviyo_mcp.sandbox import engine
from klaviyo_mcp.sandbox.api.common import MATCHES, sortable
from klaviyo_mcp.sandbox.declare import Column, Filter, Operation, Page, Relation, Resource, S
from klaviyo_mcp.sandbox.shapes import Flag, Record, Text

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
        indexes=(("name", "id"), ("tag_group_id", "id")),
        stamps=("", ""),
    ),
    Resource(
        "tag-group",
        Record({"name": Text(), "exclusive": Flag(), "default": Flag()}),
        ids="uuid",
        relations=(Relation("tags", "tag", foreign="tag_group_id"),),
        owns=(("tag", "tag_group_id"),),
        stamps=("", ""),
    ),
)

_READ = ("tags:read",)

OPERATIONS = (
    Operation(
        "get_tags",
        "GET",
        "/api/tags",
        "tag",
        engine.list_resources,
        _READ,
        S,
        filters={"name": Filter(single=MATCHES, listed=("equals",))},
        sorts=sortable("id", "name"),
        page=Page(50, 50),
        include=("tag-group",),
    ),
    Operation("get_tag", "GET", "/api/tags/{id}", "tag", engine.get_resource, _READ, S, include=("tag-group",)),
)
