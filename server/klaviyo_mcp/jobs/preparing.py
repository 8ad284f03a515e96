"""A file made into the draft of a job: what its options mean, where its columns go, what passes, what it would do."""

import re
from collections.abc import Awaitable, Callable, Mapping
from copy import deepcopy
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from klaviyo_mcp.actions.bounds import most_values
from klaviyo_mcp.actions.errors import ActionError, InvalidArguments
from klaviyo_mcp.actions.request import ABSENT, fill, read_hole
from klaviyo_mcp.jobs.check_report import CheckReport
from klaviyo_mcp.jobs.checking import Checker, checked
from klaviyo_mcp.jobs.errors import AlreadyThere, JobProblem
from klaviyo_mcp.jobs.intake import Intake, new_id
from klaviyo_mcp.jobs.kind import Kind, item_schema, load_kinds, option_places, option_schemas, put
from klaviyo_mcp.jobs.mapping import Mapping as ColumnMapping
from klaviyo_mcp.jobs.mapping import suggested
from klaviyo_mcp.jobs.report import ADDED
from klaviyo_mcp.jobs.row_rules import RowRules
from klaviyo_mcp.jobs.source import Source
from klaviyo_mcp.jobs.store import UNFINISHED, Job, JobStore
from klaviyo_mcp.loose_json import JSON, did_you_mean, is_list
from klaviyo_mcp.registry.registry import Registry

WORDS = {"dates": ("day-first", "month-first"), "decimal": ("comma", "point")}
"""What can be said of how a file is written, beside nothing."""
Look = Callable[[str, JSON], Awaitable[list[JSON]]]


@dataclass(slots=True)
class Wanted:
    """What is asked of an import: see the command. `map` is column → place, `set` place → value."""

    kind: str
    options: JSON = field(default_factory=dict[str, Any])
    map: dict[str, str] = field(default_factory=dict[str, str])
    set: dict[str, Any] = field(default_factory=dict[str, Any])
    duplicates: str = "refuse"
    region: str = ""
    zone: str = ""
    dates: str = ""
    decimal: str = ""


@dataclass(slots=True)
class Draft:
    """A file that was read and checked; nothing is sent yet."""

    job: Job
    kind: Kind
    mapping: ColumnMapping
    report: CheckReport
    intake: Intake

    @property
    def extent(self) -> str:
        """How much it sends: `243 people by bulk_import_profiles, in 1 request`."""
        one, many = ("person", "people") if self.kind.people else ("row", "rows")
        count, chunks = self.intake.items, self.intake.chunks
        requests = f"{chunks:,} request{'s' * (chunks != 1)}"
        return f"{count:,} {one if count == 1 else many} by {self.kind.action}, in {requests}"

    def is_of_rows(self, error: ActionError) -> bool:
        """Whether a call was refused for its items alone: another row may do."""
        inside = re.compile(rf"{re.escape(self.kind.items)}($|[.\[])")
        return bool(error.problems) and all(inside.match(problem.argument) for problem in error.problems)

    async def examples(self, look: Look) -> list[tuple[int, JSON]]:
        """The lines of the first items that the account has, each with the arguments of a call with it alone.

        `look` reads the account, for ids that items do not have. It raises ActionError and KlaviyoError.
        """
        options = self.job.facts["options"]
        sample = [(line, deepcopy(body)) for line, body in self.intake.sample]
        for resolve in self.kind.resolve:
            if resolve.when and resolve.when not in options:
                continue
            values = [str(one) for _, body in sample if (one := read_hole(resolve.value, body)) is not ABSENT]
            if not values:
                continue
            records = await look(resolve.action, fill(resolve.arguments, {"values": values, "options": options}))
            ids = {str(read_hole(resolve.field, record)).casefold(): record.get("id") for record in records}
            there: list[tuple[int, JSON]] = []
            for line, body in sample:
                found = ids.get(str(read_hole(resolve.value, body)).casefold())
                if found and resolve.to:
                    put(body, resolve.to, found)
                    body.pop(resolve.value, None)
                if found or (resolve.to and read_hole(resolve.to, body) is not ABSENT):
                    there.append((line, body))
            sample = there
        return [(line, fill(self.kind.arguments, {"items": [body], "options": options})) for line, body in sample]


def kind_of(name: str) -> Kind:
    """The kind of this name. Raises JobProblem."""
    kinds = load_kinds()
    if name not in kinds:
        near = did_you_mean(name, kinds)
        raise JobProblem(f"There is no kind of job {name!r}", f"{near} There are {', '.join(kinds)}.".strip())
    return kinds[name]


