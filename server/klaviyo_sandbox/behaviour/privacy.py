"""How a person's data is deleted: on request, by one identifier, a little later."""

from klaviyo_sandbox.behaviour.merging import erase
from klaviyo_sandbox.behaviour.profiles import find_profiles, normalized
from klaviyo_sandbox.calls import Answer, Call, Session
from klaviyo_sandbox.errors import invalid_body
from klaviyo_sandbox.loose_json import Json


def request_deletion(call: Call) -> Answer:
    """Accept a request, whether or not anybody has that identifier."""
    reference: Json = call.data["attributes"]["profile"]["data"]
    given = {"id": reference.get("id"), **normalized(reference["attributes"])}
    named = {name: value for name, value in given.items() if value is not None}
    if len(named) != 1:
        detail = "Name the profile by exactly one identifier: email, phone_number or id."
        raise invalid_body("/data/attributes/profile/data", detail)
    call.schedule("profile.delete", named, call.world.job_seconds)
    return Answer(202)


def delete(session: Session, payload: Json) -> None:
    """Delete every profile the identifier fits."""
    found = [payload["id"]] if "id" in payload else find_profiles(session, payload)
    for profile in found:
        erase(session, profile)
