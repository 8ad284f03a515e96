"""Options that several commands have."""

from typing import Annotated

import typer

SandboxFlag = Annotated[
    bool, typer.Option("--sandbox", help="Use a simulated Klaviyo in this process; needs no account.")
]
ReadOnlyFlag = Annotated[bool, typer.Option("--read-only", help="Refuse every action that changes something.")]
AccountOption = Annotated[str | None, typer.Option("--account", metavar="NAME", help="Which connected account to use.")]
JsonFlag = Annotated[bool, typer.Option("--json", help="Print JSON.")]
