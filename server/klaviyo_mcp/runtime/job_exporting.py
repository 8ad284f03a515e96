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
from klaviyo_mcp.runtime.job_sources import place_in
from klaviyo_mcp.runtime.job_words import in_tool_words, told
from klaviyo_mcp.runtime.job_worker import CONNECTION, SERVED, JobWorker

if TYPE_CHECKING:
    from klaviyo_mcp.jobs.export_kind import ExportKind
    from klaviyo_mcp.jobs.rows_file import Target
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
        with told():
            target = await run_sync(self._target, call.arguments)
            try:
                if "file" in call.arguments:
                    await run_sync(check_free, target)
                question, says = await self._settled(call, kind)
                engine, store = await self.worker.launched(), await self.worker.store()
                more: JSON = {
                    SERVED: True,
                    CONNECTION: call.account.found_as,
                    "action": kind.action,
                    "named": call.arguments.get("file"),
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
                name = UserText(call.arguments.get("file", ""))
                raise ServiceProblem(
                    "A file of this name is there, or is being written by another export.",
                    "Give another name, or cancel that export; files are not replaced.",
                    found={"file": name, "why": UserText(in_tool_words(error.message))},
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
        if self.worker.host is not None:
            raise ServiceProblem(
                "This service keeps no files of exports, as its instances share none. Nothing was read.",
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


def _asked(given: JSON) -> "Asked":
    from klaviyo_mcp.runtime.exports import Asked

    options = {name: given[name] for name in OPTIONS if given.get(name)}
    return Asked(given["kind"], options, given.get("since", ""), given.get("until", ""), given.get("by", ""))
