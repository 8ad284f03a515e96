"""What an agent is shown of a schema, and where the rest is."""

import pytest

from klaviyo_mcp.registry.model import ActionSpec
from klaviyo_mcp.registry.registry import Registry
from klaviyo_mcp.registry.tool_schema import (
    LARGEST_PROPERTY,
    LONGEST_ENUM,
    brief_schema,
    listed_schema,
    sparse_fieldsets,
)


def listed(registry: Registry, name: str) -> dict:
    return listed_schema(registry[name].spec)["properties"]


def test_every_argument_is_listed_and_none_is_large(registry: Registry) -> None:
    for action in registry.actions:
        properties = listed(registry, action.name)
        left_out = sparse_fieldsets(action.spec)
        assert list(properties) == [name for name in action.spec.properties if name not in left_out]
        assert not left_out or action.effect != "read" or "fields" in properties
        for name, part in properties.items():
            assert len(str(part)) <= LARGEST_PROPERTY, (action.name, name)


def test_an_argument_in_few_words_keeps_its_type(registry: Registry) -> None:
    """Clients that make a model of a schema load no tool at all where one argument has none."""
    for action in registry.actions:
        whole = listed(registry, action.name)
        for name, part in brief_schema(action.spec, 100_000)[0]["properties"].items():
            forms = part.get("anyOf", [part])
            assert {form["type"] for form in forms} == {
                form["type"] for form in whole[name].get("anyOf", [whole[name]])
            }
            assert all("items" in form for form in forms if form["type"] == "array"), (action.name, name)


def test_long_enumerations_are_left_out(registry: Registry) -> None:
    assert "enum" not in listed(registry, "query_campaign_values")["timeframe"]["anyOf"][0]["properties"]["key"]
    assert len(listed(registry, "get_lists")["sort"]["enum"]) <= LONGEST_ENUM


def test_what_is_cut_short_names_its_keys(registry: Registry) -> None:
    definition = listed(registry, "create_flow")["definition"]
    assert definition["type"] == "object"
    assert "Keys: triggers, actions" in definition["description"]
    (messages,) = (listed(registry, "create_campaign")[name]["items"] for name in ("messages",))
    assert messages["description"].startswith("Keys: channel")


@pytest.mark.parametrize(
    ("action", "path", "kind"),
    [
        ("bulk_import_profiles", ["profiles", "items"], "object"),
        ("bulk_update_catalog_items", ["items", "items"], "object"),
        ("bulk_create_events", ["groups", "items", "properties", "events", "items"], "object"),
        ("create_object_type", ["object_schema", "properties", "required", "items"], "string"),
    ],
)
def test_a_list_that_is_cut_short_still_says_what_it_holds(registry, action, path, kind) -> None:
    part = listed(registry, action)
    for key in path:
        part = part[key]
    assert part["type"] == kind


def test_a_filter_is_listed_as_a_list_of_conditions_whose_keys_are_told(registry: Registry) -> None:
    shown = listed(registry, "get_lists")["filter"]
    assert shown["type"] == "array"
    assert list(shown["items"]["properties"]) == ["field", "operator", "value"]
    assert shown["description"].endswith("Or text.")


def test_a_schema_that_refers_to_itself_is_listed(registry: Registry) -> None:
    spec = registry["create_list"].spec
    node = {"type": "object", "properties": {"next": {"anyOf": [{"$ref": "#/$defs/Node"}, {"type": "null"}]}}}
    schema = {
        "type": "object",
        "properties": {"node": {"$ref": "#/$defs/Node"}},
        "$defs": {"Node": node},
        "additionalProperties": False,
    }
    recursive = ActionSpec.model_validate({**spec.model_dump(by_alias=True), "input_schema": schema})
    assert '"Keys: next."' in str(listed_schema(recursive)).replace("'", '"')
