"""The OpenAI Agents SDK: the function tools that an agent offers to its model, with schemas made strict."""

import json
from contextlib import asynccontextmanager

from agents import Agent, RunContextWrapper
from agents.mcp import MCPServerStdio, MCPServerStreamableHttp
from agents.tool_context import ToolContext
from driving import drive


@asynccontextmanager
async def toolbox(server):
    # It gives up after five seconds, in which a busy machine does not answer a first call.
    patience = {"client_session_timeout_seconds": 60}
    if server.transport == "stdio":
        mcp = MCPServerStdio({"command": server.program, "args": server.words}, **patience)
    else:
        mcp = MCPServerStreamableHttp({"url": server.url}, **patience)
    async with mcp:
        agent = Agent(name="trip", mcp_servers=[mcp], mcp_config={"convert_schemas_to_strict": True})
        tools = {tool.name: tool for tool in await agent.get_mcp_tools(RunContextWrapper(None))}

        async def call(name, arguments):
            written = json.dumps(arguments)
            context = ToolContext(None, tool_name=name, tool_call_id="1", tool_arguments=written)
            result = await tools[name].on_invoke_tool(context, written)
            return result["text"] if isinstance(result, dict) else result

        yield tools, call


drive(toolbox)
