"""Email templates."""

from klaviyo_sandbox import generic
from klaviyo_sandbox.api.common import MOMENT, STRING
from klaviyo_sandbox.behaviour import templates
from klaviyo_sandbox.declare import Column, Operation, Resource
from klaviyo_sandbox.shapes import Document, Free, Items, Number, Record, Text

_BODY_PROPERTIES = Record({"css_class": STRING, "id": STRING}, nullable=True)
_BODY_STYLES = Record({"background_color": STRING, "width": Number(nullable=True)}, nullable=True)
_DEFINITION = Record(
    {
        "id": STRING,
        "template_id": STRING,
        "body": Record(
            {"id": STRING, "properties": _BODY_PROPERTIES, "sections": Items(Free()), "styles": _BODY_STYLES}
        ),
        "styles": Items(Free()),
    },
    nullable=True,
)

# What writers give is checked down to the blocks, whose settings are kept as they are.
_BLOCK_TYPES = (
    "button",
    "coupon",
    "drop_shadow",
    "header",
    "horizontal_rule",
    "html",
    "image",
    "product",
    "review",
    "social",
    "spacer",
    "split",
    "table",
    "text",
    "video",
)
_PART = {"id": STRING, "data_id": STRING, "universal_id": STRING}
_BLOCK = Record(
    {
        **_PART,
        "content_type": Text(choices=("block",)),
        "type": Text(choices=_BLOCK_TYPES),
        "data": Document(),
    },
    required=("content_type", "type", "data"),
)
_COLUMN = Record({**_PART, "data": Free(), "blocks": Items(_BLOCK, nullable=True)})
_ROW = Record({**_PART, "data": Free(), "columns": Items(_COLUMN, nullable=True)}, required=("data",))
_SECTION = Record(
    {
        **_PART,
        "content_type": Text(choices=("section",)),
        "type": Text(choices=("section",)),
        "data": Record(
            {"properties": Free(), "display_options": Free(), "styles": Free()},
            required=("properties", "display_options", "styles"),
        ),
        "rows": Items(_ROW, nullable=True),
    },
    required=("content_type", "type", "data"),
)
_STYLE_TYPES = (
    "base-styles",
    "text-styles",
    "heading-1-styles",
    "heading-2-styles",
    "heading-3-styles",
    "heading-4-styles",
    "link-styles",
    "mobile-styles",
)
_STYLE = Record(
    {"id": STRING, "style_type": Text(choices=_STYLE_TYPES), "properties": Free(), "styles": Free()},
    required=("style_type", "styles"),
)
_WRITTEN_DEFINITION = Record(
    {
        "id": STRING,
        "template_id": STRING,
        "body": Record(
            {
                "id": STRING,
                "properties": Record({"css_class": STRING, "id": STRING}),
                "sections": Items(_SECTION, nullable=True),
                "styles": Record({"background_color": STRING, "width": Number(whole=True, nullable=True)}),
            },
            required=("properties", "styles"),
        ),
        "styles": Items(_STYLE),
    },
    required=("body", "styles"),
    nullable=True,
)

RESOURCES = (
    Resource(
        "template",
        Record(
            {
                "name": Text(),
                "editor_type": Text(),
                "html": Text(),
                "text": STRING,
                "amp": STRING,
                "created": MOMENT,
                "updated": MOMENT,
                "definition": _DEFINITION,
            }
        ),
        on_request=("definition",),
        columns={
            "name": Column("name"),
            "created": Column("created", "moment", nullable=False),
            "updated": Column("updated", "moment", nullable=False),
            "owner_id": Column("_owner_id"),
        },
        indexes=(("name", "id"), ("created", "id"), ("updated", "id"), ("owner_id", "id")),
        owns=(("translation", "template_id"),),
    ),
)

OPERATIONS = (
    Operation("get_templates", "template", templates.list_templates, default_sort="name"),
    Operation("get_template", "template", generic.get_resource),
    Operation(
        "create_template",
        "template",
        templates.create_template,
        body=Record(
            {
                "name": Text(shortest=1),
                "editor_type": Text(choices=templates.EDITORS),
                "html": STRING,
                "definition": _WRITTEN_DEFINITION,
                "text": STRING,
                "amp": STRING,
            },
            required=("name", "editor_type"),
        ),
    ),
    Operation(
        "update_template",
        "template",
        templates.update_template,
        body=Record(
            {
                "name": Text(shortest=1, nullable=True),
                "html": STRING,
                "definition": _WRITTEN_DEFINITION,
                "text": STRING,
                "amp": STRING,
            }
        ),
        identified="required",
    ),
    Operation("delete_template", "template", templates.delete_template, empty=True),
    Operation(
        "render_template",
        "template",
        templates.render_template,
        body=Record({"context": Free()}, required=("context",)),
        identified="required",
    ),
    Operation(
        "clone_template",
        "template",
        templates.clone_template,
        body=Record({"name": Text(shortest=1, nullable=True)}),
        identified="required",
    ),
)
