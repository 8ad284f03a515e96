"""How sign-up forms are made: of a definition, every part of which gets an id, with one version per variation."""

from collections.abc import Callable, Iterator

from klaviyo_sandbox import documents
from klaviyo_sandbox.behaviour.form_defaults import completed
from klaviyo_sandbox.calls import Answer, Call, Session
from klaviyo_sandbox.errors import ApiError, Problem, invalid_field
from klaviyo_sandbox.identifiers import new_identifier
from klaviyo_sandbox.loose_json import Json, is_list, items
from klaviyo_sandbox.storage.store import Row

_VERSIONS = "/data/attributes/definition/versions"
# Where the parts of a definition are, and so what gets an id.
_NESTED = ("steps", "columns", "rows", "blocks", "triggers", "teasers")
_SINGLE = ("action", "dynamic_button")
# Actions that always submit, and so need to know the list; of others `submit` says whether they do.
_SUBMIT_TO_LIST = ("close", "next_step", "redirect", "submit_back_in_stock")
_LEAST_STEPS = 2


def create_form(call: Call) -> Answer:
    """A draft with a version for each variation."""
    attributes: Json = call.data["attributes"]
    versions: list[Json] = attributes["definition"]["versions"]
    problems = [problem for at, version in enumerate(versions) for problem in _faults(call, version, at)]
    if problems:
        raise ApiError(400, problems)
    form = call.new_id("form")
    made: list[Json] = []
    for version in versions:
        number = call.new_id("form-version")
        made.append({**identified(completed(version), lambda: _part_id(call)), "id": int(number)})
    body: Json = {
        "name": attributes["name"],
        "status": attributes["status"],
        "ab_test": attributes["ab_test"],
        "created_at": call.stamp,
        "updated_at": call.stamp,
        "definition": {"versions": made},
    }
    call.store.insert(call.account, "form", form, body)
    for number, version in enumerate(made):
        stored = version_body(form, version, number, body)
        call.store.insert(call.account, "form-version", str(version["id"]), stored)
    return documents.one(call, Row(form, body), 201)


def version_body(form: str, version: Json, number: int, body: Json) -> Json:
    """What is stored of the version that a form's definition has at place `number`."""
    name = version.get("name") or f"Variation {number + 1}"
    return {
        "form_type": "full_page" if version["type"] == "full_screen" else version["type"],
        "variation_name": name,
        "ab_test": {"variation_name": name} if body["ab_test"] else None,
        "status": version["status"],
        "created_at": body["created_at"],
        "updated_at": body["updated_at"],
        "_form_id": form,
    }


def identified(part: Json, new_id: Callable[[], str]) -> Json:
    """A part of a definition with ids for everything inside, and for itself unless the caller gives it another."""
    made: Json = {**part, "id": new_id()}
    for name in _NESTED:
        if is_list(parts := made.get(name)):
            made[name] = [identified(part, new_id) for part in parts]
    for name in _SINGLE:
        if isinstance(made.get(name), dict):
            made[name] = identified(made[name], new_id)
    return made


def _part_id(session: Session) -> str:
    return new_identifier("ulid", session.store.next_digest(), session.now)


def _faults(session: Session, version: Json, at: int) -> Iterator[Problem]:
    """Too few steps, ids that must not be there yet, and actions that submit to no list."""
    if len(version["steps"]) < _LEAST_STEPS:
        yield invalid_field(f"{_VERSIONS}/{at}", "Versions must have at least two steps")
    for place, pointer, part in _parts(version, "versions", f"{_VERSIONS}/{at}"):
        if part.get("id") is not None:
            yield invalid_field(f"{pointer}/id", "'id' is not allowed on create.")
        if place == "action" and part["type"] in _SUBMIT_TO_LIST and part.get("submit", True):
            properties: Json = part.get("properties") or {}
            group: str | None = properties.get("list_id")
            if group is None:
                yield invalid_field(f"{pointer}/properties/list_id", "'list_id' is required for actions that submit.")
            elif session.store.get(session.account, "list", group) is None:
                yield invalid_field(f"{pointer}/properties/list_id", f"'{group}' is not the id of a list.")


def _parts(part: Json, place: str, pointer: str) -> Iterator[tuple[str, str, Json]]:
    """A part and all within it: what each is called where it stands, its pointer, and itself."""
    yield place, pointer, part
    for name in _NESTED:
        for at, item in enumerate(items(part.get(name))):
            yield from _parts(item, name, f"{pointer}/{name}/{at}")
    for name in _SINGLE:
        if isinstance(part.get(name), dict):
            yield from _parts(part[name], name, f"{pointer}/{name}")
