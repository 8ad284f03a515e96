# /// script
# requires-python = ">=3.11"
# dependencies = ["klaviyo-mcp", "pydantic-ai-slim[openai]>=2.68,<3"]
# ///
"""Pydantic AI. Needs OPENAI_API_KEY and KLAVIYO_API_KEY."""

import asyncio
import sys

from pydantic_ai import Agent

from klaviyo_mcp import Klaviyo


async def answer(question: str) -> str:
    async with Klaviyo(read_only=True) as klaviyo:
        agent = Agent("openai-chat:gpt-5.4", tools=klaviyo.tools("pydantic-ai"))
        return (await agent.run(question)).output


if __name__ == "__main__":
    print(asyncio.run(answer(" ".join(sys.argv[1:]) or "Which lists are there?")))
