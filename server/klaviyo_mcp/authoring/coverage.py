"""Checks that a spec leaves nothing of its operation out: every query parameter and body field has its argument."""

from typing import Any

from klaviyo_mcp.authoring.openapi import constant, fields, operations, resolve
from klaviyo_mcp.authoring.schemas import types_of
from klaviyo_mcp.loose_json import JSON, is_list, is_object
from klaviyo_mcp.registry.holes import hole, holes
from klaviyo_mcp.registry.model import ActionSpec, HttpRequest
from klaviyo_mcp.registry.references import name_of, resolved


def unreached(document: JSON, spec: ActionSpec) -> list[str]:
    """The parameters and body fields that no argument reaches, as `query page[size]` or `body.data.id`.

    A value that the template states itself counts as reached, and so do constants and read-only fields. Composite
    actions, and operations that the document does not have, give an empty list.
    """
    operation = operations(document).get(spec.operation or "")
    if operation is None or not isinstance(spec.request, HttpRequest):
        return []
    reaching = _Reaching(document, spec.input_schema)
    for parameter in operation.parameters_in("query"):
        if parameter.name not in spec.request.query:
            reaching.missing.append(f"query {parameter.name}")
        else:
            reaching.arguments(spec.request.query[parameter.name], f"query {parameter.name}")
    template = spec.request.multipart if operation.is_multipart else spec.request.body
    if operation.body is not None:
        reaching.template(operation.body, template, spec.input_schema, "body")
    return reaching.missing


class _Reaching:
    def __init__(self, document: JSON, schema: JSON) -> None:
        self.document = document
        self.schema = schema
        self.missing: list[str] = []
        self.compared: set[str] = set()

    def arguments(self, template: Any, where: str) -> None:
        """Every hole of a template names an argument."""
        for name in holes(template):
            if self.accepted(name, self.schema) is None:
                self.missing.append(f"{where}: there is no argument {name}")

    def template(self, stated: JSON, template: Any, item: JSON, where: str) -> None:
        """Compare what the document states with what the template sends; `item` is what `$item` accepts here."""
        schema = resolve(self.document, stated)
        if name := hole(template):
            accepts = self.accepted(name, item)
            if accepts is None:
                self.missing.append(f"{where}: there is no argument {name}")
            else:
                self.covered(schema, accepts, where)
        elif is_object(template) and "$each" in template:
            inner = self.accepted(hole(template["$each"]) or "", item)
            if inner is None:
                self.missing.append(f"{where}: there is no argument {template['$each']}")
            else:
                self.template(schema["items"], template["$do"], self.followed(inner.get("items", {})), f"{where}[]")
        elif is_object(template):
            for key, value in fields(self.document, schema).items():
                inner = resolve(self.document, value)
                if key in template:
                    self.template(value, template[key], item, f"{where}.{key}")
                elif not inner.get("readOnly") and constant(inner) is None:
                    self.missing.append(f"{where}.{key}")
        elif template is None:
            self.missing.append(where)

    def covered(self, stated: JSON, accepts: JSON, where: str) -> None:
        """An object argument, or a list of them, accepts every field that the document states."""
        schema = resolve(self.document, stated)
        definition = name_of(accepts)
        if definition in self.compared:
            return
        self.compared |= {definition} if definition else set()
        accepts = self.followed(accepts)
        if "properties" in schema and "properties" in accepts:
            for key, value in schema["properties"].items():
                if key in accepts["properties"]:
                    self.covered(value, accepts["properties"][key], f"{where}.{key}")
                elif not resolve(self.document, value).get("readOnly"):
                    self.missing.append(f"{where}.{key}")
        elif "items" in schema and "items" in accepts:
            self.covered(schema["items"], accepts["items"], f"{where}[]")

    def accepted(self, name: str, item: JSON) -> JSON | None:
        """The schema of the argument that a hole such as `profile.email` or `item.email` reads, or None."""
        parts = name.split(".")
        schema = self.schema
        if parts[0] == "item" and item is not self.schema:
            schema, parts = item, parts[1:]
        for part in parts:
            schema = self.followed(schema)
            if part not in schema.get("properties", {}):
                # An object whose properties nobody stated may hold anything.
                return {} if "object" in types_of(schema) and "properties" not in schema else None
            schema = schema["properties"][part]
        return self.followed(schema)

    def followed(self, schema: JSON) -> JSON:
        """The schema that a `$ref`, also one that may be null, leads to."""
        branches: Any = schema.get("anyOf")
        if is_list(branches) and len(branches) == 2 and {"type": "null"} in branches:
            schema = next(branch for branch in branches if branch != {"type": "null"})
        return resolved(schema, self.schema.get("$defs", {}))
