"""The tools of every framework that is installed here: the same as over MCP, called as the framework calls them."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from klaviyo_mcp import ConfigurationError, Klaviyo, KlaviyoSync
from klaviyo_mcp.mcp_server.tools import Listing
from klaviyo_mcp.registry.registry import Registry
from klaviyo_mcp.runtime.exposure import parse_exposure
from klaviyo_mcp.toolkit.tool_calls import read_call

Said = tuple[str, bool]
"""What the model is told, and whether as an error."""
WRONG = {"action": "get_list", "arguments": {"id": "not a list"}}
NAMES = ["get_lists", "create_list", "get_list"]


@pytest.fixture
async def klaviyo(sandbox: str) -> AsyncIterator[Klaviyo]:
    async with Klaviyo() as opened:
        yield opened


async def _langchain(tool: Any, given: dict[str, Any]) -> Said:
    message = await tool.ainvoke({"type": "tool_call", "id": "1", "name": tool.name, "args": given})
    assert message.status == "error" or message.artifact
    return message.content, message.status == "error"


async def _pydantic_ai(tool: Any, given: dict[str, Any]) -> Said:
    from pydantic_ai.exceptions import ToolFailed

    try:
        made = await tool.function_schema.call(given, None)
    except ToolFailed as error:
        return error.message, True
    assert made.metadata
    return made.return_value, False


async def _openai_agents(tool: Any, given: dict[str, Any]) -> Said:
    text = await tool.on_invoke_tool(None, json.dumps(given))
    return text, "\nNext: " in text


async def _anthropic_runner(tool: Any, given: dict[str, Any]) -> Said:
    from anthropic.lib.tools import ToolError

    try:
        return await tool.call(given), False
    except ToolError as error:
        return str(error.content), True


CALLED: dict[str, Callable[[Any, dict[str, Any]], Awaitable[Said]]] = {
    "anthropic-runner": _anthropic_runner,
    "langchain": _langchain,
    "openai-agents": _openai_agents,
    "pydantic-ai": _pydantic_ai,
}


@pytest.mark.parametrize("name", CALLED)
async def test_a_tool_is_called_as_its_framework_calls_it(klaviyo, name) -> None:
    tools = {tool.name: tool for tool in klaviyo.tools(name)}
    call = CALLED[name]
    text, failed = await call(tools["run_read_action"], {"action": "get_lists", "arguments": {}})
    assert "Newsletter" in text
    assert not failed
    text, failed = await call(tools["run_read_action"], WRONG)
    assert failed
    assert text.splitlines()[0].startswith("get_list was not called")
    made = await klaviyo.call("create_list", name=f"Of {name}")
    gone = {"action": "delete_list", "arguments": {"id": made.ids[0]}}
    text, failed = await call(tools["run_destructive_action"], gone)
    assert not failed
    assert text.startswith("NOT DONE YET")
    token = next(word for word in text.replace(",", " ").replace('"', " ").split() if word.startswith("confirm1."))
    text, failed = await call(tools["confirm_action"], {"token": token})
    assert not failed
    assert f"Of {name}" not in [record["name"] for record in (await klaviyo.call("get_lists")).records]


FORMS = {
    "openai": lambda name, given: {
        "id": "1",
        "type": "function",
        "function": {"name": name, "arguments": json.dumps(given)},
    },
    "openai-responses": lambda name, given: {
        "type": "function_call",
        "call_id": "1",
        "name": name,
        "arguments": json.dumps(given),
    },
    "anthropic": lambda name, given: {"type": "tool_use", "id": "1", "name": name, "input": given},
    "google": lambda name, given: {"id": "1", "name": name, "args": given},
}


@pytest.mark.parametrize("name", FORMS)
async def test_a_call_of_an_api_is_replied_to_in_its_form(klaviyo, name) -> None:
    assert klaviyo.tools(name)
    right, wrong = await klaviyo.run_tool_calls(
        [FORMS[name]("run_read_action", {"action": "get_lists"}), FORMS[name]("run_read_action", WRONG)]
    )
    assert "Newsletter" in json.dumps(right)
    assert "get_list was not called" in json.dumps(wrong)
    assert '"1"' in json.dumps(right)
    if name == "anthropic":
        assert (right["is_error"], wrong["is_error"]) == (False, True)
    garbled = FORMS[name]("get_lists", {})
    for holder in (garbled, garbled.get("function", {})):
        if "arguments" in holder:
            holder["arguments"] = '{"page_size": 1'
            assert "cannot be read" in json.dumps(await klaviyo.run_tool_call(garbled))
    with pytest.raises(TypeError, match="no call of a tool"):
        read_call("get_lists")


@pytest.mark.parametrize("expose", ["search", "core", "all"])
async def test_the_tools_are_those_of_an_mcp_server(klaviyo, registry: Registry, expose) -> None:
    exposure = parse_exposure(expose, registry, confirm="destructive")
    served = json.loads(Listing(registry, exposure).text)
    ours = {tool["name"]: tool for tool in klaviyo.tools("mcp", expose)}
    assert list(ours) == [tool["name"] for tool in served]
    for tool in served:
        assert ours[tool["name"]]["inputSchema"] == tool["inputSchema"]
        assert ours[tool["name"]]["description"] == tool["description"]


async def test_what_is_exposed_by_name_reaches_nothing_else(klaviyo) -> None:
    tools = {tool["name"] for tool in klaviyo.tools("anthropic", NAMES)}
    assert tools == {*NAMES, "read_more", "preview_action", "confirm_action"}
    made = await klaviyo.call("create_list", name="Kept")
    gone = {"action": "delete_list", "arguments": {"id": made.ids[0]}}
    shown = await klaviyo.preview("delete_list", id=made.ids[0])
    for tool, given in (
        ("preview_action", gone),
        ("run_destructive_action", gone),
        ("delete_list", gone["arguments"]),
        ("confirm_action", {"token": shown.confirmation.token}),
    ):
        reply = await klaviyo.run_tool_call({"type": "tool_use", "id": "1", "name": tool, "input": given})
        assert reply["is_error"]
        assert "There is no action named 'delete_list'" in reply["content"]
    assert (await klaviyo.call("get_list", id=made.ids[0])).done


async def test_a_job_reaches_what_is_exposed_and_nothing_else(klaviyo) -> None:
    klaviyo.tools("anthropic", ["start_job", "start_export", "resume_job", "cancel_job"])
    held = await klaviyo.call("start_job", kind="suppress", rows=[{"email": "a@shop.org"}])
    job = (await klaviyo.confirm(held)).data["job"]
    for tool, given, part in (
        ("start_job", {"kind": "suppress", "rows": [{"email": "b@shop.org"}]}, "bulk_suppress_profiles"),
        ("start_export", {"kind": "events"}, "get_events"),
        ("resume_job", {"job": job}, "bulk_suppress_profiles"),
        ("cancel_job", {"job": "01HMP9XZ4T7Q8V6N5B3C2D1E0F", "of": "send_campaign"}, "cancel_campaign_send"),
    ):
        reply = await klaviyo.run_tool_call({"type": "tool_use", "id": "1", "name": tool, "input": given})
        assert reply["is_error"]
        assert f"{part} is not among the actions that are open" in reply["content"]
        assert "Nothing was sent" in reply["content"]


async def test_which_list_a_call_is_about_has_to_be_known(klaviyo) -> None:
    call = FORMS["anthropic"]("get_lists", {})
    with pytest.raises(ConfigurationError, match="No list of tools"):
        await klaviyo.run_tool_call(call)
    klaviyo.tools("openai", NAMES)
    klaviyo.tools("openai", "core")
    with pytest.raises(ConfigurationError, match="Several lists"):
        await klaviyo.run_tool_call(call)
    assert not (await klaviyo.run_tool_call(call, expose=NAMES))["is_error"]


async def test_narrow_options_narrow_every_list(sandbox) -> None:
    async with Klaviyo(read_only=True, toolsets=["lists"]) as klaviyo:
        named = {tool["name"] for tool in klaviyo.tools("anthropic", "all")}
        assert {"get_lists", "read_more"} <= named
        assert not {"create_list", "confirm_action", "get_profiles"} & named
        with pytest.raises(ConfigurationError, match="leaves no action"):
            klaviyo.tools("anthropic", ["create_list"])


@pytest.mark.parametrize(
    ("for_", "expose", "said"),
    [
        ("lanchain", "search", "did you mean 'langchain'"),
        ("openai", "most", "expose is 'most'"),
        ("openai", ["get_lsts"], "did you mean 'get_lists'"),
    ],
)
def test_what_cannot_be_given_is_said(sandbox, for_, expose, said) -> None:
    with pytest.raises(ConfigurationError) as caught:
        KlaviyoSync().tools(for_, expose)
    assert said in str(caught.value)


MISSING = """
import sys
for package in ("agents", "anthropic", "google.adk", "google.genai", "langchain_core", "llama_index", "pydantic_ai"):
    sys.modules[package] = None
