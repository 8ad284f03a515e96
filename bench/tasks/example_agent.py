"""An agent that knows no model: it shows the line protocol, and asks which actions do what was said.

    python -m bench.tasks --task 1 --agent "python bench/tasks/example_agent.py"

A real one would give the prompt and the tools to a model, and pass on what the model calls.
"""

import json
import sys
from typing import Any


def say(line: dict[str, Any]) -> None:
    """Write a line."""
    print(json.dumps(line), flush=True)


def heard() -> dict[str, Any]:
    """Read a line."""
    return json.loads(sys.stdin.readline())


def main() -> None:
    """Do one task: search for its words, and answer with what was found."""
    task = heard()
    say({"type": "call", "tool": "find_actions", "arguments": {"query": task["prompt"][:200], "limit": 3}})
    result = heard()
    names = [action["name"] for action in result["data"].get("actions", [])]
    say({"type": "answer", "text": f"I would begin with {', '.join(names) or 'nothing'}.", "data": {}})


if __name__ == "__main__":
    main()
