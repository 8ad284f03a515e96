"""Which family of clients a request comes from, by a fixed list: fit for a label of a metric, as nobody adds to it."""

from collections.abc import Mapping

FAMILIES = {
    "claude-user": "claude",
    "claude-code": "claude_code",
    "claude": "claude",
    "anthropic": "claude",
    "openai": "chatgpt",
    "chatgpt": "chatgpt",
    "codex": "codex",
    "cursor": "cursor",
    "visual studio code": "vscode",
    "vscode": "vscode",
    "gemini": "gemini",
    "antigravity": "gemini",
    "windsurf": "windsurf",
    "inspector": "inspector",
    "python": "python",
    "node": "node",
    "mozilla": "browser",
}
"""Parts of the header User-Agent in lower case, in the order in which they are looked for."""


def family_of(headers: Mapping[str, str]) -> str:
    """One of the families, or `other`."""
    agent = headers.get("user-agent", "")[:300].lower()
    return next((family for part, family in FAMILIES.items() if part in agent), "other")