def prepared(
    source: Source,
    path: Path,
    wanted: Wanted,
    store: JobStore,
    registry: Registry,
    whose: str,
    account: str | None,
    counted: Callable[[int], None] = lambda _: None,
    into: str = "",
) -> Draft:
    """Read a source to its end, and keep what passes as a draft. Raises SourceProblem, JobProblem.

    With `into` it is kept under the job of this id, and whoever made that looks after it, also where this fails.
    """
    kind = kind_of(wanted.kind)
    for name, words in WORDS.items():
        if (given := getattr(wanted, name)) not in ("", *words):
            raise JobProblem(
                f"{name} cannot be {given!r}", f"Say {' or '.join(words)}, or nothing to have it found out."
            )
    options, constants = _options(kind, wanted.options, registry)
    schema = item_schema(kind, registry)
    places = {**{name: "" for name in ADDED if set(ADDED) <= set(source.columns)}, **wanted.map}
    columns = suggested(
        kind,
        schema,
        source.columns,
        source.sample,
        places,
        {**constants, **wanted.set},
        dates=wanted.dates,
        decimal=wanted.decimal,
    )
    rules = RowRules(kind, registry[kind.action].spec.preconditions, options)
    checker = Checker(kind, schema, columns, region=wanted.region, zone=wanted.zone, rules=rules)
    rows = checked(source, checker, duplicates=wanted.duplicates)
    facts = _facts(kind, source, path, wanted, options, account)
    job = Job(into or new_id(), whose, "draft", facts)
    if not into:
        store.add(job)
    intake = Intake(most_values(registry[kind.action]))
    try:
        intake.take(rows, kind, store, job.id, counted)
    except BaseException:
        if not into:
            store.forget(job.id)
        raise
    report = rows.report
    job.facts |= {"sha256": report.fingerprint, "checked": _counts(report)}
    store.change(job.id, facts=job.facts)
    return Draft(job, kind, columns, report, intake)


def _facts(kind: Kind, source: Source, path: Path, wanted: Wanted, options: JSON, account: str | None) -> JSON:
    """What an import is and does not change."""
    return {
        "does": "import",
        "kind": kind.name,
        "file": source.name,
        "path": str(path.resolve()),
        "form": source.form,
        "columns": source.columns,
        "delimiter": source.delimiter,
        "options": options,
        "account": account,
        "wanted": asdict(wanted),
    }


def same_file(store: JobStore, draft: Draft) -> Job | None:
    """The unfinished job of the same file, kind and options. Raises AlreadyThere for one of other contents."""
    facts = draft.job.facts
    for job in store.jobs(whose=draft.job.whose, states=UNFINISHED):
        if not _of_one_file(draft.job, job):
            continue
        if job.facts.get("sha256") == facts["sha256"] and job.facts.get("options") == facts["options"]:
            return job
        what = (
            "was made from other contents of it" if job.facts.get("sha256") != facts["sha256"] else "has other options"
        )
        raise AlreadyThere(
            f"The job {job.id} of {facts['file']} is not finished, and {what}; nothing was sent of this one",
            f"Finish it (klaviyo-mcp jobs resume {job.id}) or cancel it (klaviyo-mcp jobs cancel {job.id}) first.",
        )
    return None


def queued(store: JobStore, draft: Job) -> None:
    """Have a draft wait for its run. Raises AlreadyThere where another process has begun one of the file meanwhile."""
    if other := store.queue(draft, partial(_of_one_file, draft)):
        raise AlreadyThere(
            f"The job {other.id} of {draft.facts['file']} was begun by another process meanwhile; nothing was sent",
            f"Look with: klaviyo-mcp jobs show {other.id}",
        )


def _of_one_file(one: Job, other: Job) -> bool:
    """Whether two jobs are of the same file and kind."""
    return all(one.facts.get(name) == other.facts.get(name) for name in ("path", "kind"))


def settled_options(draft: Draft, arguments: Mapping[str, Any]) -> JSON:
    """The options with what the arguments of a planned call have in their place: ids for names."""
    options = dict(draft.job.facts["options"])
    for name, place in option_places(draft.kind.arguments):
        found = read_hole(place, arguments)
        if name in options and found is not ABSENT:
            options[name] = found
    return options


def option_problem(draft: Draft, error: InvalidArguments) -> JobProblem | None:
    """The problem of an argument that is an option of the job, said of the option; None where none is."""
    options = {place: name for name, place in option_places(draft.kind.arguments)}
    for problem in error.problems:
        if name := options.get(re.sub(r"\[(\d+)\]", r".\1", problem.argument)):
            return JobProblem(f"The option {name} does not fit: {problem.problem}", problem.fix)
    return None


def _options(kind: Kind, given: JSON, registry: Registry) -> tuple[JSON, JSON]:
    """Options for the call, and constants of items. Raises JobProblem."""
    known = option_schemas(kind, registry)
    for name in given:
        if name not in known:
            there = f"{kind.name} has {', '.join(known)}." if known else f"{kind.name} has no options."
            raise JobProblem(f"There is no option {name!r}", f"{did_you_mean(name, known)} {there}".strip())
    for name, option in kind.options.items():
        if option.required and name not in given:
            raise JobProblem(f"{kind.name} needs the option {name}: {option.help}", f"Give it: --option {name}=…")
    values = {name: _value(name, value, known[name]) for name, value in given.items()}
    constants = {kind.options[name].place: value for name, value in values.items() if kind.options[name].place}
    return {name: value for name, value in values.items() if not kind.options[name].place}, constants


def _value(name: str, value: Any, schema: JSON) -> Any:
    types = schema.get("type")
    if "boolean" in (types if is_list(types) else [types]) and isinstance(value, str):
        words = {"true": True, "yes": True, "false": False, "no": False}
        if value.casefold() not in words:
            raise JobProblem(f"The option {name} is true or false, not {value!r}", f"Give it: --option {name}=true")
        return words[value.casefold()]
    if "enum" in schema and value not in schema["enum"]:
        raise JobProblem(
            f"The option {name} cannot be {value!r}", f"It is one of {', '.join(map(str, schema['enum']))}."
        )
    return value


def _counts(report: CheckReport) -> JSON:
    return {name: getattr(report, name) for name in ("rows", "good", "rejected", "duplicates")}
