"""How profiles stop being written to: unsubscribing, and suppression by the shop."""

from klaviyo_sandbox import documents
from klaviyo_sandbox.behaviour import jobs, push_tokens
from klaviyo_sandbox.behaviour.consent import REACHED_BY, TRACKING, lift, write_consent
from klaviyo_sandbox.behaviour.profiles import find_profiles, normalized
from klaviyo_sandbox.calls import Answer, Call, Session
from klaviyo_sandbox.errors import ApiError, Problem, invalid_body, invalid_field
from klaviyo_sandbox.loose_json import Json

_USER_SUPPRESSED = "USER_SUPPRESSED"
# A group whose members a job is about: as the request calls it, and as the job does.
_RELATIONS = {"list": "lists", "segment": "segments"}


def unsubscribe(call: Call) -> Answer:
    """Unsubscribe up to 100 profiles: from one list, or everywhere. Addresses that nobody has are passed over."""
    entries: list[Json] = call.data["attributes"]["profiles"]["data"]
    problems = [problem for index, entry in enumerate(entries) for problem in _check(index, entry)]
    if problems:
        raise ApiError(400, problems)
    reference = call.data.get("relationships", {}).get("list")
    list_id: str | None = reference["data"]["id"] if reference else None
    if list_id is not None:
        call.require("list", list_id)
    for entry in entries:
        attributes = normalized(entry["attributes"])
        for channel in attributes["subscriptions"]:
            kinds: Json = attributes["subscriptions"][channel]
            _revoke(call, attributes, channel, kinds, list_id)
    return Answer(202)


def start(call: Call) -> Answer:
    """Queue a job that suppresses, or unsuppresses, the profiles of these addresses, or all members of one group."""
    relationships: Json = call.data.get("relationships", {})
    listed: Json | None = call.data.get("attributes", {}).get("profiles")
    group = {name: relationships[name]["data"]["id"] for name in _RELATIONS if name in relationships}
    if len(group) + (listed is not None) != 1:
        raise invalid_body("/data", "Name either profiles, or one list, or one segment.")
    # Klaviyo says at once when it is completed, and counts later.
    extra: Json = {"completed_at": call.stamp, **{f"_{name}_id": identifier for name, identifier in group.items()}}
    if listed is not None:
        items = [normalized(entry["attributes"])["email"] for entry in listed["data"]]
        entries = [{"email": email} for email in items]
        row = jobs.start(call, entries, pointer="/data/attributes/profiles/data", extra=extra)
        return documents.one(call, row, 202)
    (name, identifier), *_ = group.items()
    call.require(name, identifier)
    sql = "SELECT target FROM link WHERE account = ? AND relation = ? AND source = ? ORDER BY target"
    members = call.store.rows(sql, (call.account, f"{name}.profiles", identifier))
    row = jobs.start(call, [{"id": member} for (member,) in members], extra=extra)
    relation = call.world.resources[call.operation.resource].relation(_RELATIONS[name])
    call.store.link(call.account, relation.link, row.id, [identifier], call.micros)
    return documents.one(call, row, 202)


def suppress(session: Session, item: Json) -> None:
    """Suppress one profile. Raises Skip for nobody, and for those the shop has suppressed already."""
    if not suppress_globally(session, _member(session, item), _USER_SUPPRESSED):
        raise jobs.Skip


def unsuppress(session: Session, item: Json) -> None:
    """Lift the shop's own suppression, and no other. Raises Skip where there is none."""
    if not lift(session, _member(session, item), (_USER_SUPPRESSED,), None):
        raise jobs.Skip


def suppress_globally(session: Session, profile: str, reason: str, list_id: str = "") -> bool:
    """Suppress a profile for a reason, and say whether it was not so before. With a list, only for that list."""
    sql = "INSERT OR IGNORE INTO suppression VALUES (?, ?, ?, ?, ?)"
    return session.store.run(sql, (session.account, profile, list_id, reason, session.micros)) == 1


def _revoke(session: Session, attributes: Json, channel: str, kinds: Json, list_id: str | None) -> None:
    name = REACHED_BY.get(channel)
    found = find_profiles(session, {name: attributes.get(name)} if name else _addresses(attributes))
    if not found:
        return
    profile = found[0]
    for token in kinds.get("tokens") or ():
        push_tokens.remove(session, token["token"], profile)
    on_list = list_id is not None and _is_member(session, list_id, profile)
    for kind in ("marketing", "transactional", "conversational", *TRACKING):
        if kind not in kinds:
            continue
        if (channel, kind) == ("email", "marketing") and list_id is not None and on_list:
            # Leaving one list stops the email sent to that list, and nothing else.
            suppress_globally(session, profile, "UNSUBSCRIBE", list_id)
            continue
        write_consent(session, profile, f"{channel}.{kind}", "UNSUBSCRIBED", session.second, None, False)
        if (channel, kind) == ("email", "marketing"):
            suppress_globally(session, profile, "UNSUBSCRIBE")
    if on_list and list_id is not None and "marketing" in kinds:
        session.store.unlink(session.account, "list.profiles", list_id, [profile])


def _check(index: int, entry: Json) -> list[Problem]:
    """What is wrong with one profile of an unsubscribe request beyond its shape."""
    pointer = f"/data/attributes/profiles/data/{index}/attributes"
    attributes = entry["attributes"]
    named = {channel: kinds for channel, kinds in attributes["subscriptions"].items() if kinds}
    if not named:
        return [invalid_field(f"{pointer}/subscriptions", "Name at least one channel to unsubscribe from.")]
    problems: list[Problem] = []
    for channel in named:
        name = REACHED_BY.get(channel)
        if name is None and not _addresses(attributes):
            detail = "'email' or 'phone_number' is required to unsubscribe a profile from 'push'."
            problems.append(invalid_field(pointer, detail))
        elif name is not None and attributes.get(name) is None:
            detail = f"'{name}' is required to unsubscribe a profile from '{channel}'."
            problems.append(invalid_field(f"{pointer}/{name}", detail))
    return problems


def _addresses(attributes: Json) -> Json:
    return {name: attributes[name] for name in ("email", "phone_number") if attributes.get(name) is not None}


def _is_member(session: Session, list_id: str, profile: str) -> bool:
    sql = "SELECT 1 FROM link WHERE account = ? AND relation = 'list.profiles' AND source = ? AND target = ?"
    return bool(session.store.rows(sql, (session.account, list_id, profile)))


def _member(session: Session, item: Json) -> str:
    """The profile an item of a suppression job speaks of. Raises Skip when there is none (any more)."""
    if "id" in item:
        if session.store.get(session.account, "profile", item["id"]) is None:
            raise jobs.Skip
        return item["id"]
    found = find_profiles(session, {"email": item["email"]})
    if not found:
        raise jobs.Skip
    return found[0]
