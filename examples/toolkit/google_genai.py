# /// script
# requires-python = ">=3.11"
# dependencies = ["klaviyo-mcp", "google-genai>=3.6,<4"]
# ///
"""Google's Gen AI SDK, in a loop of one's own. Needs GEMINI_API_KEY and KLAVIYO_API_KEY."""

import asyncio
import sys
from typing import Any

from google import genai
from google.genai.types import Content, GenerateContentConfig, Part

from klaviyo_mcp import Klaviyo


async def answer(question: str) -> str:
    async with Klaviyo(read_only=True) as klaviyo, genai.Client().aio as gemini:
        config = GenerateContentConfig(tools=[*klaviyo.tools("google")])
        turns: list[Any] = [Content(role="user", parts=[Part(text=question)])]
        while True:
            reply = await gemini.models.generate_content(  # pyright: ignore[reportUnknownMemberType] - of the SDK
                model="gemini-3-pro", contents=turns, config=config
            )
            if not reply.function_calls or not reply.candidates:
                return reply.text or ""
            turns.append(reply.candidates[0].content)
            turns.append(Content(role="user", parts=await klaviyo.run_tool_calls(reply.function_calls)))


if __name__ == "__main__":
    print(asyncio.run(answer(" ".join(sys.argv[1:]) or "Which lists are there?")))
