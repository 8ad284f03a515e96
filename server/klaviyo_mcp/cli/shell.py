"""`klaviyo-mcp shell`: one action after the other, with history and completion, on an account or the sandbox."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from klaviyo_mcp.cli.options import AccountOption, NoLiveChecksFlag, NoUserContentFlag, ReadOnlyFlag, SandboxFlag
from klaviyo_mcp.cli.output import end_unread, warn
from klaviyo_mcp.cli.printing import OUTPUTS, Form, usual_form
from klaviyo_mcp.runtime.settings import foreign_variables

app = typer.Typer()


@app.command(epilog="Example: echo 'get_lists --fields id,name' | klaviyo-mcp shell --sandbox")
def shell(
    form: Annotated[Form | None, typer.Option("--output", "-o", metavar="FORM", help=OUTPUTS)] = None,
    read_only: ReadOnlyFlag = False,
    no_live_checks: NoLiveChecksFlag = False,
    no_user_content: NoUserContentFlag = False,
    account: AccountOption = None,
    sandbox: SandboxFlag = False,
) -> None:
    """Run actions one after the other: with completion and history in a terminal, else line by line from stdin.

    Type help for what it understands. The exit code is that of the last line that failed, 0 where none did.
    """
    import anyio

    from klaviyo_mcp.cli.shell_session import Begun, Session  # with the line editor, which other commands need not load
    from klaviyo_mcp.runtime.assembly import assemble, select
    from klaviyo_mcp.runtime.job_attaching import attach_jobs
    from klaviyo_mcp.runtime.logs import start_logging

    warn(foreign_variables())
    selection = select(read_only=read_only, live_checks=not no_live_checks, user_content=not no_user_content)
    if selection.settings.klaviyo_mcp_files is None:
        # Whoever types here may name any file; jobs take those of this folder by their names.
        settings = selection.settings.model_copy(update={"klaviyo_mcp_files": Path()})
        selection = replace(selection, settings=settings)
    application = assemble(selection, sandbox=sandbox, account=account)
    jobs = attach_jobs(application)
    start_logging(application.settings, "warning")
    session = Session(application, jobs, Begun(form or usual_form(), account, sandbox, read_only))
    try:
        code = anyio.run(session.run)
    except BrokenPipeError:
        end_unread()
    sys.exit(code)
