"""JSON Schemas of shapes: of what is accepted, as strict as the check of a body, and of what is shown."""

from klaviyo_sandbox.loose_json import Json
from klaviyo_sandbox.shapes import Choice, Coordinate, Document, Flag, Free, Items, Number, Record, Scalar, Shape, Text

_FORMATS: dict[str, Json] = {
    "email": {"format": "email", "maxLength": 100},
    "phone": {"pattern": r"^\+[1-9][0-9]{6,14}$"},
    "moment": {"format": "date-time"},
    "day": {"format": "date"},
}


def accepted(shape: Shape) -> Json:
    """What a request body may hold."""
    return _schema(shape, strict=True)


def shown(shape: Shape) -> Json:
    """What an answer holds: the same kinds of values, any of which may be null or missing, and nothing about length."""
    return _schema(shape, strict=False)


def _schema(shape: Shape, *, strict: bool) -> Json:
    schema = _bare(shape, strict)
    return {"anyOf": [schema, {"type": "null"}]} if shape.nullable or not strict else schema


def _bare(shape: Shape, strict: bool) -> Json:
    match shape:
        case Text():
            return _text(shape, strict)
        case Number():
            choices = {"enum": list(shape.choices)} if shape.choices and strict else {}
            return {"type": "integer" if shape.whole else "number", **choices}
        case Flag():
            return {"type": "boolean"}
        case Scalar():
            least = {"minLength": shape.shortest} if shape.shortest and strict else {}
            return {"type": list(shape.kinds), **least}
        case Coordinate():
            return {"type": ["number", "string"]}
        case Free():
            return {"type": "object", **({"maxProperties": shape.most} if shape.most is not None and strict else {})}
        case Document():
            return {"type": "object"} if strict else {}
        case Items():
            return _items(shape, strict)
        case Record():
            return _record(shape, strict)
        case Choice():
            variants = [_variant(shape.by, name, variant, strict) for name, variant in shape.variants.items()]
            return {"anyOf": variants}


def _text(shape: Text, strict: bool) -> Json:
    schema: Json = {"type": "string"}
    if strict:
        schema |= _FORMATS.get(shape.form, {})
        if shape.shortest:
            schema["minLength"] = shape.shortest
        if shape.longest is not None:
            schema["maxLength"] = shape.longest
        if shape.choices:
            schema["enum"] = list(shape.choices)
        if shape.pattern:
            schema["pattern"] = f"^{shape.pattern}$"
    return schema


def _items(shape: Items, strict: bool) -> Json:
    one = _schema(shape.of, strict=strict)
    schema: Json = {"type": "array", "items": one}
    if strict:
        if shape.least:
            schema["minItems"] = shape.least
        if shape.most is not None:
            schema["maxItems"] = shape.most
    return {"anyOf": [schema, one]} if shape.lone else schema


def _record(shape: Record, strict: bool) -> Json:
    schema: Json = {
        "type": "object",
        "properties": {name: _schema(inner, strict=strict) for name, inner in shape.fields.items()},
    }
    if strict:
        schema["additionalProperties"] = False
        if shape.required:
            schema["required"] = list(shape.required)
    return schema


def _variant(by: str, name: str, variant: Record | Choice, strict: bool) -> Json:
    schema = _bare(variant, strict)
    if isinstance(variant, Record) and strict:
        schema["properties"] = {**schema["properties"], by: {"const": name}}
    return schema
