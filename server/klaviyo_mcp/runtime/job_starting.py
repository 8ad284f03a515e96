"""start_job: rows are checked and kept as a draft, which is shown; a confirmation begins exactly that draft."""

import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anyio.to_thread import run_sync

from klaviyo_mcp.accounts.account import Account
from klaviyo_mcp.actions.consequences import Told
from klaviyo_mcp.actions.engine import Engine
from klaviyo_mcp.actions.services import GoesOn, RowsNotGood, Served, ServiceCall, ServiceProblem
from klaviyo_mcp.klaviyo.user_text import UserText, said, written
from klaviyo_mcp.klaviyo.words import one_line
from klaviyo_mcp.loose_json import JSON, mapping
from klaviyo_mcp.runtime.job_checks import Check, Checks, begun_draft, digest_of
from klaviyo_mcp.runtime.job_room import refuse_too_many
from klaviyo_mcp.runtime.job_sources import Found, JobSources
from klaviyo_mcp.runtime.job_words import in_tool_words, told
from klaviyo_mcp.runtime.job_worker import CONNECTION, SERVED, JobWorker

if TYPE_CHECKING:
    from klaviyo_mcp.jobs.preparing import Draft, Wanted
    from klaviyo_mcp.jobs.store import Job, JobStore
    from klaviyo_mcp.runtime.job_examples import Example

MOST_DRAFTS = 10
"""Drafts that an account may have; beyond, the oldest goes."""
MOST_GROUPS, MOST_COLUMNS = 20, 60
LONGEST_TEXT, LONGEST_ITEM = 500, 4_000
"""Characters of one sentence about a file, and of an example, that are shown."""
DRAFT = "draft"
"""The name under which a plan is bound to its draft."""


@dataclass(frozen=True, slots=True)
class StartJob:
    """See Service."""

    engine: Engine
    worker: JobWorker
    sources: JobSources
    checks: Checks

    async def look(self, call: ServiceCall, *, agreed: bool) -> Told:
        """Check all rows, and keep what passes; or, once that was `agreed` to, find what was kept.

        Raises RowsNotGood where rows do not pass and may not be left out, ServiceProblem for what cannot be read, and
        GoesOn where it takes longer than a call may.
        """
        return await self._looked(call, agreed=agreed)

    async def _looked(self, call: ServiceCall, *, agreed: bool = False, begins: bool = False) -> Told:
        from klaviyo_mcp.jobs.preparing import kind_of

        with told():
            self.worker.check_serving(f"klaviyo-mcp import {call.arguments['kind']} FILE")
            kind = kind_of(call.arguments["kind"])
            call.check_may(kind.action)
            store = await self.worker.store()
            if (host := self.worker.host) is not None:
                await run_sync(refuse_too_many, store, call.account, host.most_unfinished)
            if agreed:
                draft = await run_sync(_draft_of, store, call)
                if draft is None:
                    raise ServiceProblem(
                        "What was shown is not kept any more: it was begun already, or is over a day old.",
                        "See get_jobs whether it runs; else call start_job again.",
                    )
                return Told(people=draft.facts["checked"]["good"], same={DRAFT: draft.id})
            return await self.checks.outcome(call, store, self._checked, begins=begins)

    async def carry_out(self, call: ServiceCall, found: Told | None) -> Served:
        """Begin the draft that was agreed to; where nobody has to agree, check the rows first."""
        try:
            found = found or await self._looked(call, begins=True)
        except GoesOn as beside:
            again = "Nothing was sent. The job begins by itself once its rows have passed; wait_for_job tells."
            return Served({**beside.answer, "next": again}, again)
        with told():
            id = found.same[DRAFT]
            job = await begun_draft(self.worker, id, call.account)
        counts = job.facts["checked"]
        answer: JSON = {
            "job": id,
            "state": "running",
            "kind": job.facts["kind"],
            "rows": counts["good"],
            "left_out": {name: counts[name] for name in ("rejected", "duplicates") if counts[name]},
            "next": f"wait_for_job with job {id} waits for its end; get_job tells how far it is.",
        }
        line = f"Job {id} has begun: {counts['good']:,} rows ({job.facts['kind']}). It goes on by itself."
        return Served({key: value for key, value in answer.items() if value}, line, wrote=True)

    async def _checked(self, check: Check) -> Told:
        """Check the rows of a call, and show what they would do."""
        with told():
            async with self.sources.source_for(check.call.arguments, check.call.account) as found:
                made = await self._prepared(check, found)
            return await self._shown(check, made)

    async def _prepared(self, check: Check, found: Found) -> "Draft":
        from klaviyo_mcp.jobs.preparing import prepared
        from klaviyo_mcp.runtime.jobs import whose

        given, account = check.call.arguments, check.call.account
        await run_sync(_make_room, check.store, check.call)
        draft = await run_sync(
            partial(
                prepared,
                found.source,
                Path(found.path or found.source.name),
                _wanted(given),
                check.store,
                self.engine.registry,
                whose(account),
                account.name,
                check.counted,
                check.job,
            ),
            limiter=self.worker.checking,
        )
        facts = draft.job.facts
        facts |= {SERVED: True, "action": draft.kind.action, "call": check.digest, CONNECTION: account.found_as}
        facts["path"] = found.path or f"{found.source.name} {facts['sha256']}"
        return draft

    async def _shown(self, check: Check, draft: "Draft") -> Told:
        """What a draft would do."""
        from klaviyo_mcp.runtime.job_examples import example_of

        found, store = _check(draft), check.store
        await run_sync(_refuse_twice, store, draft)
        example = await example_of(self.engine, check.call.account, draft) if draft.intake.items else None
        await run_sync(partial(store.change, draft.job.id, facts=draft.job.facts))
        if draft.report.rejected:
            found["rejected_rows"] = f"klaviyo://jobs/{draft.job.id}/rejected.csv"
        if not draft.intake.items or (draft.report.rejected and check.call.arguments.get("bad_rows") != "skip"):
            raise _not_good(draft, found)
        return _told_of(draft, found, example)


