"""From an operation to flat arguments and a request template, keeping the names and forms of an existing template.

The document and the existing template are walked side by side: where both have a value, the hole a person named stays.
"""

from typing import Any

from klaviyo_mcp.authoring.arguments import FILTER, MAX_RECORDS, Path, Scope, parameter_argument
from klaviyo_mcp.authoring.openapi import Operation, Parameter, constant, resolve, resource_type, singular, snake_case
from klaviyo_mcp.authoring.schemas import Converter
from klaviyo_mcp.loose_json import JSON, is_list, is_object
from klaviyo_mcp.registry.holes import FORMS, PATH_SEGMENT, hole, holes

QUERY_ORDER = ("filter", "sort", "include", "page[size]", "page[cursor]", "page_cursor")
"""Query parameters that come before the others, most useful first."""


def flatten(operation: Operation, existing: Any = None) -> tuple[JSON, JSON]:
    """The `input_schema` and the `request` of an operation. `existing` is the request template of an existing spec."""
    return _Flattening(operation, existing if is_object(existing) else {}).run()


class _Flattening:
    def __init__(self, operation: Operation, existing: JSON) -> None:
        self.operation = operation
        self.document = operation.document
        self.existing = existing
        self.converter = Converter(operation.document)
        self.arguments = Scope()
        self.path_holes: list[str] = []
        self.optional: list[Path] = []

    def run(self) -> tuple[JSON, JSON]:
        request: JSON = {"method": self.operation.method, "path": self._path()}
        body = self._body(self.operation.body) if self.operation.body is not None else None
        if query := self._query():
            request["query"] = query
        if body is not None:
            request["multipart" if self.operation.is_multipart else "body"] = body
        schema = self.arguments.finished
        if self.converter.defs:
            schema["$defs"] = dict(sorted(self.converter.defs.items()))
        return schema, request

    def _path(self) -> str:
        """The path with holes. A hole keeps the name it has in the existing path, by position."""
        named = PATH_SEGMENT.findall(str(self.existing.get("path", "")))
        path = self.operation.path
        for position, parameter in enumerate(self.operation.parameters_in("path")):
            name = named[position] if position < len(named) else parameter_argument(parameter.name)
            schema = {key: value for key, value in parameter.schema.items() if key != "nullable"}
            self.arguments.put((name,), self.converter.in_line(schema), required=True)
            self.path_holes.append(f"${name}")
            path = path.replace("{" + parameter.name + "}", f"${name}")
        return path

    def _query(self) -> JSON:
        parameters = self.operation.parameters_in("query")
        first = [each for name in QUERY_ORDER for each in parameters if each.name == name]
        old = self.existing.get("query", {})
        query: JSON = {}
        for parameter in [*first, *(each for each in parameters if each not in first)]:
            query[parameter.name] = self._parameter(parameter, old.get(parameter.name))
            if parameter.name == "page[cursor]":
                self.arguments.put(("max_records",), MAX_RECORDS, required=False)
        return query

    def _parameter(self, parameter: Parameter, old: Any) -> Any:
        if parameter.name == "filter" and "x-klaviyo-filters" in self.operation.raw:
            return self._filter(parameter, old)
        schema = dict(parameter.schema)
        if parameter.name == "page[size]":
            schema.pop("default", None)  # the engine asks for pages as large as it needs
        if old is not None and hole(old) is None:
            return old
        path = (parameter_argument(parameter.name),)
        # The client knows whose account it is and adds the company id itself when a caller gives none.
        required = parameter.required and parameter.name != "company_id"
        return self._hang(self.arguments, path, self.converter.in_line(schema), required, old)

    def _filter(self, parameter: Parameter, old: Any) -> Any:
        """A person may join conditions of their own to the filter; then the filter itself may be left out."""
        entries: list[Any] = old["$filter"] if is_object(old) and is_list(old.get("$filter")) else ["$filter"]
        for name in [found for entry in entries if (found := hole(entry))]:
            self.arguments.put((name,), FILTER, required=parameter.required and len(entries) == 1)
        return {"$filter": entries}

    def _body(self, schema: JSON) -> JSON:
        old = self.existing.get("multipart" if self.operation.is_multipart else "body")
        old = old if is_object(old) else {}
        if self.operation.is_multipart or "data" not in schema.get("properties", {}):
            return self._members(schema, old, self.arguments, (), always=True)
        data = resolve(self.document, schema["properties"]["data"])
        before = old.get("data")
        if data.get("type") == "array":
            name = snake_case(self.operation.path.rsplit("/", 1)[-1])
            return {"data": self._each(data, before, self.arguments, (name,), required=True)}
        return {"data": self._resource(data, before, self.arguments, (), always=True, identified=self._identity())}

    def _identity(self) -> str | None:
        """The hole for `data.id` when the path has it already; in a relationship `data.id` is the other side's."""
        if "/relationships/" in self.operation.path or self.operation.method == "POST":
            return None
        return self.path_holes[-1] if self.path_holes else None

    def _resource(
        self, schema: JSON, old: Any, scope: Scope, path: Path, *, always: bool, identified: str | None = None
    ) -> Any:
        """The template of a JSON:API resource: id, attributes, meta and relationships become flat arguments at `path`.

        `always` says whether the resource is there in every call, so that what it requires is required of the caller.
        """
        old = old if is_object(old) else {}
        required = schema.get("required", [])
        template: JSON = {}
        for key, raw in schema.get("properties", {}).items():
            inner = resolve(self.document, raw)
            before = old.get(key)
            if inner.get("readOnly"):
                continue
            if key == "type" and constant(inner) is not None:
                template[key] = _literal(constant(inner))
            elif key == "id":
                template[key] = identified or self._id(schema, inner, before, scope, path, always and key in required)
            elif hole(before) is None and key in ("attributes", "meta") and "properties" in inner:
                template[key] = self._members(inner, before, scope, path, always=always and key in required)
            elif hole(before) is None and key == "relationships":
                template[key] = self._relationships(inner, before, scope, path, always=always and key in required)
            else:
                template[key] = self._slot(scope, (*path, snake_case(key)), raw, always and key in required, before)
        return template

    def _id(self, resource: JSON, schema: JSON, old: Any, scope: Scope, path: Path, required: bool) -> Any:
        """`$item` where an item is nothing but its id, `$template_id` in a relationship, else `$id`."""
        if scope.item and not path and _is_identifier(resource):
            return self._slot(scope, (), schema, required, old)
        if not path and not scope.item and "/relationships/" in self.operation.path:
            path = (f"{snake_case(resource_type(self.document, resource) or 'related')}_id",)
            return self._slot(scope, path, schema, required, old)
        return self._slot(scope, (*path, "id"), schema, required, old)

    def _members(self, schema: JSON, old: Any, scope: Scope, path: Path, *, always: bool) -> JSON:
        """The template of an object whose properties each become an argument at `path`."""
        old = old if is_object(old) else {}
        template: JSON = {}
        for key, raw in schema.get("properties", {}).items():
            inner = resolve(self.document, raw)
            before = old.get(key)
            required = always and key in schema.get("required", [])
            place = (*path, snake_case(key))
            if inner.get("readOnly"):
                continue
            if constant(inner) is not None and key in schema.get("required", []):
                template[key] = _literal(constant(inner))
            elif hole(before) is not None:
                template[key] = self._slot(scope, place, raw, required, before)
            elif list(inner.get("properties", {})) == ["data"]:
                template[key] = self._envelope(inner, before, scope, place, required=required)
            elif key == "meta" and "properties" in inner:
                template[key] = self._members(inner, before, scope, path, always=required)
            elif is_object(before) and not _is_form(before) and "properties" in inner:
                template[key] = self._members(inner, before, scope, place, always=required)
            else:
                template[key] = self._slot(scope, place, raw, required, before)
        return template

    def _envelope(self, schema: JSON, old: Any, scope: Scope, path: Path, *, required: bool) -> JSON:
        """A resource, or a list of them, inside an attribute: one object argument or one list argument."""
        data = resolve(self.document, schema["properties"]["data"])
        before = old.get("data") if is_object(old) else None
        if hole(before) is not None:
            return {"data": self._slot(scope, path, schema["properties"]["data"], required, before)}
        if data.get("type") == "array":
            return {"data": self._each(data, before, scope, path, required=required)}
        self.optional += [] if required else [path]
        template = self._resource(data, before, scope, path, always=True)
        if required:
            scope.require(path)
        return {"data": template}

    def _relationships(self, schema: JSON, old: Any, scope: Scope, path: Path, *, always: bool) -> JSON:
        """Related resources: one is an id argument such as `image_id`, several are a list such as `list_ids`."""
        old = old if is_object(old) else {}
        template: JSON = {}
        for key, raw in schema.get("properties", {}).items():
            linkage = resolve(self.document, resolve(self.document, raw).get("properties", {}).get("data", {}))
            before = old.get(key, {}).get("data") if is_object(old.get(key, {})) else None
            required = always and key in schema.get("required", [])
            if linkage.get("type") == "array":
                data = self._each(linkage, before, scope, (*path, snake_case(key)), required=required)
            else:
                named = before if is_object(before) else {}
                identity = linkage.get("properties", {}).get("id", {"type": "string"})
                data = {
                    "type": _literal(resource_type(self.document, linkage)),
                    "id": self._slot(scope, (*path, f"{snake_case(key)}_id"), identity, required, named.get("id")),
                }
            template[key] = {"data": data}
        return template

    def _each(self, schema: JSON, old: Any, scope: Scope, path: Path, *, required: bool) -> Any:
        """A list of resources: a list of ids when they are identifiers, else a list of flat objects."""
        if hole(old) is not None:
            return self._slot(scope, path, schema, required, old)
        old = old if is_object(old) and "$each" in old else {}
        resource = resolve(self.document, schema["items"])
        item = Scope(item=True)
        template = self._resource(resource, old.get("$do"), item, (), always=True)
        if _is_identifier(resource):
            path = (*path[:-1], f"{singular(path[-1])}_ids")
        items: JSON = {"type": "array", "items": item.finished}
        if item.whole is not None and self.operation.method != "PATCH":
            items["minItems"] = 1
        return {"$each": self._hang(scope, path, items, required, old.get("$each")), "$do": template}

    def _slot(self, scope: Scope, path: Path, schema: JSON, required: bool, old: Any) -> Any:
        """One value of the request: a hole under the person's name or ours, or what a person put there instead."""
        if old is not None and hole(old) is None and _may_stay(old, resolve(self.document, schema)):
            self._known_to_people(scope, old)
            return old
        name = path[-1] if path else "id"
        return self._hang(scope, path, self.converter.argument(name, schema), required, old)

    def _known_to_people(self, scope: Scope, template: Any) -> None:
        """Arguments of a template that a person wrote: they exist, and the document states nothing about them."""
        for name in holes(template):
            parts = tuple(name.split("."))
            inner = scope.item and parts[0] == "item"
            (scope if inner else self.arguments).put(parts[1:] if inner else parts, {}, required=False)

    def _hang(self, scope: Scope, path: Path, schema: JSON, required: bool, old: Any) -> str:
        """Put an argument where the existing hole has it, else at `path`, under a longer name if that one is taken."""
        named = hole(old)
        if named is None:
            if path and scope.has(path):
                path = (*path[:-1], f"{'_'.join(path[:-1]) or 'body'}_{path[-1]}")
            scope.put(path, schema, required=required)
            return scope.hole(path)
        parts = tuple(named.split("."))
        # What an optional object requires is not required of the caller once a person has moved it out of that object.
        required = required and not any(path[: len(out)] == out != parts[: len(out)] for out in self.optional)
        if scope.item and parts[0] == "item":
            scope.put(parts[1:], schema, required=required)
        elif not scope.item or not self.arguments.has(parts):
            self.arguments.put(parts, schema, required=required and not scope.item)
        return f"${named}"


def _is_identifier(schema: JSON) -> bool:
    return set(schema.get("properties", {})) == {"type", "id"}


def _may_stay(template: Any, schema: JSON) -> bool:
    """Whether what stands in place of a hole can be a person's doing: a constant, a join, or a value taken apart."""
    if not is_object(template) or "$filter" in template or "$concat" in template:
        return True
    if "$each" in template:
        return schema.get("type") == "array"
    return schema.get("type") == "object" or "oneOf" in schema or "anyOf" in schema


def _is_form(template: JSON) -> bool:
    return any(form in template for form in FORMS)


def _literal(value: Any) -> Any:
    """A constant of the document as a template writes it: a leading dollar sign is doubled."""
    return f"${value}" if isinstance(value, str) and value.startswith("$") else value
