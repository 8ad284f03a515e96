"""What can be emptied by name, and what agents are told of null: derived from every spec as its file has it."""

import json

import pytest
from tests.catalogue import CATALOGUE

from klaviyo_mcp.registry.clearing import as_written, clearable, with_clear
from klaviyo_mcp.registry.loading import CHECKOUT_SPECS, load_file, spec_files
from klaviyo_mcp.registry.model import ActionSpec
from klaviyo_mcp.registry.nulls import without_null
from klaviyo_mcp.registry.schema_form import form_at

SPECS = {spec.name: spec for spec in CATALOGUE}
NULLABLE = {"type": ["string", "null"]}


def patching(**changes: object) -> ActionSpec:
    properties = {
        "id": {"type": "string"},
        "name": {"type": ["string", "null"], "description": "A name."},
        "place": {"anyOf": [{"$ref": "#/$defs/Place"}, {"type": "null"}]},
        "shape": {"anyOf": [{"type": "object", "properties": {"a": NULLABLE}}, {"type": "string"}]},
        "asked": NULLABLE,
        "added": NULLABLE,
    }
    return ActionSpec.model_validate(
        {
            "name": "update_thing",
            "title": "Update a thing",
            "summary": "An action for a test.",
            "description": "Only there for a test.",
            "effect": "write",
            "idempotent": True,
            "input_schema": {
                "type": "object",
                "properties": properties,
                "required": ["id"],
                "additionalProperties": False,
                "$defs": {
                    "Place": {"type": "object", "properties": {"city": NULLABLE, "in": {"$ref": "#/$defs/Place"}}}
                },
            },
            "request": {
                "method": "PATCH",
                "path": "/api/things/$id",
                "query": {"asked": "$asked"},
                "body": {
                    "data": {
                        "id": "$id",
                        "attributes": {"name": "$name", "place": "$place", "shape": "$shape"},
                        "meta": {"added": "$added"},
                    }
                },
            },
            "result": {"kind": "done"},
            "toolset": "tests",
            **changes,
        }
    )


def test_what_a_patch_sends_as_nullable_attributes_can_be_cleared_by_name() -> None:
    spec = with_clear(patching())
    assert clearable(spec.input_schema) == ["name", "place", "place.city"]
    assert list(spec.properties) == ["id", "name", "place", "clear", "shape", "asked", "added"]
    assert spec.clearing.inside == [""]


@pytest.mark.parametrize(
    ("clearing", "names"),
    [
        ({"never": ["name"]}, ["place", "place.city"]),
        ({"never": ["place"]}, ["name"]),
        ({"never": ["place.city"]}, ["name", "place"]),
        ({"inside": []}, []),
        ({"inside": ["place"]}, []),
    ],
)
def test_a_spec_says_where_the_rule_is_wrong(clearing: dict[str, object], names: list[str]) -> None:
    assert clearable(with_clear(patching(clearing=clearing)).input_schema) == names


def test_another_method_clears_only_where_its_spec_says_so() -> None:
    request = {**patching().model_dump(exclude_unset=True)["request"], "method": "POST"}
    assert not clearable(with_clear(patching(request=request)).input_schema)
    assert clearable(with_clear(patching(request=request, clearing={"inside": [""]})).input_schema)


def test_what_is_added_can_be_taken_away_again() -> None:
    for written in map(load_file, spec_files(CHECKOUT_SPECS)):
        assert as_written(with_clear(written)).input_schema == written.input_schema


def test_null_is_left_where_it_is_the_only_way_to_say_none() -> None:
    schema = {
        "type": "object",
        "properties": {
            "must": NULLABLE,
            "may": {"type": ["string", "null"], "enum": ["a", None]},
            "next": NULLABLE,
            "form": {"description": "Words.", "anyOf": [{"type": "integer"}, {"type": "null"}]},
            "properties": {"type": ["object", "null"], "properties": {"type": NULLABLE}},
        },
        "required": ["must"],
    }
    assert without_null(schema, ["next"])["properties"] == {
        "must": NULLABLE,
        "may": {"type": "string", "enum": ["a"]},
        "next": NULLABLE,
        "form": {"description": "Words.", "type": "integer"},
        "properties": {"type": "object", "properties": {"type": {"type": "string"}}},
    }


def test_no_form_of_an_argument_that_may_be_absent_speaks_of_null() -> None:
    for spec in SPECS.values():
        for name in spec.properties:
            if name not in spec.required and "$ref" not in json.dumps(spec.properties[name]):
                assert "null" not in json.dumps(form_at(spec, name)["examples"]), (spec.name, name)
                assert '"null"' not in json.dumps(form_at(spec, name)), (spec.name, name)
