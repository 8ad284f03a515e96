"""Which column of a file goes where in an item: taken from what is given, from names, from values, or asked for."""

from dataclasses import dataclass, field
from typing import Any, Protocol


class RowKind(Protocol):
    """What mapping and checking need to know of a kind of job.

    Places are dotted (`location.city`); the part `0` is the only item of a list (`events.0.time`).
    """

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

        Several places joined by `+` count together (`events.0.metric.name+events.0.unique_id`). Empty: rows are not
        compared.
        """
        ...

    @property
    def item_bytes(self) -> int:
        """The most bytes that an item may have as JSON; 0 for no limit."""
        ...


@dataclass(slots=True)
class Mapping:
    """Where each column goes, what every item gets besides, and how texts of a column are read.

    `columns`: column → dotted place, "" for a column that is left out. `constants`: dotted place → value, where no
    column gives one. `readings`: column → `text`, `number`, `number,` (decimal comma), `boolean`, `date`, `day-first`,
    `month-first`, `unix` or `unix-ms`. `told`: what was decided, in sentences.
    """

    columns: dict[str, str]
    constants: dict[str, Any] = field(default_factory=dict[str, Any])
    told: list[str] = field(default_factory=list[str])
    readings: dict[str, str] = field(default_factory=dict[str, str])
