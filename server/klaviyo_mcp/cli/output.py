"""What commands print, and how they fail: one message on stderr, and an exit code."""

import json
import os
import sys
from collections.abc import Iterable
from typing import Any, NoReturn

from klaviyo_mcp.klaviyo.words import visible


def print_json(value: Any) -> None:
    """JSON with indents, in colour on a terminal."""
    plain = not (sys.stdout.encoding or "").lower().startswith("utf")
    text = visible(json.dumps(value, ensure_ascii=plain, indent=2))
    try:
        if sys.stdout.isatty():
            from rich import print_json as print_in_colour  # 30 ms that a program reading the output need not wait

            print_in_colour(text)
        else:
            print(text, flush=True)
    except OSError as error:
        # What is left in the buffer would fail once more at the end of the process.
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115, PTH123 - until the process ends
        fail(f"The answer is there and cannot be written to stdout ({error.strerror}). What was asked for is done.")


def warn(messages: Iterable[str]) -> None:
    """Lines on stderr for what is odd and stops nothing."""
    for message in messages:
        print(f"klaviyo-mcp: {message}", file=sys.stderr)


def fail(message: str, code: int = 1) -> NoReturn:
    """One message on stderr, and the exit code."""
    print(f"klaviyo-mcp: {message}", file=sys.stderr)
    sys.exit(code)
