"""`klaviyo-mcp`, also as `python -m klaviyo_mcp`."""

import gc
import os
import sys


def main() -> None:
    """Entry point of the console script."""
    # Loading makes many objects and no garbage: looking for some in between costs time. `cli.main` turns it on again.
    gc.disable()
    try:
        if "_KLAVIYO_MCP_COMPLETE" in os.environ:
            # A person has pressed TAB and waits.
            from klaviyo_mcp.cli.completing import main as complete

            return complete()
        if _serves_stdio(sys.argv[1:]):
            # A client waits at the other end of stdin; it is answered while the rest loads.
            from klaviyo_mcp.mcp_server.front import stdio_front

            stdio_front()
        from klaviyo_mcp.cli.main import main as run

        run()
    except KeyboardInterrupt:
        sys.exit(130)
    finally:
        # A Ctrl-C in text that Python runs, as dataclasses are made of, counts as never caught until other text is run:
        # the process would end by SIGINT, whatever its exit code.
        exec("pass")  # noqa: S102


def _serves_stdio(words: list[str]) -> bool:
    """Whether the command line plainly asks for it; where it is not plain, reading begins a little later."""
    return words[:1] == ["serve"] and not any(word in ("--help", "http") or word.endswith("=http") for word in words)


if __name__ == "__main__":
    main()
