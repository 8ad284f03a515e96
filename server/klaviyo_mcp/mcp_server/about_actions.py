"""Actions as Markdown: all of them in a line each, and one with all that a call needs to know."""

import json
from typing import Any

from klaviyo_mcp.answers.discovery import described
from klaviyo_mcp.loose_json import JSON, items, mapping
from klaviyo_mcp.registry.guides import guides_of
from klaviyo_mcp.registry.registry import Action, Registry
from klaviyo_mcp.runtime.exposure import Exposure


def actions_by_toolset(registry: Registry, exposure: Exposure) -> str:
    """Every action that an exposure allows, under its toolset."""
    shown = [action for action in registry.actions if exposure.shows(action)]
    lines = [f"# Actions of Klaviyo ({len(shown)})", ""]
    lines.append("What is not read changes something. One in full: klaviyo://actions/NAME.")
    names = registry.names
    for toolset in registry.toolsets:
        of_it = [action for action in shown if action.spec.toolset == toolset]
        if of_it:
            lines += ["", f"## {toolset}"]
            lines += [
                f"- {names.listed(action.name)} ({action.effect}): {names.told(action.spec.told_summary)}"
                for action in of_it
            ]
    return "\n".join(lines) + "\n"


def about_action(action: Action, registry: Registry) -> str:
    """What describe_action tells, as Markdown."""
    names = registry.names
    data = described(action, registry).data
    uri = f"klaviyo://actions/{data['name']}"
    arguments = mapping(data.get("arguments"))
    required = items(arguments.get("required"))
    parts = [
        f"# {data['name']}: {action.spec.title}",
        f"Effect: {data['effect']}. Run with {data['run_with']}, or directly where it is listed.",
        names.told(str(data.get("description", data["summary"]))),
        _list("Scopes", items(data.get("scopes"))),
        _list("Stronger when", [names.told(str(said)) for said in items(data.get("stronger_when"))]),
        _list("Rules", [names.told(str(rule)) for rule in items(data.get("rules"))]),
        _list(
            f"Arguments (whole: {uri}/schema)",
            [
                _argument(name, mapping(form), name in required)
                for name, form in _properties(arguments, registry).items()
            ],
        ),
        _list("Filters", [f"`{name}` {told}" for name, told in mapping(data.get("filters")).items()]),
        _examples(items(data.get("examples"))),
        _list("Guides", [f"{guide.uri}: {guide.description}" for guide in guides_of(action.name)]),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _properties(arguments: JSON, registry: Registry) -> JSON:
    return mapping(registry.names.told_schema(arguments).get("properties"))


def _list(title: str, lines: list[Any]) -> str:
    return "\n".join([f"## {title}", "", *(f"- {line}" for line in lines)]) if lines else ""


def _argument(name: str, form: JSON, required: bool) -> str:
    kind = form.get("type", "any")
    told = " or ".join(map(str, items(kind))) or str(kind)
    choices = items(form.get("enum")) or items(mapping(form.get("items")).get("enum"))
    said = " ".join(str(form.get("description", "")).split())
    of = f" One of: {', '.join(map(str, choices))}." if choices else ""
    return f"`{name}` ({told}{', required' if required else ''}){f': {said}' if said or of else ''}{of}"


def _examples(examples: list[Any]) -> str:
    shown: list[str] = ["## Examples"] if examples else []
    for example in examples:
        arguments = json.dumps(example["arguments"], ensure_ascii=False, indent=1)
        shown.append(f"{example['when']}\n\n```json\n{arguments}\n```")
    return "\n\n".join(shown)
