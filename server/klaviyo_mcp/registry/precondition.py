"""The vocabulary of preconditions: what a spec can demand of a call before anything is sent.

A `Place` names arguments and what is inside them: `name`, `send_strategy.datetime`, `profiles[].email` for the address
of each profile, `email|sms.marketing` for either. How each rule is checked is in `actions.rules`; `docs/specs.md` has a
table for those who write specs.
"""

from functools import cache
from typing import Annotated

from pydantic import BaseModel, Field, StringConstraints, model_validator

from klaviyo_mcp.loose_json import is_list
from klaviyo_mcp.registry.live import CountLookup, FoundLookup, LikeLookup, Lookup, NoneLookup, StateLookup, lookups
from klaviyo_mcp.registry.part import STRICT
from klaviyo_mcp.registry.places import Place, Scalar

Length = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]*[hdy]$")]
"""Hours, days or calendar years: `7d`."""
Limit = Annotated[str, StringConstraints(pattern=r"^([+-][0-9]+[hdy]|[0-9]{4}-[0-9]{2}-[0-9]{2})$")]
"""A moment: so long before or after now (`-36h`, `+1y`), or the start of a day in UTC."""


class Stated(BaseModel):
    """Base of every part of a precondition."""

    model_config = STRICT


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

    `once`: no field twice. `values_at_most`: of one list. `forms`: the pattern of the values of a field. `needs`: what
    else has to be filtered by where a field is. `apart`: groups of fields of which one call filters by one group alone.
    `one_of`: at most one of these fields. `in_past`: no bound of theirs lies in the future. `sorted_alike`: where one
    of these is filtered by, the argument `sort` names no other field. A field that ends in a dot stands for all that
    begin so.
    """

    of: Place = "filter"
    once: bool = False
    values_at_most: int | None = None
    forms: dict[str, str] = {}
    needs: dict[str, list[str]] = {}
    apart: list[list[str]] = []
    one_of: list[str] = []
    in_past: list[str] = []
    sorted_alike: list[str] = []

    @property
    def fields(self) -> list[str]:
        """Every field that the rule speaks of."""
        groups = [list(self.forms), list(self.needs), *self.needs.values(), *self.apart]
        return [field for group in (*groups, self.one_of, self.in_past, self.sorted_alike) for field in group]


@cache
def keys(part: str) -> tuple[list[str], int]:
    """The names that one part of a place stands for, and how deep the lists below them are: `email|sms[]`."""
    return part.rstrip("[]").split("|"), part.count("[]")


class Distinct(Stated):
    """No two objects at `of` have the same values at all of `by`; one that lacks any of them is passed over.

    With `any_case` texts are the same that differ in case alone, as addresses of e-mail are.
    """

    of: Place
    by: list[Place]
    any_case: bool = False


class Anew(Stated):
    """None of the values at `of` was sent by the same action of this process for `minutes`."""

    of: list[Place]
    minutes: int
    says: str


GUARDS = {"when", "unless", "given", "each", "hint", "warns"}
LIVE = {"exists", "state", "count", "all_found", "none_found", "mistyped"}


class Precondition(Stated):
    """One rule that must hold before anything is sent. Exactly one kind is set; `hint` is what to do when it fails.

    What is cleared counts as absent, but as given for `at_least_one_given`. A rule holds only when the arguments named
    in `when` have these values and those in `unless` do not (a list: any of them). With `each`, it holds for every
    object found there, and its places are inside that object, those of its guards too. `given` are places of which all
    must hold something. What breaks a rule that `warns` is told with the answer and keeps no call from being made.
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
    distinct: Distinct | None = None
    nothing_empty: list[Place] | None = None
    anew: Anew | None = None
    exists: Lookup | None = None
    state: StateLookup | None = None
    count: CountLookup | None = None
    all_found: FoundLookup | None = None
    none_found: NoneLookup | None = None
    mistyped: LikeLookup | None = None
    when: dict[Place, Scalar | list[Scalar]] = {}
    unless: dict[Place, Scalar | list[Scalar]] = {}
    given: list[Place] = []
    each: Place | None = None
    hint: str | None = None
    warns: bool = False

    @model_validator(mode="after")
    def one_kind(self) -> "Precondition":
        """A precondition that states two rules, or none, cannot be reported clearly."""
        kinds = sorted(self.model_fields_set - GUARDS)
        if len(kinds) != 1:
            raise ValueError(f"a precondition states exactly one rule; this one states {', '.join(kinds) or 'none'}")
        if self.is_live and self.each is not None:
            raise ValueError(f"{kinds[0]} looks into the account, and knows no each")
        if self.mistyped and not self.warns:
            raise ValueError("mistyped is a guess, and so it can only warn")
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
    def lookups(self) -> list[Lookup]:
        """The reads that the rule needs."""
        return lookups(getattr(self, self.kind))

    @property
    def question(self) -> str:
        """What a live rule asks the account, for when it gets no answer."""
        if self.state:
            return f"whether {self.state.path} is as it has to be"
        if self.count:
            return f"whether there is room for one more of at most {self.count.at_most:,} {self.count.of}"
        if self.all_found:
            return f"whether what {' and '.join(self.all_found.of)} names is there"
        if self.mistyped:
            return f"whether {' or '.join(self.mistyped.of)} is a slip for one that is there"
        if self.none_found:
            return f"whether nothing has the same {' and '.join(self.none_found.where)} already"
        return "whether it is there"

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
        elif isinstance(stated, AtMostItems | AtMostBytes | Within | FoundLookup | Anew):
            inside = stated.of
        elif isinstance(stated, Including | Span | Conditions):
            inside = [stated.of]
        elif isinstance(stated, Distinct):
            inside = [f"{stated.of}.{place}" for place in stated.by]
        named = [*inside, *self.when, *self.unless, *self.given]
        return [*(f"{self.each}.{place}" for place in named), self.each] if self.each else named
