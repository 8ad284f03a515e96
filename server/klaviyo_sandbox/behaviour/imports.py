"""How a bulk import writes profiles: each by itself, with its errors kept for later."""

import json
from collections.abc import Callable

from klaviyo_sandbox import documents, generic
from klaviyo_sandbox.behaviour import jobs
from klaviyo_sandbox.behaviour.profiles import find_profiles, normalized, require_identity, write_checked, write_profile
from klaviyo_sandbox.calls import Answer, Call, Session
from klaviyo_sandbox.errors import ApiError, invalid_body
from klaviyo_sandbox.loose_json import Json
from klaviyo_sandbox.shapes import Check, Record

_LARGEST_PROFILE = 100 * 1024


def start(call: Call) -> Answer:
    """Queue the import. The lists must exist by then; the profiles are looked at later."""
    named: list[Json] = call.data.get("relationships", {}).get("lists", {}).get("data", [])
    lists = list(dict.fromkeys(item["id"] for item in named))
    for identifier in lists:
        call.require("list", identifier)
    entries: list[Json] = call.data["attributes"]["profiles"]["data"]
    items = [{"entry": entry, "lists": lists} for entry in entries]
    row = jobs.start(call, items, pointer="/data/attributes/profiles/data")
    call.store.link(call.account, "profile-bulk-import-job.lists", row.id, lists, call.micros)
    return documents.one(call, row, 202)


def importing(shape: Record) -> Callable[[Session, Json], str]:
    """The work on one profile whose attributes must be of `shape`: it is made or changed, and put on the lists."""

    def perform(session: Session, item: Json) -> str:
        entry: Json = item["entry"]
        if len(json.dumps(entry, ensure_ascii=False).encode()) > _LARGEST_PROFILE:
            raise invalid_body("/data", f"A profile must not be larger than {_LARGEST_PROFILE // 1024} KB.")
        check = Check("profile")
        check.value(shape, entry["attributes"], "/data/attributes")
        if check.problems:
            raise ApiError(400, check.problems)
        profile = _write(session, entry)
        for list_id in item["lists"]:
            if session.store.get(session.account, "list", list_id) is not None:
                session.store.link(session.account, "list.profiles", list_id, [profile], session.micros)
        return profile

    return perform


def keep_error(session: Session, job: str, item: Json, error: Json) -> None:
    """Keep an error of the import, together with the profile it is about."""
    body = {**{name: error[name] for name in ("code", "title", "detail", "source")}, "_job_id": job}
    body["original_payload"] = item["entry"]
    session.store.insert(session.account, "import-error", error["id"], body)


def list_errors(call: Call) -> Answer:
    """A page of an import's errors, which have no addresses of their own."""
    answer = generic.list_related(call)
    for item in (answer.document or {})["data"]:
        del item["links"]
    return answer


def _write(session: Session, entry: Json) -> str:
    attributes = normalized(entry["attributes"])
    patch: Json = entry.get("meta") or {}
    identifier: str | None = entry.get("id")
    if identifier is not None:
        session.require("profile", identifier)
    else:
        identifier = next(iter(find_profiles(session, attributes)), None)
    if identifier is not None:
        return write_checked(session, identifier, attributes, patch).id
    require_identity(session, attributes)
    return write_profile(session, None, attributes, patch).id
