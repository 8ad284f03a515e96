"""Whether what a spec tells before a call can be looked up and told: reads that exist, and blanks that are filled."""

from collections.abc import Iterator

from klaviyo_mcp.actions.sentences import BLANK
from klaviyo_mcp.authoring.precondition_check import leads_somewhere
from klaviyo_mcp.authoring.schema_rules import Found
from klaviyo_mcp.registry.consequences import Consequences, Look, WayBack
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
    yield from _looked_up(spec, by_name, known)
    told = spec.consequences
    known |= {one.name for one in (*told.strangers, *told.losing)}
    yield from _told(told, known, set(spec.properties))
    for index, one in enumerate(told.way_back):
        for problem in _way_back_problems(one, by_name, known, {look.name for look in told.looks}):
            yield ("consequences", "way_back", index), problem


def _told(told: Consequences, known: set[str], arguments: set[str]) -> Found:
    """What is wrong with sentences, paths and refusals."""
    texts = [("says", index, one.text) for index, one in enumerate(told.sayings)]
    texts += [("refuses", index, one.says) for index, one in enumerate(told.refuses)]
    for key, index, text in texts:
        for blanks in BLANK.findall(text):
            for blank in blanks:
                if blank and blank.partition(".")[0] not in known:
                    yield ("consequences", key, index), f"has the blank {{{blank}}}, neither an argument nor a look"
    paths = [*told.same, *told.counted, *(path for one in told.refuses for path in (one.some, one.none) if path)]
    asked = [hole[1:] for one in told.sayings for hole in (*one.when, *one.unless)]
    for path in [*paths, *(hole[1:] for one in told.refuses for hole in one.unless), *asked]:
        if path.partition(".")[0] not in known:
            yield ("consequences",), f"speaks of {path!r}, which is neither an argument nor a look"
    for index, one in enumerate(told.refuses):
        if one.argument and one.argument not in arguments:
            yield ("consequences", "refuses", index), f"names {one.argument!r}, which is no argument"


def _looked_up(spec: ActionSpec, by_name: dict[str, ActionSpec], known: set[str]) -> Found:
    """What is wrong with the looks; `known` grows by their names."""
    for index, look in enumerate(spec.consequences.looks):
        for problem in _look_problems(look, by_name, known):
            yield ("consequences", "looks", index), problem
        known.add(look.name)
    for index, one in enumerate(spec.consequences.strangers):
        for name in [one.of[1:].partition(".")[0], *one.among, *(hole[1:].partition(".")[0] for hole in one.when)]:
            if name not in known:
                yield ("consequences", "strangers", index), f"speaks of {name!r}, neither an argument nor a look"
    for index, one in enumerate(spec.consequences.losing):
        for name in (one.of.partition(".")[0], one.against.partition(".")[0]):
            if name not in known:
                yield ("consequences", "losing", index), f"speaks of {name!r}, neither an argument nor a look"


def _way_back_problems(one: WayBack, by_name: dict[str, ActionSpec], known: set[str], looks: set[str]) -> Iterator[str]:
    other = by_name.get(one.action)
    if other is None:
        yield f"there is no action {one.action!r}"
        return
    yield from (f"{one.action} has no argument {name!r}" for name in one.arguments if name not in other.properties)
    if one.restores is not None and one.restores not in looks:
        yield f"restores what {one.restores!r} finds, and there is no such look"
    for name in [*holes(one.arguments), *(hole[1:] for hole in (*one.when, *one.unless))]:
        if name.partition(".")[0] not in known | {"record"}:
            yield f"speaks of ${name}, which is neither an argument nor a look, nor $record"


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
    own = {"item"} if look.each else {"batch"} if look.batch else set[str]()
    single = other is not None and other.result.kind not in ("collection", "identifiers")
    if (look.mentions or look.tally) and single and not (look.each or look.batch):
        yield f"{look.action} finds one record: mentions and tally are for collections"
    for name in [*holes(look.arguments), *(hole[1:] for hole in _named(look))]:
        if name.partition(".")[0] not in known | own:
            yield f"speaks of ${name}, which is neither an argument nor a look before"


def _named(look: Look) -> Iterator[str]:
    yield from (*look.when, *look.unless)
    yield from (hole for hole in (look.each, look.mentions, look.batch and look.batch.of) if hole)
