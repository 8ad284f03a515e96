"""What changed between two versions of an `input_schema`, in words a caller of the tool understands."""

from collections.abc import Iterator, Sequence
from typing import Any

from klaviyo_mcp.authoring.schemas import other_form, types_of
from klaviyo_mcp.loose_json import JSON, is_list, is_object

Finding = tuple[str, bool]
"""What changed, and whether it can break a call that worked before."""

LOWER_IS_STRICTER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
HIGHER_IS_STRICTER = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
HARMLESS = ("default", "description", "examples", "title", "$comment")


def compare_arguments(old: JSON, new: JSON) -> list[Finding]:
    """Arguments that came, went or changed, and definitions of deep documents that did."""
    findings = list(_members(old, new, ""))
    before: JSON = old.get("$defs", {})
    after: JSON = new.get("$defs", {})
    for name in sorted({*before, *after}):
        if name in before and name in after:
            findings += _schemas(before[name], after[name], name)
    return findings


def sets(
    noun: str, old: Sequence[Any], new: Sequence[Any], *, added_breaks: bool = False, gone_breaks: bool = True
) -> list[Finding]:
    """Members that a list gained or lost."""
    gone = [value for value in old if value not in new]
    added = [value for value in new if value not in old]
    findings: list[Finding] = []
    if gone:
        findings.append((f"{noun} {listed(gone)} is gone", gone_breaks))
    if added:
        findings.append((f"{noun} {listed(added)} is new", added_breaks))
    return findings


def listed(value: Any) -> str:
    """A value or a list of them in a sentence."""
    if is_list(value):
        return ", ".join(listed(each) for each in value)
    if isinstance(value, bool):
        return str(value).lower()
    return "none" if value is None else "an object" if is_object(value) else str(value)


def _members(old: JSON, new: JSON, where: str) -> Iterator[Finding]:
    before: JSON = old.get("properties", {})
    after: JSON = new.get("properties", {})
    required: list[Any] = new.get("required", [])
    for name in before:
        if name not in after:
            yield f"argument {where}{name} is gone", True
        else:
            yield from _schemas(before[name], after[name], f"{where}{name}")
            if name in required and name not in old.get("required", []):
                yield f"argument {where}{name} is now required", True
    for name in (name for name in after if name not in before):
        needed = name in required
        yield f"new {'required ' if needed else ''}argument {where}{name}", needed


def _schemas(old: Any, new: Any, where: str) -> Iterator[Finding]:
    """Changes of one schema and everything inside it."""
    if old == new or not is_object(old) or not is_object(new):
        return
    if other_form(old, new) or old.get("anyOf") != new.get("anyOf"):
        yield f"{where} accepts other forms", True
        return
    if sorted(types_of(old)) != sorted(types_of(new)):
        narrower = bool(old.get("type")) and not set(types_of(old)) <= set(types_of(new))
        yield f"{where} is of type {listed(types_of(new)) or 'any'}, was {listed(types_of(old)) or 'any'}", narrower
    if old.get("enum") != new.get("enum"):
        yield from _values(old.get("enum"), new.get("enum"), where)
    yield from _members(old, new, f"{where}.")
    if "items" in old and "items" in new:
        yield from _schemas(old["items"], new["items"], f"{where}[]")
    for keyword in sorted(
        ({*old, *new} - {"type", "enum", "properties", "required", "items", "anyOf"}) - set(HARMLESS)
    ):
        if old.get(keyword) != new.get(keyword):
            change = f"{where} has {keyword} {listed(new.get(keyword))}, was {listed(old.get(keyword))}"
            yield change, _stricter(keyword, old.get(keyword), new.get(keyword))
    if old.get("default") != new.get("default"):
        yield f"{where} is {listed(new.get('default'))} by default, was {listed(old.get('default'))}", False


def _values(old: Any, new: Any, where: str) -> Iterator[Finding]:
    """An enum that appears is a restriction; one that goes is not."""
    if old is None:
        yield f"{where} only accepts {listed(new)}", True
    elif new is None:
        yield f"{where} accepts any value, was {listed(old)}", False
    else:
        yield from sets(f"{where}: value", old, new)


def _stricter(keyword: str, old: Any, new: Any) -> bool:
    """Whether values that were accepted may be refused now."""
    if new is None:
        return False
    if old is None:
        return True
    if keyword in LOWER_IS_STRICTER:
        return bool(new < old)
    if keyword in HIGHER_IS_STRICTER:
        return bool(new > old)
    return True
