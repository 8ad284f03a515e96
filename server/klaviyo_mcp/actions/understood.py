"""How a call was understood where its arguments did not say so plainly: told beside what became of it."""

from dataclasses import dataclass, field
from typing import Any

from klaviyo_mcp.loose_json import JSON


@dataclass(frozen=True, slots=True)
class Understood:
    """What was made of arguments.

    `read_as` is what was read otherwise than it was written: given name or place to meaning. `cleared` are the fields
    that `clear` empties. `not_given` are the fields that could have been emptied and were given as null, which counts
    as absent; both by place, such as `title` or `items[].price`. `left_out` are arguments that clients add.
    `generated` are the idempotency keys that were added, and the place they stand at.
    """

    read_as: JSON = field(default_factory=dict[str, Any])
    cleared: tuple[str, ...] = ()
    not_given: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    generated: tuple[str, tuple[str, ...]] | None = None


PLAIN = Understood()
"""Arguments that said all by themselves."""
