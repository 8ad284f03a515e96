"""The facts of one operation, laid out as a spec file: everything the document states, and no words."""

import re
from dataclasses import dataclass
from typing import Any

from klaviyo_mcp.authoring.arguments import parameter_argument
from klaviyo_mcp.authoring.flattening import flatten
from klaviyo_mcp.authoring.openapi import Operation, at, resolve, resource_type, singular
from klaviyo_mcp.klaviyo.jsonapi import CURSOR_PARAMETERS
from klaviyo_mcp.loose_json import JSON, is_list, is_object
from klaviyo_mcp.registry.holes import hole

EXTRA_LIMIT = re.compile(
    r"Rate limits when using the `(?P<parameter>[^=`]+)=(?P<value>[^`]+)` parameter.*?"
    r"Burst: `(?P<burst>[^`]+)`.*?Steady: `(?P<steady>[^`]+)`",
    re.DOTALL,
)
"""The only place where the document states the limits of a parameter: a sentence of the operation's description."""

FILTER_SLOTS = {"single": "one", "list": "many", "none": "alone"}
FORMATS = {"date-time": "datetime", "date": "date"}
LONGEST_NAME = 50


def facts(operation: Operation, existing: Any = None) -> JSON:
    """What the document states about an operation, in the order of a spec file.

    `existing` is the request template of an existing spec; names that a person gave to holes are kept.
    """
    schema, request = flatten(operation, existing)
    stated: JSON = {
        "name": operation.operation_id,
        "aliases": _aliases(operation),
        "operation": operation.operation_id,
        "provenance": _provenance(operation),
        "scopes": list(operation.raw.get("x-klaviyo-scopes") or []),
        "rate_limit": _rate_limit(operation, request.get("query", {})),
        "filters": _filters(operation),
        "input_schema": schema,
        "request": request,
        "result": _result(operation),
    }
    return {key: value for key, value in stated.items() if value}


def suggestions(operation: Operation) -> JSON:
    """A first guess at `effect` and `idempotent`, for a person to confirm; only new files get it."""
    match operation.method:
        case "GET":
            return {"effect": "read", "idempotent": True}
        case "DELETE":
            return {"effect": "destructive", "idempotent": True}
        case _:
            return {"effect": "write", "idempotent": False}


def _provenance(operation: Operation) -> str:
    """Nothing where a whole document of some revision states everything, as most documents do of themselves."""
    return "" if re.fullmatch(r"stable-[\d-]+", operation.provenance) else operation.provenance


def _aliases(operation: Operation) -> list[str]:
    """The other names Klaviyo has for an operation, but for those that are too long for the name of a tool."""
    names: list[str] = operation.raw.get("x-klaviyo-operation-aliases") or []
    return [name for name in names if name != operation.operation_id and len(name) <= LONGEST_NAME]


@dataclass(frozen=True, slots=True)
class ExtraLimit:
    """The limit of a bucket that a value of a query parameter draws from; `words` is what the document calls it."""

    words: str
    parameter: str
    value: str
    burst: str
    steady: str


def extra_limits(operation: Operation) -> list[ExtraLimit]:
    """The limits that an operation's description states for its own parameters."""
    known = {parameter.name: parameter for parameter in operation.parameters}
    return [
        ExtraLimit(
            f"{found['parameter']}={found['value']}",
            found["parameter"],
            _spelling(found["value"], resolve(operation.document, known[found["parameter"]].schema.get("items", {}))),
            found["burst"],
            found["steady"],
        )
        for found in EXTRA_LIMIT.finditer(operation.raw.get("description", ""))
        if found["parameter"] in known  # the prose of relationship endpoints mentions parameters they do not have
    ]


def _rate_limit(operation: Operation, query: JSON) -> JSON:
    limit: JSON = {key: rate for key, rate in at(operation.raw, "x-klaviyo-ratelimit").items() if rate}
    extra = [
        {
            "bucket": each.words,
            "argument": hole(query.get(each.parameter)) or parameter_argument(each.parameter),
            "contains": each.value,
            "burst": each.burst,
            "steady": each.steady,
        }
        for each in extra_limits(operation)
    ]
    return {**limit, **({"extra": extra} if extra else {})}


def _spelling(value: str, schema: JSON) -> str:
    """The prose says `include=list` where the parameter takes `lists`."""
    allowed: list[str] = schema.get("enum", [])
    return next((each for each in allowed if value in (each, singular(each))), value)


def _filters(operation: Operation) -> JSON:
    fields: JSON = {}
    for name, stated in at(operation.raw, "x-klaviyo-filters").items():
        value = at(stated, "value")
        kind = FORMATS.get(value.get("format", ""), value.get("type", "string"))
        fields[name] = {} if kind == "string" and "value" not in stated else {"type": kind}
        if "enum" in value:
            fields[name]["enum"] = list(value["enum"])
        for slot, key in FILTER_SLOTS.items():
            if operators := at(stated, "operators").get(slot):
                fields[name][key] = list(operators)
    return fields


def _result(operation: Operation) -> JSON:
    status, schema = operation.success
    paged = any(parameter.name in CURSOR_PARAMETERS for parameter in operation.parameters)
    if schema is None:
        return {"kind": "accepted" if status == 202 else "done"}
    if "data" not in schema.get("properties", {}):
        return {"kind": "raw"}
    data = resolve(operation.document, schema["properties"]["data"])
    many = data.get("type") == "array"
    resource = resolve(operation.document, data.get("items", {})) if many else data
    if set(resource.get("properties", {})) <= {"type", "id"}:
        kind = "identifiers"
    elif many:
        kind = "collection"
    else:
        kind = "job" if status == 202 else "resource"
    result: JSON = {"kind": kind}
    if name := resource_type(operation.document, resource):
        result["type"] = name
    if paged:
        result["paged"] = True
    return result


def bare(path: str) -> str:
    """A path without the names of what is filled into it, as documents and specs have them."""
    return re.sub(r"\{\w+\}|\$\w+", "{}", path)


def is_drafted(spec: Any) -> bool:
    """Whether a spec is one HTTP request of one operation, and so has facts to refresh; composite actions have none."""
    return is_object(spec) and bool(spec.get("operation")) and not _is_composite(spec.get("request"))


def _is_composite(request: Any) -> bool:
    return is_object(request) and ("choose" in request or is_list(request.get("steps")))
