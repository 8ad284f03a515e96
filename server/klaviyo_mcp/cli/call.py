"""`klaviyo-mcp call`: one action, and its answer as a table, JSON, CSV, JSON Lines or text."""

from typing import Annotated

import anyio
import typer

from klaviyo_mcp.actions.engine import Call
from klaviyo_mcp.cli.asking import agreed_beforehand, agreed_by_person, somebody_is_there, with_missing
from klaviyo_mcp.cli.calling import (
    MISUSED,
    NoPages,
    Typed,
    complaint,
    exit_code,
    made,
    noted,
    prepared,
    shown,
    stdin_left,
)
from klaviyo_mcp.cli.options import AccountOption, NoLiveChecksFlag, NoUserContentFlag, ReadOnlyFlag, SandboxFlag
from klaviyo_mcp.cli.output import end_unread, fail, warn
from klaviyo_mcp.cli.printing import OUTPUTS, Form, fields_of, usual_form
from klaviyo_mcp.cli.setting import WrongSetting, arguments_of
from klaviyo_mcp.loose_json import is_object
from klaviyo_mcp.runtime.answering import Ask, Response
from klaviyo_mcp.runtime.assembly import Selection, assemble, select
from klaviyo_mcp.runtime.exporters import start_exporting
from klaviyo_mcp.runtime.job_attaching import attach_jobs
from klaviyo_mcp.runtime.logs import start_logging
from klaviyo_mcp.runtime.settings import foreign_variables

app = typer.Typer()


@app.command(epilog="Example: klaviyo-mcp call create_list --set name=VIP --sandbox")
def call(
    action: Annotated[str, typer.Argument(metavar="ACTION", help="Name or alias of the action.")],
    arguments: Annotated[
        str, typer.Option("--json", metavar="ARGS", help="The arguments as a JSON object; '-' is stdin, @FILE a file.")
    ] = "{}",
    sets: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="One argument, or a part: location.city=Boston. Again for lists; JSON, @FILE and - (stdin) too.",
        ),
    ] = None,
    form: Annotated[Form | None, typer.Option("--output", "-o", metavar="FORM", help=OUTPUTS)] = None,
    fields: Annotated[
        str, typer.Option("--fields", metavar="NAME,…", help="Show these fields alone, such as name,location.city.")
    ] = "",
    every: Annotated[bool, typer.Option("--all", help="Read all pages, not the first alone.")] = False,
    preview: Annotated[bool, typer.Option("--preview", help="Show what would be sent, and send nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do it without asking, also what has to be confirmed.")] = False,
    read_only: ReadOnlyFlag = False,
    no_live_checks: NoLiveChecksFlag = False,
    no_user_content: NoUserContentFlag = False,
    account: AccountOption = None,
    sandbox: SandboxFlag = False,
) -> None:
    """Run one action and print its answer. In a terminal, what is required and missing is asked for."""
    warn(foreign_variables())
    selection = select(
        read_only=read_only,
        confirm="never" if yes else None,
        live_checks=not no_live_checks,
        user_content=not no_user_content,
    )
    found = selection.registry.get(action)
    spec = found.spec if found else None
    try:
        given = arguments_of(spec, arguments, sets or [])
        asks = somebody_is_there() and stdin_left(arguments, sets or [])
        if asks and found is not None and is_object(given) and selection.exposure.shows(found):
            given = with_missing(found.spec, given)
        typed = prepared(Typed(Call(action, given), form or usual_form(), fields_of(fields), every, preview), spec)
    except (WrongSetting, NoPages) as error:
        fail(str(error), MISUSED)
    ask = agreed_beforehand if yes else agreed_by_person if asks else None
    _finish(selection, typed, ask, sandbox=sandbox, account=account)


def _finish(selection: Selection, typed: Typed, ask: Ask | None, *, sandbox: bool, account: str | None) -> None:
    """Make the call, print its answer, and end the command with the exit code for what became of it."""
    application = assemble(selection, sandbox=sandbox, account=account)
    attach_jobs(application)
    start_logging(application.settings, "warning")
    start_exporting()

    async def run() -> Response:
        try:
            return await made(application, typed, client="klaviyo-mcp call", ask=ask)
        finally:
            await application.accounts.close()

    try:
        response = anyio.run(run)
        shown(application, response, typed)
    except BrokenPipeError:
        end_unread()
    if not sandbox:
        noted(application, response, account)
    if problem := complaint(response):
        fail(problem, exit_code(response))
