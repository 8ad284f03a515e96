"""An action as a page that a person likes to read, and lists of actions as tables."""

import json
import re
import shlex
import sys
from collections.abc import Iterable
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from klaviyo_mcp.actions.finding import look_for
from klaviyo_mcp.authoring.precondition_index import in_words
from klaviyo_mcp.cli.printing import console_for
from klaviyo_mcp.loose_json import JSON, is_list, is_object
from klaviyo_mcp.registry.guides import guides_of
from klaviyo_mcp.registry.model import ActionSpec, Effect
from klaviyo_mcp.registry.registry import Action, Registry
from klaviyo_mcp.registry.tool_schema import listed_schema

STYLES: dict[Effect, str] = {"read": "green", "write": "yellow", "destructive": "red"}
EFFECTS: dict[Effect, str] = {
    "read": "reads, and changes nothing",
    "write": "makes or changes something",
    "destructive": "removes something, reaches people, or cannot be taken back: it waits for a yes",
}
MARKDOWN = re.compile(r"[`*]")
MOST_RELATED = 5
MOST_CHOICES = 12
LONGEST_WORD = 600
"""Characters of JSON up to which an example is one line to paste; a longer one is given on stdin."""


def page_of(action: Action, registry: Registry) -> RenderableType:
    """What it does, how it is called, an example to paste, its limits and rules, and what is related."""
    spec = action.spec
    parts: list[RenderableType] = [
        Text.assemble((spec.name, "bold"), ": ", spec.title, "  ", (action.effect, STYLES[action.effect])),
        Text(),
        Text(_flowing(spec.told_description)),
        *_section("Arguments", _arguments(spec)),
    ]
    if spec.filters:
        parts += _section("Filters", _filters(spec))
    for example in spec.examples:
        parts += _section(f"Example: {example.when}", Text(command_of(spec, example.arguments), style="cyan"))
    parts += _section("Facts", _facts(action))
    if rules := [in_words(rule) for rule in spec.preconditions]:
        parts += _section("Rules", _listed([MARKDOWN.sub("", rule) for rule in rules]))
    related = [f"{one.name}: {one.spec.told_summary}" for one in _related(action, registry)]
    related += [f"{guide.asked_as}: {guide.description}" for guide in guides_of(spec.name)]
    if related:
        parts += _section("Related", _listed(related))
    return Group(*parts)


