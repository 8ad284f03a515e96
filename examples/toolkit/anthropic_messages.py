# /// script
# requires-python = ">=3.11"
# dependencies = ["klaviyo-mcp", "anthropic>=2.14,<3"]
# ///
"""Anthropic's Messages API, in a loop of one's own that asks a person before anything strong is done.

Needs ANTHROPIC_API_KEY and KLAVIYO_API_KEY.
"""

import asyncio
import sys

from anthropic import AsyncAnthropic
from anthropic.types import MessageParam

from klaviyo_mcp import Klaviyo, Plan


def agree(plan: Plan) -> bool:
    return input(f"{plan.question}\nShall this be done? (yes/no) ").strip().lower() == "yes"


async def answer(question: str) -> str:
    async with Klaviyo(ask=agree) as klaviyo, AsyncAnthropic() as anthropic:
        tools = klaviyo.tools("anthropic")
        messages: list[MessageParam] = [{"role": "user", "content": question}]
        while True:
            reply = await anthropic.messages.create(
                model="claude-sonnet-5", max_tokens=4_096, messages=messages, tools=tools
            )
            calls = [block for block in reply.content if block.type == "tool_use"]
            if not calls:
                return "".join(block.text for block in reply.content if block.type == "text")
            messages.append({"role": "assistant", "content": reply.content})
            messages.append({"role": "user", "content": await klaviyo.run_tool_calls(calls)})


if __name__ == "__main__":
    print(asyncio.run(answer(" ".join(sys.argv[1:]) or "Which lists are there?")))
