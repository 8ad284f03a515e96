"""What commands print, and how they fail: one message on stderr, and an exit code."""

import json
import sys
from collections.abc import Iterable
from typing import Any, NoReturn


def print_json(value: Any) -> None:
    """JSON with indents, in colour on a terminal."""
    text = json.dumps(value, ensure_ascii=False, indent=2)
    if sys.stdout.isatty():
        from rich import print_json as print_in_colour  # 30 ms that a program reading the output need not wait

        print_in_colour(text)
    else:
        print(text)


def warn(messages: Iterable[str]) -> None:
    """Lines on stderr for what is odd and stops nothing."""
    for message in messages:
        print(f"klaviyo-mcp: {message}", file=sys.stderr)


def fail(message: str, code: int = 1) -> NoReturn:
    """One message on stderr, and the exit code."""
    print(f"klaviyo-mcp: {message}", file=sys.stderr)
    sys.exit(code)
