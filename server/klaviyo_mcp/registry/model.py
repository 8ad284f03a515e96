"""The model of a spec file: one pydantic class per part of the YAML, each refusing keys it does not know.

Only shapes and rules that concern one file live here. Rules that look across files are in `authoring.rules`.
"""

import re
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    model_validator,
)

from klaviyo_mcp.loose_json import JSON, mapping
from klaviyo_mcp.registry.consequences import Consequences, EffectWhen
from klaviyo_mcp.registry.engine_arguments import engine_arguments
from klaviyo_mcp.registry.holes import hole
from klaviyo_mcp.registry.id_forms import ID_FORMS
from klaviyo_mcp.registry.notes import Advice, Condition, Hole, Note
from klaviyo_mcp.registry.nulls import without_null
from klaviyo_mcp.registry.part import STRICT, ActionName, OperationName
from klaviyo_mcp.registry.places import Place
from klaviyo_mcp.registry.precondition import Precondition
from klaviyo_mcp.registry.steps import StepsRequest

Ask = Annotated[str, StringConstraints(min_length=2, max_length=160, pattern=r"^[^\n]*$")]
Effect = Literal["read", "write", "destructive"]
Confirm = Literal["destructive", "writes", "never"]
"""Which calls wait for a yes before they are carried out."""

DefaultFinder = Literal["revenue_metric"]
"""What can be found in an account for an argument that is left out; `actions.defaults` says how."""

Rate = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]*/[smd]$")]
Revision = Annotated[
    str,
    StringConstraints(pattern=r"^20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])(\.pre)?$"),
]


def _is_form(name: str) -> str:
    if name not in ID_FORMS:
        raise ValueError(f"{name!r} is no form of ids; there are {', '.join(ID_FORMS)}")
    return name


IdFormat = Annotated[
    str, AfterValidator(_is_form), Field(json_schema_extra=lambda schema: schema.update(enum=[*ID_FORMS]))
]


class Part(BaseModel):
    """Base of every part of a spec."""

    model_config = STRICT


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


class ServiceRequest(Part):
    """An action that this server carries out itself, by its service of that name; no request is made of it.

    One that `waits` is shown first and needs a yes whatever its effect is, unless the server asks for none at all.
    """

    service: ActionName
    waits: bool = False


def kind_of_request(value: Any) -> str:
    """Which of the four forms a request has, so that errors speak of that form alone."""
    keys = value.model_fields_set if isinstance(value, BaseModel) else mapping(value)
    return next((kind for kind in ("choose", "steps", "service") if kind in keys), "http")


Request = Annotated[
    Annotated[HttpRequest, Tag("http")]
    | Annotated[ChooseRequest, Tag("choose")]
    | Annotated[StepsRequest, Tag("steps")]
    | Annotated[ServiceRequest, Tag("service")],
    Discriminator(kind_of_request),
]


class Verification(Part):
    """The read action that shows whether a request has been done, from what was sent; `when` says for which calls."""

    when: Condition = Condition()
    action: ActionName
    arguments: JSON = {}


class Ending(Part):
    """The call that ends a job which an action started; `$job` in its arguments is the job."""

    action: ActionName
    arguments: JSON


class ResultShape(Part):
    """What comes back.

    `resource` and `collection` are JSON:API data; `identifiers` are ids only; `job` is accepted work with a job record;
    `accepted` is accepted work with an empty body; `done` is finished work with an empty body; `raw` is passed through;
    `composite` is the answer of a `steps` action, or of a service. `rows` names the attribute of a report that holds
    its rows, `covers` the argument that holds its timeframe: its days, time zone and currency are told. A `report` can
    be drawn: `klaviyo_mcp/reports/layouts.yaml` says how.

    `note` is always told, each of `notes` when its condition holds. Of several `verify` the first whose condition holds
    is offered. `ends` is what ends the `job`, where Klaviyo has something that does.
    """

    kind: Literal["resource", "collection", "identifiers", "job", "accepted", "done", "raw", "composite"]
    type: str | None = None
    paged: bool = False
    rows: str | None = None
    covers: str | None = None
    report: bool = False
    note: str | None = None
    notes: list[Note] = []
    verify: Verification | list[Verification] | None = None
    ends: Ending | None = None

    @property
    def verifications(self) -> list[Verification]:
        """The reads that may be offered, in order."""
        return self.verify if isinstance(self.verify, list) else [self.verify] if self.verify else []


class Clearing(Part):
    """What null does to fields that exist, where it is not what it usually is.

    `inside` names the objects that are changed field by field, so that null empties a field: `profiles[]`, or nothing
    between the quotes for the arguments themselves, as every PATCH has it unless it says otherwise. `never` names the
    fields, such as `location.city`, that null leaves alone. For the properties in `null_counts`, by their own names at
    any depth, null is a value that is sent.
    """

    inside: list[Literal[""] | Place] | None = None
    never: list[str] = []
    null_counts: list[str] = []