from klaviyo_mcp import FrameworkMissing, KlaviyoSync
from klaviyo_mcp.toolkit.frameworks import FRAMEWORKS
klaviyo = KlaviyoSync(sandbox=True)
for name, framework in FRAMEWORKS.items():
    try:
        klaviyo.tools(name)
    except FrameworkMissing as error:
        assert str(error).endswith(f"python -m pip install '{framework.installs}'"), error
    else:
        assert not framework.installs, name
"""


def test_a_framework_that_is_missing_is_named_with_the_command_that_installs_it() -> None:
    done = subprocess.run([sys.executable, "-c", MISSING], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr


async def test_tools_of_the_synchronous_one_can_be_called_either_way(sandbox) -> None:
    with KlaviyoSync() as klaviyo:
        tools = {tool.name: tool for tool in klaviyo.tools("langchain")}
        assert "Newsletter" in tools["run_read_action"].invoke({"action": "get_lists"})
        assert "Newsletter" in await tools["run_read_action"].ainvoke({"action": "get_lists"})
        runner = {tool.name: tool for tool in klaviyo.tools("anthropic-runner")}
        assert "Newsletter" in runner["run_read_action"].call({"action": "get_lists"})


async def test_tools_of_the_asynchronous_one_say_that_they_must_be_awaited(klaviyo) -> None:
    tools = {tool.name: tool for tool in klaviyo.tools("langchain")}
    with pytest.raises(NotImplementedError, match="have to be awaited"):
        await asyncio.to_thread(tools["run_read_action"].invoke, {"action": "get_lists"})
