"""Makes `described/REVISION.json`, which these tests hold requests against, from Klaviyo's OpenAPI document.

    python tests/conformance/describe.py openapi.json                      everything anew
    python tests/conformance/describe.py openapi.json create_brand_color   these operations, the others as they are

The newest revision is described as a whole, an earlier one as far as a spec says `revision:`.
Facts only: methods, paths, shapes, scopes and limits, none of the document's words. Written without any of the
project's own reading of such documents, so that a mistake there cannot hide here. The notation is explained in
`description`.
"""

import json
import re
import sys
from collections import Counter
from collections.abc import Container, Iterator
from pathlib import Path
from typing import Any

JSON = dict[str, Any]
METHODS = ("get", "post", "patch", "put", "delete")
SHARED_FROM = 120
"""An enumeration of at least this many characters that occurs twice is written once."""
EXTRA_LIMIT = re.compile(
    r"when using the `([^`]+)` parameter.{0,80}?Burst: `([^`]+)`.{0,40}?Steady: `([^`]+)`", re.DOTALL
)


def describe(document: JSON, names: Container[str] | None = None) -> JSON:
    schemas: JSON = document["components"]["schemas"]
    operations = {
        raw["operationId"]: _operation(method, path, raw, schemas)
        for path, methods in document["paths"].items()
        for method, raw in methods.items()
        if method in METHODS and (names is None or raw["operationId"] in names)
    }
    shapes: JSON = {}
    waiting = sorted(set(_references(operations)))
    while waiting:
        name = waiting.pop()
        if name not in shapes:
            shapes[name] = _shape(schemas[name], schemas)
            waiting += sorted(set(_references(shapes[name])) - shapes.keys())
    described = {"shapes": dict(sorted(shapes.items())), "operations": dict(sorted(operations.items()))}
    if names is None:
        _share_enumerations(described)
    return described


def added(known: JSON, described: JSON) -> JSON:
    """A description with some operations described anew; shapes that other operations share must still be the same."""
    both = {part: {**known[part], **described[part]} for part in known}
    changed = [name for name, shape in known["shapes"].items() if both["shapes"][name] != shape]
    if changed:
        sys.exit(f"The document differs in shapes that others share: {', '.join(changed)}. Describe everything anew.")
    return both


def _operation(method: str, path: str, raw: JSON, schemas: JSON) -> JSON:
    found: JSON = {"method": method.upper(), "path": path}
    for place in ("query", "header"):
        named = {
            f"{each['name']}{'!' if each.get('required') else ''}": _shape(each["schema"], schemas)
            for each in raw["parameters"]
            if each["in"] == place and each["name"] != "revision"
        }
        if named:
            found[place] = named
    for media, content in raw.get("requestBody", {}).get("content", {}).items():
        found["media"] = media
        found["body"] = _shape(content["schema"], schemas)
    found["scopes"] = raw.get("x-klaviyo-scopes") or []
    found["limits"] = [rate for rate in (raw.get("x-klaviyo-ratelimit") or {}).values() if rate]
    # The texts of some operations speak of parameters that only their neighbours have.
    keys = {each["name"] for each in raw["parameters"]}
    limits = EXTRA_LIMIT.findall(raw.get("description", ""))
    extra = {key: [burst, steady] for key, burst, steady in limits if key.partition("=")[0] in keys}
    if extra:
        found["extra_limits"] = extra
    if raw.get("x-klaviyo-filters"):
        found["filters"] = {name: _filter(stated) for name, stated in raw["x-klaviyo-filters"].items()}
    return found


def _filter(stated: JSON) -> JSON:
    found: JSON = {kind: names for kind, names in (stated.get("operators") or {}).items() if names}
    value = stated.get("value") or {}
    return found | ({"enum": value["enum"]} if "enum" in value else {})


def _shape(schema: JSON, schemas: JSON) -> Any:
    null = bool(schema.get("nullable"))
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[-1]
        target = schemas[name]
        if "properties" not in target and "oneOf" not in target:
            return _shape({**target, **({"nullable": True} if null else {})}, schemas)
        return f"@{name}{'?' if null else ''}"
    if "oneOf" in schema:
        return {"one": [_shape(branch, schemas) for branch in schema["oneOf"]] + (["null"] if null else [])}
    if "enum" in schema:
        return {"enum": [*schema["enum"], *([None] if null and None not in schema["enum"] else [])]}
    bounds = {key: schema[key] for key in ("minimum", "maximum", "maxProperties") if key in schema}
    mark = "?" if null else ""
    kind = schema.get("type", "any")
    if "properties" in schema:
        required = schema.get("required", [])
        # What Klaviyo alone writes has no place in a request.
        sendable = {name: each for name, each in schema["properties"].items() if not each.get("readOnly")}
        keys = {f"{name}{'!' if name in required else ''}": each for name, each in sendable.items()}
        shape: JSON = {f"keys{mark}": {name: _shape(each, schemas) for name, each in keys.items()}}
        return shape | bounds
    if kind == "array":
        return {f"list{mark}": _shape(schema["items"], schemas)}
    name = schema.get("format", kind) if kind == "string" else kind
    return {"is": f"{name}{mark}", **bounds} if bounds else f"{name}{mark}"


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from _references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner)
    elif isinstance(value, str) and value.startswith("@"):
        yield value.strip("@?")


def _share_enumerations(described: JSON) -> None:
    """Puts long enumerations that occur more than once among the shapes, named by their first place."""
    places = [(text, holder, key) for holder, key, text in _long_enumerations(described)]
    counts = Counter(text for text, _, _ in places)
    names: dict[str, str] = {}
    for text, holder, key in places:
        if counts[text] > 1:
            if text not in names:
                names[text] = f"enum {len(names) + 1}"
                described["shapes"][names[text]] = holder[key]
            holder[key] = f"@{names[text]}"


def _long_enumerations(value: Any) -> Iterator[tuple[Any, Any, str]]:
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in list(entries):
        if isinstance(inner, dict) and set(inner) == {"enum"}:
            text = json.dumps(inner)
            if len(text) >= SHARED_FROM:
                yield value, key, text
        else:
            yield from _long_enumerations(inner)


def write(described: JSON) -> str:
    """One line for each operation and shape, so that a new revision of the API gives a diff to read."""
    parts = []
    for part, entries in described.items():
        lines = ",\n".join(
            f"{json.dumps(name)}:{json.dumps(each, separators=(',', ':'))}" for name, each in entries.items()
        )
        parts.append(f"{json.dumps(part)}:{{\n{lines}\n}}")
    return "{" + ",\n".join(parts) + "}\n"


if __name__ == "__main__":
    source, *only = sys.argv[1:]
    stated = json.loads(Path(source).read_bytes())
    if missing := set(only) - describe(stated)["operations"].keys():
        sys.exit(f"The document has no operation {', '.join(sorted(missing))}.")
    target = Path(__file__).with_name("described") / f"{stated['info']['version']}.json"
    before = json.loads(target.read_bytes()) if target.exists() else {"shapes": {}, "operations": {}}
    whole = added(before, describe(stated, only)) if only else describe(stated)
    target.write_text(write(whole), "utf-8")
