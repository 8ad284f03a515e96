"""Catalogue items, variants and categories, their bulk jobs, and back-in-stock subscriptions."""

from collections.abc import Iterator
from functools import partial

from klaviyo_sandbox import generic
from klaviyo_sandbox.api.catalog_kinds import ITEM_DEFAULTS, ITEM_SHAPES, KINDS, VARIANT_SHAPES, Kind, one
from klaviyo_sandbox.api.common import MOMENT, STRING
from klaviyo_sandbox.behaviour import back_in_stock, catalogs, jobs
from klaviyo_sandbox.behaviour.catalogs import CATEGORY, CONTENTS, ITEM, VARIANT
from klaviyo_sandbox.declare import Column, Operation, Relation, Resource
from klaviyo_sandbox.shapes import Items, Record, Shape, Text

_CREATED = Column("created", "moment", nullable=False)
_LISTED = {"title": Column("title"), "published": Column("published", "flag"), "created": _CREATED}
_SHOWN_MOMENTS: dict[str, Shape] = {"created": MOMENT, "updated": MOMENT}
_CHANNELS = Items(Text(choices=("EMAIL", "PUSH", "SMS", "WHATSAPP")), least=1)


def _job(kind: Kind, verb: str) -> str:
    return f"{kind.type}-bulk-{verb}-job"


RESOURCES = (
    Resource(
        ITEM,
        Record({"external_id": STRING, **ITEM_SHAPES, **_SHOWN_MOMENTS}),
        ids="chosen",
        relations=(
            Relation("variants", VARIANT, foreign="item_id"),
            Relation("categories", CATEGORY, link=CONTENTS, inverse=True, hidden=True),
        ),
        defaults=ITEM_DEFAULTS,
        precision="millisecond",
        columns=_LISTED,
        indexes=(("created", "id"),),
        owns=((VARIANT, "item_id"),),
    ),
    Resource(
        VARIANT,
        Record({"external_id": STRING, **VARIANT_SHAPES, **_SHOWN_MOMENTS}),
        ids="chosen",
        relations=(Relation("item", ITEM, column="item_id"),),
        defaults={**ITEM_DEFAULTS, "inventory_policy": 0},
        precision="millisecond",
        columns={**_LISTED, "sku": Column("sku"), "item_id": Column("_item_id", nullable=False)},
        indexes=(("created", "id"), ("item_id", "id"), ("sku", "id")),
        owns=(("back-in-stock-subscription", "variant_id"),),
    ),
    Resource(
        CATEGORY,
        Record({"external_id": STRING, "name": STRING, "updated": MOMENT}),
        ids="chosen",
        relations=(Relation("items", ITEM, link=CONTENTS),),
        stamps=("_created", "updated"),
        precision="millisecond",
        columns={"name": Column("name"), "created": Column("_created", "moment", nullable=False)},
        indexes=(("created", "id"),),
        path="/api/catalog-categories",
    ),
    Resource(
        "back-in-stock-subscription",
        Record({"channels": _CHANNELS}),
        ids="ulid",
        columns={"profile_id": Column("_profile_id"), "variant_id": Column("_variant_id")},
        unique=(("variant_id", "profile_id"),),
        stamps=("", ""),
    ),
    *(
        jobs.resource(
            _job(kind, verb),
            Relation(kind.plural, kind.type, link=f"{_job(kind, verb)}.{kind.plural}", data=True, links="none"),
        )
        for kind in KINDS
        for verb in ("create", "update", "delete")
    ),
)

_PERFORMED = {"create": catalogs.create_entry, "update": catalogs.update_entry, "delete": catalogs.delete_entry}
WORK = {
    name: work
    for kind in KINDS
    for verb, perform in _PERFORMED.items()
    for name, work in jobs.work(_job(kind, verb), partial(perform, kind.type)).items()
}

_MOST_ENTRIES, _MOST_JOBS = 100, 500
# Klaviyo's document names no limit on the relationships of one request; the size of a body is one.
_MOST_RELATED = 10_000


def _entries(kind: Kind) -> Iterator[Operation]:
    """The five operations on entries of one kind."""
    yield Operation(
        f"get_{kind.names}", kind.type, generic.list_resources, lookups=kind.lookups, default_sort="created"
    )
    yield Operation(
        f"create_{kind.name}", kind.type, catalogs.create, body=kind.body, body_relationships=kind.created_with
    )
    yield Operation(f"get_{kind.name}", kind.type, generic.get_resource)
    yield Operation(
        f"update_{kind.name}",
        kind.type,
        catalogs.update,
        body=Record(kind.writable),
        body_relationships=kind.updated_with,
        identified="required",
    )
    yield Operation(f"delete_{kind.name}", kind.type, generic.delete_resource, empty=True)


def _jobs(kind: Kind, verb: str) -> Iterator[Operation]:
    """The three operations on jobs that create, update or delete entries of one kind."""
    job = _job(kind, verb)
    called = f"get_bulk_{verb}_{kind.jobs}"
    yield Operation(f"{called}_jobs", job, generic.list_resources, default_sort="-created_at")
    yield Operation(
        f"bulk_{verb}_{kind.names}",
        job,
        jobs.create(kind.plural, most=_MOST_JOBS),
        relationships="none",
        body=Record(
            {kind.plural: Record({"data": Items(kind.entry(verb), most=_MOST_ENTRIES)}, required=("data",))},
            required=(kind.plural,),
        ),
    )
    yield Operation(f"{called}_job", job, generic.get_resource)


def _followed(parent: Kind, child: Kind) -> Iterator[Operation]:
    """The two operations that read what an entry is related to."""
    for name, run in (
        (f"get_{child.plural}_for_{parent.name}", generic.list_related),
        (f"get_{child.singular}_ids_for_{parent.name}", generic.list_related_ids),
    ):
        yield Operation(name, child.type, run, parent=parent.type, lookups=child.lookups, default_sort="created")


def _related(parent: Kind, child: Kind) -> Iterator[Operation]:
    """The five operations on a relationship that can be read and changed from either side."""
    yield from _followed(parent, child)
    for name, run in (
        (f"add_{child.plural}_to_{parent.name}", generic.add_unrelated),
        (f"update_{child.plural}_for_{parent.name}", generic.replace_related),
        (f"remove_{child.plural}_from_{parent.name}", generic.remove_related),
    ):
        yield Operation(name, child.type, run, parent=parent.type, most_identifiers=_MOST_RELATED, empty=True)


_PROFILE = Record(
    {
        "data": Record(
            {
                "type": Text(choices=("profile",)),
                "id": STRING,
                "attributes": Record(
                    {
                        "email": Text(form="email", nullable=True),
                        "phone_number": Text(form="phone", nullable=True),
                        "external_id": Text(shortest=1, nullable=True),
                    }
                ),
            },
            required=("type", "attributes"),
        )
    },
    required=("data",),
    nullable=True,
)
_ITEMS, _VARIANTS, _CATEGORIES = KINDS

OPERATIONS = (
    *(operation for kind in KINDS for operation in _entries(kind)),
    *(operation for kind in KINDS for verb in _PERFORMED for operation in _jobs(kind, verb)),
    *_followed(_ITEMS, _VARIANTS),
    *_related(_ITEMS, _CATEGORIES),
    *_related(_CATEGORIES, _ITEMS),
    Operation(
        "create_back_in_stock_subscription",
        "back-in-stock-subscription",
        back_in_stock.create_subscription,
        body=Record({"channels": _CHANNELS, "profile": _PROFILE}, required=("channels",)),
        body_relationships=one("variant", VARIANT),
        empty=True,
    ),
)
