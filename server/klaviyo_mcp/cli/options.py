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
ExposeOption = Annotated[
    str | None,
    typer.Option(
        "--expose",
        metavar="search|core|all|TOOLSET,…",
        help="Which actions to list as tools: everyday ones, and the others by search (the default); those that "
        "marketers use every day; all; or some toolsets.",
    ),
]
NoLiveChecksFlag = Annotated[
    bool,
    typer.Option("--no-live-checks", help="Do not read the account before a write, to see whether it can be done."),
]
NoUserContentFlag = Annotated[
    bool,
    typer.Option("--no-user-content", help="Leave out of answers what customers and visitors wrote."),
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
PrefixOption = Annotated[
    str | None,
    typer.Option(
        "--prefix", metavar="TEXT", help="Put before every tool's name, such as shop_; calls may leave it out."
    ),
]
ToolsetsOption = Annotated[
    str, typer.Option("--toolsets", metavar="GLOB,…", help="Show only the actions of these toolsets.")
]
ActionsOption = Annotated[
    str, typer.Option("--actions", metavar="GLOB,…", help="Show only these actions, such as 'get_*'.")
]
ExcludeOption = Annotated[
    str,
    typer.Option("--exclude", metavar="GLOB,…", help="Leave these actions out, also as parts of other actions."),
]
