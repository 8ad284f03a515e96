"""Whether the steps of a composite can be run: what they speak of is there by then, and only reads may fail."""

from collections.abc import Iterator

from klaviyo_mcp.actions.expressions import roots, unknown_functions
from klaviyo_mcp.actions.steps import needs
from klaviyo_mcp.authoring.schema_rules import Found
from klaviyo_mcp.registry.holes import hole, holes
from klaviyo_mcp.registry.model import ActionSpec
from klaviyo_mcp.registry.steps import FACTS, Step, StepsRequest, expression_of

SEEN = {
    "action": ("ids", "count", "unmatched", "records", "rows", "included", "complete", "read"),
    "collect": ("ids", "count", "unmatched", "records"),
    "shows": ("says", "problems", "not_known", "people"),
}
"""What holes may ask of a step, by its kind; one that makes a value has what it makes."""


def step_problems(spec: ActionSpec, by_name: dict[str, ActionSpec]) -> Found:
    """What is wrong with the steps of a spec, and with what its answer makes of them."""
    request = spec.request
    if not isinstance(request, StepsRequest):
        return
    known = {*spec.properties, *FACTS}
    for index, step in enumerate(request.steps):
        where = ("request", "steps", index)
        if step.name in known:
            yield where, f"{step.name!r} is the name of an argument, or of another step"
        yield from ((where, problem) for problem in _expression(step.make, known))
        for name in dict.fromkeys(needs(step) if step.make is None else ()):
            if name not in known | {"item", "batch"}:
                yield where, f"speaks of {name!r}, which is neither an argument nor a step before"
        yield from ((where, problem) for problem in _what_it_does(step, by_name))
        known.add(step.name)
    known.add("not_read")
    for key, part in request.answer.items():
        yield from ((("request", "answer", key), problem) for problem in _expression(expression_of(part), known))


def step_holes(request: StepsRequest) -> Iterator[str]:
    """The holes of steps, cautions and answer, and the names that expressions start from where they can be read."""
    for step in request.steps:
        yield from holes(step.arguments)
        singles = [
            *step.when,
            *step.unless,
            *(step.collect or []),
            step.each,
            step.batch and step.batch.of,
            step.match and step.match.of,
        ]
        yield from (name for value in singles if (name := hole(value)))
        yield from _readable_roots(step.make)
    for caution in request.warnings:
        yield from (name for value in caution.when if (name := hole(value)))
    for part in request.answer.values():
        expression = expression_of(part)
        yield from holes({"part": part}) if expression is None else _readable_roots(expression)


def hole_of_a_step(steps: dict[str, Step], name: str) -> str:
    """What is wrong with a hole that begins with a step's name, nothing where it is right."""
    first, _, rest = name.partition(".")
    kind = next((kind for kind in SEEN if getattr(steps[first], kind) is not None), "")
    # Of an expression only the name that it starts from is known.
    if not rest or not kind or rest.partition(".")[0] in SEEN[kind]:
        return ""
    return f"the hole '${name}': such a step has {', '.join(SEEN[kind])}"


def _readable_roots(expression: str | None) -> list[str]:
    try:
        return roots(expression) if expression else []
    except ValueError:
        return []


def _expression(expression: str | None, known: set[str]) -> Iterator[str]:
    if expression is None:
        return
    try:
        names = roots(expression)
    except ValueError as error:
        yield f"the expression cannot be read: {error}"
        return
    yield from (f"the expression: {problem}" for problem in unknown_functions(expression))
    for name in (name for name in names if name not in known):
        yield f"the expression speaks of {name!r}, which is neither an argument nor a step before"


def _what_it_does(step: Step, by_name: dict[str, ActionSpec]) -> Iterator[str]:
    other = by_name.get(step.action or "")
    if (step.optional or step.patience) and other is not None and other.effect != "read":
        yield f"{step.action} changes something: only a read may be optional, or repeated with patience"
    if step.shows is None:
        return
    shown = by_name.get(step.shows)
    if shown is None:
        yield f"there is no action {step.shows!r}"
        return
    yield from (f"{step.shows} has no argument {name!r}" for name in step.arguments if name not in shown.properties)
    if not (shown.consequences.says or shown.consequences.looks):
        yield f"{step.shows} tells nothing of what it would do"
