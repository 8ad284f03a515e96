"""start_export: a job that reads everything of a kind into a file of the opened folder, or one that is kept here."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from anyio.to_thread import run_sync

from klaviyo_mcp.actions.consequences import Told
from klaviyo_mcp.actions.engine import Engine
from klaviyo_mcp.actions.services import Served, ServiceCall, ServiceProblem
from klaviyo_mcp.klaviyo.user_text import UserText
from klaviyo_mcp.loose_json import JSON
from klaviyo_mcp.runtime.job_places import exports_folder
from klaviyo_mcp.runtime.job_room import refuse_too_many
from klaviyo_mcp.runtime.job_sources import place_in
from klaviyo_mcp.runtime.job_words import in_tool_words, told, without_paths
from klaviyo_mcp.runtime.job_worker import CONNECTION, SERVED, JobHost, JobWorker

if TYPE_CHECKING:
    from klaviyo_mcp.jobs.export_kind import ExportKind
    from klaviyo_mcp.jobs.rows_file import Target
    from klaviyo_mcp.jobs.store import JobStore
    from klaviyo_mcp.runtime.exports import Asked

OPTIONS = ("list", "segment", "metric", "profile", "predictions")
"""The arguments that narrow an export, if its kind has them."""


@dataclass(frozen=True, slots=True)
class StartExport:
    """See Service."""

    engine: Engine
    worker: JobWorker
    files: Path | None

    async def look(self, call: ServiceCall, *, agreed: bool) -> Told:
        """What would be read."""
        del agreed
        kind = self._kind(call)
        with told():
            _, says = await self._settled(call, kind)
        return Told(tuple(in_tool_words(text) for text in says))

    async def carry_out(self, call: ServiceCall, found: Told | None) -> Served:
        """Begin it."""
        from klaviyo_mcp.jobs.errors import AlreadyThere
        from klaviyo_mcp.runtime.exports import begun, check_free

        del found
        kind = self._kind(call)
        named = call.arguments.get("file", "")
        with told():
            target = await run_sync(self._target, call.arguments)
        with told(str(target.path), named):
            try:
                if not target.in_database and "file" in call.arguments:
                    await run_sync(check_free, target)
                store = await self.worker.store()
                if (host := self.worker.host) is not None:
                    await run_sync(refuse_too_many, store, call.account, host.most_unfinished)
                    await run_sync(_refuse_too_much, store, call, host)
                question, says = await self._settled(call, kind)
                engine = await self.worker.launched()
                more: JSON = {
                    SERVED: True,
                    CONNECTION: call.account.found_as,
                    "action": kind.action,
                    "named": named or None,
                }
                job, goes_on = await run_sync(
                    partial(
                        begun,
                        store,
                        engine,
                        call.account,
                        _asked(call.arguments),
                        target,
                        lambda: question,
                        user_content=self.engine.user_content,
                        more={**more, "kept": "file" not in call.arguments},
                    )
                )
            except AlreadyThere as error:
                why = without_paths(in_tool_words(error.message), str(target.path), named)
                raise ServiceProblem(
                    "A file of this name is there, or is being written by another export.",
                    "Give another name, or cancel that export; files are not replaced.",
                    found={"file": UserText(named), "why": UserText(why)},
                ) from None
        answer: JSON = {
            "job": job.id,
            "state": "running",
            "kind": kind.name,
            "says": [UserText(in_tool_words(text)) for text in says],
            "next": f"wait_for_job with job {job.id} waits for its end, and tells where it is.",
        }
        words = "goes on" if goes_on else "has begun"
        return Served(answer, f"The export {job.id} {words}. Nothing changes in Klaviyo.")

    def _kind(self, call: ServiceCall) -> "ExportKind":
        from klaviyo_mcp.jobs.export_kind import load_export_kinds

        self.worker.check_serving(f"klaviyo-mcp export {call.arguments['kind']} --output FILE")
        host = self.worker.host
        if host is not None and not host.refusal and not host.exports:
            raise ServiceProblem(
                "This service makes no exports: its operator has turned them off. Nothing was read.",
                "Read what is needed with the actions that list it; read_more goes through long answers. For whole "
                "exports the user runs klaviyo-mcp on a machine of their own: klaviyo-mcp export.",
            )
        kind = load_export_kinds()[call.arguments["kind"]]
        call.check_may(kind.action)
        return kind

    async def _settled(self, call: ServiceCall, kind: "ExportKind"):
        from klaviyo_mcp.runtime.exports import settled

        return await settled(self.engine, call.account, kind, _asked(call.arguments))

    def _target(self, given: JSON) -> "Target":
        """Where it is written. Raises ServiceProblem and JobProblem."""
        from klaviyo_mcp.jobs.intake import new_id
        from klaviyo_mcp.jobs.rows_file import Target
        from klaviyo_mcp.jobs.writing import FORMS, need_parquet

        excel = bool(given.get("excel"))
        if (host := self.worker.host) is not None:
            return _kept_here(given, host)
        if "file" not in given:
            form = given.get("form", "csv")
            if form == "parquet":
                raise ServiceProblem("Parquet is no text, so it needs a file. Nothing was read.", "Give file.")
            folder = exports_folder(self.worker.application.settings)
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            return Target(folder / f"{new_id()}.{form}", form, excel)
        path = place_in(self.files, given["file"])
        form = given.get("form") or FORMS.get(path.suffix.lower(), "csv")
        if form == "parquet":
            need_parquet()
        return Target(path, form, excel)


def _kept_here(given: JSON, host: JobHost) -> "Target":
    """The export of a service, which has no files. Raises ServiceProblem."""
    from klaviyo_mcp.jobs.intake import new_id
    from klaviyo_mcp.jobs.rows_file import Target

    if "file" in given:
        raise ServiceProblem(
            "Exports of this service have no path: they are kept for the account. Nothing was read.",
            f"Leave file out. The user gets the export at {host.exports}; get_job names the resource that it is, too.",
        )
    if (form := given.get("form", "csv")) == "parquet":
        raise ServiceProblem("This service makes no Parquet. Nothing was read.", "Give form csv or jsonl.")
    return Target(Path(f"export-{new_id()}.{form}"), form, bool(given.get("excel")), in_database=True)


def _refuse_too_much(store: "JobStore", call: ServiceCall, host: JobHost) -> None:
    """Raises ServiceProblem where exports of an account take as much room as they may."""
    from klaviyo_mcp.jobs.outputs import Outputs
    from klaviyo_mcp.runtime.jobs import whose

    if Outputs(store).bytes_of(whose(call.account)) >= host.most_exported:
        raise ServiceProblem(
            f"Exports of this account take {host.most_exported / 1e6:,.0f} MB here already, as much as they may. "
            "Nothing was read.",
            f"Have the user remove one at {host.exports}; each goes by itself three days after its end.",
        )


def _asked(given: JSON) -> "Asked":
    from klaviyo_mcp.runtime.exports import Asked

    options = {name: given[name] for name in OPTIONS if given.get(name)}
    return Asked(given["kind"], options, given.get("since", ""), given.get("until", ""), given.get("by", ""))
