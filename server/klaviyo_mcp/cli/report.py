"""`klaviyo-mcp report`: numbers of a period in the terminal, as JSON, as one page of HTML, or as a PDF."""

from pathlib import Path
from typing import Annotated, Literal

import anyio
import typer

from klaviyo_mcp.actions.engine import Call
from klaviyo_mcp.cli.options import AccountOption, JsonFlag, NoUserContentFlag, SandboxFlag
from klaviyo_mcp.cli.output import fail, print_json, warn
from klaviyo_mcp.loose_json import JSON
from klaviyo_mcp.reports.page import Paper
from klaviyo_mcp.runtime.answering import Response, answer_call
from klaviyo_mcp.runtime.assembly import assemble, select
from klaviyo_mcp.runtime.logs import start_logging
from klaviyo_mcp.runtime.settings import foreign_variables

app = typer.Typer()
Name = Literal["weekly", "campaigns", "flows", "list-health", "cohorts", "segments", "consent"]
ACTIONS = {"consent": "list_health_report"}
"""The action of a report whose name is another's."""
OF_ORDERS = ("weekly", "campaigns", "flows", "cohorts")
COMPARE = {"before": "before", "year": "year_ago", "none": "none"}
WRONG_USE = ("no_account", "unknown_account", "account_needed", "invalid_arguments", "precondition_failed")
STDOUT = Path("-")
ROOM = 4_000_000
"""Bytes of an answer: a file has room for all of it."""
AMERICAN = ("USD", "CAD", "MXN", "PHP", "CLP", "COP")
"""Currencies of where paper is Letter."""

PeriodOption = Annotated[
    str | None,
    typer.Option(
        "--period",
        metavar="PERIOD",
        help="last_week, last_30_days, last_month, another such key, 2026-10, or 2026-10-01..2026-10-31. Each "
        "report has its own when this is left out.",
    ),
]
MetricOption = Annotated[
    str | None,
    typer.Option(
        "--metric",
        metavar="METRIC",
        help="What counts as an order: the id of a metric, or name:Placed Order. The account's revenue metric when "
        "this is left out.",
    ),
]


@app.command(
    epilog="Example: klaviyo-mcp report weekly --html monday.html --pdf monday.pdf    "
    "Exit codes: 0 done, 1 the report could not be made or written, 2 wrong use."
)
def report(
    name: Annotated[
        Name,
        typer.Argument(
            metavar="NAME", help="weekly, campaigns, flows, list-health (also as consent), cohorts or segments."
        ),
    ],
    period: PeriodOption = None,
    compare: Annotated[
        Literal["before", "year", "none"] | None,
        typer.Option(
            "--compare", help="Held against the period before (the default), the same a year ago, or nothing."
        ),
    ] = None,
    metric: MetricOption = None,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write one page that needs nothing else; - is stdout.")
    ] = None,
    pdf: Annotated[
        Path | None,
        typer.Option("--pdf", metavar="FILE", help="Print that page with the Chrome, Chromium or Edge here."),
    ] = None,
    paper: Annotated[
        Paper | None, typer.Option("--paper", help="Of the PDF and of print; by the account's currency if left out.")
    ] = None,
    as_json: JsonFlag = False,
    no_user_content: NoUserContentFlag = False,
    account: AccountOption = None,
    sandbox: SandboxFlag = False,
) -> None:
    """Report on a week, campaigns, flows, lists and consent, repeat buyers or segments."""
    if name == "cohorts" and compare in ("before", "year"):
        fail("report cohorts holds its months against each other; it takes no --compare.", 2)
    if metric is not None and name not in OF_ORDERS:
        fail(f"report {name} counts no orders; it takes no --metric.", 2)
    warn(foreign_variables())
    _check_files(html, pdf, as_json=as_json)
    if pdf is not None:
        _check_printer()
    said = {"period": period, "conversion_metric_id": metric, "compare": compare and COMPARE[compare]}
    given: JSON = {key: one for key, one in said.items() if one is not None and (name, key) != ("cohorts", "compare")}
    action = ACTIONS.get(name, f"{name.replace('-', '_')}_report")
    response, shop = _answered(action, given, account, sandbox=sandbox, user_content=not no_user_content)
    data = response.answer.data
    if as_json:
        print_json(data)
    if response.is_error:
        fail(response.text, 2 if data["error"]["code"] in WRONG_USE else 1)
    if html is not None or pdf is not None:
        _write(action, data, shop, html, pdf, paper or _paper(data))
    elif not as_json:
        from klaviyo_mcp.cli.report_tables import show  # rich takes a while that files need not wait

        show(action, data, shop)


def _answered(
    action: str, given: JSON, account: str | None, *, sandbox: bool, user_content: bool
) -> tuple[Response, str]:
    """The answer of the report's action, and what the company is called."""
    application = assemble(select(read_only=True, user_content=user_content), sandbox=sandbox, account=account)
    start_logging(application.settings, "warning")

    async def run() -> tuple[Response, str]:
        try:
            response = await answer_call(
                application.engine, application.accounts, Call(action, given), budget=ROOM, audit=application.audit
            )
            if response.is_error:
                return response, ""
            return response, (await application.accounts.find(None)).facts.organisation or ""
        finally:
            await application.accounts.close()

    return anyio.run(run)


def _check_files(html: Path | None, pdf: Path | None, *, as_json: bool) -> None:
    """What would keep a file from being written is told before anything is asked of Klaviyo."""
    if html is not None and pdf is not None and html.absolute() == pdf.absolute():
        fail(f"--html and --pdf are both {html}. Nothing was sent to Klaviyo.", 2)
    if html == STDOUT and as_json:
        fail("--json and --html - would both be written to stdout. Nothing was sent to Klaviyo.", 2)
    if pdf == STDOUT:
        fail("--pdf needs a file. Nothing was sent to Klaviyo.", 2)
    for path in (html, pdf):
        if path is None or path == STDOUT:
            continue
        if path.is_dir():
            fail(f"{path} is a folder; give a file. Nothing was sent to Klaviyo.")
        if not path.absolute().parent.is_dir():
            fail(f"{path} cannot be written: there is no folder {path.absolute().parent}. Nothing was sent to Klaviyo.")


def _check_printer() -> None:
    """What would keep a PDF from being made is told before anything is asked of Klaviyo."""
    from klaviyo_mcp.reports.pdf import NotPrinted, browser  # only --pdf needs it

    try:
        browser()
    except NotPrinted as error:
        fail(f"{error} Nothing was sent to Klaviyo.")


def _write(action: str, data: JSON, shop: str, html: Path | None, pdf: Path | None, paper: Paper) -> None:
    from klaviyo_mcp.reports.charts import MISSING, can_draw  # only files need them
    from klaviyo_mcp.reports.page import html as page_of
    from klaviyo_mcp.reports.pdf import NotPrinted, printed

    if not can_draw():
        warn([f"The report has its tables alone. {MISSING}"])
    page = page_of(action, data, shop, paper)
    target = html
    try:
        if html == STDOUT:
            typer.echo(page)
        elif html is not None:
            html.write_text(page, "utf-8")
            typer.echo(f"Wrote {html}", err=True)
        target = pdf
        if pdf is not None:
            printed(page, pdf)
            typer.echo(f"Wrote {pdf}", err=True)
    except OSError as error:
        fail(f"{target} cannot be written ({error.strerror}).")
    except NotPrinted as error:
        fail(str(error))


def _paper(data: JSON) -> Paper:
    return "letter" if data.get("covers", {}).get("currency") in AMERICAN else "a4"
