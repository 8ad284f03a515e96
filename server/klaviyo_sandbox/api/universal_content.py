"""Universal content: blocks and sections that many templates show."""

from dataclasses import replace

from klaviyo_sandbox import generic
from klaviyo_sandbox.api.common import BOOLEAN, MOMENT, STRING
from klaviyo_sandbox.api.templates import BLOCK_TYPES, PART, SECTION
from klaviyo_sandbox.behaviour import universal_content
from klaviyo_sandbox.declare import Column, Lookup, Operation, Resource
from klaviyo_sandbox.facts import REVISION
from klaviyo_sandbox.shapes import Choice, Document, Free, Items, Number, Record, Shape, Text

_TYPES = (*BLOCK_TYPES, "section", "unsupported")
_SCREENSHOTS = ("completed", "failed", "generating", "never_generated", "not_renderable", "stale")
_REPEAT = Record({"repeat_for": Text(), "item_alias": Text()}, ("repeat_for", "item_alias"), nullable=True)
_DISPLAY = Record(
    {
        "show_on": Text(choices=("all", "desktop", "mobile"), nullable=True),
        "content_repeat": _REPEAT,
        "visibility": Record({"check": STRING, "definition": STRING, "is_code_only": BOOLEAN}, nullable=True),
        "layout_type": STRING,
        "layout_config": Free(nullable=True),
    }
)
_WHOLE = Number(whole=True, nullable=True)
_BORDERS = ("dashed", "dotted", "groove", "inset", "none", "outset", "ridge", "solid")
_STYLES = Record(
    {
        "background_color": STRING,
        "block_background_color": STRING,
        "block_border_color": STRING,
        "block_border_style": Text(choices=_BORDERS, nullable=True),
        "block_border_width": _WHOLE,
        "block_padding_bottom": _WHOLE,
        "block_padding_left": _WHOLE,
        "block_padding_right": _WHOLE,
        "block_padding_top": _WHOLE,
        "color": STRING,
        "extra_css_class": STRING,
        "font_family": STRING,
        "font_size": _WHOLE,
        "font_style": Text(choices=("italic", "normal"), nullable=True),
        "font_weight": STRING,
        "inner_padding_bottom": _WHOLE,
        "inner_padding_left": _WHOLE,
        "inner_padding_right": _WHOLE,
        "inner_padding_top": _WHOLE,
        "letter_spacing": _WHOLE,
        "line_height": Number(nullable=True),
        "mobile_stretch_content": BOOLEAN,
        "text_align": Text(choices=("center", "left", "right"), nullable=True),
        "text_decoration": STRING,
        "text_table_layout": Text(choices=("auto", "fixed", "inherit", "initial"), nullable=True),
    }
)
# What the settings of a block of each type consist of, all of it required. Only the styles of text are looked into.
_PARTS: dict[str, Shape] = {
    "content": Text(nullable=True),
    "properties": Free(),
    "display_options": _DISPLAY,
    "styles": Free(),
}
_SETTINGS = {
    "button": ("content", "properties", "display_options", "styles"),
    "coupon": ("content", "properties", "display_options", "styles"),
    "drop_shadow": ("display_options", "styles"),
    "header": ("display_options", "styles"),
    "horizontal_rule": ("display_options", "styles"),
    "html": ("content", "display_options"),
    "image": ("properties", "display_options", "styles"),
    "product": ("properties", "display_options", "styles"),
    "review": ("properties", "display_options", "styles"),
    "social": ("properties", "display_options", "styles"),
    "spacer": ("display_options", "styles"),
    "split": ("display_options", "styles"),
    "table": ("properties", "display_options", "styles"),
    "text": ("content", "display_options", "styles"),
    "video": ("properties", "display_options", "styles"),
}
_WITH_SUBBLOCKS = ("header", "product", "social", "split", "table")


def _block(kind: str) -> Record:
    names = _SETTINGS[kind]
    data = Record({name: _STYLES if (kind, name) == ("text", "styles") else _PARTS[name] for name in names}, names)
    fields: dict[str, Shape] = {**PART, "content_type": Text(choices=("block",)), "type": Text(), "data": data}
    if kind in _WITH_SUBBLOCKS:
        fields["subblocks"] = Items(Free(), nullable=True)
    return Record(fields, required=("content_type", "data"))


_WRITTEN = Choice("type", {**{kind: _block(kind) for kind in BLOCK_TYPES}, "section": SECTION})
_OPTIONAL = replace(_WRITTEN, nullable=True)

RESOURCES = (
    Resource(
        "template-universal-content",
        Record(
            {
                "name": Text(),
                "definition": Record(
                    {
                        **PART,
                        "content_type": Text(),
                        "type": Text(choices=_TYPES),
                        "data": Document(),
                        "subblocks": Items(Free()),
                        "rows": Items(Free()),
                    }
                ),
                "created": MOMENT,
                "updated": MOMENT,
                "screenshot_status": Text(choices=_SCREENSHOTS),
                "screenshot_url": Text(),
            }
        ),
        ids="hex",
        path="/api/template-universal-content",
        precision="microsecond",
        columns={
            "name": Column("name"),
            "created": Column("created", "moment", nullable=False),
            "updated": Column("updated", "moment", nullable=False),
            "content_type": Column("definition.content_type"),
            "type": Column("definition.type"),
        },
        indexes=(("name", "id"), ("created", "id"), ("updated", "id")),
        owns=(("translation", "template_universal_content_id"),),
    ),
)

OPERATIONS = (
    Operation(
        "get_all_universal_content",
        "template-universal-content",
        generic.list_resources,
        lookups={"definition.content_type": Lookup("content_type"), "definition.type": Lookup("type")},
        since=REVISION,
    ),
    Operation("get_universal_content", "template-universal-content", generic.get_resource, since=REVISION),
    Operation(
        "create_universal_content",
        "template-universal-content",
        universal_content.create,
        body=Record({"name": Text(shortest=1), "definition": _WRITTEN}, required=("name", "definition")),
        since=REVISION,
    ),
    Operation(
        "update_universal_content",
        "template-universal-content",
        universal_content.update,
        body=Record({"name": Text(shortest=1, nullable=True), "definition": _OPTIONAL}),
        identified="required",
        since=REVISION,
    ),
    Operation(
        "clone_universal_content",
        "template-universal-content",
        universal_content.clone,
        body=Record({"id": Text(shortest=1), "name": Text(shortest=1, nullable=True)}, required=("id",)),
        identified="required",
    ),
    Operation("delete_universal_content", "template-universal-content", generic.delete_resource, empty=True),
)

WORK = {"universal-content.screenshot": universal_content.finish_screenshot}
