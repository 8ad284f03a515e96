"""Pydantic AI: a whole agent, whose model is a function that calls the tool and hands back what it was answered."""

import json
from contextlib import asynccontextmanager

from driving import drive
from fastmcp.client.transports import StdioTransport
from pydantic_ai import Agent
from pydantic_ai.mcp import MCPToolset
from pydantic_ai.messages import ModelResponse, RetryPromptPart, TextPart, ToolCallPart, ToolReturnPart
from pydantic_ai.models.function import FunctionModel


@asynccontextmanager
async def toolbox(server):
    stdio = StdioTransport(server.program, server.words) if server.transport == "stdio" else None
    offered = []
    asked = None

    def model(messages, info):
        offered[:] = [tool.name for tool in info.function_tools]
        for part in messages[-1].parts:
            if isinstance(part, ToolReturnPart):
                return ModelResponse(parts=[TextPart(part.model_response_str())])
            if isinstance(part, RetryPromptPart):
                return ModelResponse(parts=[TextPart(part.model_response())])
        return ModelResponse(parts=[asked or TextPart("no call")])

    async with Agent(FunctionModel(model), toolsets=[MCPToolset(stdio or server.url)]) as agent:
        await agent.run("list")

        async def call(name, arguments):
            nonlocal asked
            asked = ToolCallPart(name, json.dumps(arguments))
            return (await agent.run("go")).output

        yield list(offered), call


drive(toolbox)
