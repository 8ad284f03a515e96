"""Rules for what a spec says under conditions: notes, verifications and advice speak of things that exist."""

from collections.abc import Iterator

from klaviyo_mcp.authoring.schema_paths import has_path
from klaviyo_mcp.registry.holes import holes
from klaviyo_mcp.registry.model import ActionSpec
from klaviyo_mcp.registry.steps import StepsRequest

Found = Iterator[tuple[tuple[int | str, ...], str]]


def said_under_conditions(spec: ActionSpec, error_codes: set[str]) -> Found:
    """What is wrong with the notes, verifications and advice of a spec, with its place in the file."""
    for advice in spec.advices:
        if advice.code not in error_codes:
            yield ("advice",), f"{advice.code!r} is no error code; there are: {', '.join(sorted(error_codes))}"
    for index, note in enumerate(spec.result.notes):
        for name in note.holes():
            yield from ((("result", "notes", index), problem) for problem in _hole(spec, name))
    verifications = spec.result.verifications
    for verify in verifications:
        for name in (*verify.when.holes, *holes(verify.arguments)):
            yield from ((("result", "verify"), problem) for problem in _hole(spec, name))
    for index, verify in enumerate(verifications[:-1]):
        if not verify.when.holes:
            yield (
                ("result", "verify"),
                f"the verification after number {index + 1} is never reached: that one has no 'when'",
            )


def _hole(spec: ActionSpec, name: str) -> Iterator[str]:
    first, _, rest = name.partition(".")
    if first in ("record", "records", "since"):
        return
    if first == "answer":
        if not isinstance(spec.request, StepsRequest):
            yield f"the hole '${name}': only an action made of steps has an answer"
        elif rest.partition(".")[0] not in (*spec.request.answer, "not_read"):
            yield f"the hole '${name}': the answer has no {rest!r}"
    elif first == "looked_up":
        reads = {look.action for rule in spec.preconditions for look in rule.lookups}
        if rest.partition(".")[0] not in reads:
            yield f"the hole '${name}': no live rule reads {rest.partition('.')[0]!r}"
    elif first not in spec.properties:
        yield f"the hole '${name}' has no argument"
    elif rest and not has_path(spec.properties[first], rest, spec.input_schema, through_lists=True):
        yield f"the hole '${name}': {first!r} has no {rest!r}"
