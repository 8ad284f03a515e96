"""Whether what a spec tells before a call can be looked up and told: reads that exist, and blanks that are filled."""

from collections.abc import Iterator

from klaviyo_mcp.actions.consequences import BLANK
from klaviyo_mcp.authoring.precondition_check import leads_somewhere
from klaviyo_mcp.authoring.schema_rules import Found
from klaviyo_mcp.registry.consequences import Look
from klaviyo_mcp.registry.holes import holes
from klaviyo_mcp.registry.model import ActionSpec
from klaviyo_mcp.registry.tool_names import SERVER_TOOLS


def consequence_problems(spec: ActionSpec, by_name: dict[str, ActionSpec]) -> Found:
    """What is wrong with `effect_when` and `consequences`, apart from their form."""
    if taken := set(SERVER_TOOLS) & set(spec.names):
        yield ("name",), f"{min(taken)!r} is the name of a tool of the server's own"
    if spec.effect == "read" and (spec.effect_when or spec.consequences.says):
        yield ("effect",), "a read has no consequences: neither effect_when nor consequences"
    for index, one in enumerate(spec.effect_when):
        for place in [*one.when, *(one.more_than.of if one.more_than else [])]:
            if not leads_somewhere(place, spec.input_schema):
                yield ("effect_when", index), f"speaks of {place!r}, and the schema has no such place"
    known = set(spec.properties)
    for index, look in enumerate(spec.consequences.looks):
        for problem in _look_problems(look, by_name, known):
            yield ("consequences", "looks", index), problem
        known.add(look.name)
    for index, text in enumerate(spec.consequences.says):
        for blank in BLANK.findall(text):
            if blank.partition(".")[0] not in known:
                yield ("consequences", "says", index), f"has the blank {{{blank}}}, neither an argument nor a look"
    for path in [*spec.consequences.same, *([spec.consequences.people] if spec.consequences.people else [])]:
        if path.partition(".")[0] not in known:
            yield ("consequences",), f"speaks of {path!r}, which is neither an argument nor a look"


def _look_problems(look: Look, by_name: dict[str, ActionSpec], known: set[str]) -> Iterator[str]:
    other = by_name.get(look.action)
    if other is None:
        yield f"there is no action {look.action!r}"
    elif other.effect != "read":
        yield f"{look.action} changes something; only a read may be used here"
    else:
        for argument in look.arguments:
            if argument not in other.properties:
                yield f"{look.action} has no argument {argument!r}"
    named = [*holes(look.arguments), *(hole[1:] for hole in (*look.when, *([look.each] if look.each else [])))]
    for name in named:
        if name.partition(".")[0] not in known | ({"item"} if look.each else set()):
            yield f"speaks of ${name}, which is neither an argument nor a look before"
