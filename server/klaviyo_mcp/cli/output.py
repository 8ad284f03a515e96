"""What commands print, and how they fail: one message on stderr, and an exit code."""

import io
import json
import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, NoReturn

from klaviyo_mcp.klaviyo.words import visible


def print_json(value: Any) -> None:
    """JSON with indents, in colour on a terminal."""
    plain = not (sys.stdout.encoding or "").lower().startswith("utf")
    text = visible(json.dumps(value, ensure_ascii=plain, indent=2))
    if sys.stdout.isatty():
        from rich import print_json as print_in_colour  # 30 ms that a program reading the output need not wait

        print_in_colour(text)
    else:
        print(text, flush=True)


def open_closed_streams() -> None:
    """A stream that was closed before the program began leads nowhere; else the next file to be opened would be it."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            with suppress(OSError):
                os.fstat(number)
                continue
            os.open(os.devnull, os.O_RDWR)
            setattr(sys, name, open(number, "w" if number else "r", encoding="utf-8", closefd=False))  # noqa: SIM115


def speak_utf8() -> None:
    """Where the locale has nothing but ASCII, text comes in and goes out as UTF-8, words of the command line too."""
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.encoding.lower() in ("ascii", "ansi_x3.4-1968", "us-ascii"):
            stream.reconfigure(encoding="utf-8", errors="surrogateescape")
    sys.argv[1:] = [os.fsencode(word).decode("utf-8", "surrogateescape") for word in sys.argv[1:]]


def drop_output() -> None:
    """Nothing more goes to stdout, which cannot take it; else Python would say so once more at its end."""
    with suppress(OSError, ValueError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)


def end_unread() -> NoReturn:
    """End quietly, as whoever read stdout has gone; Typer itself would end with the exit code for a failure."""
    drop_output()
    sys.exit(141)


def warn(messages: Iterable[str]) -> None:
    """Lines on stderr for what is odd and stops nothing."""
    for message in messages:
        print(f"klaviyo-mcp: {message}", file=sys.stderr)


def fail(message: str, code: int = 1) -> NoReturn:
    """One message on stderr, and the exit code."""
    print(f"klaviyo-mcp: {message}", file=sys.stderr)
    sys.exit(code)
