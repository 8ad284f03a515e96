"""Guides: short texts for agents on what no single action tells. Each is a Markdown file of the package.

A file begins with front matter in YAML between two lines of `---`; prompts, which are surfaces' own, are read the same.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from klaviyo_mcp.loose_json import JSON, items
from klaviyo_mcp.registry.errors import SpecError, SpecProblem
from klaviyo_mcp.registry.tool_names import ToolNames

PACKAGE = Path(__file__).resolve().parent.parent
ASKED = re.compile(r"(?:klaviyo://)?guides?\s*[:/]\s*([\w-]*)\s*", re.IGNORECASE)
"""How a guide is asked for where an action is: `guide:segments`, `guides/segments`, or by its URI."""
FRONT = "---\n"
TICKED = re.compile(r"`([a-z]+)`")
"""What may be the name of an action that is a single word, which nothing else tells from other words."""


@dataclass(frozen=True, slots=True)
class Guide:
    """One guide. `actions` are those that it helps to call; `text` is Markdown."""

    topic: str
    title: str
    description: str
    actions: tuple[str, ...]
    text: str

    @property
    def asked_as(self) -> str:
        """What describe_action takes for it."""
        return f"guide:{self.topic}"

    @property
    def uri(self) -> str:
        """Where it is as an MCP resource."""
        return f"klaviyo://guides/{self.topic}"


@cache
def guides() -> Mapping[str, Guide]:
    """All guides by topic, sorted. Read at first use: a list of tools needs none of them."""
    return {
        topic: Guide(
            topic,
            str(front["title"]),
            str(front["description"]),
            tuple(str(name) for name in items(front.get("actions"))),
            text,
        )
        for topic, (front, text) in texts(PACKAGE / "guides").items()
    }


@cache
def guides_of(action: str) -> tuple[Guide, ...]:
    """The guides that help to call an action."""
    return tuple(guide for guide in guides().values() if action in guide.actions)


def told(text: str, names: ToolNames[Any]) -> str:
    """A text with the names of actions as they are listed."""
    if not names.prefix:
        return text
    return names.told(TICKED.sub(lambda word: f"`{names.listed(word[1])}`" if names.find(word[1]) else word[0], text))


def texts(folder: Path) -> dict[str, tuple[JSON, str]]:
    """The front matter and the text of each Markdown file of a folder, by name. Raises SpecError for a broken one."""
    from klaviyo_mcp.registry.yaml_text import parse  # 30 ms that a list of tools does without

    found: dict[str, tuple[JSON, str]] = {}
    for path in sorted(folder.glob("*.md")):
        whole = path.read_text("utf-8")
        front, end, text = whole.removeprefix(FRONT).partition(f"\n{FRONT}")
        if not (whole.startswith(FRONT) and end):
            raise SpecError([SpecProblem(str(path), 1, "the file does not begin with front matter between two ---")])
        found[path.stem] = parse(front, str(path)), text.strip() + "\n"
    return found
