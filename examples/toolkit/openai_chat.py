# /// script
# requires-python = ">=3.11"
# dependencies = ["klaviyo-mcp", "openai>=3.57,<4"]
# ///
"""OpenAI's Chat Completions, in a loop of one's own without await. Needs OPENAI_API_KEY and KLAVIYO_API_KEY."""

import sys

from openai import OpenAI
from openai.types.chat import ChatCompletionMessageParam

from klaviyo_mcp import KlaviyoSync


def answer(question: str) -> str:
    openai = OpenAI()
    with KlaviyoSync(read_only=True) as klaviyo:
        tools = klaviyo.tools("openai")
        messages: list[ChatCompletionMessageParam] = [{"role": "user", "content": question}]
        while True:
            turn = openai.chat.completions.create(model="gpt-5.4", messages=messages, tools=tools)
            reply = turn.choices[0].message
            if not reply.tool_calls:
                return reply.content or ""
            messages.append(reply.to_dict())  # pyright: ignore[reportArgumentType] - the API takes back what it gave
            messages += klaviyo.run_tool_calls(reply.tool_calls)


if __name__ == "__main__":
    print(answer(" ".join(sys.argv[1:]) or "Which lists are there?"))
