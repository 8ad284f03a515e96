"""Every example of every action in the forms that clients send: the same requests, whatever the form.

Strict clients send null for what is not set; others send lists and objects as JSON in a text, and ids as numbers.
"""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.catalogue import REGISTRY
from values import changed

from klaviyo_mcp.actions.argument_names import CLIENTS_OWN, OWN_IDS, is_exact
from klaviyo_mcp.actions.engine import Call, Engine
from klaviyo_mcp.answers.preview import preview
from klaviyo_mcp.registry.holes import holes
from klaviyo_mcp.registry.references import resolved
from klaviyo_mcp.registry.registry import Action

JSON = dict[str, Any]
ENGINE = Engine(REGISTRY)
EXAMPLES = [(action.name, at) for action in REGISTRY.actions for at in range(len(action.spec.examples))]
TOLD = ("read_as", "notes")
"""What a preview says of how arguments were read."""


@pytest.mark.parametrize(("name", "index"), EXAMPLES, ids=[f"{name}-{index}" for name, index in EXAMPLES])
def test_each_form_makes_the_same_request(name: str, index: int) -> None:
    action = REGISTRY[name]
    arguments = action.spec.examples[index].arguments
    meant = _requests(name, arguments)
    for form in FORMS:
        given = form(action, arguments)
        if given != arguments:
            assert _requests(name, given) == meant, form.__name__


def _requests(name: str, arguments: JSON) -> JSON:
    """What a call would send, and what it would clear. Raises what refuses it."""
    shown = preview(ENGINE.plan(Call(name, arguments))).data
    told = {key: value for key, value in shown.items() if key not in TOLD}
    # Each plan has an idempotency key of its own.
    return json.loads(re.sub("mcp-[0-9a-f]{32}", "mcp-KEY", json.dumps(told)))


def _null_for_what_is_absent(action: Action, arguments: JSON) -> JSON:
    """At every depth of what the schema describes, as strict clients send it."""

    def filled(value: Any, schema: JSON) -> Any:
        if isinstance(value, dict) and schema.get("additionalProperties") is False:
            missing = [key for key in schema.get("properties", {}) if key not in value]
            return {**dict.fromkeys(missing), **value}
        return value

    absent = [key for key in action.spec.properties if key not in arguments]
    return {**dict.fromkeys(absent), **changed(arguments, action.spec.plain_schema, filled)}


def _null_as_a_word(action: Action, arguments: JSON) -> JSON:
    """For what is no text, or text out of a few, or no more than a question: there the word can mean nothing else."""
    return {**dict.fromkeys(_plainly_absent(action, arguments), "null"), **arguments}


def _empty_text(action: Action, arguments: JSON) -> JSON:
    asked = {name.partition(".")[0] for name in holes(action.http.query)} if action.http else set[str]()
    texts = [
        name
        for name in action.spec.properties
        if name not in arguments and (name in asked or name.endswith("_id")) and name not in OWN_IDS
        if not is_exact(action, name)
    ]
    return {**dict.fromkeys(texts, ""), **arguments}


def _plainly_absent(action: Action, arguments: JSON) -> Iterator[str]:
    for name, rule in action.spec.plain_schema["properties"].items():
        schema = resolved(rule, _definitions(action))
        if name not in arguments and not is_exact(action, name) and ("enum" in schema or "string" not in str(schema)):
            yield name


def _json_in_text(action: Action, arguments: JSON) -> JSON:
    return {name: _packed(value) for name, value in arguments.items()}


def _json_one_level_deeper(action: Action, arguments: JSON) -> JSON:
    def inside(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: _packed(inner) for key, inner in value.items()}
        return [_packed(inner) for inner in value] if isinstance(value, list) else value

    return {name: inside(value) if _is_described(action, name, value) else value for name, value in arguments.items()}


def _json_at_both_levels(action: Action, arguments: JSON) -> JSON:
    return _json_in_text(action, _json_one_level_deeper(action, arguments))


def _numbers_for_ids(action: Action, arguments: JSON) -> JSON:
    def number(value: Any, schema: JSON) -> Any:
        kinds = {schema.get("type")} if isinstance(schema.get("type"), str) else set(schema.get("type", []))
        plain = isinstance(value, str) and value.isdecimal() and str(int(value)) == value
        return int(value) if plain and "string" in kinds and not kinds & {"integer", "number"} else value

    return changed(arguments, action.spec.plain_schema, number)


def _text_for_plain_values(action: Action, arguments: JSON) -> JSON:
    def text(value: Any, schema: JSON) -> Any:
        is_plain = isinstance(value, bool | int | float) and "string" not in str(schema.get("type", "string"))
        return str(value) if is_plain else value

    return changed(arguments, action.spec.plain_schema, text)


def _one_for_a_list(action: Action, arguments: JSON) -> JSON:
    def single(value: Any, schema: JSON) -> Any:
        one = isinstance(value, list) and len(value) == 1 and schema.get("type") == "array"
        return value[0] if one and "," not in str(value[0]) else value

    return {
        name: value if is_exact(action, name) else changed({name: value}, action.spec.plain_schema, single)[name]
        for name, value in arguments.items()
    }


def _additions(action: Action, arguments: JSON) -> JSON:
    return {**dict.fromkeys(CLIENTS_OWN, "call_1"), **arguments}


FORMS: list[Callable[[Action, JSON], JSON]] = [
    _null_for_what_is_absent,
    _null_as_a_word,
    _empty_text,
    _json_in_text,
    _json_one_level_deeper,
    _json_at_both_levels,
    _numbers_for_ids,
    _text_for_plain_values,
    _one_for_a_list,
    _additions,
]


def _packed(value: Any) -> Any:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _is_described(action: Action, name: str, value: Any) -> bool:
    """Whether a schema says what is inside a value; in an object that holds anything, text stays text."""
    schema = resolved(action.spec.properties[name], _definitions(action))
    return not isinstance(value, dict) or "properties" in schema or "anyOf" in schema or "oneOf" in schema


def _definitions(action: Action) -> JSON:
    return action.spec.input_schema.get("$defs", {})
