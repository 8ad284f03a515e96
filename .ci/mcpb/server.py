"""Starts the server of a bundle: what its settings say become flags, and what was left empty is not given."""

import os
import re
import sys
from collections.abc import Iterable, Iterator

FLAGS = ("--read-only", "--sandbox")
LEFT_AS_IT_IS = re.compile(r"\$\{user_config\.\w+\}")
"""What a client makes of a setting that nobody filled in and that it has no default for."""


def flags(words: Iterable[str]) -> Iterator[str]:
    """`--account=shop`, `--account=`, `--read-only=true` and `--read-only=false` as the command line has them."""
    for word in words:
        name, _, value = word.partition("=")
        value = value.strip()
        if name in FLAGS:
            if value.lower() == "true":
                yield name
        elif value and not LEFT_AS_IT_IS.fullmatch(value):
            yield f"{name}={value}"


if __name__ == "__main__":
    key = os.environ.get("KLAVIYO_API_KEY", "").strip()
    if not key or LEFT_AS_IT_IS.fullmatch(key):
        os.environ.pop("KLAVIYO_API_KEY", None)
    sys.argv = ["klaviyo-mcp", "serve", *flags(sys.argv[1:])]
    from klaviyo_mcp.__main__ import main

    main()
