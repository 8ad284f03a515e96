"""Every way of getting an argument wrong is refused before anything is sent, by an error that names the argument.

Each tool is called with everything given and one thing wrong, for each of its arguments and the fields inside them.
"""

import copy
import re
from collections.abc import Iterator, Sequence
from typing import Any

import httpx2
import pytest
from tests.catalogue import REGISTRY
from values import everything

from klaviyo_mcp.accounts.facts import AccountFacts
from klaviyo_mcp.accounts.glimpses import Glimpses
from klaviyo_mcp.actions.engine import Call, Engine
from klaviyo_mcp.actions.errors import InvalidArguments, Problem
from klaviyo_mcp.klaviyo.client import KlaviyoClient
from klaviyo_mcp.klaviyo.credentials import ApiKeyAuth
from klaviyo_mcp.klaviyo.errors import PermissionDenied
from klaviyo_mcp.klaviyo.pool import HttpPool
from klaviyo_mcp.registry.model import ActionSpec

JSON = dict[str, Any]
ENGINE = Engine(REGISTRY)
NAMES = sorted(action.name for action in REGISTRY.actions)
FREE = {"type", "description", "minLength", "maxLength"}
"""What the schema of a text says that may be any text."""
DEEPEST = 2
"""How many levels of fields inside an argument are tried."""
OF_TYPE: dict[str, Any] = {
    "string": "no such value",
    "integer": 7,
    "number": 0.5,
    "boolean": True,
    "array": [[]],
    "object": {"no_such_key": 1},
}
MISSING = object()
Wrong = tuple[tuple[str | int, ...], str, Any]
"""A place in the arguments, what the error must name, and what is put there."""


def _out_of_reach(request: httpx2.Request) -> httpx2.Response:
    assert request.method == "GET", "the call went on to Klaviyo"
    raise httpx2.ConnectError("nothing is there", request=request)


POOL = HttpPool(httpx2.MockTransport(_out_of_reach))


class NobodysAccount:
    """An account that allows everything and answers nothing: only a look for what bears a name may reach its client."""

    @property
    def access(self) -> "NobodysAccount":
        return self

    def denial(self, action: str, needed: Sequence[str]) -> None:
        return None

    async def learn(self, action: str, needed: Sequence[str], error: PermissionDenied) -> None:
        raise AssertionError("the call was answered by Klaviyo")

    @property
    def glimpses(self) -> Glimpses:
        return Glimpses()

    @property
    def facts(self) -> AccountFacts:
        return AccountFacts()

    @property
    def client(self) -> KlaviyoClient:
        return KlaviyoClient(ApiKeyAuth("pk_x"), POOL, base_url="http://nowhere")


@pytest.mark.parametrize("name", NAMES)
async def test_an_unknown_argument_is_refused_by_name(name: str) -> None:
    spec = REGISTRY[name].spec
    arguments = everything(spec, 1)[0]
    assert "no_such_argument" in await _named(name, {**arguments, "no_such_argument": 1})


@pytest.mark.parametrize("name", [name for name in NAMES if REGISTRY[name].spec.required])
async def test_a_missing_argument_is_asked_for_by_name(name: str) -> None:
    spec = REGISTRY[name].spec
    arguments = everything(spec, 1)[0]
    for missing in spec.required:
        named = await _named(name, {key: value for key, value in arguments.items() if key != missing})
        assert named == [missing]
    assert sorted(await _named(name, {})) == sorted(spec.required)


@pytest.mark.parametrize("name", [name for name in NAMES if REGISTRY[name].spec.properties])
async def test_a_wrong_value_is_refused_with_its_place_and_a_form_that_is_right(name: str) -> None:
    spec = REGISTRY[name].spec
    arguments = everything(spec, 1)[0]
    unnamed: list[str] = []
    silent: list[str] = []
    tried = list(_all_wrong(spec, arguments))
    assert tried
    for place, wanted, value in tried:
        problems = await _problems(name, _put(arguments, place, value))
        found = [problem for problem in problems if problem.argument.startswith(wanted)]
        silent += [str(problem) for problem in found if not _helps(problem)]
        # Empty text asks for nothing, as clients send it for what is not set.
        absent = value == "" and spec.effect == "read" and len(place) == 1 and place[0] not in spec.required
        if not found and not absent:
            named = [problem.argument for problem in problems]
            unnamed.append(f"{value!r:.80} in {wanted} is blamed on {named or 'nothing'}")
    assert not unnamed, "\n".join(unnamed)
    assert not silent, "\n".join(silent)


@pytest.mark.parametrize("name", [name for name in NAMES if REGISTRY[name].spec.filters])
@pytest.mark.parametrize(
    "filter_given",
    [
        'equals(no_such_field,"a")',
        [{"field": "no_such_field", "operator": "equals", "value": "a"}],
        "equals(",
        [{"field": "no_such_field"}],
    ],
)
async def test_a_wrong_filter_is_refused_as_the_filter(name: str, filter_given: Any) -> None:
    arguments = everything(REGISTRY[name].spec, 1)[0]
    named = await _named(name, {**arguments, "filter": filter_given})
    assert named
    assert all(found.startswith("filter") for found in named)


