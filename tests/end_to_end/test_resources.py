"""Resources, prompts and completion as clients get them: both transports, both eras."""

import json
import os
import re
import sys
from typing import Any

import mcp.types as types
import pytest
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters
from mcp.shared.exceptions import MCPError
from tests.warm import PROGRAM

from klaviyo_mcp.registry.guides import guides
from klaviyo_mcp.registry.registry import Registry
from klaviyo_sandbox import API_KEY

SERVE = [*PROGRAM[1:], "serve"]


def started(environment: dict[str, str], *flags: str, mode: str = "auto") -> Client:
    return Client(StdioServerParameters(command=sys.executable, args=[*SERVE, *flags], env=environment), mode=mode)


@pytest.fixture(params=["stdio-legacy", "stdio-auto", "http-legacy", "http-auto"])
async def client(request: Any, environment: dict[str, str], http_server: Any) -> Any:
    """A server as it is by default, whose catalogue is searched; auto is the modern era."""
    transport, _, mode = request.param.partition("-")
    if transport == "stdio":
        async with started(environment, mode=mode) as client:
            yield client
    else:
        with http_server(environment, "--expose", "search") as url:
            async with Client(f"{url}/mcp", mode=mode) as client:
                yield client


async def read(client: Client, uri: str) -> str:
    (content,) = (await client.read_resource(uri)).contents
    assert isinstance(content, types.TextResourceContents)
    assert content.uri == uri
    return content.text


async def completed(client: Client, ref: Any, argument: str, value: str, **given: str) -> types.Completion:
    result = await client.complete(ref, {"name": argument, "value": value}, context_arguments=given or None)
    return result.completion


async def test_all_of_it_is_there_over_either_transport_in_either_era(client: Client, registry: Registry) -> None:
    capabilities = client.server_capabilities
    assert capabilities.prompts is not None
    assert capabilities.completions is not None
    listed = {resource.uri: resource for resource in (await client.list_resources()).resources}
    assert [*listed] == ["klaviyo://account", "klaviyo://actions", *(guide.uri for guide in guides().values())]
    for uri, resource in listed.items():
        assert resource.title
        assert resource.description
        assert resource.mime_type == "text/markdown"
        assert resource.annotations
        assert resource.annotations.audience == ["assistant"]
        assert resource.size in (None, len((await read(client, uri)).encode()))
    assert [uri for uri, resource in listed.items() if resource.size is None] == ["klaviyo://account"]
    templates = (await client.list_resource_templates()).resource_templates
    assert [template.uri_template for template in templates] == [
        "klaviyo://actions/{name}",
        "klaviyo://actions/{name}/schema",
        "klaviyo://actions/{name}/schema/{path}",
        "klaviyo://guides/{topic}",
        "klaviyo://answers/{answer_id}.csv",
        "klaviyo://answers/{answer_id}.jsonl",
        "klaviyo://jobs/{job}/rejected.csv",
        "klaviyo://jobs/{job}/result.jsonl",
        "klaviyo://jobs/{job}/export.csv",
        "klaviyo://jobs/{job}/export.jsonl",
    ]
    actions = await read(client, "klaviyo://actions")
    assert re.findall(r"^- (\w+) \((?:read|write|destructive)\): ", actions, re.MULTILINE) == [
        action.name for toolset in registry.toolsets for action in registry.actions if action.spec.toolset == toolset
    ]
    one = await read(client, "klaviyo://actions/create_segment")
    assert one.startswith("# create_segment: Create a segment\n\nEffect: write. Run with run_write_action")
    assert "`definition` (object, required)" in one
    assert "klaviyo://guides/segments" in one
    account = await read(client, "klaviyo://account")
    assert all(word in account for word in ("Juniper & Pine", "America/Los_Angeles", "USD"))
    assert API_KEY not in account
    prompts = [prompt.name for prompt in (await client.list_prompts()).prompts]
    assert "weekly_review" in prompts
    message = (await client.get_prompt("weekly_review", {"days": "14"})).messages[0].content
    assert "the last 14 days against the 14 days before" in getattr(message, "text", "")


@pytest.mark.parametrize("client", ["stdio-auto", "http-legacy"], indirect=True)
async def test_a_guide_is_reached_without_resources(client: Client) -> None:
    """By the name that find_actions and describe_action tell."""
    for action in ("find_actions", "describe_action"):
        arguments = {"query": "create a segment"} if action == "find_actions" else {"action": "create_segment"}
        data: Any = (await client.call_tool(action, arguments)).structured_content
        told = data if action == "describe_action" else data["actions"][0]
        assert told["name"] == "create_segment"
        assert told["guides"] == ["guide:segments"]
    for name in ("guide:segments", "guides/segments", "klaviyo://guides/segments", "Guide: segments"):
        result = await client.call_tool("describe_action", {"action": name})
        text = getattr(result.content[0], "text", "")
        assert text.startswith(guides()["segments"].text)
        assert text.endswith("Run with run_write_action: create_segment, update_segment.")
        assert result.structured_content is not None
        assert result.structured_content["guide"] == "segments"
    result = await client.call_tool("describe_action", {"action": "guide:segmentz"})
    assert result.is_error
    assert "guide:segments" in getattr(result.content[0], "text", "")


