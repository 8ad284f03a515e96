"""The three kinds of catalogue entry, which have the same operations: what each is made of and found by."""

from collections.abc import Mapping
from dataclasses import dataclass

from klaviyo_sandbox.api.common import BOOLEAN, STRING
from klaviyo_sandbox.behaviour.catalogs import CATEGORY, CONTENTS, ITEM, VARIANT
from klaviyo_sandbox.declare import Lookup
from klaviyo_sandbox.loose_json import Json
from klaviyo_sandbox.shapes import Free, Items, Number, Record, Shape, Text

_NUMBER = Number(nullable=True)
_SHOWN: dict[str, Shape] = {
    "price": _NUMBER,
    "url": STRING,
    "image_full_url": STRING,
    "image_thumbnail_url": STRING,
    "images": Items(Text(), nullable=True),
    "custom_metadata": Free(nullable=True),
    "published": BOOLEAN,
}
ITEM_SHAPES: dict[str, Shape] = {"title": STRING, "description": STRING, **_SHOWN}
VARIANT_SHAPES: dict[str, Shape] = {
    "title": STRING,
    "description": STRING,
    "sku": STRING,
    "inventory_policy": Number(whole=True, choices=(0, 1, 2), nullable=True),
    "inventory_quantity": _NUMBER,
    **_SHOWN,
}
_PLACE: dict[str, Shape] = {
    "external_id": Text(shortest=1),
    "integration_type": Text(choices=("$custom",), nullable=True),
    "catalog_type": Text(choices=("$default",), nullable=True),
}
ITEM_DEFAULTS: Json = {
    "price": None,
    "image_full_url": None,
    "image_thumbnail_url": None,
    "images": [],
    "custom_metadata": {},
    "published": True,
}


def _identifier(kind: str) -> Record:
    return Record({"type": Text(choices=(kind,)), "id": Text(shortest=1)}, required=("type", "id"))


def one(name: str, kind: str) -> Record:
    """Relationships in which one related resource must be named."""
    return Record({name: Record({"data": _identifier(kind)}, required=("data",))}, required=(name,))


def _several(name: str, kind: str) -> Record:
    return Record({name: Record({"data": Items(_identifier(kind))})})


@dataclass(frozen=True, slots=True)
class Kind:
    """One of the three kinds of entry.

    required: what a new one must be given, beside its external id; `writable` is what can be changed
    created_with, updated_with: the relationships a body may hold
    lookups: how it is found by what is no column
    jobs: what the operations on its jobs are called after
    """

    type: str
    plural: str
    writable: Mapping[str, Shape]
    required: tuple[str, ...]
    created_with: Record
    updated_with: Record | None
    lookups: Mapping[str, Lookup]
    jobs: str

    @property
    def name(self) -> str:
        """The kind in the names of operations."""
        return self.type.replace("-", "_")

    @property
    def singular(self) -> str:
        """The kind without the word catalogue."""
        return self.type.removeprefix("catalog-")

    @property
    def names(self) -> str:
        """The kind in the names of operations on several."""
        return f"catalog_{self.plural}"

    @property
    def body(self) -> Record:
        """What a new one is made of."""
        shapes = {name: _not_null(shape) if name in self.required else shape for name, shape in self.writable.items()}
        return Record({**_PLACE, **shapes}, required=("external_id", *self.required))

    def entry(self, verb: str) -> Record:
        """What a job that is to create, update or delete entries is given for each of them."""
        fields: dict[str, Shape] = {"type": Text(choices=(self.type,))}
        required = ["type"]
        if verb != "create":
            fields["id"] = Text(shortest=1)
            required.append("id")
        if verb != "delete":
            fields["attributes"] = self.body if verb == "create" else Record(self.writable)
            required.append("attributes")
            relationships = self.created_with if verb == "create" else self.updated_with
            if relationships is not None:
                fields["relationships"] = relationships
                required += ["relationships"] if relationships.required else []
        return Record(fields, tuple(required))


def _not_null(shape: Shape) -> Shape:
    return Number() if isinstance(shape, Number) else Text()


_BY_IDS = Lookup("id")
_CONTAINED = "EXISTS (SELECT 1 FROM link AS k WHERE k.account = r.account AND k.relation = '{}' AND {} AND {{test}})"
_ITEMS = Kind(
    ITEM,
    "items",
    ITEM_SHAPES,
    ("title", "description", "url"),
    _several("categories", CATEGORY),
    _several("categories", CATEGORY),
    {
        "ids": _BY_IDS,
        "category.id": Lookup("k.source", exists=_CONTAINED.format(CONTENTS, "k.target = r.id")),
    },
    "catalog_items",
)
_VARIANTS = Kind(
    VARIANT,
    "variants",
    VARIANT_SHAPES,
    ("title", "description", "sku", "inventory_quantity", "price", "url"),
    one("item", ITEM),
    None,
    {"ids": _BY_IDS, "item.id": Lookup("item_id")},
    "variants",
)
_CATEGORIES = Kind(
    CATEGORY,
    "categories",
    {"name": STRING},
    ("name",),
    _several("items", ITEM),
    _several("items", ITEM),
    {
        "ids": _BY_IDS,
        "item.id": Lookup("k.target", exists=_CONTAINED.format(CONTENTS, "k.source = r.id")),
    },
    "categories",
)
KINDS = (_ITEMS, _VARIANTS, _CATEGORIES)
