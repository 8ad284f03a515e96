"""Klaviyo's OpenAPI document as data: its operations, and its schemas with references and `allOf` resolved."""

import json
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from klaviyo_mcp.klaviyo.requests import REVISION
from klaviyo_mcp.loose_json import JSON, is_object, mapping
from klaviyo_mcp.registry.references import resolved

METHODS = ("get", "post", "patch", "put", "delete")


def load_document(path: Path) -> JSON:
    """The OpenAPI document in a JSON file. Raises OSError, or ValueError when the file holds something else."""
    try:
        document: Any = json.loads(path.read_bytes())
    except ValueError as error:
        raise ValueError(f"{path} is not JSON: {error}") from None
    if not is_object(document) or not is_object(document.get("paths")):
        raise ValueError(f"{path} is not an OpenAPI document: it has no 'paths'")
    return document


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of an operation. `place` is path, query or header."""

    name: str
    place: str
    required: bool
    schema: JSON


@dataclass(frozen=True)
class Operation:
    """One HTTP endpoint, by its operationId. `raw` is the operation as the document has it."""

    document: JSON
    operation_id: str
    method: str
    path: str
    raw: JSON

    @property
    def toolset(self) -> str:
        """The folder for its spec: the operation's tag in snake_case."""
        return snake_case(str(self.raw["tags"][0]))

    @property
    def kin(self) -> tuple[str, str]:
        """The tag and the sub-tag: operations of one kin have their specs in one folder."""
        return str(self.raw["tags"][0]), str(self.raw.get("x-klaviyo-subtag") or "")

    @property
    def provenance(self) -> str:
        """Where a document that was put together from several sources has the operation from; empty for any other."""
        return str(self.raw.get("x-provenance") or "")

    @cached_property
    def parameters(self) -> list[Parameter]:
        """All parameters but `revision`, which the client sends with every request."""
        return [
            Parameter(
                each["name"], each["in"], bool(each.get("required")), resolve(self.document, each.get("schema", {}))
            )
            for each in self.raw.get("parameters", [])
            if each["name"] != "revision"
        ]

    def parameters_in(self, place: str) -> list[Parameter]:
        """The parameters of the path, the query or the header."""
        return [parameter for parameter in self.parameters if parameter.place == place]

    @cached_property
    def body(self) -> JSON | None:
        """The schema of the request body, resolved one level, or None when there is no body."""
        for content in self.raw.get("requestBody", {}).get("content", {}).values():
            return resolve(self.document, content["schema"])
        return None

    @property
    def is_multipart(self) -> bool:
        """Whether the body is a form with a file instead of JSON."""
        return "multipart/form-data" in self.raw.get("requestBody", {}).get("content", {})

    @cached_property
    def success(self) -> tuple[int, JSON | None]:
        """The status of the first 2xx response, and the schema of its body (None when it has none)."""
        for status, response in sorted(self.raw.get("responses", {}).items()):
            if status.startswith("2"):
                for content in response.get("content", {}).values():
                    return int(status), resolve(self.document, content["schema"])
                return int(status), None
        return 200, None


def operations(document: JSON) -> dict[str, Operation]:
    """Every operation by its operationId, in the document's order. Raises ValueError where one has none."""
    found: dict[str, Operation] = {}
    for path, methods in document["paths"].items():
        for method, raw in methods.items():
            if method in METHODS:
                if "operationId" not in raw:
                    raise ValueError(f"{method.upper()} {path} has no operationId")
                name = str(raw["operationId"])
                found[name] = Operation(document, name, method.upper(), str(path), raw)
    return found


def revision_of(document: JSON) -> str:
    """The revision that a document describes; empty where it does not say."""
    return str(at(document, "info").get("version") or "")


def describes(revision: str, spec_revision: str | None) -> bool:
    """Whether a document of `revision` is the one that a spec with this `revision:` is written for.

    A spec that says none is of the catalogue's revision and follows newer documents, but neither older ones nor betas.
    """
    if spec_revision is not None:
        return spec_revision == revision
    return not revision or (revision >= REVISION and not revision.endswith(".pre"))


def components(document: JSON) -> JSON:
    """The schemas that references of the document can name."""
    return at(at(document, "components"), "schemas")


def resolve(document: JSON, schema: JSON) -> JSON:
    """The schema instead of a reference to it, with the parts of an `allOf` merged; deeper levels stay as they are.

    Keywords beside a `$ref` or an `allOf` (Klaviyo writes `nullable` there) win over those of the target.
    """
    schema = resolved(schema, components(document))
    if "allOf" in schema:
        merged: JSON = {}
        for part in schema["allOf"]:
            merged = _both(merged, resolve(document, part))
        return {**merged, **{key: value for key, value in schema.items() if key != "allOf"}}
    return schema


def _both(first: JSON, second: JSON) -> JSON:
    """One object schema that holds the properties of two; a property of both is again an `allOf`."""
    properties: JSON = dict(first.get("properties", {}))
    for key, value in second.get("properties", {}).items():
        properties[key] = (
            {"allOf": [properties[key], value]} if key in properties and properties[key] != value else value
        )
    required = list(dict.fromkeys([*first.get("required", []), *second.get("required", [])]))
    merged = {**first, **second}
    return {
        **merged,
        **({"properties": properties} if properties else {}),
        **({"required": required} if required else {}),
    }


def at(stated: JSON, key: str) -> JSON:
    """The mapping under a key, or an empty one: the document writes null for some that are empty."""
    return mapping(stated.get(key))


def fields(document: JSON, schema: JSON) -> JSON:
    """The properties of an object, or of all the forms it may have; the first form wins where they differ."""
    found: JSON = {}
    for form in [schema, *schema.get("oneOf", []), *schema.get("anyOf", [])]:
        found = {**resolve(document, form).get("properties", {}), **found}
    return found


def constant(schema: JSON) -> Any:
    """The only value a schema allows, or None when it allows more than one."""
    values = schema.get("enum", [])
    return values[0] if len(values) == 1 and not schema.get("nullable") else None


def resource_type(document: JSON, schema: JSON) -> str | None:
    """The JSON:API type of a resource's schema, or None when the schema is not a resource."""
    kind = resolve(document, schema.get("properties", {}).get("type", {}))
    value = constant(kind)
    return value if isinstance(value, str) else None


def snake_case(name: str) -> str:
    """`Custom Objects` and `campaign-message` as `custom_objects` and `campaign_message`, and `_kx` as `kx`."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).lstrip("_")


def singular(word: str) -> str:
    """`lists`, `categories` and `webhook_topics` as one of them; a word that is not a plural stays."""
    if word.endswith("ies"):
        return word[:-3] + "y"
    return word[:-1] if word.endswith("s") and not word.endswith("ss") else word
