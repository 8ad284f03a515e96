"""Every name of the catalogue is answered, through the real client, and every tool stays within a context's means."""

import json
from pathlib import Path

import pytest
from tests.catalogue import REGISTRY

TABLE = [line.split("\t") for line in Path(__file__).with_name("catalogue.tsv").read_text().splitlines()]
LARGEST_LISTING = 470_000
LARGEST_TOOL = 6_000


def test_the_catalogue_has_255_names() -> None:
    assert len(TABLE) == 255


@pytest.mark.parametrize("client", ["stdio"], indirect=True)
async def test_every_name_of_the_catalogue_reaches_klaviyo_through_the_client(client, requests_seen) -> None:
    wrong: list[str] = []
    for slug, name, _title in TABLE:
        action = REGISTRY[name]
        assert REGISTRY[slug] is action, slug
        result = await client.call_tool(slug, action.spec.examples[0].arguments)
        error = (result.structured_content or {}).get("error", {})
        if not requests_seen() or error.get("code") == "internal_error":
            wrong.append(f"{slug}: {error}")
    assert wrong == []


async def test_the_whole_listing_and_each_tool_stay_small(client) -> None:
    tools = (await client.list_tools()).tools
    sizes = {tool.name: len(tool.model_dump_json(by_alias=True, exclude_none=True).encode()) for tool in tools}
    assert set(sizes) - {"preview_action", "read_more"} == {action.name for action in REGISTRY.actions}
    assert max(sizes.values()) <= LARGEST_TOOL, max(sizes, key=sizes.__getitem__)
    assert sum(sizes.values()) <= LARGEST_LISTING


async def test_a_schema_that_is_listed_short_can_be_read_whole(client) -> None:
    templates = (await client.list_resource_templates()).resource_templates
    assert "klaviyo://actions/{name}/schema" in {template.uri_template for template in templates}
    whole = json.loads((await client.read_resource("klaviyo://actions/get_profiles/schema")).contents[0].text)
    assert "Form: profile_fields" in whole["properties"]["profile_fields"]["description"]
    fields = (await client.read_resource("klaviyo://actions/get_profiles/schema/profile_fields")).contents[0].text
    assert "email" in json.loads(fields)["items"]["enum"]
    part = json.loads(
        (await client.read_resource("klaviyo://actions/create_flow/schema/definition.actions")).contents[0].text
    )
    assert part["type"] == "array"
    deeper = json.loads(
        (await client.read_resource("klaviyo://actions/create_flow/schema/SendEmailAction")).contents[0].text
    )
    assert "type" in deeper["properties"]


@pytest.mark.parametrize(
    ("uri", "says"),
    [
        ("klaviyo://actions/get_profile_list/schema", "Did you mean"),
        ("klaviyo://actions/get_profiles/schema/nothing", "has no argument 'nothing'"),
        ("klaviyo://other", "There are klaviyo://actions, .*klaviyo://guides/TOPIC"),
    ],
)
async def test_a_resource_that_does_not_exist_says_what_there_is(client, uri, says) -> None:
    from mcp.shared.exceptions import MCPError

    with pytest.raises(MCPError, match=says):
        await client.read_resource(uri)
