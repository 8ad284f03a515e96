"""`klaviyo-mcp demo`: a marketer's story in a minute. A real MCP client and server, and the sandbox as Klaviyo."""

import json
import os
import sys
from textwrap import fill

import anyio
import typer
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters
from rich.console import Console
from rich.markup import escape

from klaviyo_mcp.cli.output import fail
from klaviyo_mcp.loose_json import JSON, mapping

app = typer.Typer()


@app.command(epilog="Example: klaviyo-mcp demo")
def demo() -> None:
    """Play a short story: an agent works for a shop, with the sandbox as Klaviyo."""
    try:
        anyio.run(play)
    except DemoError as error:
        fail(str(error))


async def play() -> None:
    """Start the server with the sandbox, connect over stdio, and tell the story on stdout."""
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 100)
    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "klaviyo_mcp", "serve", "--sandbox", "--expose", "core"],
        env={name: value for name, value in os.environ.items() if not name.startswith("KLAVIYO_")},
    )
    console.print("[bold]klaviyo-mcp[/] gives AI agents every Klaviyo action as a tool that is hard to misuse.")
    console.print("This is what an agent sees. The shop is invented; the sandbox, a simulated Klaviyo,")
    console.print("runs on this machine and plays its part.\n")
    failure: DemoError | None = None
    async with Client(server) as client:
        try:
            await Story(client, console).tell()
        except DemoError as error:
            failure = error
    if failure is not None:
        raise failure
    console.print("\nNothing here left this machine. To use your own account:")
    console.print("  KLAVIYO_API_KEY=pk_… klaviyo-mcp call get_accounts", markup=False)
    console.print("  klaviyo-mcp serve --sandbox   the same tools for your MCP client, to try without an account")


class DemoError(Exception):
    """Something went wrong that the story does not tell of."""


class Story:
    """Scenes in a row; each says what the user wants, what the agent calls, and what comes back."""

    def __init__(self, client: Client, console: Console) -> None:
        """`client` is connected; `console` is where the story goes."""
        self.client = client
        self.console = console
        self.scenes = 0

    async def tell(self) -> None:
        """All scenes, top to bottom."""
        tools = (await self.client.list_tools()).tools
        changing = sum(not (tool.annotations and tool.annotations.read_only_hint) for tool in tools)
        self.console.print(f"The server offers {len(tools)} tools, {changing} of which change something.\n")

        self.scene("Who is Maya Lindqvist? Is she a good customer?")
        found = await self.use(
            "get_profiles",
            {"filter": [{"field": "email", "operator": "equals", "value": "maya.lindqvist@example.org"}]},
        )
        maya = found["records"][0]
        self.says(f"{maya['first_name']} {maya['last_name']}, {maya['place']}, profile {maya['id']}")
        metrics = await self.use("get_metrics", {"fields": ["name"]}, show=False)
        orders_id = next(metric["id"] for metric in metrics["records"] if metric["name"] == "Placed Order")
        by_maya = [
            {"field": "profile_id", "operator": "equals", "value": maya["id"]},
            {"field": "metric_id", "operator": "equals", "value": orders_id},
        ]
        orders = await self.use("get_events", {"filter": by_maya, "sort": "-datetime", "max_records": 50})
        spent = sum(float(order.get("value", 0)) for order in orders["records"])
        self.says(f"{orders['count']} orders in the past year, {spent:,.2f} in all")

        self.scene("Make a list for the autumn preview, and put Maya and two others on it.")
        made = await self.use("create_list", {"name": "Autumn preview", "opt_in_process": "single_opt_in"})
        autumn = made["record"]["id"]
        people = ["maya.lindqvist@example.org", "noah.becker@example.org", "new.face@example.org"]
        added = await self.use("add_profile_to_list", {"list_id": autumn, "emails": people})
        self.says(f"added {added['added']}; no profile for {' and '.join(added['not_found'])}")
        self.says(added["warnings"][0])
        self.scene("The missing ones are fine, create them.")
        added = await self.use("add_profile_to_list", {"list_id": autumn, "emails": people, "create_missing": True})
        self.says(f"added {added['added']}, {added['created']} of them created now")
        self.says(added["warnings"][0])

        self.scene("How many people would a campaign to that list reach?")
        campaign = {
            "name": "Autumn preview",
            "audiences": {"included": [autumn]},
            "messages": [{"channel": "email", "subject": "A first look at autumn"}],
        }
        self.console.print("[dim]The agent makes a mistake first:[/]")
        wrong = {**campaign, "send_stratgy": {"method": "immediate"}, "audiences": {"include": [autumn]}}
        await self.use("create_campaign", wrong, may_fail=True)
        self.console.print("[dim]It reads what to mend, and tries again:[/]")
        made = await self.use("create_campaign", campaign)
        draft = made["record"]["id"]
        self.says(f"campaign {draft}, status {made['record']['status']}: nothing is sent until someone sends it")
        accepted = await self.use("refresh_campaign_recipient_estimation", {"id": draft})
        self.says(f"{accepted['status']}; to be checked with {accepted['verify']['action']}")
        await self._until_complete(draft)
        estimate = await self.use("get_campaign_recipient_estimation", {"id": draft})
        self.says(f"about {estimate['record']['estimated_recipient_count']} recipients")

    def scene(self, wish: str) -> None:
        """What the user says."""
        self.scenes += 1
        self.console.print(f"\n[bold cyan]{self.scenes}. The user:[/] “{wish}”")

    def says(self, text: str) -> None:
        """What the agent learned, in one line."""
        lines = fill(text, 88, subsequent_indent="     ")
        self.console.print("   [green]→[/] " + escape(lines))

    async def use(self, name: str, arguments: JSON, *, show: bool = True, may_fail: bool = False) -> JSON:
        """Call a tool; an error is shown as the agent reads it. Raises DemoError for one the story does not have."""
        result = await self.client.call_tool(name, arguments)
        if show:
            self.console.print(f"   [yellow]{name}[/]")
            shown = json.dumps(arguments, ensure_ascii=False)
            self.console.print(fill(shown, 88, initial_indent=" " * 6, subsequent_indent=" " * 6), markup=False)
        if result.is_error:
            for block in result.content:
                for line in str(getattr(block, "text", "")).splitlines():
                    self.console.print(f"   │ {line}", style="red", markup=False)
            if not may_fail:
                raise DemoError(f"{name} failed; that is not part of the story. Please report it.")
        return mapping(result.structured_content)

    async def _until_complete(self, campaign: str) -> None:
        for _ in range(40):
            job = await self.use("get_campaign_recipient_estimation_job", {"id": campaign}, show=False)
            if job["record"]["status"] == "complete":
                return
            await anyio.sleep(0.25)
        raise DemoError("The sandbox did not finish the estimation. Please report it.")