@pytest.mark.parametrize("name", [name for name in NAMES if REGISTRY[name].spec.filters])
async def test_a_wrong_operator_is_refused_as_the_filter(name: str) -> None:
    spec = REGISTRY[name].spec
    arguments = everything(spec, 1)[0]
    for field in spec.filters:
        condition = {"field": field, "operator": "no-such-operator", "value": "a"}
        assert await _named(name, {**arguments, "filter": [condition]}) == ["filter[0]"]


async def _named(name: str, arguments: JSON) -> list[str]:
    """The arguments that the refusal of a call names; empty when the call is not refused as it should be."""
    return [problem.argument for problem in await _problems(name, arguments)]


async def _problems(name: str, arguments: JSON) -> list[Problem]:
    try:
        await ENGINE.run(Call(name, arguments), NobodysAccount())
    except InvalidArguments as refused:
        return list(refused.problems)
    except Exception as other:  # noqa: BLE001 - whatever else happens is reported as what it is
        return [Problem(f"({type(other).__name__}: {other})"[:200], "")]
    return []


def _helps(problem: Problem) -> bool:
    """Whether a problem shows what is right: in its own words (a type, a bound), or by how to mend it."""
    says = problem.problem.startswith(("must be", "must have", "is required"))
    return says or bool(problem.fix) or ", such as " in problem.problem


def _all_wrong(spec: ActionSpec, arguments: JSON) -> Iterator[Wrong]:
    definitions = spec.input_schema.get("$defs", {})
    for name, schema in spec.properties.items():
        if name in arguments:
            yield from _wrong(schema, definitions, arguments[name], (name,), DEEPEST)


def _wrong(schema: JSON, definitions: JSON, value: Any, place: tuple[str | int, ...], levels: int) -> Iterator[Wrong]:
    if "$ref" in schema:
        schema = {**definitions[schema["$ref"].rsplit("/", 1)[-1]], **schema}
    wanted = _text(place)
    for wrong in _wrong_values(schema, value):
        yield place, wanted, wrong
    if levels == 0 or wanted == "filter":
        return
    if isinstance(value, dict) and "properties" in schema:
        # An object may have any of several forms; which of them is meant is not for this test to say.
        for name in schema.get("required", []) if "anyOf" not in schema else []:
            if name in value:
                yield (*place, name), f"{wanted}.{name}", MISSING
        if schema.get("additionalProperties") is False and "maxProperties" not in schema:
            yield (*place, "no_such_key"), f"{wanted}.no_such_key", 1
        for name, inner in schema["properties"].items():
            if name in value:
                yield from _wrong(inner, definitions, value[name], (*place, name), levels - 1)
    if isinstance(value, list) and value and isinstance(schema.get("items"), dict):
        yield from _wrong(schema["items"], definitions, value[0], (*place, 0), levels - 1)


def _wrong_values(schema: JSON, value: Any) -> Iterator[Any]:
    kinds = schema.get("type")
    if kinds is not None:
        kinds = {kinds} if isinstance(kinds, str) else set(kinds)
        taken = kinds | ({"integer"} if "number" in kinds else set())
        # A number is read as the text of it, and one object as a list of one; what is in it is then looked at.
        taken |= {"integer", "number"} if "string" in kinds and "enum" not in schema else set()
        taken |= {"object"} if "array" in kinds else set()
        inner = schema.get("items", {})
        # One text for a list of texts is a list of one.
        taken |= {"string", "integer"} if inner.get("type") == "string" and inner.keys() <= FREE else set()
        yield from (wrong for kind, wrong in OF_TYPE.items() if kind not in taken)
    elif "anyOf" in schema and not any("string" in str(branch.get("type", "string")) for branch in schema["anyOf"]):
        yield OF_TYPE["string"]
    if "enum" in schema:
        yield from (OF_TYPE[kind] for kind in ("string", "integer") if kinds is None or kind in kinds)
    elif isinstance(value, str):
        if "format" in schema or not re.search(schema.get("pattern", ""), OF_TYPE["string"]):
            yield OF_TYPE["string"]
        if schema.get("minLength", 0) > 0:
            yield "x" * (schema["minLength"] - 1)
        if "maxLength" in schema:
            yield "x" * (schema["maxLength"] + 1)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield from (schema[bound] + step for bound, step in (("minimum", -1), ("maximum", 1)) if bound in schema)
    elif isinstance(value, list) and value:
        if schema.get("minItems", 0) > 0:
            yield value[:1] * (schema["minItems"] - 1)
        if "maxItems" in schema:
            yield value[:1] * (schema["maxItems"] + 1)


def _text(place: tuple[str | int, ...]) -> str:
    """A place as problems name it: `profiles[0].email`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place).lstrip(".")


def _put(arguments: JSON, place: tuple[str | int, ...], value: Any) -> JSON:
    """A copy of the arguments with another value at a place."""
    changed: Any = copy.deepcopy(arguments)
    holder = changed
    for part in place[:-1]:
        holder = holder[part]
    if value is MISSING:
        del holder[place[-1]]
    else:
        holder[place[-1]] = value
    return changed
