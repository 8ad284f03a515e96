"""What mapping and checking see of a kind of job."""

from typing import Protocol

from klaviyo_mcp.loose_json import JSON


class RowKind(Protocol):
    """What mapping and checking need to know of a kind of job. Places are dotted, such as `location.city`."""

    @property
    def name(self) -> str:
        """Its name, for messages."""
        ...

    @property
    def unknown(self) -> str:
        """The place of the object that takes columns that are none of the schema's (`properties`); "" refuses them."""
        ...

    @property
    def identity(self) -> list[str]:
        """Places that tell who or what a row is, the strongest first: the first that is given counts.

        Several places joined by `+` count together (`event.metric.name+event.unique_id`). Empty: rows are not compared.
        """
        ...

    @property
    def item_bytes(self) -> int:
        """The most bytes that an item may have as JSON; 0 for no limit."""
        ...

    @property
    def defaults(self) -> JSON:
        """By place what an item has by its kind alone, where its row has nothing there."""
        ...

    def complete(self, body: JSON) -> None:
        """Put into an item what it has by its kind alone."""
        ...
