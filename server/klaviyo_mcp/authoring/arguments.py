"""The arguments of an action while they are gathered: where each hole of a template points, and what it accepts."""

from dataclasses import dataclass, field

from klaviyo_mcp.authoring.openapi import snake_case
from klaviyo_mcp.loose_json import JSON

Path = tuple[str, ...]

FILTER: JSON = {
    "type": ["string", "array"],
    "items": {
        "type": "object",
        "properties": {"field": {"type": "string"}, "operator": {"type": "string"}, "value": {}},
        "required": ["field", "operator"],
        "additionalProperties": False,
    },
}
"""What every `filter` argument accepts: Klaviyo's own syntax, or a list of conditions."""

MAX_RECORDS: JSON = {"type": "integer", "minimum": 1, "maximum": 10_000}
"""The engine's own argument of paged lists: how many records to gather over several pages."""


def no_arguments() -> JSON:
    """The schema of an object that has no properties yet."""
    return {"type": "object", "properties": {}, "additionalProperties": False}


@dataclass
class Scope:
    """What holes can reach: the arguments themselves, or (`item`) one item of a list."""

    item: bool = False
    schema: JSON = field(default_factory=no_arguments)
    whole: JSON | None = None

    def hole(self, path: Path) -> str:
        """`$profile.email` for an argument, `$item.email` for a field of an item, `$item` for the item itself."""
        return "$" + ".".join(("item", *path) if self.item else path)

    def put(self, path: Path, schema: JSON, *, required: bool) -> None:
        """Hang a schema at a path, making the objects on the way. The empty path is the item as a whole.

        The first schema that states something stays: an argument may fill several holes.
        """
        if not path:
            self.whole = schema
            return
        container = self._container(path[:-1])
        if not container["properties"].get(path[-1]):
            container["properties"][path[-1]] = schema
        if required:
            _require(container, path[-1])

    def require(self, path: Path) -> None:
        """Make the object at a path required, if there is one: a person may have moved all its fields elsewhere."""
        container = self.schema
        for part in path[:-1]:
            if part not in container["properties"]:
                return
            container = container["properties"][part]
        if path and path[-1] in container["properties"]:
            _require(container, path[-1])

    def has(self, path: Path) -> bool:
        """Whether there is an argument at this path already."""
        container = self.schema
        for part in path:
            if part not in container.get("properties", {}):
                return False
            container = container["properties"][part]
        return True

    def _container(self, path: Path) -> JSON:
        container = self.schema
        for part in path:
            container = container["properties"].setdefault(part, no_arguments())
        return container

    @property
    def finished(self) -> JSON:
        """The schema of the item or of all arguments, keywords in reading order."""
        return in_reading_order(self.whole if self.whole is not None else self.schema)


def in_reading_order(schema: JSON) -> JSON:
    """`required` after `properties` and in their order, also in the objects inside."""
    if "properties" not in schema:
        return schema
    ordered: JSON = {}
    for keyword, value in schema.items():
        if keyword == "properties":
            ordered["properties"] = {name: in_reading_order(inner) for name, inner in value.items()}
            if required := [name for name in value if name in schema.get("required", [])]:
                ordered["required"] = required
        elif keyword != "required":
            ordered[keyword] = value
    return ordered


def _require(container: JSON, name: str) -> None:
    required = container.setdefault("required", [])
    if name not in required:
        required.append(name)


def parameter_argument(name: str) -> str:
    """The argument for a parameter: `page[size]` is `page_size`, `fields[web-feed]` is `web_feed_fields`."""
    if name in ("page[cursor]", "page_cursor"):
        return "cursor"  # the name the engine pages by
    outer, _, inner = name.removesuffix("]").partition("[")
    if outer == "fields":
        return f"{snake_case(inner)}_fields"
    if outer == "additional-fields":
        return f"additional_{snake_case(inner)}_fields"
    return snake_case(f"{outer}_{inner}" if inner else outer)
