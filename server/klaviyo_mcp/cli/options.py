"""Options that several commands have."""

from typing import Annotated, Literal

import typer

SandboxFlag = Annotated[
    bool, typer.Option("--sandbox", help="Use a simulated Klaviyo in this process; needs no account.")
]
ReadOnlyFlag = Annotated[bool, typer.Option("--read-only", help="Refuse every action that changes something.")]
ConfirmOption = Annotated[
    Literal["destructive", "writes", "never"] | None,
    typer.Option("--confirm", help="Which calls wait for a yes before they are carried out; destructive by default."),
]
NoLiveChecksFlag = Annotated[
    bool,
    typer.Option("--no-live-checks", help="Do not read the account before a write, to see whether it can be done."),
]
AccountOption = Annotated[str | None, typer.Option("--account", metavar="NAME", help="Which connected account to use.")]
JsonFlag = Annotated[bool, typer.Option("--json", help="Print JSON.")]
LogFormatOption = Annotated[
    Literal["text", "json"] | None,
    typer.Option("--log-format", help="How lines on stderr are written; text by default."),
]
LogLevelOption = Annotated[
    Literal["debug", "info", "warning", "error"] | None,
    typer.Option("--log-level", help="What is told there; info has a line per call. info over http, else warning."),
]
