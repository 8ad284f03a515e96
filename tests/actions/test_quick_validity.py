"""What is quickly found to fit fits, by the library that says why something does not."""

from itertools import product
from typing import Any

import pytest
from tests.catalogue import REGISTRY

from klaviyo_mcp.actions.formats import checks
from klaviyo_mcp.actions.quick_validity import QuickValidity
from klaviyo_mcp.actions.validating import LONGEST_FORMATTED, validator
from klaviyo_mcp.loose_json import JSON

NODE: JSON = {
    "type": "object",
    "properties": {"next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]}},
    "additionalProperties": False,
}
DEFS: JSON = {"node": NODE}
SCHEMAS: list[JSON] = [
    *({}, {"type": "object"}, {"type": ["string", "null"]}, {"type": "integer"}, {"type": "number"}),
    *({"type": "boolean"}, {"type": ["boolean", "integer"]}, {"enum": ["a", None, 1, False]}, {"enum": [0, "1"]}),
    *({"minimum": 1, "maximum": 3}, {"minLength": 1, "maxLength": 2}, {"format": "email"}, {"format": "date-time"}),
    *({"format": "unheard-of"}, {"format": "base64", "contentEncoding": "base64"}, {"pattern": "^[a-b]+\\Z"}),
    *({"items": {"type": "string"}, "minItems": 1, "maxItems": 2}, {"required": ["next"]}, {"const": "a"}),
    *({"properties": {"next": {"type": "null"}}, "additionalProperties": {"type": "integer"}}, {"not": {}}),
    *({"minProperties": 1, "maxProperties": 1}, {"anyOf": [{"type": "string"}, {"required": ["other"]}]}),
    *(
        {"$ref": "#/$defs/node", "$defs": {"node": NODE}},
        {"$ref": "#/$defs/node", "maxProperties": 0, "$defs": {"node": NODE}},
    ),
]
VALUES: list[Any] = [
    *(None, True, False, 0, 1, 1.0, 1.5, 4, -1, "", "a", "1", "abc", "a\n", "a@example.org", "a@@example.org"),
    *("A.b+c@exämple.org", f"{'a' * 65}@example.org", "2026-11-30T09:00:00Z", "YQ==", "a" * (LONGEST_FORMATTED + 1)),
    *([], ["a"], ["a", 1], ["a", "b", "c"], {}, {"next": None}, {"next": {"next": {"next": None}}}),
    *({"next": {"next": {"nxt": None}}}, {"other": 1}, {"other": "1", "next": None}, {"next": []}),
]
LEFT = {"const", "not"}
"""Schemas with one of these are left to the library."""


@pytest.mark.parametrize("schema", SCHEMAS, ids=str)
def test_is_as_the_library_says(schema: JSON) -> None:
    quick, whole = QuickValidity(schema, checks()), validator(schema)
    for value in VALUES:
        fits = quick.fits(value)
        assert fits == (whole.is_valid(value) and LEFT.isdisjoint(schema)), str(value)[:80]


def test_fits_examples_of_every_action_and_none_of_their_wrong_forms() -> None:
    """Examples are what agents send: where these take the long way, something is not known that schemas have."""
    wrong = [{"unheard": 1}, [[]], 10**30, "\x00"]
    for action in REGISTRY.actions:
        schema = action.spec.plain_schema
        quick, whole = QuickValidity(schema, checks(names=True)), validator(schema)
        for example in action.spec.examples[:2]:
            arguments = example.arguments
            assert quick.fits(arguments) == whole.is_valid(arguments), (action.name, arguments)
            for name, value in product(arguments, wrong):
                spoilt = {**arguments, name: value}
                assert not quick.fits(spoilt) or whole.is_valid(spoilt), (action.name, name, value)


def test_nesting_beyond_what_the_interpreter_does_is_left_to_the_library() -> None:
    value: JSON = {}
    for _ in range(100_000):
        value = {"next": value}
    assert not QuickValidity({"$ref": "#/$defs/node", "$defs": DEFS}, checks()).fits(value)
