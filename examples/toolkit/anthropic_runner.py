# /// script
# requires-python = ">=3.11"
# dependencies = ["klaviyo-mcp", "anthropic>=2.14,<3"]
# ///
"""Anthropic's own tool runner, which calls the tools by itself. Needs ANTHROPIC_API_KEY and KLAVIYO_API_KEY."""

import asyncio
import sys

from anthropic import AsyncAnthropic

from klaviyo_mcp import Klaviyo


async def answer(question: str) -> str:
    async with Klaviyo(read_only=True) as klaviyo, AsyncAnthropic() as anthropic:
        runner = anthropic.beta.messages.tool_runner(
            model="claude-sonnet-5",
            max_tokens=4_096,
            messages=[{"role": "user", "content": question}],
            tools=klaviyo.tools("anthropic-runner"),
        )
        reply = await runner.until_done()
        return "".join(block.text for block in reply.content if block.type == "text")


if __name__ == "__main__":
    print(asyncio.run(answer(" ".join(sys.argv[1:]) or "Which lists are there?")))
