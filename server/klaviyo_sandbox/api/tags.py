"""Tags, the groups they are in, and what they are on."""

from klaviyo_sandbox import generic
from klaviyo_sandbox.behaviour import tags
from klaviyo_sandbox.declare import Column, Operation, Relation, Resource
from klaviyo_sandbox.shapes import Flag, Items, Record, Text

RESOURCES = (
    Resource(
        "tag",
        Record({"name": Text()}),
        ids="uuid",
        relations=(
            Relation("tag-group", "tag-group", column="tag_group_id", data="own"),
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

_NAME = Text(shortest=1)
_GROUP_REFERENCE = Record(
    {"data": Record({"type": Text(choices=("tag-group",)), "id": Text()}, required=("type", "id"))},
    required=("data",),
)
# How many identifiers one request may list.
_MOST = 1000


def _on(resource: str) -> tuple[Operation, ...]:
    """What can be done about a tag's being on resources of one kind."""
    many = f"{resource}s"
    return (
        Operation(f"get_{resource}_ids_for_tag", resource, generic.list_related_ids, parent="tag"),
        Operation(f"tag_{many}", resource, tags.put_tag, parent="tag", most_identifiers=_MOST, empty=True),
        Operation(
            f"remove_tag_from_{many}",
            resource,
            generic.remove_related,
            parent="tag",
            most_identifiers=_MOST,
            empty=True,
        ),
    )


OPERATIONS = (
    Operation("get_tags", "tag", generic.list_resources, default_sort="name"),
    Operation(
        "create_tag",
        "tag",
        tags.create_tag,
        body=Record({"name": _NAME}, required=("name",)),
        body_relationships=Record({"tag-group": _GROUP_REFERENCE}),
    ),
    Operation("get_tag", "tag", generic.get_resource),
    Operation(
        "update_tag",
        "tag",
        tags.rename,
        body=Record({"name": _NAME}, required=("name",)),
        identified="required",
        empty=True,
    ),
    Operation("delete_tag", "tag", generic.delete_resource, empty=True),
    Operation("get_tag_groups", "tag-group", generic.list_resources),
    Operation(
        "create_tag_group",
        "tag-group",
        tags.create_tag_group,
        body=Record({"name": _NAME, "exclusive": Flag(nullable=True)}, required=("name",)),
    ),
    Operation("get_tag_group", "tag-group", generic.get_resource),
    Operation(
        "update_tag_group",
        "tag-group",
        tags.rename,
        # The answer has no body, so there are no fields to limit it to.
        body=Record({"name": _NAME, "return_fields": Items(Text(), nullable=True)}, required=("name",)),
        identified="required",
        empty=True,
    ),
    Operation("delete_tag_group", "tag-group", tags.delete_tag_group, empty=True),
    *(operation for resource in ("flow", "campaign", "list", "segment") for operation in _on(resource)),
    Operation("get_tag_group_for_tag", "tag-group", generic.get_related, parent="tag"),
    Operation("get_tag_group_id_for_tag", "tag-group", generic.get_related_id, parent="tag"),
    Operation("get_tags_for_tag_group", "tag", generic.list_related, parent="tag-group"),
    Operation("get_tag_ids_for_tag_group", "tag", generic.list_related_ids, parent="tag-group"),
)
