"""The demo shop's custom objects: gear it rents out, as its rental desk reports it."""

from collections.abc import Sequence

from klaviyo_sandbox.behaviour.object_relations import PROFILE, RELATION, link_name
from klaviyo_sandbox.loose_json import Json
from klaviyo_sandbox.seed.marketing import Ground
from klaviyo_sandbox.seed.people import Person, make_id

_PROPERTIES = (
    (1, "item", "string", "What was rented"),
    (2, "days", "int", "For how many days"),
    (3, "deposit", "float", "In US dollars"),
    (4, "starts_at", "timestamp", "When it is picked up"),
    (5, "returned", "boolean", "Whether it came back"),
)
_GEAR = ("Two-person tent", "Sleeping bag", "Camp stove", "Trekking poles", "Bear canister", "Snowshoes")
_RENTALS = 24


def make_custom_objects(ground: Ground, people: Sequence[Person]) -> None:
    """A data source, an object type with an active schema and its mapping, and a few rentals by customers."""
    source = ground.add(
        "data-source",
        {"title": "Rental desk", "visibility": "private", "description": "", "namespace": "custom-objects"},
        "ulid",
        300,
    )
    kind, schema, mapping = (make_id(ground.random, "ulid", 299) for _ in range(3))
    shared = {"title": "Gear rental", "description": "Camping gear that a customer rents by the day"}
    renter = ground.add(
        RELATION, {"name": "renter", "description": "Who rents it", "_schema": schema, "_related": PROFILE}, "ulid", 299
    )
    bodies: dict[str, tuple[str, Json]] = {
        "object-type": (
            kind,
            {
                **shared,
                "status": "active",
                "namespace": "custom-objects",
                "created_at": ground.ago(299),
                "updated_at": ground.ago(299),
                "_visibility": "private",
                "_current_schema": schema,
                "_draft_schema": None,
            },
        ),
        "object-schema": (
            schema,
            {
                **shared,
                "status": "active",
                "properties": [
                    {"id": number, "name": name, "type": form, "description": description}
                    for number, name, form, description in _PROPERTIES
                ],
                "required": ["item", "starts_at"],
                "published_at": ground.ago(299),
                "visibility": "private",
                "_object_type": kind,
                "_source_mapping": mapping,
            },
        ),
        "source-mapping": (mapping, {**_mappings(source, renter), "_schema": schema}),
    }
    for name, (identifier, body) in bodies.items():
        ground.store.insert(ground.shop.account, name, identifier, body)
    if people:
        _make_rentals(ground, people, kind, renter)


def _mappings(source: str, renter: str) -> Json:
    return {
        "property_mappings": [
            {
                "id": number,
                "type": "simple",
                "source": {"source_id": source, "id_path": "$.rental.number", "data_path": f"$.rental.{name}"},
            }
            for number, name, *_ in _PROPERTIES
        ],
        "relationship_mappings": [
            {
                "relationship_id": renter,
                "type": "simple",
                "source": {
                    "source_id": source,
                    "type": "profile",
                    "id_path": "$.rental.number",
                    "related_id_paths": [{"identifier_type": "email", "path": "$.customer.email"}],
                    "update_strategy": "replace_from_origin",
                },
            }
        ],
    }


def _make_rentals(ground: Ground, people: Sequence[Person], kind: str, renter: str) -> None:
    rentals: list[tuple[str, Json]] = []
    links: list[tuple[str, str, str, str, int]] = []
    for number in range(_RENTALS):
        age = ground.random.uniform(0, 290)
        days = ground.random.randrange(1, 8)
        identifier = f"{kind}:::R-{1000 + number}"
        properties: Json = {
            "item": ground.random.choice(_GEAR),
            "days": days,
            "deposit": float(ground.random.choice((20, 40, 60))),
            "starts_at": ground.ago(age),
            "returned": age > days,
        }
        rentals.append((identifier, {"record_properties": properties, "_object_type": kind}))
        person = ground.random.choice(people)
        links.append((ground.shop.account, link_name(renter), identifier, person.id, int(ground.now - age * 86400)))
    ground.store.insert_many(ground.shop.account, "object-record", rentals)
    rows = ((*link, at * 1_000_000) for *link, at in links)
    ground.store.run_many("INSERT INTO link VALUES (?, ?, ?, ?, ?)", rows)
