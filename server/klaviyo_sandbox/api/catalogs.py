"""Catalogue items, variants and categories, their bulk jobs, and back-in-stock subscriptions."""

from collections.abc import Iterator
from functools import partial
from typing import Literal

from klaviyo_sandbox import generic
from klaviyo_sandbox.api.catalog_kinds import ITEM_DEFAULTS, ITEM_SHAPES, KINDS, VARIANT_SHAPES, Kind, one
from klaviyo_sandbox.api.common import MOMENT, STRING, sortable
from klaviyo_sandbox.behaviour import back_in_stock, catalogs, jobs
from klaviyo_sandbox.behaviour.catalogs import CATEGORY, CONTENTS, ITEM, VARIANT
from klaviyo_sandbox.declare import XL, Column, Handler, L, Operation, Page, Relation, Resource
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
            _job(kind, verb), Relation(kind.plural, kind.type, link=f"{_job(kind, verb)}.{kind.plural}", data=True)
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

_READ, _WRITE = ("catalogs:read",), ("catalogs:write",)
_MOST_ENTRIES, _MOST_JOBS = 100, 500
# Klaviyo's document names no limit on the relationships of one request; the size of a body is one.
_MOST_RELATED = 10_000
_PAGE = Page(100, 100)
_SORTS = sortable("created")


def _entries(kind: Kind) -> Iterator[Operation]:
    """The five operations on entries of one kind."""
    one = f"{kind.home}/{{id}}"
    yield Operation(
        f"get_{kind.names}",
        "GET",
        kind.home,
        kind.type,
        generic.list_resources,
        _READ,
        XL,
        filters=kind.filters,
        sorts=_SORTS,
        page=_PAGE,
        include=kind.include,
    )
    yield Operation(
        f"create_{kind.name}",
        "POST",
        kind.home,
        kind.type,
        catalogs.create,
        _WRITE,
        L,
        body=kind.body,
        body_relationships=kind.created_with,
    )
    yield Operation(f"get_{kind.name}", "GET", one, kind.type, generic.get_resource, _READ, XL, include=kind.include)
    yield Operation(
        f"update_{kind.name}",
        "PATCH",
        one,
        kind.type,
        catalogs.update,
        _WRITE,
        L,
        body=Record(kind.writable),
        body_relationships=kind.updated_with,
        identified="required",
    )
    yield Operation(f"delete_{kind.name}", "DELETE", one, kind.type, generic.delete_resource, _WRITE, L, empty=True)


def _jobs(kind: Kind, verb: str) -> Iterator[Operation]:
    """The three operations on jobs that create, update or delete entries of one kind."""
    job = _job(kind, verb)
    limits = XL if verb == "delete" else kind.read_jobs
    called = f"get_bulk_{verb}_{kind.jobs}"
    yield Operation(
        f"{called}_jobs",
        "GET",
        f"/api/{job}s",
        job,
        generic.list_resources,
        _READ,
        limits,
        filters={"status": jobs.BY_STATUS},
        default_sort="-created_at",
        page=Page(100, 100, sizable=False),
    )
    yield Operation(
        f"bulk_{verb}_{kind.names}",
        "POST",
        f"/api/{job}s",
        job,
        jobs.create(kind.plural, most=_MOST_JOBS),
        _WRITE,
        L,
        body=Record(
            {kind.plural: Record({"data": Items(kind.entry(verb), most=_MOST_ENTRIES)}, required=("data",))},
            required=(kind.plural,),
        ),
    )
    yield Operation(
        f"{called}_job",
        "GET",
        f"/api/{job}s/{{job_id}}",
        job,
        generic.get_resource,
        _READ,
        limits,
        include=() if verb == "delete" else (kind.plural,),
    )


def _followed(parent: Kind, child: Kind) -> Iterator[Operation]:
    """The two operations that read what an entry is related to."""
    singular = parent.name
    for name, path, run in (
        (f"get_{child.plural}_for_{singular}", child.plural, generic.list_related),
        (f"get_{child.singular}_ids_for_{singular}", f"relationships/{child.plural}", generic.list_related_ids),
    ):
        bare = run is generic.list_related_ids
        yield Operation(
            name,
            "GET",
            f"{parent.home}/{{id}}/{path}",
            child.type,
            run,
            _READ,
            XL,
            parent=parent.type,
            relation=child.plural,
            filters=child.filters,
            sorts=_SORTS,
            page=_PAGE,
            include=() if bare else child.include,
            relationships_only=bare,
        )


def _related(parent: Kind, child: Kind) -> Iterator[Operation]:
    """The five operations on a relationship that can be read and changed from either side."""
    yield from _followed(parent, child)
    changes: tuple[tuple[str, Literal["POST", "PATCH", "DELETE"], Handler], ...] = (
        (f"add_{child.plural}_to_{parent.name}", "POST", generic.add_unrelated),
        (f"update_{child.plural}_for_{parent.name}", "PATCH", generic.replace_related),
        (f"remove_{child.plural}_from_{parent.name}", "DELETE", generic.remove_related),
    )
    for name, method, run in changes:
        yield Operation(
            name,
            method,
            f"{parent.home}/{{id}}/relationships/{child.plural}",
            child.type,
            run,
            _WRITE,
            L,
            parent=parent.type,
            relation=child.plural,
            most_identifiers=_MOST_RELATED,
            empty=True,
        )


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
        "POST",
        "/api/back-in-stock-subscriptions",
        "back-in-stock-subscription",
        back_in_stock.create_subscription,
        ("catalogs:write", "profiles:write"),
        XL,
        body=Record({"channels": _CHANNELS, "profile": _PROFILE}, required=("channels",)),
        body_relationships=one("variant", VARIANT),
        empty=True,
    ),
)
