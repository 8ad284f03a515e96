"""`klaviyo-mcp actions`: the actions there are, as a list, by words, and each as a page."""

import sys
from typing import Annotated

import typer
from rich.console import Console
from rich.markdown import Markdown

from klaviyo_mcp.actions.errors import UnknownAction
from klaviyo_mcp.actions.finding import look_for
from klaviyo_mcp.actions.names import find_action
from klaviyo_mcp.cli.action_page import list_of, page_of, show
from klaviyo_mcp.cli.options import JsonFlag
from klaviyo_mcp.cli.output import fail, print_json
from klaviyo_mcp.loose_json import JSON, did_you_mean
from klaviyo_mcp.registry.guides import guides
from klaviyo_mcp.registry.loading import load_catalogue
from klaviyo_mcp.registry.registry import Action, Registry
from klaviyo_mcp.registry.schema_form import form_at, form_text
from klaviyo_mcp.runtime.assembly import registry_of
from klaviyo_mcp.runtime.exposure import parse_exposure
from klaviyo_mcp.runtime.settings import read_settings

app = typer.Typer()
actions = typer.Typer(
    help="Look at the actions there are.",
    no_args_is_help=True,
    epilog="Example: klaviyo-mcp actions search pause a flow",
)
app.add_typer(actions, name="actions")
GUIDE = "guide:"
"""What stands before a guide's name in place of an action's, as agents ask for one."""
WIDTH = 160
"""Columns of a list that is not printed in a terminal."""


@actions.command("list", epilog="Example: klaviyo-mcp actions list --toolset lists")
def list_actions(
    toolset: Annotated[str | None, typer.Option("--toolset", metavar="TOOLSET,…", help="Only these toolsets.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """List the actions with a line each."""
    registry = Registry(load_catalogue())
    exposure = parse_exposure(toolset or "all", registry)
    shown = [action for action in registry.actions if exposure.shows(action)]
    if as_json:
        print_json([_row(action) for action in shown])
        return
    ordered = sorted(shown, key=lambda action: (action.spec.toolset, action.name))
    show(list_of(ordered, _width()), plain_width=WIDTH)
    print(f"{len(shown)} actions", file=sys.stderr if not sys.stdout.isatty() else sys.stdout)


@actions.command("search", epilog="Example: klaviyo-mcp actions search who is on a list")
def search_actions(
    words: Annotated[list[str], typer.Argument(help="What you want to do, or an old endpoint: 'POST /api/identify'.")],
    most: Annotated[int, typer.Option(min=1, max=50, help="How many to show.")] = 10,
    as_json: JsonFlag = False,
) -> None:
    """Find actions by words, the likeliest first."""
    found = look_for(Registry(load_catalogue()), " ".join(words), most)
    if not found.actions:
        fail(f"No action fits {' '.join(words)!r}.")
    if as_json:
        print_json({"probably_none": not found.likely, "actions": [_row(action) for action in found.actions]})
        return
    if not found.likely:
        print("Probably no action does this. What comes nearest:")
    if sys.stdout.isatty():
        show(list_of(found.actions, _width()))
        return
    for action in found.actions:
        print(f"{action.name} ({action.effect}): {action.spec.told_summary}")


@actions.command("show", epilog="Example: klaviyo-mcp actions show create_profile --path location")
def show_action(
    name: Annotated[str, typer.Argument(metavar="ACTION", help="Name or alias of the action, or guide:TOPIC.")],
    path: Annotated[
        str | None, typer.Option(help="Only the full schema of one argument or deeper part, like location.city.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole spec, or a guide, as JSON.")] = False,
) -> None:
    """Show one action: what it does, its arguments, its limits, examples."""
    if name.startswith(GUIDE):
        if path is not None:
            fail("--path goes with an action, and a guide has no arguments.", 2)
        _show_guide(name.removeprefix(GUIDE), as_json=as_json)
        return
    registry = registry_of(read_settings())
    try:
        action = find_action(registry, name)
    except UnknownAction as error:
        fail(error.told)
    spec = action.spec
    if path is not None:
        try:
            print(form_text(form_at(spec, path)))
        except KeyError:
            fail(f"{spec.name} has no argument {path!r}. Arguments: {', '.join(spec.properties)}.")
    elif as_json:
        print_json(spec.model_dump(mode="json", by_alias=True, exclude_unset=True))
    else:
        show(page_of(action, registry))


def _show_guide(topic: str, *, as_json: bool) -> None:
    known = guides()
    if topic not in known:
        meant = did_you_mean(topic, known)
        fail(f"There is no guide {topic!r}. {f'{meant} ' if meant else ''}There are: {', '.join(known)}.")
    text = known[topic].text
    if as_json:
        print_json({"topic": topic, "title": known[topic].title, "about": known[topic].description, "text": text})
    elif sys.stdout.isatty():
        show(Markdown(text))
    else:
        print(text)


def _row(action: Action) -> JSON:
    spec = action.spec
    return {
        "name": spec.name,
        "toolset": spec.toolset,
        "effect": spec.effect,
        "title": spec.title,
        "summary": spec.summary,
    }


def _width() -> int:
    return Console().width if sys.stdout.isatty() else WIDTH
