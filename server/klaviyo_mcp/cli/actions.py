"""`klaviyo-mcp actions`: the actions there are, as a list, by words, and each as a page."""

import json
import sys
from textwrap import indent
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from klaviyo_mcp.actions.errors import UnknownAction
from klaviyo_mcp.actions.finding import look_for
from klaviyo_mcp.actions.names import find_action
from klaviyo_mcp.cli.output import fail, print_json
from klaviyo_mcp.loose_json import JSON
from klaviyo_mcp.registry.loading import load_catalogue
from klaviyo_mcp.registry.model import ActionSpec
from klaviyo_mcp.registry.registry import Registry
from klaviyo_mcp.registry.schema_form import form_at, form_text
from klaviyo_mcp.registry.tool_schema import listed_schema
from klaviyo_mcp.runtime.assembly import registry_of
from klaviyo_mcp.runtime.exposure import parse_exposure
from klaviyo_mcp.runtime.settings import read_settings

app = typer.Typer()
actions = typer.Typer(help="Look at the actions there are.", no_args_is_help=True)
app.add_typer(actions, name="actions")


@actions.command("list")
def list_actions(
    toolset: Annotated[str | None, typer.Option(help="Only this toolset.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """List the actions with a line each."""
    registry = Registry(load_catalogue())
    exposure = parse_exposure(toolset or "all", registry)
    specs = [action.spec for action in registry.actions if exposure.shows(action)]
    if as_json:
        print_json(
            [
                {"name": s.name, "toolset": s.toolset, "effect": s.effect, "title": s.title, "summary": s.summary}
                for s in specs
            ]
        )
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("action", "toolset", "effect", "summary"):
        table.add_column(column, no_wrap=column != "summary")
    for spec in sorted(specs, key=lambda spec: (spec.toolset, spec.name)):
        table.add_row(spec.name, spec.toolset, spec.effect, spec.told_summary)
    console = Console(width=None if sys.stdout.isatty() else 160)
    console.print(table)
    console.print(f"{len(specs)} actions", style="dim", highlight=False)


@actions.command("search")
def search_actions(
    words: Annotated[list[str], typer.Argument(help="What you want to do, or an old endpoint: 'POST /api/identify'.")],
    most: Annotated[int, typer.Option(min=1, max=50, help="How many to show.")] = 10,
) -> None:
    """Find actions by words."""
    found = look_for(Registry(load_catalogue()), " ".join(words), most)
    if not found.actions:
        fail(f"No action fits {' '.join(words)!r}.")
    if not found.likely:
        print("Probably no action does this. What comes nearest:")
    for action in found.actions:
        print(f"{action.name} ({action.effect}): {action.spec.told_summary}")


@actions.command("show")
def show_action(
    name: Annotated[str, typer.Argument(help="Name or alias of the action.")],
    path: Annotated[
        str | None, typer.Option(help="Only the full schema of one argument or deeper part, like location.city.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole spec as JSON.")] = False,
) -> None:
    """Show one action: what it does, its arguments, its limits, examples."""
    try:
        spec = find_action(registry_of(read_settings()), name).spec
    except UnknownAction as error:
        fail(error.told)
    if path is not None:
        try:
            print(form_text(form_at(spec, path)))
        except KeyError:
            fail(f"{spec.name} has no argument {path!r}. Arguments: {', '.join(spec.properties)}.")
    elif as_json:
        print_json(spec.model_dump(mode="json", by_alias=True, exclude_unset=True))
    else:
        print(action_page(spec))


def action_page(spec: ActionSpec) -> str:
    """An action for people, in plain text: title, description, arguments, limits and examples."""
    lines = [f"{spec.name}: {spec.title}", "", spec.told_description, ""]
    facts = {
        "toolset": spec.toolset,
        "effect": spec.effect + (", idempotent" if spec.idempotent else ""),
        "scopes": ", ".join(spec.scopes),
        "limits": _limits(spec),
        "also called": ", ".join(spec.aliases),
        "replaces": ", ".join(spec.replaces),
    }
    lines += [f"{key + ':':13}{value}" for key, value in facts.items() if value]
    lines += ["", "Arguments:"]
    for name, schema in listed_schema(spec)["properties"].items():
        forms: list[JSON] = schema.get("anyOf", [schema])
        kind = " or ".join(dict.fromkeys(form["type"] for form in forms))
        mark = ", required" if name in spec.required else ""
        lines.append(f"  {name} ({kind}{mark}){': ' + schema['description'] if 'description' in schema else ''}")
        if "enum" in schema:
            lines.append(f"      one of: {', '.join(str(value) for value in schema['enum'])}")
    if not spec.properties:
        lines.append("  none")
    if spec.filters:
        lines += ["", "Filters:"]
        lines += [
            f"  {name} ({field.type}): {', '.join(dict.fromkeys([*field.one, *field.many, *field.alone]))}"
            for name, field in spec.filters.items()
        ]
    for example in spec.examples:
        shown = indent(json.dumps(example.arguments, ensure_ascii=False, indent=2), "  ")
        lines += ["", f"Example: {example.when}", f"  klaviyo-mcp call {spec.name} --json -", shown]
    return "\n".join(lines)


def _limits(spec: ActionSpec) -> str:
    limit = spec.rate_limit
    if limit is None:
        return "those of the actions it is made of"
    rates = [rate for rate in (limit.burst, limit.steady, limit.daily) if rate]
    extra = [f"{more.bucket}: {more.burst}, {more.steady}" for more in limit.extra]
    return "; ".join([", ".join(rates), *extra])
