"""A page about one action, as Markdown: all that its spec says, and a call of it that was tried."""

import json
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from klaviyo_mcp.authoring.precondition_index import in_words
from klaviyo_mcp.klaviyo.requests import REVISION
from klaviyo_mcp.loose_json import JSON, is_list, mapping, objects
from klaviyo_mcp.registry.guides import guides_of
from klaviyo_mcp.registry.model import ActionSpec, ChooseRequest, HttpRequest, ServiceRequest
from klaviyo_mcp.registry.references import resolved
from klaviyo_mcp.registry.registry import Registry
from klaviyo_mcp.runtime.everyday import EVERYDAY
from website.samples import Sample, Sent

DEEPEST = 4
"""How far into an argument the table goes; `describe_action` has all of it."""
MOST_PARTS, MOST_VALUES, MOST_LINES, MOST_RELATED = 24, 12, 48, 12
EFFECTS = {
    "read": "Reads, and changes nothing.",
    "write": "Changes the account. It can be previewed; with `--confirm writes` it waits for a yes.",
    "destructive": "Reaches people or cannot be taken back: it is shown first, and waits for a yes.",
}
UNTRIED = (
    "None is shown: klaviyo-mcp carries this out itself, with the files and jobs of whoever runs it, and where the "
    "examples of this site are tried there are none. [Jobs](../../jobs.md) tells one from the file to its report."
)
LIMITS = {"burst": "in a second", "steady": "in a minute", "daily": "in a day"}
NAME = re.compile(r"\b[a-z]+(?:_[a-z0-9]+)+\b")
NAMED = re.compile(r"!?\[[^\]]*\]\([^)]*\)|`([a-z0-9_]+)`|`[^`]*`|(?<![\w./-])([a-z]+(?:_[a-z0-9]+)+)(?![\w/(])")
"""What may be the name of an action: alone between backticks, or a bare word. Links and other code are passed over."""
HIDDEN = "{ data-search-exclude }"
"""Keeps a section out of the search, which would otherwise find every page that has `data` in a request."""


