"""The sandbox's API at one of its revisions as an OpenAPI 3.1 document, made from its declarations.

It says what is accepted, and what answers look like: every operation, its parameters with their choices and bounds, its
body, the JSON:API objects and errors it answers with, and the scopes it takes.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from klaviyo_sandbox import generic
from klaviyo_sandbox.bodies import body_shape, takes_body
from klaviyo_sandbox.declare import Operation, Resource
from klaviyo_sandbox.facts import REVISION, REVISIONS
from klaviyo_sandbox.loose_json import Json
from klaviyo_sandbox.openapi_schemas import accepted, shown
from klaviyo_sandbox.operations import RESOURCES, served_at
from klaviyo_sandbox.refusals import BREAK_ON_UNKNOWN_IDS

JSON_API = "application/vnd.api+json"
# Whether an answer holds one thing or several is known of the engine's own work; other handlers may do either.
_LISTING = (generic.list_resources, generic.list_related, generic.list_related_ids)
_READING = (
    generic.get_resource,
    generic.get_related,
    generic.get_related_id,
    generic.create_resource,
    generic.update_resource,
)
_IN_PATH = re.compile(r"\{(\w+)\}")
_LINK = {"type": ["string", "null"]}
_LINKS = {"type": "object", "additionalProperties": _LINK}
_ERROR = {
    "type": "object",
    "required": ["id", "status", "code", "title", "detail"],
    "properties": {
        "id": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string"},
        "title": {"type": "string"},
        "detail": {"type": "string"},
        "source": {"type": "object"},
        "links": {"type": "object"},
        "meta": {"type": "object"},
    },
}
_IDENTIFIER = {
    "type": "object",
    "required": ["type", "id"],
    "properties": {"type": {"type": "string"}, "id": {"type": "string"}},
    "additionalProperties": False,
}


def describe(revision: str = REVISION) -> Json:
    """The whole document of what is served at a revision; the `revision` parameters say at which others it is, too."""
    operations = served_at(revision)
    paths: dict[str, Json] = {}
    for operation in operations.values():
        alike = [each for each in REVISIONS if served_at(each).get(operation.name) is operation]
        asked = {"type": "string", "format": "date", "default": revision, "enum": alike}
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation, RESOURCES, asked)
    scopes = sorted({scope for operation in operations.values() for scope in operation.scopes})
    return {
        "openapi": "3.1.0",
        "info": {"title": "Klaviyo sandbox", "version": revision},
        "paths": paths,
        "components": {
            "schemas": {
                "Errors": {
                    "type": "object",
                    "required": ["errors"],
                    "properties": {"errors": {"type": "array", "minItems": 1, "items": _ERROR}},
                },
                "Identifier": _IDENTIFIER,
                **{_name(key): _resource(resource) for key, resource in RESOURCES.items()},
            },
            "securitySchemes": {
                "PrivateKey": {"type": "apiKey", "in": "header", "name": "Authorization"},
                "OAuth": {
                    "type": "oauth2",
                    "flows": {
                        "authorizationCode": {
                            "authorizationUrl": "/oauth/authorize",
                            "tokenUrl": "/oauth/token",
                            "refreshUrl": "/oauth/token",
                            "scopes": {scope: scope.replace(":", " ") for scope in scopes},
                        }
                    },
                },
            },
        },
    }


def _operation(operation: Operation, resources: Mapping[str, Resource], revision: Json) -> Json:
    errors: Json = {JSON_API: {"schema": {"$ref": "#/components/schemas/Errors"}}}
    described: Json = {
        "operationId": operation.name,
        "tags": [operation.path.split("/")[2]],
        "parameters": list(_parameters(operation, resources, revision)),
        "responses": {
            "2XX": _success(operation),
            "4XX": {"description": "What was wrong with the request.", "content": errors},
            **({"5XX": {"description": "Klaviyo breaks here, too.", "content": errors}} if _breaks(operation) else {}),
        },
        "security": [] if operation.public else [{"PrivateKey": []}, {"OAuth": list(operation.scopes)}],
    }
    if takes_body(operation):
        described["requestBody"] = {"required": True, "content": _body(operation, resources)}
    return described


def _breaks(operation: Operation) -> bool:
    return bool(operation.broken_filters) or operation.name in BREAK_ON_UNKNOWN_IDS


def _body(operation: Operation, resources: Mapping[str, Resource]) -> Json:
    if operation.upload and operation.body is not None:
        fields = accepted(operation.body)
        fields["properties"][operation.upload] = {"type": "string", "format": "binary"}
        fields["required"] = [*fields.get("required", []), operation.upload]
        return {"multipart/form-data": {"schema": fields}}
    return {JSON_API: {"schema": accepted(body_shape(operation, resources[operation.resource]))}}


def _parameters(operation: Operation, resources: Mapping[str, Resource], revision: Json) -> Iterable[Json]:
    resource = resources[operation.resource]
    for name in _IN_PATH.findall(operation.path):
        yield {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
    if not operation.anonymous:
        yield {"name": "revision", "in": "header", "required": True, "schema": revision}
        if operation.public:
            yield {"name": "company_id", "in": "query", "required": True, "schema": {"type": "string"}}
    if operation.filters:
        names = ", ".join(operation.filters)
        required = bool(operation.required_filters)
        about = f"Conditions such as equals(field,'value'), joined by commas, on: {names}."
        yield _query("filter", {"type": "string"}, required=required, description=about)
    if operation.sorts:
        ways = [f"{sign}{name}" for name in operation.sorts for sign in ("", "-")]
        yield _query("sort", {"type": "string", "enum": ways})
    if operation.page:
        yield _query("page[cursor]", {"type": "string"})
        if operation.page.sizable:
            size = {"type": "integer", "minimum": 1, "maximum": operation.page.most, "default": operation.page.default}
            yield _query("page[size]", size)
    if operation.include:
        yield _listed("include", operation.include)
    if operation.additional:
        yield _listed(f"additional-fields[{resource.type}]", operation.additional)
    for kind, names in sorted(operation.fields.items()):
        yield _listed(f"fields[{kind}]", sorted(names))
    for name, parameter in operation.parameters.items():
        choices = {"enum": list(parameter.choices)} if parameter.choices else {}
        yield _query(name, {"type": "string", **choices}, required=parameter.required)


def _query(name: str, schema: Json, *, required: bool = False, description: str = "") -> Json:
    about = {"description": description} if description else {}
    return {"name": name, "in": "query", "required": required, "schema": schema, **about}


def _listed(name: str, choices: Iterable[str]) -> Json:
    schema = {"type": "array", "items": {"type": "string", "enum": list(choices)}, "uniqueItems": True}
    return {**_query(name, schema), "explode": False, "style": "form"}


def _success(operation: Operation) -> Json:
    if operation.empty:
        return {"description": "It was accepted."}
    if operation.relationships_only:
        one: Json = {"$ref": "#/components/schemas/Identifier"}
    else:
        key = operation.resource
        one = {"$ref": f"#/components/schemas/{_name(key)}"}
    single, several = {"anyOf": [one, {"type": "null"}]}, {"type": "array", "items": one}
    if operation.run in _LISTING:
        data = several
    else:
        data = single if operation.run in _READING else {"anyOf": [one, several, {"type": "null"}]}
    document = {
        "type": "object",
        "properties": {
            "data": data,
            "links": _LINKS,
            "included": {"type": "array", "items": {"type": "object", "required": ["type", "id"]}},
            "meta": {"type": "object"},
        },
        "additionalProperties": False,
        "required": ["data"],
    }
    return {"description": "What was asked for.", "content": {JSON_API: {"schema": document}}}


def _resource(resource: Resource) -> Json:
    """A resource object. What a reader leaves out of a sparse fieldset is missing, so no attribute is required."""
    return {
        "type": "object",
        "required": ["type", "id"],
        "properties": {
            "type": {"const": resource.type},
            "id": {"type": "string"},
            "attributes": shown(resource.attributes),
            "relationships": {"type": "object"},
            "links": _LINKS,
            "meta": {"type": "object"},
        },
        "additionalProperties": False,
    }


def _name(key: str) -> str:
    return "".join(part.capitalize() for part in key.replace(":", "-").split("-"))


def document_schema(description: Json, operation: str) -> Any:
    """The schema of an operation's answer with the components it refers to, for a validator."""
    for methods in description["paths"].values():
        for described in methods.values():
            if described["operationId"] == operation:
                content = described["responses"]["2XX"].get("content")
                schema = content[JSON_API]["schema"] if content else None
                return None if schema is None else {**schema, "components": description["components"]}
    raise KeyError(operation)
