"""The part of JSON Schema that every client takes: each rule by an example, and every listed schema by all of them."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft7Validator, Draft202012Validator

from klaviyo_mcp.registry.portable import KEYWORDS, OF_TYPE, RULES, portable
from klaviyo_mcp.registry.registry import Registry
from klaviyo_mcp.registry.tool_schema import listed_schema
from klaviyo_mcp.tools.account_argument import with_account

TEXT = {"type": "string"}
DEFINITIONS = {"Word": {"type": "string", "maxLength": 5}, "Person": {"anyOf": [{"$ref": "#/$defs/Word"}]}}
BY_RULE = {
    "_all_of": [
        (
            {"allOf": [{"type": "object", "properties": {"a": TEXT}}, {"properties": {"b": TEXT}, "required": ["b"]}]},
            {"type": "object", "properties": {"b": TEXT, "a": TEXT}, "required": ["b"]},
        )
    ],
    "_requirements": [
        (
            {
                "type": "object",
                "properties": {"a": TEXT, "b": TEXT},
                "anyOf": [{"required": ["a"]}, {"required": ["b"]}],
            },
            {"type": "object", "properties": {"a": TEXT, "b": TEXT}, "description": "At least one of a and b."},
        ),
        (
            {"type": "object", "description": "Who", "oneOf": [{"required": ["a"]}, {"required": ["b", "c"]}]},
            {"type": "object", "description": "Who. Exactly one of a and b with c."},
        ),
        (
            {"type": "object", "description": "Give a or b.", "anyOf": [{"required": ["a"]}, {"required": ["b"]}]},
            {"type": "object", "description": "Give a or b."},
        ),
    ],
    "_forms": [
        ({"anyOf": [{"$ref": "#/$defs/Word"}, {"type": "null"}]}, {"type": "string", "maxLength": 5}),
        ({"description": "Who.", "$ref": "#/$defs/Person"}, {"type": "string", "maxLength": 5, "description": "Who."}),
        (
            {"oneOf": [{"type": "object", "properties": {"a": TEXT}}, {"type": "object", "properties": {"b": TEXT}}]},
            {"anyOf": [{"type": "object", "properties": {"a": TEXT}}, {"type": "object", "properties": {"b": TEXT}}]},
        ),
        ({"anyOf": [{"enum": ["a"]}, {"enum": ["b"]}, {"type": "null"}]}, {"type": "string", "enum": ["a", "b"]}),
        (
            {"type": "object", "description": "D.", "properties": {"a": TEXT}, "anyOf": [{"required": ["a"]}, {}]},
            {
                "description": "D.",
                "anyOf": [
                    {"type": "object", "properties": {"a": TEXT}, "required": ["a"]},
                    {"type": "object", "properties": {"a": TEXT}},
                ],
            },
        ),
    ],
    "_read_only": [
        (
            {"type": "object", "properties": {"id": {**TEXT, "readOnly": True}, "a": TEXT}, "required": ["id", "a"]},
            {"type": "object", "properties": {"a": TEXT}, "required": ["a"]},
        )
    ],
    "_null": [
        ({"type": ["string", "null"], "enum": ["a", None], "default": None}, {"type": "string", "enum": ["a"]}),
    ],
    "_enums": [
        ({"const": "a"}, {"type": "string", "enum": ["a"]}),
        ({"enum": [0, 1, 2, None]}, {"type": "integer", "minimum": 0, "maximum": 2}),
        ({"enum": [1, 5, 50]}, {"type": "integer", "description": "One of 1, 5 and 50."}),
        ({"type": "boolean", "enum": [True]}, {"type": "boolean", "description": "Only true."}),
        ({"enum": ["a", "b", ""]}, {"type": "string", "description": "a or b, or empty text."}),
    ],
    "_one_type": [
        ({"type": ["integer", "null"]}, {"type": "integer"}),
        (
            {"type": ["string", "array"], "maxLength": 9, "items": TEXT, "description": "Ids"},
            {"type": "array", "items": TEXT, "description": "Ids. Or text."},
        ),
        (
            {"type": ["string", "number"], "minimum": 1, "description": "D."},
            {"description": "D.", "anyOf": [{"type": "string"}, {"type": "number", "minimum": 1}]},
        ),
        ({"properties": {"a": TEXT}}, {"type": "object", "properties": {"a": TEXT}}),
        (
            {},
            {"anyOf": [TEXT, {"type": "number"}, {"type": "boolean"}, {"type": "array", "items": TEXT}]},
        ),
    ],
    "_formats": [
        ({"type": "string", "format": "date-time"}, {"type": "string", "format": "date-time"}),
        ({"type": "string", "format": "email"}, TEXT),
        ({"type": "string", "format": "date"}, {"type": "string", "description": "As YYYY-MM-DD."}),
        ({"type": "string", "format": "uri", "description": "A page."}, {"type": "string", "description": "A page."}),
        ({"type": "string", "contentEncoding": "base64"}, {"type": "string", "description": "In base64."}),
    ],
    "_bounds": [
        ({"type": "number", "exclusiveMinimum": 0}, {"type": "number", "description": "More than 0."}),
        ({"type": "string", "pattern": "^(?!x)"}, TEXT),
        ({"type": "string", "pattern": "^a+$"}, {"type": "string", "pattern": "^a+$"}),
    ],
    "_least": [
        ({"type": "string", "minLength": 1, "maxLength": 9}, {"type": "string", "maxLength": 9}),
        ({"type": "array", "items": TEXT, "minItems": 2}, {"type": "array", "items": TEXT, "minItems": 2}),
    ],
    "_holds": [({"type": "array"}, {"type": "array", "items": TEXT})],
    "_default": [
        ({"type": "string", "default": "a"}, {"type": "string", "default": "a"}),
        ({"type": "integer", "default": True}, {"type": "integer"}),
        ({"type": "string", "enum": ["a"], "default": "b"}, {"type": "string", "enum": ["a"]}),
    ],
    "_known": [
        (
            {
                "type": "object",
                "properties": {"a": TEXT},
                "required": ["a", "b"],
                "additionalProperties": False,
                "not": {"required": ["c"]},
                "if": {"required": ["c"]},
                "dependentRequired": {"a": ["b"]},
                "patternProperties": {"^x": TEXT},
                "examples": [{}],
                "$comment": "c",
                "title": "T",
            },
            {"type": "object", "properties": {"a": TEXT}, "required": ["a"]},
        )
    ],
}
"""What becomes of a schema, by the rule that is about it."""


@pytest.mark.parametrize(("rule", "given", "made"), [(rule, *each) for rule in BY_RULE for each in BY_RULE[rule]])
def test_a_rule_makes_a_schema_portable(rule: str, given: dict[str, Any], made: dict[str, Any]) -> None:
    assert portable(given, DEFINITIONS) == made
    assert portable(made, DEFINITIONS) == made, "a portable schema stays as it is"


def test_every_rule_has_its_reason_and_its_example() -> None:
    assert [rule.change.__name__ for rule in RULES] == list(BY_RULE)
    assert all(rule.makes and rule.why for rule in RULES)


def parts(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A listed schema and all that is in it."""
    yield schema
    inner = [*schema.get("properties", {}).values(), *schema.get("anyOf", [])]
    for part in [*inner, *([schema["items"]] if "items" in schema else [])]:
        yield from parts(part)


