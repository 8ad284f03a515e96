"""The index that completion reads: all commands with their options, and all actions with their arguments."""

from typing import Any, Literal, get_args, get_origin

import typer

from klaviyo_mcp.cli.setting import choices_of
from klaviyo_mcp.jobs.export_kind import load_export_kinds
from klaviyo_mcp.jobs.kind import load_kinds
from klaviyo_mcp.loose_json import JSON, mapping
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
}
"""What is offered for a parameter, by its metavar; --toolsets has that of other globs, and an account is a NAME too."""
NAMING_AN_ACCOUNT = ("disconnect", "accounts default")
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


def _parameter(parameter: Any, path: str) -> JSON:
    metavar = str(parameter.metavar or "")
    choices = _choices(parameter)
    if metavar == "KIND":
        choices = list(load_kinds() if path == "import" else load_export_kinds() if path == "export" else ())
    source = "toolsets" if parameter.name == "toolsets" else SOURCES.get(metavar, "")
    if metavar == "NAME" and (parameter.name == "account" or path in NAMING_AN_ACCOUNT):
        source = "accounts"
    return {
        "name": parameter.name,
        "help": str(getattr(parameter, "help", "") or "").split(FIRST_SENTENCE)[0][:LONGEST],
        "takes": not getattr(parameter, "is_flag", False),
        "many": parameter.nargs != 1,
        "choices": choices,
        "values": source,
    }


def _choices(parameter: Any) -> list[str]:
    """The words that a parameter takes: by its annotation, or, in older releases of Typer, by its type."""
    annotation = getattr(getattr(parameter, "type_descriptor", None), "annotation", None)
    forms = [annotation, *get_args(annotation)]
    found = [str(word) for form in forms if get_origin(form) is Literal for word in get_args(form)]
    return found or [str(word) for word in getattr(getattr(parameter, "type", None), "choices", ())]
