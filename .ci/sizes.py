"""Fails for a module of klaviyo_mcp over 400 lines and a function over 60: each fits a head, or a screen."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

LONGEST_MODULE = 400
LONGEST_FUNCTION = 60


def too_long(path: Path) -> Iterator[str]:
    """What is too long in a module, as `file:line: message`."""
    text = path.read_text("utf-8")
    if (lines := text.count("\n")) > LONGEST_MODULE:
        yield f"{path}:1: the module has {lines} lines; at most {LONGEST_MODULE} are allowed"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > LONGEST_FUNCTION:
                yield f"{path}:{node.lineno}: {node.name} has {lines} lines; at most {LONGEST_FUNCTION} are allowed"


if __name__ == "__main__":
    found = [line for path in sorted(Path("server/klaviyo_mcp").rglob("*.py")) for line in too_long(path)]
    sys.exit("\n".join(found) or 0)
