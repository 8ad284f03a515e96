"""The argument `fields` of reads: which names there are, and what is asked of Klaviyo for those that were given.

A name is an attribute, dotted where it lies inside of one; a line of ours; a related record, or `related.attribute`.
`all` is everything that costs no quota of its own, `default` what an answer shows when nothing is said.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache

from klaviyo_mcp.actions.errors import Problem
from klaviyo_mcp.actions.unpacking import unpacked
from klaviyo_mcp.loose_json import JSON, did_you_mean, items, mapping
from klaviyo_mcp.registry.holes import hole
from klaviyo_mcp.registry.record_fields import RECORD_FIELDS, RecordFields
from klaviyo_mcp.registry.registry import Action

ALL, DEFAULT = "all", "default"
MOST_GIVEN = 100
MOST_TOLD = 40
"""Names of fields that an error tells."""


@dataclass(frozen=True, slots=True)
class Related:
    """Related records that a read can bring along: by which name of `include`, and the argument of their fields."""

    include: str
    argument: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Fieldset:
    """The fields of what an action reads, and the arguments that ask Klaviyo for them.

    `own` are attributes, dotted ones too; `additional` those that come only when asked for.
    """

    kind: str
    argument: str
    own: tuple[str, ...]
    additional_argument: str
    additional: tuple[str, ...]
    related: dict[str, Related]
    table: RecordFields

    @property
    def tops(self) -> list[str]:
        """The attributes themselves, without what lies inside of them."""
        return list(dict.fromkeys([*(name.partition(".")[0] for name in self.own), *self.additional]))

    @property
    def named(self) -> list[str]:
        """The names of all fields, those inside of others too."""
        return list(dict.fromkeys([*self.tops, *self.table.lines, *self.own, *self.related]))

    def knows(self, name: str) -> bool:
        """Whether there may be a field of this name: what lies in custom properties is known to nobody."""
        if name in (ALL, DEFAULT) or name in self.named:
            return True
        first, _, rest = name.partition(".")
        if rest and first in self.related and first not in self.tops:
            return _within(rest, self.related[first].names)
        return _within(name, self.tops + list(self.own))


@cache
def fieldset(action: Action) -> Fieldset | None:
    """The fields of what an action reads; None for one that takes no `fields`."""
    spec, http = action.spec, action.http
    argument = spec.fields_argument
    if argument is None or http is None or "fields" not in spec.properties:
        return None
    kind = str(spec.result.type)
    additional = str(hole(http.query.get(f"additional-fields[{kind}]")) or "")
    others = {key[len("fields[") : -1]: str(hole(part)) for key, part in http.query.items() if key[:7] == "fields["}
    related: dict[str, Related] = {}
    for include in _enum(action, "include"):
        if of := _kind_of(include, [other for other in others if other != kind]):
            found = Related(include, others[of], tuple(_enum(action, others[of])))
            related |= {include: found, of: found}
    return Fieldset(
        kind,
        argument,
        tuple(_enum(action, argument)),
        additional,
        tuple(_enum(action, additional)),
        related,
        RECORD_FIELDS.get(kind, RecordFields(())),
    )


def check_fields(action: Action, given: object) -> tuple[list[str], list[Problem]]:
    """The names of fields, taken out of texts that hold several, and what is wrong with them."""
    known = fieldset(action)
    if known is None:
        return [], []
    listed = unpacked(given, {"array"}) if isinstance(given, str) else given
    names = [name.strip() for text in (items(listed) or [listed]) for name in str(text).split(",") if name.strip()]
    if len(names) > MOST_GIVEN:
        told = f"holds {len(names):,} names, and {MOST_GIVEN} may be given"
        return names, [Problem("fields", told, f"Name fewer, or {ALL}")]
    problems = [
        Problem(
            f"fields[{index}]",
            f"{name!r} is no field of {known.kind}",
            did_you_mean(name, known.named) or f"There are: {', '.join([*known.named[:MOST_TOLD], ALL])}",
        )
        for index, name in enumerate(names)
        if not known.knows(name)
    ]
    return list(dict.fromkeys(names)), problems


def with_default(action: Action, arguments: JSON) -> JSON:
    """The arguments of a call by an agent, which is shown fewer fields where it says nothing about them.

    What it asks Klaviyo's own argument for by a dotted name is shown, and no more than that: Klaviyo may send all of
    an attribute of which a part was asked for.
    """
    known = fieldset(action)
    if known is None or "fields" in arguments:
        return arguments
    if known.argument in arguments:
        names = [str(name) for name in items(arguments[known.argument])]
        if not any("." in name for name in names):
            return arguments
        parted = {name.partition(".")[0] for name in names}
        also = [str(name) for name in items(arguments.get(known.additional_argument)) if name not in parted]
        return {**arguments, "fields": [*names, *also]}
    return {**arguments, "fields": [DEFAULT]} if known.table.listed else arguments


def asked_of_klaviyo(action: Action, arguments: JSON) -> JSON:
    """The arguments with Klaviyo's own in place of `fields`; one of these that was given itself is left as it is."""
    names = items(arguments.get("fields"))
    known = fieldset(action) if names else None
    if known is None:
        return arguments
    rest = {name: value for name, value in arguments.items() if name != "fields"}
    general = ALL in names or DEFAULT in names
    if general:
        names = [*names, *known.table.asks, *known.table.names]
    asked: dict[str, list[str]] = {}
    tops: list[str] = []
    for name in names:
        first, _, inner = name.partition(".")
        if first in known.table.lines:
            first = known.table.lines[first].source.partition(".")[0]
        if first in known.additional and known.additional_argument not in rest:
            _add(asked, known.additional_argument, first)
        if first in known.tops:
            tops.append(first)
        elif found := known.related.get(first):
            _add(asked, "include", found.include)
            inner = inner or known.table.names.get(first, "")
            # What was included by its own argument is wanted whole.
            if inner and found.include not in items(rest.get("include")):
                _add(asked, found.argument, inner if inner in found.names else inner.partition(".")[0])
    if not general:
        wanted = [name for name in dict.fromkeys(tops) if name != "id"] or ["id"]
        asked[known.argument] = [name for name in wanted if name in known.own or name in known.additional] or ["id"]
    included = [*items(rest.get("include")), *(name for name in asked.pop("include", []))]
    asked = {name: values for name, values in asked.items() if name not in rest}
    return {**rest, **asked, **({"include": list(dict.fromkeys(included))} if included else {})}