def list_of(actions: Iterable[Action], width: int) -> Table:
    """Actions with a line each: name, effect, what it does."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("action", overflow="fold", min_width=20, max_width=max(34, width // 3))
    if width >= 100:
        table.add_column("toolset", no_wrap=True)
    table.add_column("effect", no_wrap=True)
    table.add_column("summary", ratio=1)
    for action in actions:
        middle = [Text(action.spec.toolset)] if width >= 100 else []
        table.add_row(
            Text(action.name, style="bold"),
            *middle,
            Text(action.effect, style=STYLES[action.effect]),
            Text(action.spec.told_summary),
        )
    return table


def show(shown: RenderableType, *, plain_width: int = 100) -> None:
    """Print a page; in a terminal that is too short for it, through the pager of PAGER, or less or more."""
    if not sys.stdout.isatty():
        console_for(width=plain_width).print(shown)
        return
    console = console_for()
    lines = console.render_lines(shown, pad=False)
    if len(lines) < console.height or console.is_dumb_terminal:
        console.print(shown)
        return
    with console.pager(styles=console.color_system is not None):
        console.print(shown)


def command_of(spec: ActionSpec, arguments: JSON) -> str:
    """A call as it is typed into a shell: with `--set` where all values are plain, else with its JSON."""
    words = ["klaviyo-mcp", "call", spec.name]
    if all(_is_plain(value) for value in arguments.values()):
        for name, value in arguments.items():
            words += [w for one in (value if is_list(value) else [value]) for w in ("--set", f"{name}={_plain(one)}")]
        return shlex.join(words)
    text = json.dumps(arguments, ensure_ascii=False)
    if len(text) <= LONGEST_WORD:
        return shlex.join([*words, "--json", text])
    return f"{shlex.join(words)} --json - <<'END'\n{json.dumps(arguments, ensure_ascii=False, indent=2)}\nEND"


def _flowing(text: str) -> str:
    """Paragraphs without the ends of lines that a file has; a list keeps its lines."""
    return re.sub(r"(?<=\S)\n(?=[^\s*-])", " ", text.strip())


def _is_plain(value: Any) -> bool:
    if is_list(value):
        return bool(value) and all(not is_list(one) and _is_plain(one) for one in value)
    return not is_object(value) and value is not None and str(value) != "-" and "\n" not in str(value)


def _plain(value: Any) -> str:
    if isinstance(value, str):
        return f"@{value}" if value.startswith("@") else value
    return json.dumps(value)


def _section(title: str, content: RenderableType) -> list[RenderableType]:
    return [Text(), Text(title, style="bold underline"), Padding(content, (0, 0, 0, 2))]


def _arguments(spec: ActionSpec) -> RenderableType:
    if not spec.properties:
        return Text("none")
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(overflow="fold", max_width=34)
    table.add_column(overflow="fold", max_width=16, style="dim")
    table.add_column(ratio=1)
    listed = listed_schema(spec)["properties"]
    for name in sorted(listed, key=lambda name: name not in spec.required):
        schema: JSON = listed[name]
        said = Text(str(schema.get("description", "")))
        inner: JSON = schema.get("items") or {}
        if values := schema.get("enum") or inner.get("enum"):
            more = "" if len(values) <= MOST_CHOICES else f", and {len(values) - MOST_CHOICES} more"
            line = f"One of: {', '.join(map(str, values[:MOST_CHOICES]))}{more}"
            said = Text("\n").join([said, Text(line, style="dim")]) if said.plain else Text(line, style="dim")
        required = name in spec.required
        table.add_row(Text(f"{name}{' *' if required else ''}", style="bold" if required else ""), _kind(schema), said)
    return Group(table, Text("* required", style="dim")) if spec.required else table


def _kind(schema: JSON) -> Text:
    forms: list[JSON] = schema.get("anyOf", [schema])
    words = [
        f"list of {form.get('items', {}).get('type', 'any')}s"
        if form.get("type") == "array"
        else str(form.get("type", "any"))
        for form in forms
    ]
    return Text(" or ".join(dict.fromkeys(words)))


def _filters(spec: ActionSpec) -> RenderableType:
    table = Table(box=None, pad_edge=False, show_header=False)
    for ratio in (None, None, 1):
        table.add_column(overflow="fold", ratio=ratio)
    for name, field in spec.filters.items():
        operators = dict.fromkeys([*field.one, *field.many, *field.alone])
        table.add_row(Text(name), Text(field.type, style="dim"), Text(", ".join(operators)))
    return table


def _facts(action: Action) -> RenderableType:
    spec = action.spec
    facts = {
        "effect": EFFECTS[action.effect] + (", idempotent" if spec.idempotent and action.effect != "read" else ""),
        "toolset": spec.toolset,
        "scopes": ", ".join(spec.scopes) or "those of the actions it is made of",
        "limits": limits_of(spec),
        "also called": ", ".join(spec.aliases),
        "replaces": ", ".join(spec.replaces),
    }
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True, style="dim")
    table.add_column(ratio=1)
    for key, value in facts.items():
        if value:
            table.add_row(Text(key), Text(value))
    return table


def _listed(lines: list[str]) -> RenderableType:
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(ratio=1)
    for line in lines:
        table.add_row(Text("-"), Text(line))
    return table


def _related(action: Action, registry: Registry) -> list[Action]:
    """What is of use with it: what it is made of, what shows its outcome, and what search finds beside it."""
    spec = action.spec
    names = [*action.parts, *(one.action for one in spec.result.verifications)]
    near = look_for(registry, spec.title, MOST_RELATED + 1, lambda one: one.spec.toolset == spec.toolset).actions
    found = {name: registry.by_name[name] for name in names if name in registry.by_name}
    found |= {one.name: one for one in near}
    found.pop(spec.name, None)
    return list(found.values())[:MOST_RELATED]


def limits_of(spec: ActionSpec) -> str:
    """Klaviyo's limits, as requests in a second, a minute, a day."""
    limit = spec.rate_limit
    if limit is None:
        return "those of the actions it is made of"
    rates = [rate for rate in (limit.burst, limit.steady, limit.daily) if rate]
    extra = [f"{more.bucket}: {more.burst}, {more.steady}" for more in limit.extra]
    return "; ".join([", ".join(rates), *extra])