class ActionPages:
    """Pages of all actions, each linked to those that it has to do with."""

    def __init__(self, specs: Iterable[ActionSpec]) -> None:
        self.specs = {spec.name: spec for spec in specs}
        self._registry = Registry(self.specs.values())

    def path(self, name: str) -> str:
        """Where the page of an action is, from the root of the site."""
        return f"actions/{self.specs[name].toolset}/{name}.md"

    def page(self, spec: ActionSpec, sample: Sample | None, planned: tuple[Sent, ...]) -> str:
        """The whole page. `planned` are the requests of the first example, where none could be tried."""
        parts = [
            f"---\ntitle: {spec.name}\ndescription: {json.dumps(spec.summary, ensure_ascii=False)}\n---",
            f"[Actions](../../actions.md) / [{spec.toolset}](../{spec.toolset}.md)",
            f"# {spec.name}",
            f"**{spec.title}.** {text(spec.summary)}",
            self._facts(spec),
            self.linked(text(spec.description.strip()), spec.name),
            _asks(spec),
            self.linked(_arguments(spec), spec.name),
            _filters(spec),
            *_call(spec, sample, planned),
            self.linked(_checks(spec), spec.name),
            self.linked(_errors(spec), spec.name),
            self._related(spec),
        ]
        return "\n\n".join(part for part in parts if part) + "\n"

    def linked(self, words: str, own: str = "", up: str = "../../") -> str:
        """Words with every name of an action made a link to its page; `up` leads from their page to the root."""

        def link(found: re.Match[str]) -> str:
            name = found[1] or found[2]
            return f"[`{name}`]({up}{self.path(name)})" if name in self.specs and name != own else found[0]

        return NAMED.sub(link, words)

    def toolset(self, name: str) -> str:
        """The page that lists the actions of a toolset."""
        rows = "".join(
            f"| [`{spec.name}`]({name}/{spec.name}.md) | {spec.effect} | {cell(spec.summary)} |\n"
            for spec in sorted(self.specs.values(), key=lambda spec: spec.name)
            if spec.toolset == name
        )
        return (
            f"---\ntitle: {name}\n---\n\n[Actions](../actions.md) / {name}\n\n# {name}\n\n"
            f"`klaviyo-mcp serve --toolsets {name}` shows an agent these actions alone.\n\n"
            f"| action | effect | what it does |\n|---|---|---|\n{rows}"
        )

    def _facts(self, spec: ActionSpec) -> str:
        parts = self._registry.closure(self._registry[spec.name])[1:]
        scopes = dict.fromkeys([*spec.scopes, *(scope for part in parts for scope in part.spec.scopes)])
        facts = {
            "Effect": EFFECTS[spec.effect]
            + (" A repetition does no more than the first call." * (spec.idempotent and spec.effect != "read")),
            "Klaviyo's API": _operation(spec),
            "Revision": f"{spec.revision or REVISION}",
            "Made of": self.linked(", ".join(part.name for part in parts)),
            "Scopes": ", ".join(f"`{scope}`" for scope in scopes),
            "Rate limits": _limits(spec),
            "Listed": "by default"
            if spec.name in EVERYDAY
            else f"with `--expose {spec.toolset}` or `--expose all`; by default an agent finds it with `find_actions`",
            "Also called": ", ".join(f"`{alias}`" for alias in spec.aliases),
            "Replaces": ", ".join(f"`{endpoint}`" for endpoint in spec.replaces),
        }
        rows = "".join(f"| **{name}** | {fact} |\n" for name, fact in facts.items() if fact)
        return f"| | |\n|---|---|\n{rows}"

    def _related(self, spec: ActionSpec) -> str:
        """The actions that its own texts name, then its nearest sisters by name."""
        told = " ".join([spec.description, *(advice.says for advice in spec.advices)])
        named = [name for name in NAME.findall(told) if name in self.specs]
        words = set(spec.name.split("_")[1:])
        sisters = sorted(
            (one for one in self.specs.values() if one.toolset == spec.toolset),
            key=lambda one: (-len(words & {*one.name.split("_")[1:]}), len(one.name), one.name),
        )
        near = [one.name for one in sisters if words & {*one.name.split("_")[1:]}]
        names = islice((name for name in dict.fromkeys([*named, *near]) if name != spec.name), MOST_RELATED)
        lines = [
            f"- [`{name}`](../{self.specs[name].toolset}/{name}.md): {text(self.specs[name].summary)}" for name in names
        ]
        lines += [
            f"- Guide: [{guide.title}](../../guides/{guide.topic}.md). {guide.description}"
            for guide in guides_of(spec.name)
        ]
        return "## Related\n\n" + "\n".join(lines) if lines else ""


def cell(value: str) -> str:
    """A text that stays one cell of a table."""
    return text(" ".join(value.split())).replace("|", "\\|")


def text(value: str) -> str:
    """Words that Markdown takes as they are: no tags, no emphasis by chance."""
    return "`".join(
        re.sub(r"([<*\[\]])", r"\\\1", part) if not index % 2 else part for index, part in enumerate(value.split("`"))
    )


def block(language: str, content: str, title: str = "") -> str:
    """A block of code that holds no fence of its own."""
    named = f' title="{title}"' if title else ""
    return f"````{language}{named}\n{content}\n````"


def beginning(answer: str, most: int) -> str:
    """The first lines of an answer, and how many more there are."""
    lines = answer.splitlines()
    more = [f"… {len(lines) - most} more lines"] if len(lines) > most else []
    return "\n".join([*lines[:most], *more])


def _operation(spec: ActionSpec) -> str:
    if isinstance(spec.request, HttpRequest):
        path = re.sub(r"\$(\w+)", r"{\1}", spec.request.path)
        return f"`{spec.request.method} {path}`"
    if isinstance(spec.request, ChooseRequest):
        return "one of several requests, by its arguments"
    if isinstance(spec.request, ServiceRequest):
        return "none of its own; klaviyo-mcp carries it out"
    return "several requests in a row"


