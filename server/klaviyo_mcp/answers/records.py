"""Records as an agent is shown them: the fields that were asked for or matter most, in one order, with names joined in.

Which fields matter is data: `registry.record_fields`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from klaviyo_mcp.actions.outcome import Outcome
from klaviyo_mcp.actions.sparse import ALL, DEFAULT
from klaviyo_mcp.answers.dotted import value_at
from klaviyo_mcp.answers.lines import line
from klaviyo_mcp.answers.related import Identity, by_identity, names_of
from klaviyo_mcp.klaviyo import jsonapi
from klaviyo_mcp.loose_json import JSON, items, mapping
from klaviyo_mcp.registry.record_fields import NAME_LIKE, RECORD_FIELDS, RecordFields

FIRST = ("type", "id")
LAST = ("related", "meta")


@dataclass(slots=True)
class Shown:
    """Makes the records of one outcome, and remembers what they leave out.

    `listing` is for several records, which show less than one alone. `joined` are the related records that stand in
    the shown ones whole, `left_out` the fields that were there and are not shown.
    """

    outcome: Outcome
    listing: bool
    joined: set[Identity] = field(default_factory=set[Identity])
    left_out: dict[str, None] = field(default_factory=dict[str, None])
    _related: dict[Identity, JSON] = field(default_factory=dict[Identity, JSON])

    def __post_init__(self) -> None:
        """Related records are found by type and id."""
        self._related = by_identity(self.outcome.replies)

    def records(self, resources: Iterable[JSON]) -> list[JSON]:
        """These resources as records."""
        return [self.record(resource) for resource in resources]

    def record(self, resource: JSON) -> JSON:
        """One resource as a flat record."""
        kind = resource.get("type")
        table = RECORD_FIELDS.get(str(kind), RecordFields(()))
        whole = jsonapi.record(resource, with_type=self.outcome.action.spec.result.type is None)
        names = [str(name) for name in items(self.outcome.arguments.get("fields"))]
        named = [name for name in names if name not in (ALL, DEFAULT)]
        if DEFAULT in names:
            made = self._by_default(whole, table, kind, named)
        elif names and ALL not in names:
            made = self._picked(whole, table, named)
        else:
            made = whole
        return _ordered(self._with_names(made, resource), named or table.listed)

    def told(self) -> JSON:
        """What an answer says of the fields that its records leave out."""
        return {"fields_left_out": sorted(self.left_out)} if self.left_out else {}

    def _by_default(self, whole: JSON, table: RecordFields, kind: Any, named: list[str]) -> JSON:
        """A record with the fields that matter most, and those that an argument of their own has asked for."""
        if not table.listed or kind != self.outcome.action.spec.result.type:
            return whole
        lines = {name: one for name, one in table.lines.items() if self.listing or one.whole}
        asked = self._asked_for_by_name()
        lines = {name: one for name, one in lines.items() if one.source.partition(".")[0] not in asked}
        replaced = {one.source for one in lines.values() if one.whole}
        made: JSON = {}
        for name, value in whole.items():
            shown = name in table.listed if self.listing else name not in replaced and name not in table.long
            if shown or name in (*FIRST, *LAST) or name in asked:
                made[name] = value
            elif not all(f"{name}.{inner}" in table.listed for inner in mapping(value) or (None,)):
                self.left_out[name] = None
        parts = [name for name in table.listed if "." in name and self.listing]
        wanted = [*lines, *parts, *named]
        return made | {name: value for name in wanted if (value := _at(whole, name, table)) is not None}

    def _picked(self, whole: JSON, table: RecordFields, named: list[str]) -> JSON:
        kept = {name: whole[name] for name in (*FIRST, *LAST) if name in whole}
        return kept | {name: value for name in named if (value := _at(whole, name, table)) is not None}

    def _asked_for_by_name(self) -> set[str]:
        """The additional fields that Klaviyo's own argument asked for."""
        own = [name for name in self.outcome.arguments if name.startswith("additional_") and name.endswith("_fields")]
        return {str(value).partition(".")[0] for name in own for value in items(self.outcome.arguments[name])}

    def _with_names(self, made: JSON, resource: JSON) -> JSON:
        """A record in which the names of related records stand beside their ids."""
        names, whole = names_of(resource, self._related)
        if not names:
            return made
        self.joined |= whole
        found = {name: value for name, value in names.items() if name not in made}
        related = {name: value for name, value in mapping(made.get("related")).items() if name not in found}
        rest = {name: value for name, value in made.items() if name != "related"}
        return {**rest, **found, **({"related": related} if related else {})}


def _at(whole: JSON, name: str, table: RecordFields) -> Any:
    """The value of a field by its dotted name, or of one that is ours; None where there is none."""
    if name in table.lines and name not in whole:
        return line(table.lines[name], whole)
    return value_at(whole, name)


def _ordered(made: JSON, order: Sequence[str]) -> JSON:
    """The same record: its id, what comes in this order or else its name, the rest, and what is related."""
    names = order or [name for name in NAME_LIKE if name in made][:1]
    first = dict.fromkeys([*FIRST, *names])
    last = [name for name in LAST if name in made]
    return {
        **{name: made[name] for name in first if name in made and name not in last},
        **{name: value for name, value in made.items() if name not in first and name not in last},
        **{name: made[name] for name in last},
    }
