"""What a call leaves to the account to say, once it has been looked up: for now, arguments that were left out.

Pure: who looks things up is `resolving`. A plan is made with what is settled, and asks for more by errors that say what
is sought.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

Sought = tuple[str, str]
"""What is looked for: a form of ids and the name that was given, or a finder of `defaults` and nothing."""


@dataclass(frozen=True, slots=True)
class Thing:
    """Something of the account: its id, and what tells people what it is."""

    id: str
    called: str

    def __str__(self) -> str:
        """As answers tell it: `UwD8nK (Placed Order, the account's revenue metric)`."""
        return f"{self.id} ({self.called})"


@dataclass(frozen=True, slots=True)
class Settled:
    """What was found by what was sought, and for which places of the arguments, such as `list_ids[0]`."""

    things: Mapping[Sought, Thing] = field(default_factory=dict[Sought, Thing])
    places: Mapping[str, Thing] = field(default_factory=dict[str, Thing])

    def default(self, finder: str) -> Thing | None:
        """What stands for an argument that was left out, None where it has not been looked up."""
        return self.things.get((finder, ""))

    def and_also(self, things: Mapping[Sought, Thing], places: Mapping[str, Thing]) -> "Settled":
        """All of this, and more."""
        return replace(self, things={**self.things, **things}, places={**self.places, **places})


NOTHING = Settled()
"""Nothing has been looked up."""