def _add(asked: dict[str, list[str]], argument: str, name: str) -> None:
    asked[argument] = list(dict.fromkeys([*asked.get(argument, []), name]))


def _within(name: str, known: Iterable[str]) -> bool:
    """Whether a name is one of these, or lies in one that tells nothing of what is inside."""
    names = set(known)
    if name in names:
        return True
    above = name.rpartition(".")[0]
    while above and above not in names:
        above = above.rpartition(".")[0]
    return bool(above) and not any(other.startswith(f"{above}.") for other in names)


def _enum(action: Action, argument: str) -> list[str]:
    schema = mapping(action.spec.properties.get(argument))
    return [str(value) for value in items(mapping(schema.get("items")).get("enum"))]


def _kind_of(include: str, kinds: list[str]) -> str:
    """The type of the records that come by a name of `include`: `tag` by `tags`, `flow` by `flow-triggers`."""
    one = f"{include[:-3]}y" if include.endswith("ies") else include.removesuffix("s")
    last = one.rpartition("-")[2]
    fits: list[Callable[[str], bool]] = [
        lambda kind: kind == one,
        lambda kind: kind.endswith(f"-{one}"),
        lambda kind: kind.endswith(f"-{last}"),
        lambda kind: one.startswith(f"{kind}-"),
    ]
    return next((kind for fit in fits for kind in kinds if fit(kind)), "")
