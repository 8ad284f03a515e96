"""What differs between the catalogue and Klaviyo's OpenAPI document, one line for each change.

A spec differs exactly where a refresh would change it, so what people added or `overrides` names is not reported.
"""

from dataclasses import dataclass, field
from typing import Any

from klaviyo_mcp.authoring.comparing import Finding, compare_arguments, listed, sets
from klaviyo_mcp.authoring.drafted import bare, facts
from klaviyo_mcp.authoring.merge import refreshed
from klaviyo_mcp.authoring.openapi import describes, operations, revision_of
from klaviyo_mcp.klaviyo.requests import REVISION
from klaviyo_mcp.loose_json import JSON, is_object
from klaviyo_mcp.registry.clearing import as_written
from klaviyo_mcp.registry.model import ActionSpec, HttpRequest


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that changed in an operation. `breaks` says whether calls that worked before can fail because of it."""

    operation: str
    action: str
    what: str
    breaks: bool


@dataclass(frozen=True, slots=True)
class Diff:
    """Operations that only the document has, specs whose operation only they have, and what changed in the others.

    `new` holds `METHOD path operation`, `gone` holds `action (operation)` where the names differ. `pinned` holds
    `action at revision` for specs of another revision than the document's, which are not compared.
    """

    new: list[str] = field(default_factory=list[str])
    gone: list[str] = field(default_factory=list[str])
    changed: list[Change] = field(default_factory=list[Change])
    pinned: list[str] = field(default_factory=list[str])

    def __bool__(self) -> bool:
        """Whether anything differs."""
        return bool(self.new or self.gone or self.changed)

    @property
    def breaks(self) -> bool:
        """Whether calls that worked before can fail."""
        return bool(self.gone) or any(change.breaks for change in self.changed)


def diff(specs: list[ActionSpec], document: JSON) -> Diff:
    """Compare a catalogue with a document. Composite actions have no operation of their own and are not compared."""
    known, revision = operations(document), revision_of(document)
    found = Diff()
    kept: set[tuple[str, str]] = set()
    for spec in sorted(specs, key=lambda spec: spec.name):
        if spec.operation is None or not isinstance(spec.request, HttpRequest):
            continue
        if not describes(revision, spec.revision):
            found.pinned.append(f"{spec.name} at {spec.revision or REVISION}")
            kept.add((spec.request.method, bare(spec.request.path)))
            continue
        if spec.operation not in known:
            found.gone.append(spec.name if spec.name == spec.operation else f"{spec.name} ({spec.operation})")
            continue
        old = as_written(spec).model_dump(by_alias=True, exclude_unset=True, exclude={"toolset"})
        new = refreshed(old, facts(known[spec.operation], old["request"]))
        found.changed.extend(Change(spec.operation, spec.name, what, breaks) for what, breaks in _compare(old, new))
    covered = {spec.operation for spec in specs}
    found.new.extend(
        f"{operation.method} {operation.path} {name}"
        for name, operation in sorted(known.items())
        if name not in covered and (operation.method, bare(operation.path)) not in kept
    )
    return found


def render(found: Diff) -> str:
    """The diff for people: one line for each operation or change, `!` before those that break callers."""
    lines: list[str] = []
    lines += _section("New operations", [f"+ {line}" for line in found.new])
    lines += _section("Operations that are gone", [f"! {line}" for line in found.gone])
    lines += _section(
        "Changed operations",
        [f"{'!' if change.breaks else ' '} {change.action}: {change.what}" for change in found.changed],
    )
    pinned = _section("Kept at another revision, not compared", found.pinned)
    if not lines:
        return "\n".join([*pinned, "The catalogue agrees with the document."]) + "\n"
    lines += pinned
    breaking = len(found.gone) + sum(change.breaks for change in found.changed)
    lines.append(f"{breaking} of these break callers (marked !)." if breaking else "None of these breaks callers.")
    return "\n".join(lines) + "\n"


def _section(title: str, lines: list[str]) -> list[str]:
    return [f"{title} ({len(lines)}):", *(f"  {line}" for line in lines), ""] if lines else []


def _compare(old: JSON, new: JSON) -> list[Finding]:
    """Everything that a refresh changes in one spec."""
    findings: list[Finding] = []
    before, after = old["request"], new["request"]
    if (before["method"], before["path"]) != (after["method"], after["path"]):
        findings.append((f"{after['method']} {after['path']}, was {before['method']} {before['path']}", True))
    findings += sets("scope", old.get("scopes", []), new.get("scopes", []), added_breaks=True, gone_breaks=False)
    findings += sets("alias", old.get("aliases", []), new.get("aliases", []))
    findings += _limits(old.get("rate_limit", {}), new.get("rate_limit", {}))
    findings += _filters(old.get("filters", {}), new.get("filters", {}))
    arguments = compare_arguments(old["input_schema"], new["input_schema"])
    findings += arguments
    for part in ("query", "body", "multipart"):
        if before.get(part) != after.get(part) and not arguments:
            findings.append((f"the {part} of the request has another form", True))
    findings += [
        (f"result {key} is {listed(after)}, was {listed(before)}", key != "paged")
        for key in ("kind", "type", "paged")
        if (before := old["result"].get(key)) != (after := new["result"].get(key))
    ]
    return findings


def _limits(old: JSON, new: JSON) -> list[Finding]:
    """Limits pace calls; a lower one makes them wait, and does not break them."""
    findings: list[Finding] = [
        (f"{window} limit is {listed(new.get(window))}, was {listed(old.get(window))}", False)
        for window in ("burst", "steady", "daily")
        if old.get(window) != new.get(window)
    ]
    before = {each["bucket"]: each for each in old.get("extra", [])}
    after = {each["bucket"]: each for each in new.get("extra", [])}
    findings.extend(
        (f"limit of {bucket} is {_rates(after.get(bucket))}, was {_rates(before.get(bucket))}", False)
        for bucket in sorted({*before, *after})
        if before.get(bucket) != after.get(bucket)
    )
    return findings


def _rates(limit: Any) -> str:
    return f"{limit['burst']} and {limit['steady']}" if is_object(limit) else "none"


def _filters(old: JSON, new: JSON) -> list[Finding]:
    findings = sets("filter field", list(old), list(new))
    for name in (name for name in old if name in new):
        before, after = old[name], new[name]
        for key in ("one", "many", "alone"):
            findings += sets(f"filter {name}: operator", before.get(key, []), after.get(key, []))
        if before.get("type", "string") != after.get("type", "string"):
            findings.append((f"filter {name} is a {after.get('type')}, was a {before.get('type', 'string')}", True))
        if before.get("enum") != after.get("enum"):
            findings += sets(f"filter {name}: value", before.get("enum") or [], after.get("enum") or [])
    return findings