@pytest.mark.parametrize("client", ["stdio-legacy", "http-auto"], indirect=True)
@pytest.mark.parametrize(
    ("uri", "told"),
    [
        ("klaviyo://actions/get_listz", "get_lists"),
        ("klaviyo://actions/get_listz/schema", "get_lists"),
        ("klaviyo://actions/get_lists/schema/nothing", "page_size"),
        ("klaviyo://guides/emails", "answers, campaigns, consent, filters, flows, imports, limits, reports, segments"),
        ("klaviyo://accounts", "klaviyo://account "),
        ("https://example.org", "klaviyo://actions"),
    ],
)
async def test_what_is_not_there_is_told_with_what_there_is(client: Client, uri: str, told: str) -> None:
    with pytest.raises(MCPError, match=told):
        await client.read_resource(uri)


@pytest.mark.parametrize("client", ["stdio-legacy", "http-auto"], indirect=True)
async def test_names_and_topics_are_completed(client: Client) -> None:
    action = types.ResourceTemplateReference(uri="klaviyo://actions/{name}")
    found = await completed(client, action, "name", "get_list")
    assert found.values[:2] == ["get_list", "get_list_for_bulk_import_profiles_job"]
    found = await completed(client, action, "name", "lists")
    assert "get_lists" in found.values
    everything = await completed(client, action, "name", "")
    assert (len(everything.values), everything.has_more) == (100, True)
    part = types.ResourceTemplateReference(uri="klaviyo://actions/{name}/schema/{path}")
    assert (await completed(client, part, "path", "def", name="create_segment")).values == ["definition"]
    guide = types.ResourceTemplateReference(uri="klaviyo://guides/{topic}")
    others = sorted(topic for topic in guides() if "s" in topic and topic != "segments")
    assert (await completed(client, guide, "topic", "s")).values == ["segments", *others]
    prompt = types.PromptReference(name="campaign_from_brief")
    assert (await completed(client, prompt, "audience", "vip")).values == ["VIP customers"]
    assert (await completed(client, prompt, "brief", "x")).values == []
    assert (await completed(client, types.PromptReference(name="none"), "audience", "")).values == []


async def test_an_account_is_asked_once_for_what_it_says_of_itself(environment: Any, requests_seen: Any) -> None:
    async with started(environment) as client:
        requests_seen()
        for _ in range(3):
            assert "Juniper & Pine" in await read(client, "klaviyo://account")
        assert len(requests_seen()) == 1


async def test_the_account_tells_what_the_server_does_not_allow(environment: Any) -> None:
    flags = ("--read-only", "--toolsets", "lists,accounts", "--exclude", "get_account")
    async with started(environment, *flags) as client:
        account = await read(client, "klaviyo://account")
        assert "This server only reads" in account
        assert "accounts, lists" in account
        assert "forbids get_account" in account
        assert "create_list" not in await read(client, "klaviyo://actions")
        with pytest.raises(MCPError):
            await client.read_resource("klaviyo://actions/get_profiles")
        assert (await client.list_prompts()).prompts == []


async def test_without_an_account_all_is_there_and_says_how_to_connect_one(environment: Any, tmp_path: Any) -> None:
    without = {name: value for name, value in environment.items() if name != "KLAVIYO_API_KEY"}
    async with started({**without, "KLAVIYO_MCP_HOME": str(tmp_path)}) as client:
        account = await read(client, "klaviyo://account")
        assert "No Klaviyo account is connected" in account
        assert "klaviyo-mcp connect" in account
        assert await read(client, "klaviyo://guides/flows")
        prompt = types.PromptReference(name="campaign_from_brief")
        assert (await completed(client, prompt, "audience", "")).values == []


async def test_a_key_that_is_refused_is_told_as_not_known_and_completes_nothing(environment: Any) -> None:
    async with started({**environment, "KLAVIYO_API_KEY": "pk_nobody"}) as client:
        account = await read(client, "klaviyo://account")
        assert "could not be read from Klaviyo" in account
        assert "pk_nobody" not in account
        prompt = types.PromptReference(name="list_hygiene")
        assert (await completed(client, prompt, "list", "")).values == []


async def test_the_names_of_a_prefixed_server_are_those_it_lists(environment: Any) -> None:
    async with started({**os.environ, **environment}, "--prefix", "shop_") as client:
        assert "- shop_get_lists (read)" in await read(client, "klaviyo://actions")
        assert (await read(client, "klaviyo://actions/get_lists")).startswith("# shop_get_lists")
        guide = await read(client, "klaviyo://guides/segments")
        assert "`shop_get_segments`" in guide
        assert "```json shop_create_segment" in guide
        for text in re.findall(r"```json \w+\n(.*?)```", guide, re.DOTALL):
            json.loads(text)
        name = types.ResourceTemplateReference(uri="klaviyo://actions/{name}")
        assert (await completed(client, name, "name", "get_lists")).values[0] == "shop_get_lists"
