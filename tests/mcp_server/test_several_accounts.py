"""What an agent sees of several accounts, of scopes, and of accounts that come and go. The SDK's own client."""

import os
import sys

import pytest
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters
from mcp.types import PromptReference
from tests.warm import PROGRAM

from klaviyo_mcp.accounts.connect import join, whose
from klaviyo_mcp.accounts.endpoint import Endpoint
from klaviyo_mcp.accounts.oauth import klaviyo_app
from klaviyo_mcp.accounts.records import ApiKey, Secret
from klaviyo_mcp.accounts.tokens import new_grant

pytestmark = pytest.mark.usefixtures("warm")


@pytest.fixture
def vault(vault, klaviyo):
    klaviyo.begin()
    return vault


async def grant(vault, klaviyo, company="DEMO01", scopes="accounts:read lists:read") -> None:
    app = klaviyo_app(klaviyo.client_id, Secret(klaviyo.client_secret), base_url=klaviyo.url)
    consent = app.consent(klaviyo.redirect_uri, scopes.split())
    given = new_grant(app, await app.exchange(klaviyo.code(consent.url, company), consent))
    await keep(vault, klaviyo, given)


async def key(vault, klaviyo, text="pk_sandbox_other") -> None:
    await keep(vault, klaviyo, ApiKey(Secret(text)))


async def keep(vault, klaviyo, credentials) -> None:
    async with Endpoint(klaviyo.url) as endpoint:
        await join(vault, credentials, await whose(credentials, endpoint), base_url=klaviyo.url, name=None)


def serving(klaviyo, tmp_path, *flags) -> Client:
    environment = {**os.environ, **klaviyo.environment(tmp_path / "home")}
    words = [*PROGRAM[1:], "serve", "--expose", "accounts,lists", *flags]
    return Client(StdioServerParameters(command=sys.executable, args=words, env=environment))


async def tools(client) -> dict:
    return {tool.name: tool for tool in (await client.list_tools()).tools}


async def company(client, **arguments) -> str:
    result = await client.call_tool("get_accounts", arguments)
    assert not result.is_error, result.content
    return result.structured_content["records"][0]["id"]


async def test_one_account_needs_no_argument(vault, klaviyo, tmp_path) -> None:
    await grant(vault, klaviyo)
    async with serving(klaviyo, tmp_path) as client:
        assert all("account" not in tool.input_schema["properties"] for tool in (await tools(client)).values())
        assert await company(client) == "DEMO01"


async def test_several_accounts_give_every_tool_an_argument_that_says_which(vault, klaviyo, tmp_path) -> None:
    await grant(vault, klaviyo)
    await key(vault, klaviyo)
    async with serving(klaviyo, tmp_path) as client:
        listed = await tools(client)
        for tool in listed.values():
            argument = tool.input_schema["properties"]["account"]
            assert argument["enum"] == ["juniper-pine", "lumen-coffee"]
            assert "juniper-pine when absent" in argument["description"]
            assert "account" not in tool.input_schema.get("required", [])
        assert await company(client) == "DEMO01"
        assert await company(client, account="lumen-coffee") == "OTHER1"
        wrong = await client.call_tool("get_accounts", {"account": "acme"})
        assert wrong.is_error
        assert wrong.structured_content["error"]["code"] == "unknown_account"
        assert "juniper-pine, lumen-coffee" in wrong.structured_content["error"]["message"]


async def test_several_accounts_are_told_apart_in_resources_prompts_and_completion(vault, klaviyo, tmp_path) -> None:
    await grant(vault, klaviyo)
    await key(vault, klaviyo)
    async with serving(klaviyo, tmp_path, "--expose", "search") as client:
        (content,) = (await client.read_resource("klaviyo://account")).contents
        assert "## juniper-pine (meant when none is named)" in content.text
        assert "Scopes: accounts:read, lists:read" in content.text
        assert "Organisation: Lumen Coffee" in content.text
        assert "pk_sandbox_other" not in content.text
        (prompt, *_) = (await client.list_prompts()).prompts
        assert prompt.arguments[-1].name == "account"
        ref = PromptReference(name="list_hygiene")
        names = await client.complete(ref, {"name": "account", "value": "l"})
        assert names.completion.values == ["lumen-coffee"]
        for account in ("lumen-coffee", "juniper-pine"):
            asked = {"name": "list", "value": "newsletter"}
            found = await client.complete(ref, asked, context_arguments={"account": account})
            assert "Newsletter" in found.completion.values


async def test_without_a_default_the_argument_is_required(vault, klaviyo, tmp_path) -> None:
    await grant(vault, klaviyo)
    await key(vault, klaviyo)
    await vault.choose_default(None)
    async with serving(klaviyo, tmp_path) as client:
        assert all("account" in tool.input_schema["required"] for tool in (await tools(client)).values())
        unnamed = await client.call_tool("get_accounts", {})
        assert unnamed.structured_content["error"]["code"] == "account_needed"


async def test_a_fixed_account_is_the_only_one(vault, klaviyo, tmp_path) -> None:
    await grant(vault, klaviyo)
    await key(vault, klaviyo)
    async with serving(klaviyo, tmp_path, "--account", "lumen-coffee") as client:
        assert all("account" not in tool.input_schema["properties"] for tool in (await tools(client)).values())
        assert await company(client) == "OTHER1"
        other = await client.call_tool("get_accounts", {"account": "juniper-pine"})
        assert other.structured_content["error"]["code"] == "invalid_arguments"


async def test_an_account_that_is_connected_later_is_listed_and_used(vault, klaviyo, tmp_path) -> None:
    async with serving(klaviyo, tmp_path) as client:
        nobody = await client.call_tool("get_accounts", {})
        assert nobody.structured_content["error"]["code"] == "no_account"
        assert "klaviyo-mcp connect" in nobody.structured_content["error"]["next_step"]
        await grant(vault, klaviyo)
        assert await company(client) == "DEMO01"


async def test_a_missing_scope_is_refused_before_anything_is_sent(vault, klaviyo, tmp_path) -> None:
    await grant(vault, klaviyo)
    async with serving(klaviyo, tmp_path) as client:
        assert "create_list" in await tools(client)
        klaviyo.begin()
        refused = await client.call_tool("create_list", {"name": "x"})
        error = refused.structured_content["error"]
        assert (error["code"], error["scopes_needed"]) == ("scope_missing", ["lists:write"])
        assert "--scopes accounts:read,lists:read,lists:write" in error["next_step"]
        assert klaviyo.seen("*") == 0


async def test_tools_that_no_account_has_scopes_for_can_be_hidden(vault, klaviyo, tmp_path) -> None:
    await grant(vault, klaviyo)
    async with serving(klaviyo, tmp_path, "--hide-unavailable") as client:
        listed = await tools(client)
        assert "get_lists" in listed
        assert "create_list" not in listed
    await key(vault, klaviyo)
    async with serving(klaviyo, tmp_path, "--hide-unavailable") as client:
        assert "create_list" in await tools(client), "the other account may be able to"
