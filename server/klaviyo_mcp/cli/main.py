"""The command line: `klaviyo-mcp`. Every failure is one message and a non-zero exit: 1 for a call, 2 for its use."""

import errno
import gc
import sys
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from klaviyo_mcp import __version__
from klaviyo_mcp.cli.output import drop_output, fail, open_closed_streams, speak_utf8
from klaviyo_mcp.klaviyo.errors import KlaviyoError
from klaviyo_mcp.registry.errors import SpecError
from klaviyo_mcp.runtime.exposure import ExposureError
from klaviyo_mcp.runtime.settings import SettingsError

MODULES = (
    "serve",
    "call",
    "shell",
    "actions",
    "importing",
    "exporting",
    "jobs",
    "report",
    "install",
    "connect",
    "accounts",
    "doctor",
    "audit",
    "hosted",
    "sandbox",
    "demo",
    "specs",
    "completion",
)
"""The modules of this room that have commands. Most have one, of the same name."""
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
OTHERS = {"disconnect": "accounts", "docs": "specs", "export": "exporting", "import": "importing"}


class Commands(TyperGroup):
    """The commands; whoever writes an action where one belongs is told how it is run."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """As Typer does, which has no types for it."""
        if args and args[0] not in self.commands and "_" in args[0]:
            from klaviyo_mcp.registry.loading import load_catalogue  # for this mistake alone
            from klaviyo_mcp.registry.registry import Registry

            if action := Registry(load_catalogue()).get(args[0]):
                ctx.fail(f"No such command {args[0]!r}: it is an action. Run it with: klaviyo-mcp call {action.name}")
        return super().resolve_command(ctx, args)


app = typer.Typer(
    name="klaviyo-mcp",
    cls=Commands,
    help="Every Klaviyo action as a tool for AI agents.",
    epilog="Example: klaviyo-mcp call get_lists --sandbox. All of it: docs/cli.md",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def main() -> None:
    """Entry point of the console script."""
    open_closed_streams()
    speak_utf8()
    load(sys.argv[1:])
    try:
        app(prog_name="klaviyo-mcp")
    except (SettingsError, ExposureError, SpecError) as error:
        fail(str(error), 2)
    except KlaviyoError as error:
        fail(f"{error.message}\nNext: {error.advice}" if error.advice else error.message)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        drop_output()
        sys.exit(141)
    except OSError as error:
        if error.errno not in FULL:
            raise
        drop_output()
        fail(f"stdout, or the disk, cannot take what has to be written ({error.strerror}).")


def load(words: list[str]) -> None:
    """Add the command that is wanted, and for a list of commands all of them: each loads what it alone needs."""
    wanted = words[0] if words else ""
    module = OTHERS.get(wanted, wanted)
    for name in (module,) if module in MODULES else () if wanted == "--version" else MODULES:
        app.add_typer(import_module(f"klaviyo_mcp.cli.{name}").app)
    gc.freeze()
    gc.enable()


def _print_version(wanted: bool) -> None:
    if wanted:
        print(__version__)
        raise typer.Exit


@app.callback()
def root(
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Every Klaviyo action as a tool for AI agents."""
