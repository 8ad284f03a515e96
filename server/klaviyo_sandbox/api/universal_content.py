"""Universal content: blocks that many templates show."""

from klaviyo_sandbox import generic
from klaviyo_sandbox.api.common import BOOLEAN, MOMENT, STRING
from klaviyo_sandbox.behaviour import universal_content
from klaviyo_sandbox.declare import Column, Lookup, Operation, Resource
from klaviyo_sandbox.shapes import Choice, Document, Number, Record, Shape, Text

_EDITABLE = universal_content.EDITABLE
_TYPES = (
    *_EDITABLE,
    "coupon",
    "header",
    "product",
    "review",
    "section",
    "social",
    "split",
    "table",
    "unsupported",
    "video",
)
_SCREENSHOTS = ("completed", "failed", "generating", "never_generated", "not_renderable", "stale")
_REPEAT = Record({"repeat_for": Text(), "item_alias": Text()}, required=("repeat_for", "item_alias"))
_DISPLAY = Record(
    {
        "show_on": Text(choices=("all", "desktop", "mobile"), nullable=True),
        "visible_check": STRING,
        "content_repeat": _REPEAT,
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
_HTML: dict[str, Shape] = {"content": Text(), "display_options": _DISPLAY}
_TEXT: dict[str, Shape] = {**_HTML, "styles": _STYLES}


def _block(data: Shape) -> Record:
    """A block whose settings look like `data`."""
    return Record({"content_type": Text(choices=("block",)), "type": Text(), "data": data}, ("content_type", "data"))


_WRITTEN = Choice(
    "type",
    {
        **{name: _block(Document()) for name in _EDITABLE},
        "html": _block(Record(_HTML, required=tuple(_HTML))),
        "text": _block(Record(_TEXT, required=tuple(_TEXT))),
    },
)

RESOURCES = (
    Resource(
        "template-universal-content",
        Record(
            {
                "name": Text(),
                "definition": Record({"content_type": Text(), "type": Text(choices=_TYPES), "data": Record(_TEXT)}),
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
    ),
    Operation("get_universal_content", "template-universal-content", generic.get_resource),
    Operation(
        "create_universal_content",
        "template-universal-content",
        universal_content.create,
        body=Record({"name": Text(shortest=1), "definition": _WRITTEN}, required=("name", "definition")),
    ),
    Operation(
        "update_universal_content",
        "template-universal-content",
        universal_content.update,
        body=Record({"name": Text(shortest=1, nullable=True), "definition": _WRITTEN}),
        identified="required",
    ),
    Operation("delete_universal_content", "template-universal-content", generic.delete_resource, empty=True),
)

WORK = {"universal-content.screenshot": universal_content.finish_screenshot}
