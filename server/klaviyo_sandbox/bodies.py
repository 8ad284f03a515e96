"""Reading a request's body: its JSON, and its JSON:API envelope checked against what the operation declares."""

import json
from collections.abc import Mapping
from typing import Any, cast

from klaviyo_sandbox.declare import Operation, Resource
from klaviyo_sandbox.errors import ApiError, Problem, invalid_body
from klaviyo_sandbox.shapes import Check, Items, Json, Record, Shape, Text


def takes_body(operation: Operation) -> bool:
    """Whether the operation reads a body. Nine of Klaviyo's DELETE endpoints do."""
    return operation.body is not None or operation.most_identifiers is not None


def read_body(content: bytes, operation: Operation, resources: Mapping[str, Resource], path_id: str) -> Any:
    """The `data` member of a body: an object, or a list for relationships. Raises ApiError (400, 413)."""
    if operation.largest_body is not None and len(content) > operation.largest_body:
        raise too_large(operation.largest_body)
    try:
        document: Any = json.loads(content, parse_constant=_no_constant)
        if b"\\ud" in content.lower():
            # Half of a surrogate pair is valid in JSON's grammar but is no text.
            json.dumps(document, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise invalid_body("/data", "The request body must be valid JSON.") from None
    if not isinstance(document, dict):
        raise invalid_body("/data", "The request body must be a JSON object with a 'data' member.")
    resource = resources[operation.resource]
    check = Check(resource.type)
    check.value(body_shape(operation, resource), cast(object, document), "")
    data: Any = cast(Json, document).get("data")
    # What a relationship is set to is another resource than the one in the path.
    itself = operation.identified == "required" and path_id and not operation.relation
    if not check.problems and itself and data["id"] != path_id:
        check.fail("/data/id", f"The id '{data['id']}' in the body does not match the id '{path_id}' in the path.")
    if check.problems:
        raise ApiError(400, check.problems)
    return data


def too_large(most: int) -> ApiError:
    """413 for a body of more than `most` bytes."""
    detail = f"The request body is larger than the {most // 1024} KB allowed."
    return ApiError(413, [Problem("payload_too_large", "Payload too large.", detail, {"pointer": "/data"})])


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def body_shape(operation: Operation, resource: Resource) -> Record:
    """What the whole body of an operation must look like."""
    kind = Text(choices=(operation.body_type or resource.type,))
    if operation.most_identifiers is not None:
        meta = {"meta": operation.body_meta} if operation.body_meta is not None else {}
        identifier = Record({"type": kind, "id": Text(shortest=1), **meta}, required=("type", "id"))
        return Record({"data": Items(identifier, most=operation.most_identifiers)}, required=("data",))
    fields: dict[str, Shape] = {"type": kind}
    required = ["type"]
    if operation.identified != "forbidden":
        fields["id"] = Text(shortest=1, nullable=operation.identified == "optional")
        if operation.identified == "required":
            required.append("id")
    for name, shape in (
        ("attributes", operation.body),
        ("meta", operation.body_meta),
        ("relationships", operation.body_relationships),
    ):
        # An operation without attributes of its own (a job about one id) declares an empty record.
        if shape is not None and (shape.fields or name != "attributes"):
            fields[name] = shape
            if name == "attributes" or (name == "relationships" and shape.required):
                required.append(name)
    return Record({"data": Record(fields, tuple(required))}, required=("data",))