def _wanted(given: JSON) -> "Wanted":
    from klaviyo_mcp.jobs.preparing import Wanted

    reading = mapping(given.get("reading"))
    wanted = Wanted(
        given["kind"],
        mapping(given.get("options")),
        mapping(given.get("columns")),
        mapping(given.get("constants")),
        given.get("duplicates", "refuse"),
    )
    wanted.region, wanted.zone = given.get("region", ""), given.get("zone", "")
    wanted.dates, wanted.decimal = reading.get("dates", ""), reading.get("decimal", "")
    return wanted


def _drafts(store: "JobStore", account: Account) -> "list[Job]":
    from klaviyo_mcp.runtime.jobs import whose

    return store.jobs(whose=whose(account), states=("draft",))


def _draft_of(store: "JobStore", call: ServiceCall) -> "Job | None":
    digest = digest_of(call.arguments)
    return next(
        (job for job in _drafts(store, call.account) if job.facts.get("call") == digest and "checked" in job.facts),
        None,
    )


def _make_room(store: "JobStore", call: ServiceCall) -> None:
    """Forget the draft of the same call, whose rows may be others now, and the oldest of too many."""
    digest = digest_of(call.arguments)
    for number, job in enumerate(_drafts(store, call.account), 1):
        if job.facts.get("call") == digest or (job.facts.get(SERVED) and number >= MOST_DRAFTS):
            store.forget(job.id)


def _refuse_twice(store: "JobStore", draft: "Draft") -> None:
    """Raises ServiceProblem where a job of the same rows, or of the same file, is not finished."""
    from klaviyo_mcp.jobs.preparing import same_file

    if (job := same_file(store, draft)) is not None:
        again = "resume_job goes on with it" if job.state == "paused" else "wait_for_job waits for its end"
        raise ServiceProblem(
            f"The job {job.id} of the same rows is {job.state}; nothing was sent of this one.",
            f"{again}; cancel_job ends it.",
        )


def _check(draft: "Draft") -> JSON:
    """What the check found. Names of columns, and what is said of them, are words of whoever made the file."""
    report = draft.report
    columns = {UserText(one_line(column, 100)): place for column, place in draft.mapping.columns.items()}
    words = [UserText(one_line(in_tool_words(text), LONGEST_TEXT)) for text in [*draft.mapping.told, *report.told]]
    check: JSON = {
        "rows": report.rows,
        "good": report.good,
        "not_good": report.rejected,
        "duplicates_left_out": report.duplicates,
        "source": UserText(draft.job.facts["file"]),
        "columns": dict(list(columns.items())[:MOST_COLUMNS]),
        "more_columns": max(0, len(columns) - MOST_COLUMNS),
        "told": words[:MOST_GROUPS],
        "problems": [
            {
                "column": UserText(group.where) if group.where else None,
                "why": group.why,
                "rows": group.count,
                "lines": group.lines,
                "what_to_do": in_tool_words(group.advice),
            }
            for group in report.problems[:MOST_GROUPS]
        ],
    }
    check["problems"] = [{key: value for key, value in one.items() if value} for one in check["problems"]]
    if len(report.problems) > MOST_GROUPS:
        check["more_problems"] = len(report.problems) - MOST_GROUPS
    counts = ("rows", "good", "not_good", "duplicates_left_out")
    return {key: value for key, value in check.items() if key in counts or value not in ([], {}, 0)}


def _not_good(draft: "Draft", check: JSON) -> RowsNotGood:
    does = "does" if draft.report.rejected == 1 else "do"
    counts = f"{draft.report.rejected:,} of {draft.report.rows:,} rows {does} not pass"
    skip = ", or call start_job again with bad_rows skip to go on without them" if draft.intake.items else ""
    return RowsNotGood(
        f"{counts}, and nothing was sent." if draft.report.rejected else "No row passes, and nothing was sent.",
        f"Show the user which rows these are (found.problems; rejected_rows has them whole). Correct them{skip}.",
        found={"check": check},
        looked=True,
    )


def _told_of(draft: "Draft", check: JSON, example: "Example | None") -> Told:
    kind, intake = draft.kind, draft.intake
    says = [f"{kind.title}: {draft.extent}, for the account {draft.job.facts['account']}."]
    left = [(draft.report.rejected, "that do not pass"), (draft.report.duplicates, "that are duplicates")]
    says += [f"Left out: {count:,} row{'s' * (count != 1)} {why}." for count, why in left if count]
    shown: JSON = {"check": check}
    undo, unknown = "", list[str]()
    if example is not None:
        says += [f"As for line {example.line}: {said(text)}" for text in example.says]
        undo, unknown = str(example.undo), [str(text) for text in example.unknown]
        body: Any = next((body for line, body in intake.sample if line == example.line), None)
        size = len(json.dumps(body, ensure_ascii=False))
        item: JSON = {"item": written(body)} if size <= LONGEST_ITEM else {"characters": size}
        shown["example"] = {"line": example.line, **item}
    says += kind.says
    return Told(
        tuple(in_tool_words(text) for text in says),
        intake.items,
        {DRAFT: draft.job.id},
        tuple(unknown),
        undo or "cancel_job stops what was not sent yet; what was sent stays.",
        shown,
    )