def faults(part: dict[str, Any]) -> Iterator[str]:
    """What some client would refuse in a schema, without its parts."""
    kind = part.get("type")
    if strange := part.keys() - KEYWORDS:
        yield f"keywords {sorted(strange)}"
    if "anyOf" in part:
        if part.keys() - {"anyOf", "description"} or len(part["anyOf"]) < 2:
            yield "anyOf beside something else, or of one form"
    elif kind not in OF_TYPE:
        yield f"type {kind!r}"
    elif strange := part.keys() - {"type", "description", "default", *OF_TYPE[kind]}:
        yield f"{sorted(strange)} of {kind}"
    if kind == "array" and not part.get("items"):
        yield "a list of what is not said"
    if not all(isinstance(value, str) and value for value in part.get("enum", ["x"])) or part.get("enum") == []:
        yield f"enum {part['enum']}"
    if "default" in part and part["default"] is None:
        yield "null as default"
    if part.get("format", "date-time") != "date-time":
        yield f"format {part['format']}"
    if not all(re.fullmatch(r"[a-zA-Z0-9.-][a-zA-Z0-9_.-]{0,63}", name) for name in part.get("properties", {})):
        yield f"names {list(part['properties'])}"
    if not set(part.get("required", [])) <= part.get("properties", {}).keys():
        yield f"required {part['required']}"


def depth(schema: dict[str, Any]) -> int:
    inner = [*schema.get("properties", {}).values(), *schema.get("anyOf", []), *[schema.get("items", {})]]
    return 1 + max((depth(part) for part in inner if part), default=0)


@pytest.fixture(scope="module", params=["one account", "several accounts"])
def listings(request: pytest.FixtureRequest, registry: Registry) -> dict[str, dict[str, Any]]:
    """Every listed schema by the name of its action, as a server of one and of several accounts lists it."""
    schemas = {action.name: listed_schema(action.spec) for action in registry.actions}
    if request.param == "several accounts":
        return {name: with_account(schema, ["shop", "outlet"], None) for name, schema in schemas.items()}
    return schemas


def test_no_listed_schema_breaks_a_rule(listings: dict[str, dict[str, Any]]) -> None:
    found = [
        f"{name}: {fault}" for name, schema in listings.items() for part in parts(schema) for fault in faults(part)
    ]
    assert found == []


def test_the_root_is_a_plain_object(listings: dict[str, dict[str, Any]]) -> None:
    for name, schema in listings.items():
        assert schema["type"] == "object", name
        assert schema.keys() <= {"type", "properties", "required"}, name
        assert depth(schema) <= 10, f"{name}: OpenAI's strict mode takes ten levels"


def test_every_listed_schema_is_valid_by_the_drafts_that_clients_read(listings: dict[str, dict[str, Any]]) -> None:
    for schema in listings.values():
        Draft202012Validator.check_schema(schema)
        Draft7Validator.check_schema(schema)


def test_every_example_is_valid_by_the_listed_schema(registry: Registry) -> None:
    """Clients that check calls by what is listed let through what the catalogue itself shows, but for told text."""
    refused = [
        f"{action.name} ({example.when}): {error.message}"
        for action in registry.actions
        for example in action.spec.examples
        for error in Draft202012Validator(listed_schema(action.spec)).iter_errors(example.arguments)
        if not (isinstance(error.instance, str) and "Or text" in error.schema.get("description", ""))
        and error.instance is not None  # what is cleared
    ]
    assert refused == []
