"""Brands: what an account's messages are to look and sound like."""

from collections.abc import Iterator, Mapping

from klaviyo_sandbox import generic
from klaviyo_sandbox.api import brand_shapes
from klaviyo_sandbox.api.brand_shapes import BORDER, HEX, SPACING, STYLE, TEXT, emptied
from klaviyo_sandbox.api.common import BOOLEAN, STRING
from klaviyo_sandbox.behaviour import brands
from klaviyo_sandbox.declare import Column, Operation, Relation, Resource
from klaviyo_sandbox.shapes import Items, Number, Record, Shape, Text

_PIXELS = Number(whole=True, nullable=True)
_LOGO: Mapping[str, Shape] = {
    "width": _PIXELS,
    "height": _PIXELS,
    "alt_text": STRING,
    "link_url": STRING,
    "name": STRING,
}
_STYLES: Mapping[str, Shape] = {"style": STYLE, "border": BORDER, "spacing": SPACING, "text": TEXT}
_TOLD: Mapping[str, Shape] = {"name": STRING, "is_primary": BOOLEAN, "preview_page_hex": HEX}
_BUTTON = Record({**_TOLD, **{name: emptied(shape) for name, shape in _STYLES.items()}})
_COLOR = Record({"name": STRING, "colors": Items(brand_shapes.COLOR, nullable=True)})
_LINKS = Items(brand_shapes.SOCIAL_LINK)
_SOCIAL_GROUP = Record({"name": STRING, "social_links": emptied(_LINKS)})
_DESCRIPTORS = Items(brand_shapes.DESCRIPTOR)


def _to_one(*kinds: str, nullable: bool = False, required: bool = False) -> Record:
    """Relationships named like what they lead to."""
    shapes: dict[str, Shape] = {}
    for kind in kinds:
        reference = {"type": Text(choices=(kind,)), "id": Text(shortest=1)}
        data = Record(reference, required=("type", "id"), nullable=nullable)
        shapes[kind] = Record({"data": data}, required=("data",))
    return Record(shapes, required=kinds if required else ())


def _kept(
    kind: str, new: Record, changed: Record, made_with: Record | None = None, changed_with: Record | None = None
) -> Iterator[Operation]:
    """The five operations on what an account has any number of; the last two are bodies' relationships."""
    name = kind.replace("-", "_")
    yield Operation(f"get_{name}s", kind, generic.list_resources)
    yield Operation(f"create_{name}", kind, brands.create, body=new, body_relationships=made_with)
    yield Operation(f"get_{name}", kind, generic.get_resource)
    yield Operation(
        f"update_{name}",
        kind,
        brands.update,
        body=changed,
        body_relationships=changed_with,
        identified="required",
    )
    yield Operation(f"delete_{name}", kind, brands.delete, empty=True)


RESOURCES = (
    Resource(
        "brand-logo",
        Record(_LOGO),
        ids="digits",
        relations=(Relation("image", "image", column="image"),),
        columns={"image": Column("_image")},
        stamps=("", ""),
    ),
    Resource("brand-button", _BUTTON, ids="digits", defaults={"is_primary": False}, stamps=("", "")),
    Resource("brand-color", _COLOR, ids="digits", stamps=("", "")),
    Resource("brand-social-group", _SOCIAL_GROUP, ids="digits", stamps=("", "")),
    Resource(
        "brand-voice",
        Record({"version": Text(), "tone_descriptors": _DESCRIPTORS, "language_patterns": _DESCRIPTORS}),
        path="/api/brand-voice",
        stamps=("", ""),
    ),
    Resource(
        "brand-email-default",
        Record({"body": brand_shapes.BODY, "header": brand_shapes.HEADER, "footer": brand_shapes.FOOTER}),
        relations=tuple(Relation(kind, kind, column=kind) for kind in brands.IN_EMAILS),
        columns={kind: Column(f"_{kind}") for kind in brands.IN_EMAILS},
        stamps=("", ""),
    ),
)

OPERATIONS = (
    *_kept(
        "brand-logo",
        Record(_LOGO),
        Record(_LOGO),
        made_with=_to_one("image", required=True),
        changed_with=_to_one("image", nullable=True),
    ),
    *_kept("brand-button", Record({**_TOLD, **_STYLES}, required=tuple(_STYLES)), _BUTTON),
    *_kept("brand-color", _COLOR, _COLOR),
    *_kept(
        "brand-social-group",
        Record({"name": STRING, "social_links": _LINKS}, required=("social_links",)),
        _SOCIAL_GROUP,
    ),
    Operation("get_brand_voice", "brand-voice", generic.get_resource),
    Operation(
        "update_brand_voice",
        "brand-voice",
        brands.update_voice,
        body=Record({"tone_descriptors": emptied(_DESCRIPTORS), "language_patterns": emptied(_DESCRIPTORS)}),
        identified="required",
    ),
    Operation("get_brand_email_defaults", "brand-email-default", generic.list_resources),
    Operation("get_brand_email_default", "brand-email-default", generic.get_resource),
    Operation(
        "update_brand_email_default",
        "brand-email-default",
        brands.update_email_defaults,
        body=Record(
            {
                "body": brand_shapes.BODY_PATCH,
                "header": brand_shapes.HEADER_PATCH,
                "footer": brand_shapes.FOOTER_PATCH,
            }
        ),
        body_relationships=_to_one(*brands.IN_EMAILS),
        identified="required",
    ),
)
