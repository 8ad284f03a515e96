"""Begins exports: what was asked for, with the account's own words for it, settled once and kept with the job."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any

from klaviyo_mcp.accounts.account import Account
from klaviyo_mcp.actions.engine import Call, Engine
from klaviyo_mcp.actions.errors import InvalidArguments
from klaviyo_mcp.jobs.engine import JobEngine
from klaviyo_mcp.jobs.errors import AlreadyThere, JobProblem
from klaviyo_mcp.jobs.export_kind import ExportKind, ExportOption
from klaviyo_mcp.jobs.exporting import drop, machine
from klaviyo_mcp.jobs.intake import new_id
from klaviyo_mcp.jobs.reading_out import Place, Question, arguments_at, windows, zone_of
from klaviyo_mcp.jobs.rows_file import Target
from klaviyo_mcp.jobs.running import cancel_now
from klaviyo_mcp.jobs.store import UNFINISHED, Job, JobStore
from klaviyo_mcp.klaviyo.errors import NotFound, PermissionDenied
from klaviyo_mcp.loose_json import JSON
from klaviyo_mcp.registry.id_forms import ID_FORMS
from klaviyo_mcp.runtime.jobs import whose

REPORT_DAYS = 30
"""Days that a report has where nobody says since when."""
FORMS_OF_TIME = "Give a day (2026-01-31) or a time (2026-01-31T09:00:00+01:00)."


@dataclass(frozen=True, slots=True)
class Asked:
    """An export as it was asked for: `options` by name, as they were given; times and interval, "" where not."""

    kind: str
    options: JSON
    since: str = ""
    until: str = ""
    interval: str = ""


async def settled(
    engine: Engine, account: Account, kind: ExportKind, asked: Asked, now: datetime | None = None
) -> tuple[Question, list[str]]:
    """What an export asks Klaviyo for, and what is told of it. Names are looked up; nothing is changed.

    Raises JobProblem for what the kind does not take and names of nothing, ActionError and KlaviyoError as reads do.
    """
    _check(kind, asked)
    zone = (await engine.facts(account)).timezone or ""
    interval = asked.interval or next(iter(kind.intervals), "")
    question = Question(_options(kind, asked), zone=zone, interval=interval)
    question, told = _timed(kind, asked, question, (now or datetime.now(UTC)).replace(microsecond=0))
    if not zone and kind.takes_times:
        told.append("The account's time zone could not be read: times are taken in UTC.")
    try:
        plan = await engine.planned(Call(kind.action, arguments_at(kind, question, Place())), account)
    except InvalidArguments as error:
        raise _of_option(kind, question, error) or error from None
    found = plan.settled.things
    options = dict(question.options)
    for name, option in kind.options.items():
        if option.form and (thing := found.get((option.form, str(options.get(name))))):
            options[name] = thing.id
            told.append(f"--{name} {asked.options[name]} is {thing}.")
        elif option.there and name in options:
            await _must_be_there(engine, account, name, option, str(options[name]))
    pinned = {name: plan.arguments[name] for name in kind.pinned if name in plan.arguments}
    return replace(question, options=options, pinned=pinned), [*told, *kind.says]


async def _must_be_there(engine: Engine, account: Account, name: str, option: ExportOption, id: str) -> None:
    """Raises JobProblem for the id of what is not in the account."""
    try:
        await engine.read(account, option.there, {"id": id})
    except NotFound:
        raise JobProblem(
            f"--{name}: nothing with the id {id!r} exists in this account.",
            f"{option.help} Nothing was exported.",
        ) from None
    except PermissionDenied:
        return  # what may be exported decides


def begun(
    store: JobStore,
    engine: JobEngine,
    account: Account,
    asked: Asked,
    target: Target,
    question: Callable[[], Question],
    *,
    user_content: bool,
    more: JSON | None = None,
) -> tuple[Job, bool]:
    """Begin an export, or go on with the one that was begun by the same words; whether it goes on.

    With `force` it is begun anew in any case: what a nightly one left unfinished would end where last night did.
    `question` is asked for a new one, and `more` are facts of it besides.
    Raises AlreadyThere where the file is another export's, or is there.
    """
    words = {**asdict(asked), "form": target.form, "excel": target.excel, "user_content": user_content}
    for job in store.jobs(whose=whose(account), states=UNFINISHED):
        facts = job.facts
        if not _writes(job, target):
            continue
        if engine.alive(job) and job.state == "running":
            raise AlreadyThere(
                f"{target.path} is being written by the job {job.id}.", f"Look with: klaviyo-mcp jobs show {job.id}"
            )
        if facts["asked"] == words and not target.force:
            _go_on(engine, job)
            return store.job(job.id), True
        if not target.force:
            raise AlreadyThere(
                f"{target.path} is begun by the unfinished job {job.id}, which asks for something else.",
                "Give another file, repeat the words of that job to go on with it, or add --force to give it up.",
            )
        if cancel_now(store, job):
            drop(job)
    if not target.in_database:
        check_free(target)
    facts: JSON = {
        "does": "export",
        "kind": asked.kind,
        "file": str(target.path),
        "account": account.name,
        "machine": machine(),
        "asked": words,
        "question": asdict(question()),
        "target": {**asdict(target), "path": str(target.path)},
        "user_content": user_content,
        **(more or {}),
    }
    job = Job(new_id(), whose(account), "queued", facts)
    if other := store.queue(job, lambda one: _writes(one, target)):
        raise AlreadyThere(
            f"{target.path} is being written by the job {other.id}, which was begun at the same time.",
            f"Look with: klaviyo-mcp jobs show {other.id}",
        )
    engine.begin_queued(job)
    return job, False


def _writes(job: Job, target: Target) -> bool:
    return job.facts.get("does") == "export" and job.facts["target"]["path"] == str(target.path)


def check_free(target: Target) -> None:
    """Raises AlreadyThere where a file is in the way, and JobProblem where none can be."""
    folder = target.path.parent
    if not folder.is_dir():
        raise JobProblem(f"There is no folder {folder}.", "Make it, or give another file. Nothing was read.")
    if target.path.is_dir():
        raise JobProblem(f"{target.path} is a folder.", "Give the name of a file in it. Nothing was read.")
    if target.force:
        return
    for path in (target.path, target.part):
        if path.exists():
            raise AlreadyThere(f"{path} is there.", "Add --force to replace it, or give another file.")


def _of_option(kind: ExportKind, question: Question, error: InvalidArguments) -> JobProblem | None:
    """The problem of an argument as one of the option that it was made of."""
    for name, option in kind.options.items():
        for problem in error.problems:
            if option.form and name in question.options and str(question.options[name]) in problem.problem:
                return JobProblem(f"--{name}: {problem.problem}.", f"{problem.fix}. Nothing was exported.".lstrip(". "))
    return None


def _go_on(engine: JobEngine, job: Job) -> None:
    if job.state == "running":
        engine.take_over(job, resumed=True)
    else:
        engine.begin(job)


def _check(kind: ExportKind, asked: Asked) -> None:
    for name in asked.options:
        if name not in kind.options:
            takes = ", ".join(f"--{one}" for one in kind.options) or "none"
            raise JobProblem(f"An export of {kind.name} has no --{name}.", f"It has: {takes}. Nothing was read.")
    for name, option in kind.options.items():
        if option.required and name not in asked.options:
            raise JobProblem(f"An export of {kind.name} needs --{name}.", f"{option.help} Nothing was read.")
    if (asked.since or asked.until) and not kind.takes_times:
        raise JobProblem(f"An export of {kind.name} cannot be narrowed by time.", "Leave out --since and --until.")
    if asked.interval and asked.interval not in kind.intervals:
        takes = ", ".join(kind.intervals) or "none"
        raise JobProblem(f"An export of {kind.name} has no --by {asked.interval}.", f"It has: {takes}.")


def _options(kind: ExportKind, asked: Asked) -> JSON:
    """The options as the action's arguments take them: what is no id is a name."""
    found: dict[str, Any] = {}
    for name, value in asked.options.items():
        form = kind.options[name].form
        if not form:
            found[name] = kind.options[name].gives
        elif ID_FORMS[form].fits(value) or value.lower().startswith(("name:", "email:")):
            found[name] = value
        else:
            found[name] = f"{ID_FORMS[form].named}:{value}"
    return found


