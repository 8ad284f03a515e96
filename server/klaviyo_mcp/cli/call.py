"""`klaviyo-mcp call`: one action, and its answer as JSON."""

import json
import sys
from dataclasses import replace
from typing import Annotated

import anyio
import typer

from klaviyo_mcp.actions.engine import Call
from klaviyo_mcp.answers.held import question
from klaviyo_mcp.answers.shape import Answer
from klaviyo_mcp.cli.options import AccountOption, NoLiveChecksFlag, NoUserContentFlag, ReadOnlyFlag, SandboxFlag
from klaviyo_mcp.cli.output import drop_output, fail, print_json, warn
from klaviyo_mcp.klaviyo.words import visible
from klaviyo_mcp.runtime.answering import Response, answer_call, preview_call
from klaviyo_mcp.runtime.assembly import Application, assemble, select
from klaviyo_mcp.runtime.exporters import start_exporting
from klaviyo_mcp.runtime.job_attaching import attach_jobs
from klaviyo_mcp.runtime.logs import start_logging
from klaviyo_mcp.runtime.settings import foreign_variables

app = typer.Typer()


@app.command()
def call(
    action: Annotated[str, typer.Argument(metavar="ACTION", help="Name or alias of the action.")],
    arguments: Annotated[
        str, typer.Option("--json", metavar="ARGS", help="The arguments as a JSON object; '-' reads them from stdin.")
    ] = "{}",
    preview: Annotated[bool, typer.Option("--preview", help="Show what would be sent, and send nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do it without asking, also what has to be confirmed.")] = False,
    read_only: ReadOnlyFlag = False,
    no_live_checks: NoLiveChecksFlag = False,
    no_user_content: NoUserContentFlag = False,
    account: AccountOption = None,
    sandbox: SandboxFlag = False,
) -> None:
    """Run one action and print its answer as JSON."""
    text = sys.stdin.read() if arguments == "-" else arguments
    try:
        given = json.loads(text)
    except RecursionError:
        fail("--json is nested too deep.", 2)
    except ValueError as error:
        fail(f'--json is not valid JSON: {error}. Example: --json \'{{"email": "a@example.org"}}\'', 2)
    warn(foreign_variables())
    selection = select(
        read_only=read_only,
        confirm="never" if yes else None,
        live_checks=not no_live_checks,
        user_content=not no_user_content,
    )
    application = assemble(selection, sandbox=sandbox, account=account)

    attach_jobs(application)
    start_logging(application.settings, "warning")
    start_exporting()

    audit = replace(application.audit, client="klaviyo-mcp call") if application.audit else None

    async def run() -> Response:
        try:
            if preview:
                accounts = application.accounts if application.connected else None
                return await preview_call(application.engine, accounts, Call(action, given), audit=audit)
            ask = _agree if yes else _ask if sys.stdin.isatty() and arguments != "-" else None
            made, room = Call(action, given), application.settings.answer_bytes
            return await answer_call(application.engine, application.accounts, made, budget=room, ask=ask, audit=audit)
        finally:
            await application.accounts.close()

    response = anyio.run(run)
    try:
        print_json(response.answer.data)
    except BrokenPipeError:
        raise
    except OSError as error:
        drop_output()
        fail(f"stdout cannot take the answer ({error.strerror}). {_became(response, application, action, preview)}")
    if response.answer.data.get("done") is False:
        fail("Nothing was done: this has to be confirmed. Look at what it does, then add --yes.")
    if response.is_error:
        wrong_use = response.answer.data["error"]["code"] in ("unknown_account", "account_needed")
        fail(response.text, 2 if wrong_use else 1)


async def _agree(_plan: Answer) -> bool:
    """What --yes says, also where a policy wants to be asked."""
    return True


async def _ask(plan: Answer) -> bool:
    """Ask whoever sits at the terminal."""
    typer.echo(visible(question(plan)), err=True)
    return await anyio.to_thread.run_sync(lambda: typer.confirm("Shall this be done?", err=True))


def _became(response: Response, application: Application, action: str, preview: bool) -> str:
    """What became of a call whose answer nobody sees."""
    if response.is_error:
        return f"The call had failed:\n{response.text}"
    if preview:
        return "Nothing was sent to Klaviyo."
    if application.engine.find(action).effect == "read":
        return "The read had been made, and nothing was changed; call again once there is room."
    return "The action had been carried out: do not repeat it, read the record instead."
