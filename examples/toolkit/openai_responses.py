# /// script
# requires-python = ">=3.11"
# dependencies = ["klaviyo-mcp", "openai>=3.57,<4"]
# ///
"""OpenAI's Responses API, in a loop of one's own. Needs OPENAI_API_KEY and KLAVIYO_API_KEY."""

import asyncio
import sys
from typing import Any

from openai import AsyncOpenAI

from klaviyo_mcp import Klaviyo


async def answer(question: str) -> str:
    async with Klaviyo(read_only=True) as klaviyo, AsyncOpenAI() as openai:
        tools = klaviyo.tools("openai-responses")
        turns: list[Any] = [{"role": "user", "content": question}]
        while True:
            reply = await openai.responses.create(model="gpt-5.4", input=turns, tools=tools)
            calls = [item for item in reply.output if item.type == "function_call"]
            if not calls:
                return reply.output_text
            turns += [*reply.output, *await klaviyo.run_tool_calls(calls)]


if __name__ == "__main__":
    print(asyncio.run(answer(" ".join(sys.argv[1:]) or "Which lists are there?")))
