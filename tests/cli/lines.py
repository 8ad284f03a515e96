"""Lines of a shell, as pages and help show them, run without one."""

import shlex
from collections.abc import Callable
from subprocess import CompletedProcess


def run_line(command: Callable[..., CompletedProcess[str]], line: str, **environment: str) -> CompletedProcess[str]:
    """`klaviyo-mcp WORDS`, with what `echo` or `printf` pipes into it. With a shell between, none begins warm."""
    before, _, line = line.rpartition(" | ")
    words = shlex.split(line)
    assert words[0] == "klaviyo-mcp"
    given = shlex.split(before)
    skip = {"echo": 1, "printf": 2}[given[0]] if given else 0
    return command(*words[1:], stdin="".join(f"{one}\n" for one in given[skip:]) if given else None, **environment)
