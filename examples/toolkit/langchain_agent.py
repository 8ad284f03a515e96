# /// script
# requires-python = ">=3.11"
# dependencies = ["klaviyo-mcp", "langchain>=1.4,<2", "langchain-openai>=1.4,<2"]
# ///
"""A LangChain agent, without await. Needs OPENAI_API_KEY and KLAVIYO_API_KEY."""

import sys

from langchain.agents import create_agent

from klaviyo_mcp import KlaviyoSync


def answer(question: str) -> str:
    with KlaviyoSync(read_only=True) as klaviyo:
        agent = create_agent("openai:gpt-5.4", klaviyo.tools("langchain"))
        result = agent.invoke({"messages": [{"role": "user", "content": question}]})
        return str(result["messages"][-1].content)


if __name__ == "__main__":
    print(answer(" ".join(sys.argv[1:]) or "Which lists are there?"))
