"""Every tool of a real server, through what clients make tools of model APIs with: packages that need no account."""

import sys
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters
from mcp.types import Tool
from tests.warm import PROGRAM

pytestmark = pytest.mark.usefixtures("warm")
Converter = Callable[[Tool], object]


async def _listed(*flags: str) -> list[Tool]:
    """The tools as a client gets them."""
    command = StdioServerParameters(command=sys.executable, args=[*PROGRAM[1:], "serve", "--sandbox", *flags])
    async with Client(command) as client:
        return (await client.list_tools()).tools


@pytest.fixture(scope="module")
async def tools() -> list[Tool]:
    """Every action as a tool."""
    return await _listed("--expose", "all")


@pytest.fixture(scope="module")
async def handful() -> list[Tool]:
    """What is listed by default: tools of the server's own, and everyday actions with shortened arguments."""
    return await _listed()


def _openai(tool: Tool) -> object:
    from openai.types.chat import ChatCompletionToolParam
    from pydantic import TypeAdapter

    function = {"name": tool.name, "description": tool.description, "parameters": tool.input_schema}
    return TypeAdapter(ChatCompletionToolParam).validate_python({"type": "function", "function": function})


def _openai_strict(tool: Tool) -> object:
    from openai.lib._pydantic import _ensure_strict_json_schema

    return _ensure_strict_json_schema(tool.input_schema, path=(), root=tool.input_schema)


def _openai_agents(tool: Tool) -> object:
    from agents.strict_schema import ensure_strict_json_schema

    return ensure_strict_json_schema(tool.input_schema)


def _anthropic(tool: Tool) -> object:
    from anthropic.types import ToolParam
    from pydantic import TypeAdapter

    made = {"name": tool.name, "description": tool.description, "input_schema": tool.input_schema}
    return TypeAdapter(ToolParam).validate_python(made)


def _anthropic_strict(tool: Tool) -> object:
    from anthropic import transform_schema

    return transform_schema(tool.input_schema)


def _gemini(tool: Tool) -> object:
    from google.genai._mcp_utils import mcp_to_gemini_tools

    (made,) = mcp_to_gemini_tools([tool])
    assert made.function_declarations
    parameters = made.function_declarations[0].parameters
    assert parameters is not None
    assert list(parameters.properties or {}) == list(tool.input_schema["properties"])
    for part in _gemini_parts(parameters):
        assert part.type is not None or part.any_of, "a part has lost its type"
        assert set(part.required or []) <= set(part.properties or {}), "a part requires what it does not have"
        assert part.items is not None or part.type != "ARRAY", "a list does not say what it holds"
    return made


def _gemini_parts(schema: Any) -> Iterator[Any]:
    yield schema
    for part in [
        *(schema.properties or {}).values(),
        *(schema.any_of or []),
        *([schema.items] if schema.items else []),
    ]:
        yield from _gemini_parts(part)


def _gemini_schema(tool: Tool) -> object:
    from google.genai.types import Schema

    return Schema(**tool.input_schema)


def _langchain_gemini(tool: Tool) -> object:
    from langchain_google_genai._function_utils import convert_to_genai_function_declarations

    made = {"name": tool.name, "description": tool.description, "parameters": tool.input_schema}
    return convert_to_genai_function_declarations([made])


def _langchain_openai(tool: Tool) -> object:
    from langchain_core.utils.function_calling import convert_to_openai_tool

    made = {"title": tool.name, "description": tool.description or "", **tool.input_schema}
    return convert_to_openai_tool(made, strict=True)


def _pydantic_ai_openai(tool: Tool) -> object:
    from pydantic_ai.profiles.openai import OpenAIJsonSchemaTransformer

    return OpenAIJsonSchemaTransformer(tool.input_schema, strict=True).walk()


def _pydantic_ai_google(tool: Tool) -> object:
    from pydantic_ai.profiles.google import GoogleJsonSchemaTransformer

    return GoogleJsonSchemaTransformer(tool.input_schema).walk()


CONVERTERS: dict[str, Converter] = {
    "openai ChatCompletionToolParam": _openai,
    "openai strict": _openai_strict,
    "openai-agents strict": _openai_agents,
    "anthropic ToolParam": _anthropic,
    "anthropic transform_schema": _anthropic_strict,
    "google-genai mcp_to_gemini_tools": _gemini,
    "google-genai Schema": _gemini_schema,
    "langchain-google-genai": _langchain_gemini,
    "langchain to OpenAI, strict": _langchain_openai,
    "pydantic-ai OpenAI, strict": _pydantic_ai_openai,
    "pydantic-ai Google": _pydantic_ai_google,
}


@pytest.mark.parametrize("name", CONVERTERS)
async def test_no_tool_is_refused(name: str, tools: list[Tool]) -> None:
    assert len(tools) > 300
    assert _refused(name, tools) == {}


@pytest.mark.parametrize("name", CONVERTERS)
async def test_no_tool_of_the_default_listing_is_refused(name: str, handful: list[Tool]) -> None:
    assert "run_read_action" in {tool.name for tool in handful}
    assert _refused(name, handful) == {}


def _refused(name: str, tools: list[Tool]) -> dict[str, str]:
    """The tools that a converter refuses, with what it says."""
    refused: dict[str, str] = {}
    for tool in tools:
        try:
            CONVERTERS[name](tool.model_copy(update={"input_schema": deepcopy(tool.input_schema)}))
        except Exception as error:  # noqa: BLE001 - a converter refuses with whatever it likes
            refused[tool.name] = f"{type(error).__name__}: {error}"
    return refused


@pytest.mark.parametrize("strict", [_openai_strict, _openai_agents], ids=["openai", "openai-agents"])
async def test_a_strict_schema_leaves_a_way_to_give_an_action_its_arguments(
    strict: Callable[[Tool], Any], handful: list[Tool]
) -> None:
    runs = [tool for tool in handful if tool.name.startswith("run_") or tool.name == "preview_action"]
    assert len(runs) == 4
    for tool in runs:
        made = strict(tool.model_copy(update={"input_schema": deepcopy(tool.input_schema)}))
        form = Draft202012Validator(made["properties"]["arguments"])
        assert form.is_valid({"id": "VbT4kM"}) or form.is_valid('{"id": "VbT4kM"}'), tool.name
