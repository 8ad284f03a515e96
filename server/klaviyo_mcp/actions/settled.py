"""What a call leaves to the account to say, once it has been looked up: names in place of ids, and what was left out.

Pure: who looks things up is `resolving`. A plan is made with what is settled, and asks for more by errors that say what
is sought.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from klaviyo_mcp.actions.errors import Problem
from klaviyo_mcp.loose_json import JSON, is_list, is_object
from klaviyo_mcp.registry.id_forms import ID_FORMS

NAME = re.compile(r"\s*(name|email):(.*)", re.IGNORECASE | re.DOTALL)

Sought = tuple[str, str]
"""What is looked for: a form of ids and the name that was given, or a finder of `defaults` and nothing."""


def name_in(sought: Sought) -> str | None:
    """The name in a text that stands for an id: `VIP customers` for `name:VIP  customers `. None for any other text.

    `email:` is for profiles alone. No id has a colon, so that nothing else can be meant.
    """
    kind, given = sought
    form, found = ID_FORMS.get(kind), NAME.fullmatch(given)
    if form is None or found is None or (found[1].lower() == "email" and form.named != "email"):
        return None
    return " ".join(found[2].split())


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
    """What was found by what was sought; `places` says for which places of the arguments, such as `list_ids[0]`."""

    things: Mapping[Sought, Thing] = field(default_factory=dict[Sought, Thing])
    places: tuple[tuple[str, Sought], ...] = ()

    @property
    def told(self) -> JSON:
        """Each place with what stands there: `list_ids[0]: VbT4kM (VIP customers)`."""
        return _joined((place, str(self.things[one])) for place, one in self.places)

    @property
    def ids(self) -> JSON:
        """Each place with the ids that stand there."""
        return _joined((place, self.things[one].id) for place, one in self.places)

    @property
    def named(self) -> list[tuple[str, Thing]]:
        """The places that held a name instead of an id, each with what it names."""
        return [(place, self.things[one]) for place, one in self.places if one[0] in ID_FORMS]

    def default(self, finder: str) -> Thing | None:
        """What stands for an argument that was left out, None where it has not been looked up."""
        return self.things.get((finder, ""))

    def id_of(self, kind: str, given: str) -> str | None:
        """The id of what is named where an id of this form belongs, None where that has not been looked up."""
        thing = self.things.get((kind, given))
        return thing.id if thing else None

    def put_into(self, arguments: JSON, problems: Iterable[Problem]) -> JSON:
        """The arguments with ids in place of the names that are the trouble; the same object where there are none."""
        ids: dict[tuple[str, str], str] = {}
        for problem in problems:
            if problem.sought is not None and (known := self.id_of(*problem.sought)):
                ids[problem.argument, problem.sought[1]] = known
        return _replaced(arguments, "", ids) if ids else arguments

    def placed_in(self, arguments: JSON) -> JSON:
        """The arguments of the call itself with ids for all names, also where only what it is made of wants an id."""
        ids = {(place, one[1]): self.things[one].id for place, one in self.places if one[0] in ID_FORMS}
        return _replaced(arguments, "", ids) if ids else arguments

    def and_also(self, things: Mapping[Sought, Thing], places: Iterable[tuple[str, Sought]]) -> "Settled":
        """All of this, and more."""
        return replace(self, things={**self.things, **things}, places=(*self.places, *places))


NOTHING = Settled()
"""Nothing has been looked up."""


def _replaced(value: Any, place: str, ids: Mapping[tuple[str, str], str]) -> Any:
    if is_object(value):
        return {key: _replaced(inner, f"{place}.{key}".lstrip("."), ids) for key, inner in value.items()}
    if is_list(value):
        return [_replaced(inner, f"{place}[{at}]", ids) for at, inner in enumerate(value)]
    return ids.get((place, value), value) if isinstance(value, str) else value


def _joined(told: Iterable[tuple[str, str]]) -> JSON:
    found: JSON = {}
    for place, text in told:
        found[place] = f"{found[place]}, {text}" if place in found else text
    return found
