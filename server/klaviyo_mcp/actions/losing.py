"""What is lost where one record takes the place of others: the fields that both have, with another value."""

from collections.abc import Iterator
from typing import Any

from klaviyo_mcp.actions.sentences import NOTHING, read_through
from klaviyo_mcp.loose_json import JSON, is_object, items, mapping
from klaviyo_mcp.registry.consequences import Losing


def lost(stated: Losing, values: JSON) -> list[JSON]:
    """The fields that are lost, one after the other, each as an object of its dotted name and its value."""
    gone, stays = read_through(stated.of, values), dict(_fields(read_through(stated.against, values)))
    return [
        {name: value}
        for record in items(gone) or [gone]
        for name, value in _fields(record)
        if value not in NOTHING
        and stays.get(name) not in (*NOTHING, value)
        and not any(name == beside or name.startswith(f"{beside}.") for beside in stated.besides)
    ]


def _fields(record: Any, above: str = "") -> Iterator[tuple[str, Any]]:
    """All fields of a record by their dotted names; lists are values."""
    for key, value in mapping(record).items():
        name = f"{above}.{key}" if above else key
        if is_object(value) and value:
            yield from _fields(value, name)
        else:
            yield name, value
