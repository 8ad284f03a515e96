"""How sign-up forms are made, changed, put on a website and taken off it.

A form is made of a definition, every part of which gets an id. It has a version for each variation, and a draft beside
what is live while somebody works on it.
"""

from collections.abc import Callable, Iterator, Sequence

from klaviyo_sandbox import documents
from klaviyo_sandbox.behaviour.form_defaults import completed
from klaviyo_sandbox.calls import Answer, Call, Session
from klaviyo_sandbox.errors import ApiError, Problem, invalid_body, invalid_field
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
_FORM_POINTER = "/data/relationships/form/data/id"


def create_form(call: Call) -> Answer:
    """A draft with a version for each variation."""
    attributes: Json = call.data["attributes"]
    versions: list[Json] = attributes["definition"]["versions"]
    problems = [
        problem
        for at, version in enumerate(versions)
        for problem in (*_early_ids(version, at), *_faults(call, version, at))
    ]
    if problems:
        raise ApiError(400, problems)
    form = call.new_id("form")
    made = [_version(call, version) for version in versions]
    body: Json = {
        "name": attributes["name"],
        "status": attributes["status"],
        "ab_test": attributes["ab_test"],
        "created_at": call.stamp,
        "updated_at": call.stamp,
        "definition": {"versions": made},
    }
    call.store.insert(call.account, "form", form, body)
    _write_versions(call, form, body)
    return documents.one(call, Row(form, body), 201)


def update_form(call: Call) -> Answer:
    """Change a form's name, or its drafts, which the definition replaces. What is live stays as it is."""
    form = call.require("form", call.id)
    attributes: Json = call.data["attributes"]
    versions: list[Json] | None = attributes.get("definition", {}).get("versions")
    if versions is not None:
        live, drafts = _sorted_out(call, form, versions)
        made = [_version(call, version, version.get("id")) for version in drafts]
        form["definition"] = {"versions": [*live, *made]}
    form["name"] = attributes.get("name", form["name"])
    return documents.one(call, _changed(call, call.id, form))


def publish_form(call: Call) -> Answer:
    """Put the draft of a form on the website, in place of what was live."""
    form_id, form = _form_of_job(call)
    draft = _only(form, "draft", "publish")
    form["definition"] = {"versions": [{**draft, "status": "live"}]}
    return _done(call, _changed(call, form_id, form))


def unpublish_form(call: Call) -> Answer:
    """Take a form off the website. A draft that is there stays the draft; else what was live becomes it."""
    form_id, form = _form_of_job(call)
    live = _only(form, "live", "unpublish")
    form["definition"] = {"versions": _of_status(form, "draft") or [{**live, "status": "draft"}]}
    return _done(call, _changed(call, form_id, form))


def _only(form: Json, status: str, verb: str) -> Json:
    """The one version of a status, for a job that `verb` names. Raises ApiError (400) for none and for a test."""
    versions = _of_status(form, status)
    if not versions:
        raise invalid_body(_FORM_POINTER, f"The form has no {status} version to {verb}.")
    if form["ab_test"] or len(versions) > 1:
        raise invalid_body(_FORM_POINTER, f"A {status} A/B test cannot be {verb}ed; use the form editor.")
    return versions[0]


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
    """A part of a definition with an id for itself and everything inside, where they have none yet."""
    made: Json = {**part, "id": part.get("id") or new_id()}
    for name in _NESTED:
        if is_list(parts := made.get(name)):
            made[name] = [identified(part, new_id) for part in parts]
    for name in _SINGLE:
        if isinstance(made.get(name), dict):
            made[name] = identified(made[name], new_id)
    return made


def _version(session: Session, version: Json, number: int | None = None) -> Json:
    """A version as a definition has it, with everything filled in; a new one unless it has a `number`."""
    kept = number if number is not None else int(session.new_id("form-version"))
    return {**identified(completed(version), lambda: _part_id(session)), "id": kept}


def _sorted_out(session: Session, form: Json, versions: Sequence[Json]) -> tuple[list[Json], list[Json]]:
    """What is live of a form, and what its drafts are to be. Raises ApiError (400) with every problem."""
    live, known = _of_status(form, "live"), {version["id"]: version for version in form["definition"]["versions"]}
    drafts: list[Json] = []
    problems: list[Problem] = []
    for at, version in enumerate(versions):
        pointer, number = f"{_VERSIONS}/{at}", version.get("id")
        stored = known.pop(number, None)
        if number is not None and stored is None:
            problems.append(invalid_field(f"{pointer}/id", f"'{number}' is not the id of a version of this form."))
        elif stored in live:
            if completed(version) != stored:
                problems.append(invalid_field(pointer, "A live version cannot be edited."))
        elif version.get("status", "draft") != "draft":
            problems.append(invalid_field(f"{pointer}/status", "The status of a version cannot be edited."))
        else:
            problems += _faults(session, version, at)
            drafts.append(version)
    if problems:
        raise ApiError(400, problems)
    return live, drafts


def _of_status(form: Json, status: str) -> list[Json]:
    versions: list[Json] = form["definition"]["versions"]
    return [version for version in versions if version["status"] == status]


def _changed(call: Call, form_id: str, form: Json) -> Row:
    """Store a form whose versions may be others than they were."""
    form["status"] = "live" if _of_status(form, "live") else "draft"
    form["updated_at"] = call.stamp
    call.store.replace(call.account, "form", form_id, form)
    _write_versions(call, form_id, form)
    return Row(form_id, form)


def _write_versions(call: Call, form_id: str, form: Json) -> None:
    """Keep a record for each version in a form's definition, and none beside. What stays live is left alone."""
    known = {row.id: row.body for row in call.store.find(call.account, "form-version", "form_id", form_id)}
    for number, version in enumerate(form["definition"]["versions"]):
        identifier = str(version["id"])
        earlier = known.pop(identifier, None)
        if earlier is None:
            body = version_body(form_id, version, number, {**form, "created_at": call.stamp})
            call.store.insert(call.account, "form-version", identifier, body)
        elif not earlier["status"] == version["status"] == "live":
            body = version_body(form_id, version, number, {**form, "created_at": earlier["created_at"]})
            call.store.replace(call.account, "form-version", identifier, body)
    for identifier in known:
        call.store.remove(call.account, "form-version", identifier)


def _form_of_job(call: Call) -> tuple[str, Json]:
    identifier: str = call.data["relationships"]["form"]["data"]["id"]
    return identifier, call.require("form", identifier)


def _done(call: Call, form: Row) -> Answer:
    """The job that published or unpublished a form. It is over at once, and is not kept."""
    body: Json = {"status": "complete", "created_at": call.stamp, "_form_id": form.id}
    return documents.one(call, Row(call.new_id(call.operation.resource), body), 202)


def _part_id(session: Session) -> str:
    return new_identifier("ulid", session.store.next_digest(), session.now)


def _early_ids(version: Json, at: int) -> Iterator[Problem]:
    """Ids of what does not exist yet."""
    for _, pointer, part in _parts(version, "versions", f"{_VERSIONS}/{at}"):
        if part.get("id") is not None:
            yield invalid_field(f"{pointer}/id", "'id' is not allowed on create.")


def _faults(session: Session, version: Json, at: int) -> Iterator[Problem]:
    """Too few steps, and actions that submit to no list."""
    if len(version["steps"]) < _LEAST_STEPS:
        yield invalid_field(f"{_VERSIONS}/{at}", "Versions must have at least two steps")
    for place, pointer, part in _parts(version, "versions", f"{_VERSIONS}/{at}"):
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
