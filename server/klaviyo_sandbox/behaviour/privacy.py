"""How a person's data is deleted: on request, by one identifier, a little later."""

from klaviyo_sandbox.behaviour.merging import erase
from klaviyo_sandbox.behaviour.profiles import find_profiles, normalized
from klaviyo_sandbox.calls import Answer, Call, Session
from klaviyo_sandbox.errors import invalid_body, not_found
from klaviyo_sandbox.loose_json import Json


def request_deletion(call: Call) -> Answer:
    """Accept a request, if anybody has that identifier."""
    reference: Json = call.data["attributes"]["profile"]["data"]
    given = {"id": reference.get("id"), **normalized(reference["attributes"])}
    named = {name: value for name, value in given.items() if value is not None}
    if len(named) != 1:
        detail = "Name the profile by exactly one identifier: email, phone_number or id."
        raise invalid_body("/data/attributes/profile/data", detail)
    if not _found(call, named):
        ((name, value),) = named.items()
        detail = f'No profile with {name} "{value}" found.  The profile may have already been deleted.'
        raise not_found(detail)
    call.schedule("profile.delete", named, call.world.job_seconds)
    return Answer(202)


def delete(session: Session, payload: Json) -> None:
    """Delete every profile the identifier fits."""
    for profile in _found(session, payload):
        erase(session, profile)


def _found(session: Session, named: Json) -> list[str]:
    if "id" in named:
        return [row.id for row in session.store.get_many(session.account, "profile", [named["id"]])]
    return find_profiles(session, named)