class Example(Part):
    """One use of the action, in words and arguments. Examples are checked: they must validate and build."""

    when: str
    arguments: JSON


class ActionSpec(Part):
    """One action: everything the registry, the tools, the checks and the documentation know about it.

    `advice` says what to do next after an error of a certain code (`not_found`, `conflict`, …), in place of the general
    advice of that error; as a list it may look at the error's pointer and detail too. `replaces` names endpoints of
    Klaviyo's retired v1 and v2 API. `overrides` lists facts, as dotted paths such as `result.kind`, where Klaviyo's
    document is wrong: refreshing a spec and the diff leave them.
    `asks` are ways in which people ask for it, for search alone.
    `effect_when` says which arguments make a call stronger, `consequences` what is told before it is confirmed.
    `idempotency_key` is the place of what makes Klaviyo count a repetition once, such as `events[].unique_id`.
    `defaults` names, for arguments that may be left out, what is then found in the account.
    `revision` is that of Klaviyo's API which the operation is described by, where it differs from the catalogue's.
    `provenance` says what its facts come from, where that is not Klaviyo's document of that revision.
    """

    name: ActionName
    title: Annotated[str, StringConstraints(min_length=3, max_length=60)]
    summary: Annotated[str, StringConstraints(min_length=10, max_length=140, pattern=r"^[^\n]*$")]
    description: Annotated[str, StringConstraints(min_length=20, max_length=1500)]
    keywords: list[str] = []
    asks: list[Ask] = []
    aliases: list[OperationName] = []
    replaces: list[str] = []
    operation: OperationName | None = None
    revision: Revision | None = None
    provenance: str | None = None
    effect: Effect
    effect_when: list[EffectWhen] = []
    consequences: Consequences = Consequences()
    idempotent: bool
    idempotency_key: Place | None = None
    scopes: list[Annotated[str, StringConstraints(pattern=r"^[a-z-]+:(read|write)$")]] = []
    rate_limit: RateLimit | None = None
    filters: dict[str, FilterField] = {}
    body_conditions: BodyConditions | None = None
    input_schema: JSON
    clearing: Clearing = Clearing()
    defaults: dict[str, DefaultFinder] = {}
    preconditions: list[Precondition] = []
    request: Request
    result: ResultShape
    advice: dict[str, str] | list[Advice] = {}
    overrides: list[str] = []
    examples: list[Example] = []
    toolset: ActionName

    @model_validator(mode="before")
    @classmethod
    def takes_what_the_engine_uses(cls, spec: Any) -> Any:
        """The arguments that the engine alone uses, by what the action is."""
        given, schema = mapping(spec), mapping(mapping(spec).get("input_schema"))
        own = engine_arguments(given) if schema else {}
        if not own:
            return spec
        return {**given, "input_schema": {**schema, "properties": {**mapping(schema.get("properties")), **own}}}

    @cached_property
    def fields_argument(self) -> str | None:
        """The argument that `fields` is asked of Klaviyo with, None for what takes no `fields`."""
        if not isinstance(self.request, HttpRequest) or "fields" not in self.properties:
            return None
        return hole(self.request.query.get(f"fields[{self.result.type}]"))

    @property
    def is_scarce(self) -> bool:
        """Whether this reads and has a daily limit: its answers are kept for a while."""
        return self.effect == "read" and self.rate_limit is not None and self.rate_limit.daily is not None

    @cached_property
    def plain_schema(self) -> JSON:
        """The `input_schema` without null for what may be absent: what agents read, and arguments must fit."""
        return without_null(self.input_schema, self.clearing.null_counts)

    @property
    def properties(self) -> dict[str, JSON]:
        """The schema of each argument, by name."""
        return self.input_schema.get("properties", {})

    @property
    def required(self) -> list[str]:
        """The names of the arguments that must be given."""
        return self.input_schema.get("required", [])

    @cached_property
    def advices(self) -> list[Advice]:
        """All advice in order, whichever way it is written."""
        if isinstance(self.advice, list):
            return self.advice
        return [Advice(code=code, says=text) for code, text in self.advice.items()]

    @cached_property
    def names(self) -> list[str]:
        """The name and all aliases."""
        return [self.name, *self.aliases]


NAME_RULES = {
    "property": re.compile(r"^[a-zA-Z0-9.-][a-zA-Z0-9_.-]{0,63}$"),
    "argument": re.compile(r"^[a-z][a-z0-9_]{0,63}$"),
}
"""What MCP clients accept as a key of `properties`, and what we use ourselves.

Clients that make a pydantic model of a schema load no tool at all of a server where one name begins with `_`.
"""
