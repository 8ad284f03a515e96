# /// script
# requires-python = ">=3.11"
# dependencies = ["klaviyo-mcp", "google-adk>=2.13,<3"]
# ///
"""Google's Agent Development Kit. Needs GEMINI_API_KEY and KLAVIYO_API_KEY."""

import asyncio
import sys

from google.adk.agents import Agent
from google.adk.runners import InMemoryRunner
from google.genai.types import Content, Part

from klaviyo_mcp import Klaviyo


async def answer(question: str) -> str:
    async with Klaviyo(read_only=True) as klaviyo:
        agent = Agent(name="marketer", model="gemini-3-pro", tools=klaviyo.tools("google-adk"))
        runner = InMemoryRunner(agent, app_name="shop")
        session = await runner.session_service.create_session(app_name="shop", user_id="me")
        asked, said = Content(role="user", parts=[Part(text=question)]), ""
        async for event in runner.run_async(user_id="me", session_id=session.id, new_message=asked):
            if event.is_final_response() and event.content and event.content.parts:
                said = "".join(part.text or "" for part in event.content.parts)
        return said


if __name__ == "__main__":
    print(asyncio.run(answer(" ".join(sys.argv[1:]) or "Which lists are there?")))
