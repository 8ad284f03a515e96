"""The vocabulary of preconditions: what a spec can demand of a call before anything is sent.

A `Place` names arguments and what is inside them: `name`, `send_strategy.datetime`, `profiles[].email` for the address
of each profile, `email|sms.marketing` for either. How each rule is checked is in `actions.rules`; `docs/specs.md` has a
table for those who write specs.
"""

from typing import Annotated

from pydantic import BaseModel, Field, StringConstraints, model_validator

from klaviyo_mcp.loose_json import JSON, is_list
from klaviyo_mcp.registry.part import STRICT, ActionName

NAME = r"[a-zA-Z_][a-zA-Z0-9_-]*"
KEY = rf"{NAME}(\|{NAME})*(\[\])*"
Place = Annotated[str, StringConstraints(pattern=rf"^{KEY}(\.{KEY})*$")]
Scalar = str | int | bool | None
Length = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]*[hdy]$")]
"""Hours, days or calendar years: `7d`."""
Limit = Annotated[str, StringConstraints(pattern=r"^([+-][0-9]+[hdy]|[0-9]{4}-[0-9]{2}-[0-9]{2})$")]
"""A moment: so long before or after now (`-36h`, `+1y`), or the start of a day in UTC."""


class Stated(BaseModel):
    """Base of every part of a precondition."""

    model_config = STRICT


class Lookup(Stated):
    """A read action to run before a write, to look into the account."""

    action: ActionName
    arguments: JSON


class StateLookup(Lookup):
    """A read action, and the values that one field of its record may have."""

    path: str
    allowed: list[str | int | bool] = Field(alias="in")


class NeedsOther(Stated):
    """When `argument` is given (and has the value `equals`, if set), the arguments in `needs` must be given too."""

    argument: Place
    equals: str | int | bool | None = None
    needs: list[Place]


class Alone(Stated):
    """When `argument` is given (and has the value `equals`, if set), nothing else may be but what is in `beside`."""

    argument: Place
    equals: str | int | bool | None = None
    beside: list[Place]


class AtMostItems(Stated):
    """The lists in `of` may hold at most `at_most` items together."""

    of: list[Place]
    at_most: int


class AtMostBytes(Stated):
    """What is at `of` (nothing: the whole of what the rule looks at) may take at most so many bytes as JSON."""

    of: list[Place] = []
    at_most: int


class Including(Stated):
    """The values found at `of`, if there are any, must include all of `values`."""

    of: Place
    values: list[str]


class Within(Stated):
    """The times at `of` must not lie before `earliest` or after `latest`."""

    of: list[Place]
    earliest: Limit | None = None
    latest: Limit | None = None


class Span(Stated):
    """A timeframe, `{start, end}` or `{key: last_30_days}`, may be at most so long. Offsets do not count."""

    of: Place
    at_most: Length


class Conditions(Stated):
    """What the conditions of a filter must be like, apart from being such as the operation can filter by.

    `once`: no field twice. `values_at_most`: of one list. `forms`: the pattern of the values of a field.
    """

    of: Place = "filter"
    once: bool = False
    values_at_most: int | None = None
    forms: dict[str, str] = {}


def keys(part: str) -> tuple[list[str], int]:
    """The names that one part of a place stands for, and how deep the lists below them are: `email|sms[]`."""
    return part.rstrip("[]").split("|"), part.count("[]")


GUARDS = {"when", "unless", "each", "hint"}
LIVE = {"exists", "state"}


class Precondition(Stated):
    """One rule that must hold before anything is sent. Exactly one kind is set; `hint` is what to do when it fails.

    What is cleared counts as absent, but as given for `at_least_one_given`. A rule holds only when
    the arguments named in `when` have these values and those in `unless` do not (a list: any of them). With `each`, it
    holds for every object found there, and its places are inside that object.
    """

    exactly_one_of: list[Place] | None = None
    at_least_one_of: list[Place] | None = None
    at_least_one_given: list[Place] | None = None
    at_most_one_of: list[Place] | None = None
    together: NeedsOther | None = None
    requires: list[Place] | None = None
    forbids: list[Place] | None = None
    only_alone: Alone | None = None
    items: AtMostItems | None = None
    bytes: AtMostBytes | None = None
    text_bytes: AtMostBytes | None = None
    differ: list[Place] | None = None
    includes: Including | None = None
    in_past: Place | list[Place] | None = None
    in_future: Place | list[Place] | None = None
    within: Within | None = None
    ordered: Annotated[list[Place], Field(min_length=2, max_length=2)] | None = None
    span: Span | None = None
    has_offset: list[Place] | None = None
    in_utc: list[Place] | None = None
    conditions: Conditions | None = None
    exists: Lookup | None = None
    state: StateLookup | None = None
    when: dict[Place, Scalar | list[Scalar]] = {}
    unless: dict[Place, Scalar | list[Scalar]] = {}
    each: Place | None = None
    hint: str | None = None

    @model_validator(mode="after")
    def one_kind(self) -> "Precondition":
        """A precondition that states two rules, or none, cannot be reported clearly."""
        kinds = sorted(self.model_fields_set - GUARDS)
        if len(kinds) != 1:
            raise ValueError(f"a precondition states exactly one rule; this one states {', '.join(kinds) or 'none'}")
        if self.is_live and self.model_fields_set & {"when", "unless", "each"}:
            raise ValueError(f"{kinds[0]} looks into the account, and knows no when, unless or each")
        return self

    @property
    def kind(self) -> str:
        """The name of the rule it states."""
        return next(iter(self.model_fields_set - GUARDS))

    @property
    def is_live(self) -> bool:
        """Whether the rule needs a request to Klaviyo."""
        return self.kind in LIVE

    @property
    def places(self) -> list[str]:
        """Every place that the rule speaks of, from the arguments down."""
        stated: object = getattr(self, self.kind)
        inside: list[str] = []
        if isinstance(stated, str):
            inside = [stated]
        elif is_list(stated):
            inside = stated
        elif isinstance(stated, NeedsOther):
            inside = [stated.argument, *stated.needs]
        elif isinstance(stated, Alone):
            inside = [stated.argument, *stated.beside]
        elif isinstance(stated, AtMostItems | AtMostBytes | Within):
            inside = stated.of
        elif isinstance(stated, Including | Span | Conditions):
            inside = [stated.of]
        named = [f"{self.each}.{place}" for place in inside] if self.each else inside
        return [*named, *([self.each] if self.each else []), *self.when, *self.unless]
