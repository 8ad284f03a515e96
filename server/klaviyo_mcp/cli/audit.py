"""`klaviyo-mcp audit`: look at the audit log, and see whether it is whole."""

import sys
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from klaviyo_mcp.cli.options import JsonFlag
from klaviyo_mcp.cli.output import fail, print_json, warn
from klaviyo_mcp.klaviyo.words import visible
from klaviyo_mcp.loose_json import JSON, everything
from klaviyo_mcp.runtime.audit_chain import entry_of
from klaviyo_mcp.runtime.audit_file import AuditFile, AuditProblem
from klaviyo_mcp.runtime.settings import read_settings

app = typer.Typer()
audit = typer.Typer(
    help="Look at the audit log.", no_args_is_help=True, epilog="Example: klaviyo-mcp audit verify --file audit.jsonl"
)
app.add_typer(audit, name="audit")

COLUMNS = ("at", "phase", "action", "effect", "outcome", "client", "account", "call_id")
FileOption = Annotated[
    Path | None, typer.Option("--file", metavar="FILE", help="Which log; that of KLAVIYO_MCP_AUDIT_FILE by default.")
]


@audit.command("verify", epilog="Example: klaviyo-mcp audit verify --file audit.jsonl")
def verify_log(file: FileOption = None) -> None:
    """Say whether every line is as it was written, and which is the first that is not."""
    log = _log(file)
    try:
        verdict = log.verified()
    except AuditProblem as problem:
        fail(f"{problem}.")
    for number in verdict.torn:
        print(f"line {number}: unfinished, as a crash leaves it; the chain goes on after it")
    if verdict.broken is not None:
        fail(f"{log.path}: line {verdict.broken} is the first that is not as it was written: {verdict.why}.")
    if not log.head:
        warn([f"there is no {log.path.name}.head beside it, so lines missing at the end cannot be seen"])
    print(f"{log.path} is whole: {verdict.entries} entries, the last with the hash {verdict.last}")


@audit.command("show", epilog="Example: klaviyo-mcp audit show --file audit.jsonl --last 5")
def show_log(
    file: FileOption = None,
    last: Annotated[int, typer.Option(min=1, help="How many entries to show, the newest.")] = 50,
    value: Annotated[
        str | None, typer.Option(help="Only calls with this text among their arguments, such as an e-mail address.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Show the newest entries."""
    log = _log(file)
    try:
        wanted = {value, log.hashed(value)} if value is not None else None
        found = list(deque(_entries(log, wanted), last))
    except AuditProblem as problem:
        fail(f"{problem}.")
    if as_json:
        print_json(found)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in COLUMNS:
        table.add_column(column.replace("_", " "), no_wrap=True)
    for entry in found:
        table.add_row(*(visible(str(entry.get(column, ""))) for column in COLUMNS))
    Console(width=None if sys.stdout.isatty() else 200, markup=False).print(table)


def _entries(log: AuditFile, wanted: set[str] | None) -> Iterator[JSON]:
    for number, line in enumerate(log.lines(), 1):
        entry = entry_of(line.removesuffix(b"\n"))
        if entry is None:
            warn([f"line {number} is not as it was written; see 'klaviyo-mcp audit verify'"])
        elif wanted is None or any(part in wanted for part in everything(entry) if isinstance(part, str)):
            yield entry


def _log(file: Path | None) -> AuditFile:
    path = file or read_settings().klaviyo_mcp_audit_file
    if path is None:
        fail("There is no audit log: name one with --file, or set KLAVIYO_MCP_AUDIT_FILE.", 2)
    if not path.is_file():
        fail(f"There is no audit log at {path}.", 2)
    return AuditFile(path.expanduser().absolute())
