"""The model of a spec file: one pydantic class per part of the YAML, each refusing keys it does not know.

Only shapes and rules that concern one file live here. Rules that need to look across files are in `checking`.
"""

import re
from datetime import date
from functools import cached_property
from typing import Annotated, Any, Literal, cast

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    model_validator,
)

from klaviyo_mcp.loose_json import JSON
from klaviyo_mcp.registry.id_forms import ID_FORMS

Effect = Literal["read", "write", "destructive"]

ActionName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=50)]
Rate = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]*/[smd]$")]
Revision = Annotated[
    str,
    StringConstraints(pattern=r"^20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])(\.pre)?$"),
    # What looks like a date is one to YAML.
    BeforeValidator(lambda value: value.isoformat() if isinstance(value, date) else value),
]
Hole = Annotated[str, StringConstraints(pattern=r"^\$[a-zA-Z_][a-zA-Z0-9_]*(\.[a-zA-Z0-9_]+)*$")]


def _is_form(name: str) -> str:
    if name not in ID_FORMS:
        raise ValueError(f"{name!r} is no form of ids; there are {', '.join(ID_FORMS)}")
    return name


IdFormat = Annotated[
    str, AfterValidator(_is_form), Field(json_schema_extra=lambda schema: schema.update(enum=[*ID_FORMS]))
]


class Part(BaseModel):
    """Base of every part of a spec: immutable, and an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ExtraLimit(Part):
    """A further quota that a request counts against when an argument has a certain value.

    Klaviyo shares such buckets across operations; `bucket` is the shared name.
    """

    bucket: str
    argument: str
    contains: str
    burst: Rate
    steady: Rate


class RateLimit(Part):
    """Klaviyo's limits for one operation, as `requests/window` with the windows s, m and d."""

    burst: Rate
    steady: Rate
    daily: Rate | None = None
    extra: list[ExtraLimit] = []

    @model_validator(mode="after")
    def windows_fit_their_names(self) -> "RateLimit":
        """`burst` is per second, `steady` per minute, `daily` per day."""
        for name, unit in (("burst", "s"), ("steady", "m"), ("daily", "d")):
            rate = getattr(self, name)
            if rate is not None and not rate.endswith(unit):
                raise ValueError(f"{name} must be given per {unit!r}, like '10/{unit}', not {rate!r}")
        return self


class FilterField(Part):
    """What may be asked of one filterable field: operators for one value, for a list, for no value (`has`).

    `format` is a form of ids, such as `list-id`, that its values have.
    """

    type: Literal["string", "datetime", "date", "boolean", "number", "integer"] = "string"
    format: IdFormat | None = None
    enum: list[str | int | float | bool] | None = None
    one: list[str] = []
    many: list[str] = []
    alone: list[str] = []


class BodyConditions(Part):
    """Conditions that the body holds as texts: their argument, the field that is a time, and its zone."""

    argument: str
    time_field: str = "datetime"
    timezone: str = "timezone"


class Lookup(Part):
    """A read action to run before a write, to look into the account."""

    action: ActionName
    arguments: JSON


class StateLookup(Lookup):
    """A read action, and the values that one field of its record may have."""

    path: str
    allowed: list[str | int | bool] = Field(alias="in")


class NeedsOther(Part):
    """When `argument` is given (and has the value `equals`, if set), the arguments in `needs` must be given too."""

    argument: str
    equals: str | int | bool | None = None
    needs: list[str]


class AtMostItems(Part):
    """The lists in `of` may hold at most `at_most` items together."""

    of: list[str]
    at_most: int


class Precondition(Part):
    """One rule that must hold before anything is sent. Exactly one kind is set; `hint` is what to do when it fails.

    A null counts as absent for `exactly_one_of`, `at_least_one_of` and `at_most_one_of`, and as present for
    `at_least_one_given`, where null clears a field. `in_past` and `in_future` name an argument that is a time.
    """

    exactly_one_of: list[str] | None = None
    at_least_one_of: list[str] | None = None
    at_least_one_given: list[str] | None = None
    at_most_one_of: list[str] | None = None
    together: NeedsOther | None = None
    items: AtMostItems | None = None
    in_past: str | None = None
    in_future: str | None = None
    exists: Lookup | None = None
    state: StateLookup | None = None
    hint: str | None = None

    @model_validator(mode="after")
    def one_kind(self) -> "Precondition":
        """A precondition that states two rules, or none, cannot be reported clearly."""
        kinds = sorted(self.model_fields_set - {"hint"})
        if len(kinds) != 1:
            raise ValueError(f"a precondition states exactly one rule; this one states {', '.join(kinds) or 'none'}")
        return self

    @property
    def is_live(self) -> bool:
        """Whether the rule needs a request to Klaviyo."""
        return self.exists is not None or self.state is not None


class HttpRequest(Part):
    """A picture of one HTTP request, with `$argument` holes in path, query, headers and body."""

    method: Literal["GET", "POST", "PATCH", "DELETE", "PUT"]
    path: Annotated[str, StringConstraints(pattern=r"^/(api|client)/[^?#]*$")]
    query: dict[str, Any] = {}
    headers: dict[Literal["X-Klaviyo-API-Filters"], Any] = {}
    body: Any = None
    multipart: dict[str, Hole] | None = None


class Choice(Part):
    """What one value of the choosing argument leads to: another action, and the arguments it gets."""

    action: ActionName
    arguments: JSON


