"""One action as a page for people, in plain text: what `actions show` prints."""

import json
from textwrap import indent

from klaviyo_mcp.registry.model import ActionSpec
from klaviyo_mcp.registry.tool_schema import listed_schema


def action_page(spec: ActionSpec) -> str:
    """Title, description, arguments, limits and examples."""
    lines = [f"{spec.name}: {spec.title}", "", spec.description.strip(), ""]
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
        kinds: str | list[str] = schema.get("type", "any")
        kind = kinds if isinstance(kinds, str) else " or ".join(kinds)
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