def _limits(spec: ActionSpec) -> str:
    limit = spec.rate_limit
    if limit is None:
        return "those of the actions it is made of"
    told = [
        f"{int(rate.partition('/')[0]):,} {per}" for name, per in LIMITS.items() if (rate := getattr(limit, name, None))
    ]
    more = [
        f"{extra.burst.partition('/')[0]} {LIMITS['burst']}, {extra.steady.partition('/')[0]} {LIMITS['steady']} "
        f"with `{extra.contains}` in `{extra.argument}`"
        for extra in limit.extra
    ]
    return "; ".join([", ".join(told), *more])


def _asks(spec: ActionSpec) -> str:
    said = ", ".join(f"“{text(ask)}”" for ask in spec.asks[:4])
    return f"*Found by words such as* {said}." if said else ""


def _arguments(spec: ActionSpec) -> str:
    schema = spec.plain_schema
    defs, rows = mapping(schema.get("$defs")), list[str]()
    for name, form in mapping(schema.get("properties")).items():
        own, *parts = _rows({name: form}, spec.required, defs, "")
        if name == "filter" and spec.filters:
            parts = []  # the table of filters tells them
        rows += [own, *parts[:MOST_PARTS]]
        if len(parts) > MOST_PARTS:
            rest = f"`klaviyo-mcp actions show {spec.name} --path {name}` has the other parts of it"
            rows.append(f"| `{name}` | … | {rest} |\n")
    if not rows:
        return "## Arguments\n\nNone."
    found = "".join(f"\nLeft out, `{name}` is found in the account.\n" for name in spec.defaults)
    return f"## Arguments\n\n| argument | type | what it is |\n|---|---|---|\n{''.join(rows)}{found}"


def _rows(properties: JSON, required: Iterable[str], defs: JSON, at: str) -> Iterator[str]:
    """A row for each argument, and below it one for each part of it."""
    needed = set(required)
    for name, raw in properties.items():
        schema = resolved(mapping(raw), defs)
        path = f"{at}{name}"
        mark = " **required**" if name in needed else ""
        yield f"| `{path}`{mark} | {_type(schema, defs)} | {_told(schema, defs)} |\n"
        inner, step = schema, "."
        if "items" in schema:
            inner, step = resolved(mapping(schema["items"]), defs), "[]."
        if mapping(inner.get("properties")) and path.count(".") + 1 < DEEPEST:
            parts = inner.get("required")
            yield from _rows(mapping(inner["properties"]), parts if is_list(parts) else [], defs, f"{path}{step}")


def _type(schema: JSON, defs: JSON) -> str:
    for key in ("anyOf", "oneOf"):
        if key in schema:
            return " or ".join(dict.fromkeys(_type(resolved(form, defs), defs) for form in objects(schema[key])))
    kind = schema.get("type", "any")
    kinds = [str(one) for one in kind] if is_list(kind) else [str(kind)]
    if "array" in kinds and "items" in schema:
        inner = _type(resolved(mapping(schema["items"]), defs), defs)
        kinds[kinds.index("array")] = f"list of {inner}" if inner != "any" else "list"
    return " or ".join(kinds)


RULES = {
    "minimum": "at least {}",
    "maximum": "at most {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "at least {} items",
    "maxItems": "at most {} items",
    "default": "default {}",
}


OF_ONE = {
    "minimum": "at least 1",
    "minLength": "not empty",
    "minItems": "at least one",
    "maximum": "at most 1",
    "maxLength": "one character",
    "maxItems": "one at most",
}


def _told(schema: JSON, defs: JSON) -> str:
    inner = resolved(mapping(schema.get("items")), defs)
    parts = [cell(str(schema["description"]))] if "description" in schema else []
    rules = [words.format(_shown(schema[key])) for key, words in RULES.items() if key in schema and schema[key] != 1]
    rules += [words for key, words in OF_ONE.items() if schema.get(key) == 1]
    if "format" in schema:
        rules.append(f"form `{schema['format']}`")
    parts += [f"{', '.join(rules).capitalize()}."] if rules else []
    values = schema.get("enum") or inner.get("enum")
    if is_list(values):
        shown = ", ".join(f"`{value}`" for value in values[:MOST_VALUES] if value is not None)
        more = f" and {len(values) - MOST_VALUES} more" if len(values) > MOST_VALUES else ""
        parts.append(f"One of {shown}{more}.")
    return " ".join(parts)