def _timed(kind: ExportKind, asked: Asked, question: Question, now: datetime) -> tuple[Question, list[str]]:
    if not kind.takes_times:
        return question, []
    zone = zone_of(question.zone)
    if kind.intervals:
        return _days(kind, asked, question, now.astimezone(zone).date())
    since = _moment("--since", asked.since, zone, ends=False)
    until = _moment("--until", asked.until, zone, ends=True)
    told: list[str] = []
    if until is None or until > now:
        told += ["--until lies ahead: it ends now."] if until else []
        until = now
    if since and since >= until:
        raise JobProblem("--since is not before --until.", "Nothing was read.")
    start = f"From {since.astimezone(zone):%Y-%m-%d %H:%M:%S} to" if since else "All"
    told.append(f"{start} before {until.astimezone(zone):%Y-%m-%d %H:%M:%S}, in the zone {zone}.")
    return replace(question, since=_written(since) if since else "", until=_written(until)), told


def _days(kind: ExportKind, asked: Asked, question: Question, today: date) -> tuple[Question, list[str]]:
    """The days of a report, whole ones."""
    last = _day("--until", asked.until) if asked.until else today - timedelta(days=1)
    told: list[str] = []
    if last >= today:
        last = today - timedelta(days=1)
        told.append("Today is not over, and left out.")
    first = _day("--since", asked.since) if asked.since else last - timedelta(days=REPORT_DAYS - 1)
    if first > last:
        raise JobProblem("--since is after --until, or no day of it is over.", "Nothing was read.")
    question = replace(question, since=str(first), until=str(last + timedelta(days=1)))
    requests = len(windows(kind, question))
    told.append(
        f"Days {first} to {last} in the zone {zone_of(question.zone)}: {requests:,} of Klaviyo's 225 requests a day, "
        f"of which it allows 2 a minute."
    )
    return question, told


def _day(option: str, given: str) -> date:
    try:
        return date.fromisoformat(given)
    except ValueError:
        raise JobProblem(f"{option} {given!r} is no day.", "Give one such as 2026-01-31. Nothing was read.") from None


def _moment(option: str, given: str, zone: tzinfo, *, ends: bool) -> datetime | None:
    """A time; of a day its begin, or its end, in the zone given, as of a time without an offset."""
    if not given:
        return None
    try:
        if len(given) == len("2026-01-31"):
            day = date.fromisoformat(given) + timedelta(days=ends)
            return datetime(day.year, day.month, day.day, tzinfo=zone)
        moment = datetime.fromisoformat(given)
    except (ValueError, OverflowError):
        raise JobProblem(f"{option} {given!r} is no time.", f"{FORMS_OF_TIME} Nothing was read.") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
