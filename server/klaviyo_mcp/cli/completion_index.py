"""The index that completion reads: all commands with their options, and all actions with their arguments."""

import re
from pathlib import Path
from typing import Any, Literal, get_args, get_origin
from zoneinfo import available_timezones

import typer
from phonenumbers import SUPPORTED_REGIONS

from klaviyo_mcp.actions.days import KEYS
from klaviyo_mcp.cli.setting import choices_of
from klaviyo_mcp.installing.clients import clients
from klaviyo_mcp.jobs.export_kind import load_export_kinds
from klaviyo_mcp.jobs.kind import Kind, load_kinds
from klaviyo_mcp.loose_json import JSON, mapping
from klaviyo_mcp.registry.guides import guides
from klaviyo_mcp.registry.id_forms import ID_FORMS
from klaviyo_mcp.registry.loading import load_catalogue
from klaviyo_mcp.registry.model import ActionSpec
from klaviyo_mcp.registry.references import resolved
from klaviyo_mcp.registry.registry import Registry
from klaviyo_mcp.registry.tool_schema import sparse_fieldsets

SOURCES = {
    "ACTION": "actions",
    "NAME=VALUE": "settings",
    "JOB": "jobs",
    "TOOLSET,…": "toolsets",
    "search|core|all|TOOLSET,…": "toolsets",
    "CLIENT": "clients",
    "NAME,…": "fields",
    "ARGS": "json",
    "FILE": "files",
    "FOLDER": "files",
}
"""What is offered for a parameter, by its metavar."""
BY_PLACE = {
    ("", "toolsets"): "toolsets",
    ("", "actions"): "actions",
    ("", "exclude"): "actions",
    ("", "account"): "accounts",
    ("disconnect", "name"): "accounts",
    ("accounts default", "name"): "accounts",
    ("actions show", "path"): "paths",
    ("import", "option"): "options of a kind",
    ("import", "to_list"): "ids:list",
    ("export", "list_"): "ids:list",
    ("export", "segment"): "ids:segment",
    ("export", "metric"): "ids:metric",
}
"""The same by its command, or "" for all, and its name, where metavars are of several meanings."""
FIXED = re.compile(r"[a-z][a-z0-9-]*")
"""A word of a metavar such as `comma|point` that is typed as it stands."""
FIRST_SENTENCE = ". "
LONGEST = 80


def make_index() -> JSON:
    """All of it. Loads every command."""
    from klaviyo_mcp.cli.main import app, load  # what loads this may be a command

    load([])
    registry = Registry(load_catalogue())
    return {
        "commands": _command(typer.main.get_command(app), ()),
        "toolsets": registry.toolsets,
        "clients": [client.id for client in clients()],
        "guides": {topic: guide.title for topic, guide in guides().items()},
        "kinds": {name: {"arguments": _options(kind)} for name, kind in load_kinds().items()},
        "actions": {action.name: index_of(action.spec) for action in registry.actions},
    }


def index_of(spec: ActionSpec) -> JSON:
    """An action: what it does, and its arguments with what each can be."""
    definitions = mapping(spec.plain_schema.get("$defs"))
    sparse = sparse_fieldsets(spec)
    schemas = mapping(spec.plain_schema.get("properties"))
    names = [name for name in schemas if name not in sparse]
    return {
        "summary": spec.summary,
        "fields": ["id", *choices_of(_schema(spec, spec.fields_argument), definitions)] if spec.fields_argument else [],
        "arguments": {
            name: _argument(resolved(mapping(schemas[name]), definitions), definitions, name in spec.required)
            for name in sorted(names, key=lambda name: name not in spec.required)
        },
    }


def _argument(schema: JSON, definitions: JSON, required: bool) -> JSON:
    inner = resolved(mapping(schema.get("items")), definitions)
    values = ["true", "false"] if schema.get("type") == "boolean" else choices_of(schema, definitions)
    form = str(schema.get("format") or inner.get("format") or "")
    kinds = ["list", "segment"] if form == "audience-id" else [form.removesuffix("-id")]
    said = str(schema.get("description", "")).split(FIRST_SENTENCE)[0][:LONGEST]
    return {
        "help": f"{'required. ' if required else ''}{said}",
        "values": [str(value) for value in values[:100]],
        "ids": kinds if form in ID_FORMS else [],
    }


def _command(command: Any, path: tuple[str, ...]) -> JSON:
    """A command of Typer's, which has no types for its inside."""
    options: JSON = {}
    arguments: list[JSON] = []
    for parameter in command.params:
        made = _parameter(parameter, " ".join(path))
        if parameter.param_type_name == "argument":
            arguments.append(made)
        elif not parameter.hidden:
            options |= dict.fromkeys([*parameter.opts, *parameter.secondary_opts], made)
    below = getattr(command, "commands", {})
    return {
        "help": str(command.get_short_help_str(LONGEST)) if path else "",
        "options": {**options, "--help": {"name": "help", "help": "Show what it takes.", "takes": False}},
        "arguments": arguments,
        "commands": {name: _command(one, (*path, name)) for name, one in below.items() if not one.hidden},
    }


def _options(kind: Kind) -> JSON:
    """The options of a kind of file, as arguments are indexed."""
    return {
        name: {"help": option.help, "values": [], "ids": [name] if f"{name}-id" in ID_FORMS else []}
        for name, option in kind.options.items()
    }


def _schema(spec: ActionSpec, name: str) -> JSON:
    return resolved(mapping(mapping(spec.plain_schema.get("properties")).get(name)), spec.plain_schema.get("$defs", {}))


def _parameter(parameter: Any, path: str) -> JSON:
    metavar = str(parameter.metavar or "")
    takes_path = Path in _annotations(parameter)
    source = BY_PLACE.get((path, parameter.name)) or BY_PLACE.get(("", parameter.name)) or SOURCES.get(metavar, "")
    return {
        "name": parameter.name,
        "help": str(getattr(parameter, "help", "") or "").split(FIRST_SENTENCE)[0][:LONGEST],
        "takes": not getattr(parameter, "is_flag", False),
        "many": parameter.nargs != 1,
        "choices": _choices(parameter, path),
        "values": "files" if takes_path else source if metavar != "ID" or source != "accounts" else "",
        "listed": metavar.endswith(",…"),
    }


def _choices(parameter: Any, path: str) -> list[str]:
    """The words that a parameter takes: by its annotation, its type in older releases of Typer, or its metavar."""
    metavar = str(parameter.metavar or "")
    if metavar == "KIND":
        return list(load_kinds() if path == "import" else load_export_kinds())
    if path == "import" and parameter.name == "zone":
        return sorted(name for name in available_timezones() if "/" in name)
    if path == "import" and parameter.name == "region":
        return sorted(SUPPORTED_REGIONS)
    if path == "report" and parameter.name == "period":
        return list(KEYS)
    found = [str(word) for form in _annotations(parameter) if get_origin(form) is Literal for word in get_args(form)]
    found = found or [str(word) for word in getattr(getattr(parameter, "type", None), "choices", ())]
    return found or [word for word in metavar.split("|") if "|" in metavar and FIXED.fullmatch(word)]


def _annotations(parameter: Any) -> list[Any]:
    annotation = getattr(getattr(parameter, "type_descriptor", None), "annotation", None)
    return [annotation, *get_args(annotation)]
