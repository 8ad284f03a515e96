# /// script
# requires-python = ">=3.11"
# dependencies = ["klaviyo-mcp", "llama-index-core>=0.14,<0.15", "llama-index-llms-openai"]
# ///
"""A LlamaIndex agent. Needs OPENAI_API_KEY and KLAVIYO_API_KEY."""

import asyncio
import sys

from llama_index.core.agent.workflow import FunctionAgent
from llama_index.llms.openai import OpenAI

from klaviyo_mcp import Klaviyo


async def answer(question: str) -> str:
    async with Klaviyo(read_only=True) as klaviyo:
        agent = FunctionAgent(llm=OpenAI(model="gpt-4.1"), tools=klaviyo.tools("llamaindex"), streaming=False)
        return str(await agent.run(question))


if __name__ == "__main__":
    print(asyncio.run(answer(" ".join(sys.argv[1:]) or "Which lists are there?")))
