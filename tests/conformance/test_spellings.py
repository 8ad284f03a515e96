"""Every example of every action, spelt as people spell: the same requests, or a clear error where none is guessed."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.catalogue import REGISTRY
from values import changed

from klaviyo_mcp.actions.engine import Call, Engine
from klaviyo_mcp.actions.errors import InvalidArguments
from klaviyo_mcp.answers.preview import preview
from klaviyo_mcp.registry.model import ActionSpec

JSON = dict[str, Any]
ENGINE = Engine(REGISTRY)
EXAMPLES = [(action.name, at) for action in REGISTRY.actions for at in range(len(action.spec.examples))]


@pytest.mark.parametrize(("name", "index"), EXAMPLES, ids=[f"{name}-{index}" for name, index in EXAMPLES])
def test_another_spelling_is_the_same_call_or_a_clear_refusal(name: str, index: int) -> None:
    spec = REGISTRY[name].spec
    arguments = spec.examples[index].arguments
    meant = _shown(name, arguments)
    read_as = meant.pop("read_as", {})
    for spelling in (_camel_case, _numbers_as_text, _one_for_a_list, _in_capitals, _words_with_commas):
        for spelt in spelling(spec, arguments):
            shown = _shown(name, spelt)
            if spec.effect == "destructive" and "problems" in shown:
                assert all(shown["problems"]), spelling.__name__
            else:
                assert shown.pop("read_as", read_as) != read_as, f"{spelling.__name__} is not told"
                assert shown == meant, spelling.__name__


def _shown(name: str, arguments: JSON) -> JSON:
    """The preview of a call, or the arguments that its refusal names."""
    try:
        return preview(ENGINE.plan(Call(name, arguments))).data
    except InvalidArguments as refused:
        return {"problems": [problem.argument for problem in refused.problems]}


def _camel_case(spec: ActionSpec, arguments: JSON) -> Iterator[JSON]:
    spelt = {re.sub(r"_([a-z0-9])", lambda found: found[1].upper(), name): arguments[name] for name in arguments}
    if spelt.keys() != arguments.keys():
        yield spelt


def _numbers_as_text(spec: ActionSpec, arguments: JSON) -> Iterator[JSON]:
    def spelt(value: Any, schema: JSON) -> Any:
        kinds = schema.get("type")
        if isinstance(value, bool) and kinds in ("boolean", ["boolean", "null"]):
            return str(value).lower()
        return str(value) if isinstance(value, int) and kinds in ("integer", "number", ["integer", "null"]) else value

    yield from _respelt(spec, arguments, spelt)


def _one_for_a_list(spec: ActionSpec, arguments: JSON) -> Iterator[JSON]:
    def spelt(value: Any, schema: JSON) -> Any:
        if isinstance(value, list) and schema.get("type") == "array" and len(value) == 1 and isinstance(value[0], dict):
            return value[0]
        return value

    yield from _respelt(spec, arguments, spelt)


def _in_capitals(spec: ActionSpec, arguments: JSON) -> Iterator[JSON]:
    def spelt(value: Any, schema: JSON) -> Any:
        allowed = [str(item).lower() for item in schema.get("enum", [])]
        if isinstance(value, str) and allowed.count(value.lower()) == 1 and schema["enum"] != [value]:
            return value.upper().replace("_", " ")
        return value

    yield from _respelt(spec, arguments, spelt)


def _words_with_commas(spec: ActionSpec, arguments: JSON) -> Iterator[JSON]:
    def spelt(value: Any, schema: JSON) -> Any:
        inner = schema.get("items", {})
        if isinstance(value, list) and value and schema.get("type") == "array" and "enum" in inner:
            return ", ".join(value) if all(re.fullmatch(r"[\w.$-]+", item) for item in value) else value
        return value

    yield from _respelt(spec, arguments, spelt)


def _respelt(spec: ActionSpec, arguments: JSON, spelt: Callable[[Any, JSON], Any]) -> Iterator[JSON]:
    """The arguments with every value spelt otherwise that can be, if any can; forms of several are left alone."""
    found = changed(arguments, spec.input_schema, spelt)
    if found != arguments:
        yield found
