# /// script
# requires-python = ">=3.11"
# dependencies = ["klaviyo-mcp", "openai-agents>=0.24,<1"]
# ///
"""The OpenAI Agents SDK. Needs OPENAI_API_KEY and KLAVIYO_API_KEY."""

import asyncio
import sys

from agents import Agent, Runner, set_tracing_disabled

from klaviyo_mcp import Klaviyo


async def answer(question: str) -> str:
    set_tracing_disabled(True)  # what is asked of a shop stays here
    async with Klaviyo(read_only=True) as klaviyo:
        agent = Agent(
            name="Marketer",
            instructions="Answer from Klaviyo.",
            model="gpt-5.4",
            tools=[*klaviyo.tools("openai-agents")],
        )
        result = await Runner.run(agent, question)
        return str(result.final_output)


if __name__ == "__main__":
    print(asyncio.run(answer(" ".join(sys.argv[1:]) or "Which lists are there?")))
