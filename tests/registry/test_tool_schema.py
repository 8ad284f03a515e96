"""What an agent is shown of a schema, and where the rest is."""

from klaviyo_mcp.registry.tool_schema import LARGEST_PROPERTY, LONGEST_ENUM, listed_schema


def walk(schema):
    if isinstance(schema, dict):
        yield schema
        for value in schema.values():
            yield from walk(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from walk(value)


def test_no_listed_schema_has_references_long_enumerations_or_large_properties(registry) -> None:
    for action in registry.actions:
        listed = listed_schema(action.spec)
        assert list(listed["properties"]) == list(action.spec.properties)
        for part in walk(listed):
            assert "$ref" not in part
            assert "$defs" not in part
            assert len(part.get("enum", [])) <= LONGEST_ENUM if isinstance(part.get("enum"), list) else True
        for name, part in listed["properties"].items():
            assert len(str(part)) <= LARGEST_PROPERTY, (action.name, name)


def test_what_is_cut_short_names_its_keys(registry) -> None:
    definition = listed_schema(registry["create_flow"].spec)["properties"]["definition"]
    assert definition["type"] == "object"
    assert "triggers" in definition["description"]
    assert "actions" in definition["description"]
