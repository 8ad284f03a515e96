"""What the parts of a brand look like: the styles of texts, buttons and emails, colours, social links, a voice."""

from dataclasses import replace

from klaviyo_sandbox.api.common import STRING
from klaviyo_sandbox.shapes import Choice, Flag, Items, Number, Record, Scalar, Shape, Text

HEX_COLOR = "#(?:[0-9A-Fa-f]{3}|[0-9A-Fa-f]{6}|[0-9A-Fa-f]{8})"
"""Klaviyo calls some colours "hex" and says no more; how strict it is about them is our choice."""

HEX = Text(pattern=HEX_COLOR, nullable=True)
_HEX = Text(pattern=HEX_COLOR)
_PIXELS, _WHOLE = Number(whole=True), Number(whole=True, nullable=True)
_FONT_STYLE = Text(choices=("italic", "normal"))
_WEIGHTS = tuple(range(100, 1000, 100))
_DECORATION = Text(
    choices=("", "line-through", "line-through underline", "none", "underline", "underline line-through")
)


def _all(**fields: Shape) -> Record:
    """An object that must have all of its fields."""
    return Record(fields, tuple(fields))


def emptied(shape: Shape) -> Shape:
    """The same shape, or null."""
    return replace(shape, nullable=True)


TEXT = _all(
    color=Text(),
    font_size=_PIXELS,
    font_style=_FONT_STYLE,
    font_family=Text(),
    font_weight=Number(whole=True, choices=_WEIGHTS),
    letter_spacing=Scalar(kinds=("string", "number")),
    text_decoration=_DECORATION,
)
_LINK_TEXT = Record(
    {
        "color": Text(),
        "font_size": _WHOLE,
        "font_style": _FONT_STYLE,
        "font_weight": Number(whole=True, choices=_WEIGHTS, nullable=True),
        "font_family": STRING,
        "letter_spacing": Scalar(kinds=("string", "number"), nullable=True),
        "text_decoration": _DECORATION,
    },
    required=("color", "font_style", "text_decoration"),
)

STYLE = Record(
    {"background_color": Text(), "border_radius": _PIXELS, "box_shadow": Text(), "is_shadow_active": Flag()},
    required=("background_color", "border_radius", "box_shadow"),
)
BORDER = Record(
    {
        "border_color": Text(),
        "border_style": Text(choices=("dashed", "dotted", "solid")),
        "border_width": _PIXELS,
        "is_border_active": Flag(),
    },
    required=("border_color", "border_style", "border_width"),
)
SPACING = _all(**{f"padding_{side}": _PIXELS for side in ("top", "right", "bottom", "left")})

COLOR = _all(hex=_HEX, name=Text())
DESCRIPTOR = Record({"name": Text(), "description": Text(), "user_modified": Flag()}, required=("name", "description"))
# The document knows one platform that brings its own icon.
SOCIAL_LINK = Choice(
    "platform",
    {
        "x_twitter": _all(link_url=Text(), platform=Text()),
        "custom": Record(
            {
                "link_url": Text(),
                "platform": Text(),
                "asset_id": _WHOLE,
                "asset_url": STRING,
                "width": _WHOLE,
                "height": _WHOLE,
            },
            required=("link_url", "platform"),
        ),
    },
)

BODY = _all(
    background_color=_HEX,
    body_background_color=_HEX,
    text=TEXT,
    h1_text=TEXT,
    h2_text=TEXT,
    h3_text=TEXT,
    h4_text=TEXT,
    link_text=_LINK_TEXT,
)
HEADER = Record(
    {
        "background_color": _HEX,
        "links": Items(_all(text=Text(), url=Text())),
        "link_text": _LINK_TEXT,
        "logo_max_width": _WHOLE,
    },
    required=("background_color", "links", "link_text"),
)
FOOTER = _all(
    background_color=_HEX,
    text=TEXT,
    link_text=_LINK_TEXT,
    social_group_color=Text(choices=("black", "default", "grey", "white")),
)
BODY_PATCH, HEADER_PATCH, FOOTER_PATCH = (
    Record({name: emptied(shape) for name, shape in whole.fields.items()}, nullable=True)
    for whole in (BODY, HEADER, FOOTER)
)