class ChooseRequest(Part):
    """An action that picks its operation by the value of one argument."""

    choose: Hole
    among: dict[str, Choice]


class Batch(Part):
    """Run the step once for each slice of at most `size` items of a list; the slice is the hole `$batch`."""

    of: Hole
    size: Annotated[int, Field(ge=1)]


class Match(Part):
    """Compare what a step found with what was looked for: `$step.unmatched` holds the items no record has in `field`.

    Compared without regard to case, since Klaviyo stores e-mail addresses in lower case.
    """

    of: Hole
    field: str


class Step(Part):
    """One step of a composite action.

    A step either runs another action (once, once per batch, or once per item as `$item`) or collects ids from earlier
    steps without duplicates. Later steps see `$name.ids`, `$name.count` and, with `match`, `$name.unmatched`.
    It is skipped, and finds nothing, unless all holes in `when` and none in `unless` are there and not empty.
    """

    name: ActionName
    action: ActionName | None = None
    arguments: JSON = {}
    when: list[Hole] = []
    unless: list[Hole] = []
    batch: Batch | None = None
    each: Hole | None = None
    match: Match | None = None
    collect: list[Hole] | None = None

    @model_validator(mode="after")
    def one_kind(self) -> "Step":
        """A step runs an action or collects ids; batches and single items exclude each other."""
        if (self.action is None) == (self.collect is None):
            raise ValueError("a step has either 'action' or 'collect'")
        if self.batch and self.each:
            raise ValueError("a step has 'batch' or 'each', not both")
        return self


class Caution(Part):
    """A sentence added to the answer when the holes in `when` are all there and not empty."""

    when: list[Hole]
    says: str


class StepsRequest(Part):
    """An action that needs several requests, each by way of another action, and the answer made of them."""

    steps: list[Step]
    answer: JSON
    warnings: list[Caution] = []


def kind_of_request(value: Any) -> str:
    """Which of the three forms a request has, so that errors speak of that form alone."""
    keys: set[str] = set(cast(JSON, value)) if isinstance(value, dict) else set(type(cast(Part, value)).model_fields)
    return next((kind for kind in ("choose", "steps") if kind in keys), "http")


Request = Annotated[
    Annotated[HttpRequest, Tag("http")]
    | Annotated[ChooseRequest, Tag("choose")]
    | Annotated[StepsRequest, Tag("steps")],
    Discriminator(kind_of_request),
]


class Verification(Part):
    """The read action that shows whether an accepted request has been done."""

    action: ActionName
    arguments: JSON = {}


class ResultShape(Part):
    """What comes back.

    `resource` and `collection` are JSON:API data; `identifiers` are ids only; `job` is accepted work with a job record;
    `accepted` is accepted work with an empty body; `done` is finished work with an empty body; `raw` is passed through;
    `composite` is the answer of a `steps` action. `covers` names the argument that holds a report's timeframe: its
    days, time zone and currency are told.
    """

    kind: Literal["resource", "collection", "identifiers", "job", "accepted", "done", "raw", "composite"]
    type: str | None = None
    paged: bool = False
    note: str | None = None
    verify: Verification | None = None
    covers: str | None = None


class Example(Part):
    """One use of the action, in words and arguments. Examples are checked: they must validate and build."""

    when: str
    arguments: JSON


class ActionSpec(Part):
    """One action: everything the registry, the tools, the checks and the documentation know about it.

    `advice` says what to do next after an error of a certain code (`not_found`, `conflict`, …), in place of the general
    advice of that error. `replaces` names endpoints of Klaviyo's retired v1 and v2 API. `overrides` lists facts, as
    dotted paths such as `result.kind`, where Klaviyo's document is wrong: refreshing a spec and the diff leave them.
    `revision` is that of Klaviyo's API which the operation is described by, where it differs from the catalogue's.
    """

    name: ActionName
    title: Annotated[str, StringConstraints(min_length=3, max_length=60)]
    summary: Annotated[str, StringConstraints(min_length=10, max_length=140, pattern=r"^[^\n]*$")]
    description: Annotated[str, StringConstraints(min_length=20, max_length=1500)]
    keywords: list[str] = []
    aliases: list[ActionName] = []
    replaces: list[str] = []
    operation: ActionName | None = None
    revision: Revision | None = None
    effect: Effect
    idempotent: bool
    scopes: list[Annotated[str, StringConstraints(pattern=r"^[a-z-]+:(read|write)$")]] = []
    rate_limit: RateLimit | None = None
    filters: dict[str, FilterField] = {}
    body_conditions: BodyConditions | None = None
    input_schema: JSON
    preconditions: list[Precondition] = []
    request: Request
    result: ResultShape
    advice: dict[str, str] = {}
    overrides: list[str] = []
    examples: list[Example] = []
    toolset: ActionName

    @property
    def properties(self) -> dict[str, JSON]:
        """The schema of each argument, by name."""
        return self.input_schema.get("properties", {})

    @property
    def required(self) -> list[str]:
        """The names of the arguments that must be given."""
        return self.input_schema.get("required", [])

    @cached_property
    def names(self) -> list[str]:
        """The name and all aliases."""
        return [self.name, *self.aliases]


NAME_RULES = {
    "property": re.compile(r"^[a-zA-Z0-9_.-]{1,64}$"),
    "argument": re.compile(r"^_?[a-z][a-z0-9_]{0,63}$"),
}
"""What MCP clients accept as a key of `properties`, and what we use ourselves (`_kx` is Klaviyo's own name)."""