def _shown(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else f"`{json.dumps(value)}`"


def _filters(spec: ActionSpec) -> str:
    if not spec.filters:
        return ""
    rows = "".join(
        f"| `{name}` | {field.type} | "
        f"{', '.join(f'`{one}`' for one in dict.fromkeys([*field.one, *field.many, *field.alone]))} |\n"
        for name, field in spec.filters.items()
    )
    return f"## Filters\n\n| field | type | operators |\n|---|---|---|\n{rows}"


def _call(spec: ActionSpec, sample: Sample | None, planned: tuple[Sent, ...]) -> Iterator[str]:
    """The example in the forms in which it is called, its requests, and its answer."""
    if not spec.examples:
        return
    example = sample.example if sample else spec.examples[0]
    arguments = json.dumps(example.arguments, ensure_ascii=False, indent=2)
    compact = json.dumps(example.arguments, ensure_ascii=False)
    python = ", ".join(f"{name}={value!r}" for name, value in example.arguments.items())
    forms = {
        "Tool call": block("json", arguments, spec.name),
        "Command line": block("bash", f"klaviyo-mcp call {spec.name} --json {shlex.quote(compact)}"),
        "Python": block("python", f'answer = await klaviyo.call("{spec.name}"{", " if python else ""}{python})'),
    }
    tabs = "\n\n".join(f'=== "{name}"\n\n' + _indented(form) for name, form in forms.items())
    when = text(example.when) + ("" if example.when.endswith("?") else ":")
    yield f"## Example {HIDDEN}\n\n{when}\n\n{tabs}"
    requests = sample.requests if sample else planned
    if requests:
        yield f"## Request {HIDDEN}\n\n" + "\n\n".join(map(_request, requests))
    if sample:
        yield (
            f"## Answer {HIDDEN}\n\nAs a model reads it, from the [sandbox](../../sandbox.md), whose records stand for "
            f"those of the example:\n\n{block('text', beginning(sample.answer, MOST_LINES))}"
        )
    elif isinstance(spec.request, ServiceRequest):
        yield f"## Answer {HIDDEN}\n\n{UNTRIED}"


def _request(sent: Sent) -> str:
    line = f"{sent.method} {sent.path}"
    body = "" if sent.body is None else "\n\n" + json.dumps(sent.body, ensure_ascii=False, indent=2)
    return block("http", line + body)


def _indented(content: str) -> str:
    return "\n".join(f"    {line}" if line else line for line in content.splitlines())


def _checks(spec: ActionSpec) -> str:
    lines = [f"- {text_of_rule(in_words(rule))}" for rule in spec.preconditions]
    stronger = [f"- {text(when.says)}" for when in spec.effect_when]
    parts: list[str] = []
    if lines:
        parts.append(
            "## Checked before anything is sent\n\n*looks*: the account is read first. *warns*: the call goes on. "
            "[More on preconditions](../../preconditions.md).\n\n" + "\n".join(lines)
        )
    if stronger:
        parts.append("## What makes it wait for a yes\n\n" + "\n".join(stronger))
    return "\n\n".join(parts)


def text_of_rule(rule: str) -> str:
    """A rule in words, which has marks of its own."""
    return rule.replace("<", "\\<").replace("[]", "\\[\\]") if "`" not in rule else rule.replace("<", "&lt;")


def _errors(spec: ActionSpec) -> str:
    rows = "".join(f"| `{advice.code}` | {cell(advice.says)} |\n" for advice in spec.advices)
    table = f"| error | what to do |\n|---|---|\n{rows}\n" if rows else ""
    return (
        f"## Errors\n\n{table}Every error says whether anything was sent or changed, and what to do next: "
        "[how answers and errors read](../../answers.md)."
    )


def planned_requests(data: Mapping[str, Any]) -> tuple[Sent, ...]:
    """The requests in a preview."""
    found = objects(data.get("requests"))
    if not found:
        found = [request for step in objects(data.get("steps")) for request in objects(step.get("requests"))]
    return tuple(Sent(str(one["method"]), str(one["path"]), one.get("body")) for one in found)
