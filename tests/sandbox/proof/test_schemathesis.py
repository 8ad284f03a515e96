"""Schemathesis calls every operation as the sandbox describes it: no answer is a server error or off its schema.

Requests are made up from `/_sandbox/openapi.json`, and for what had another form before from that of its revision.
Made-up ids and filters hardly ever hit anything, so that many are put in place of them that do. PROOF_EXAMPLES in the
environment says how many requests each operation gets.
"""

import os
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from klaviyo_sandbox import API_KEY, COMPANY_ID, ManualClock, create_app
from klaviyo_sandbox.declare import Lookup, Operation
from klaviyo_sandbox.facts import REVISION, REVISIONS, Filter
from klaviyo_sandbox.operations import EARLIER, OPERATIONS, RESOURCES

EXAMPLES = int(os.environ.get("PROOF_EXAMPLES", "3"))
LONG_TO_MAKE_UP = {"create_form": 1, "update_form": 1}
"""Operations with fewer examples: hypothesis needs seconds for a form, whose parts nest deeply."""
KEY = {"Authorization": f"Klaviyo-API-Key {API_KEY}"}
CHECKS = [not_a_server_error, response_schema_conformance, status_code_conformance, content_type_conformance]
VALUES = {"text": '"Newsletter"', "moment": "2026-10-01T00:00:00+00:00", "flag": "true", "number": "4"}


@dataclass(frozen=True)
class Subject:
    """The sandbox, described by revision, and the ids of what it holds by type."""

    descriptions: Mapping[str, Any]
    ids: Mapping[str, list[str]]

    @property
    def description(self) -> Any:
        """That of the newest revision."""
        return self.descriptions[REVISION]


@pytest.fixture(scope="module")
def subject(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    state = tmp_path_factory.mktemp("schemathesis") / "state.db"
    clock = ManualClock(datetime(2026, 11, 16, 12, 0, tzinfo=UTC))
    app = create_app(state=state, clock=clock, profiles=40, rate_limits=False)
    descriptions = {
        revision: schemathesis.openapi.from_asgi(f"/_sandbox/openapi.json?revision={revision}", app)
        for revision in REVISIONS
    }
    control(descriptions[REVISION], "snapshot")
    return Subject(descriptions, stored(state))


def control(description: Any, action: str) -> None:
    """Have the sandbox keep its state (snapshot), or go back to it (restore)."""
    case = description["/api/accounts"]["GET"].Case()
    answer = case.call(method="POST", url=f"/_sandbox/{action}", json={"name": "start"})
    assert answer.json() == {"name": "start"}


def stored(state: Path) -> dict[str, list[str]]:
    """Some ids of every type in a state file."""
    found: dict[str, list[str]] = {}
    with closing(sqlite3.connect(state)) as database:
        for key, resource in RESOURCES.items():
            if resource.stored:
                sql = f'SELECT id FROM "{resource.table}" WHERE account = ? ORDER BY random() LIMIT 8'
                found[key] = [row[0] for row in database.execute(sql, (COMPANY_ID,))]
    return found


FORMS = [*((name, REVISION) for name in OPERATIONS), *((name, form.revision) for name, form in EARLIER.items())]


@pytest.mark.parametrize(("name", "revision"), FORMS)
def test_an_operation_answers_as_described(subject: Subject, name: str, revision: str) -> None:
    operation = (OPERATIONS if revision == REVISION else EARLIER)[name]
    described = subject.descriptions[revision][operation.path][operation.method]
    control(subject.description, "restore")
    # Where Klaviyo itself was seen to break, the sandbox does and says so.
    unwanted = not_a_server_error if "5XX" in described.definition.raw["responses"] else None
    cases = described.as_strategy(generation_mode=schemathesis.GenerationMode.POSITIVE)

    @settings(
        max_examples=LONG_TO_MAKE_UP.get(name, EXAMPLES),
        database=None,  # a failure is found again by its seed, which is printed
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data(), cases)
    def call(data: st.DataObject, case: Any) -> None:
        aim(data, case, operation, subject.ids)
        case.call_and_validate(headers=KEY, checks=[check for check in CHECKS if check is not unwanted])

    call()


def aim(data: st.DataObject, case: Any, operation: Operation, ids: Mapping[str, list[str]]) -> None:
    """Put ids and filters that hit something into most requests."""
    query = case.query
    if operation.public and operation.name != "get_client_ip_allowlist":
        query["company_id"] = COMPANY_ID
    if not often(data):
        return
    known = ids.get(operation.parent or operation.resource)
    identifier = data.draw(st.sampled_from(known)) if known else None
    for name in case.path_parameters or ():
        if identifier is not None:
            case.path_parameters[name] = quote(identifier, safe="")
    query.pop("page[cursor]", None)
    query.pop("filter", None)
    if operation.required_filters or (operation.filters and often(data)):
        query["filter"] = condition(data, operation, ids)
    if isinstance(case.body, dict):
        refer(data, case.body, ids)
        main = case.body.get("data")
        if case.path_parameters and identifier is not None and isinstance(main, dict) and "id" in main:
            main["id"] = identifier


def often(data: st.DataObject) -> bool:
    return data.draw(st.integers(0, 4)) > 0


def condition(data: st.DataObject, operation: Operation, ids: Mapping[str, list[str]]) -> str:
    """One condition that the operation declares."""
    name = data.draw(st.sampled_from(sorted(operation.required_filters or operation.filters)))
    filter_ = operation.filters[name]
    operator = data.draw(st.sampled_from(sorted({*filter_.single, *filter_.listed})))
    if operator == "has":
        return f"has({name})"
    value = literal(data, name, filter_, operation, ids)
    return f"{operator}({name},{value if operator in filter_.single else f'[{value}]'})"


def literal(data: st.DataObject, name: str, filter_: Filter, operation: Operation, ids: Mapping[str, list[str]]) -> str:
    if filter_.choices:
        return f'"{data.draw(st.sampled_from(filter_.choices))}"'
    lookup = operation.lookups.get(name, Lookup())
    column = RESOURCES[operation.resource].columns.get(lookup.column or name)
    kind = filter_.kind if filter_.kind != "text" or column is None else column.kind
    named = operation.resource if name == "id" else name.removesuffix("_id").removesuffix(".id")
    if kind == "text" and ids.get(named):
        return f'"{data.draw(st.sampled_from(ids[named]))}"'
    return VALUES[kind]


def refer(data: st.DataObject, value: Any, ids: Mapping[str, list[str]]) -> None:
    """Let the references in a body name what is there."""
    if isinstance(value, dict):
        known = ids.get(value.get("type")) if isinstance(value.get("type"), str) else None
        if known and isinstance(value.get("id"), str):
            value["id"] = data.draw(st.sampled_from(known))
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            refer(data, inner, ids)


def test_an_id_with_a_line_break_is_not_found(subject: Subject) -> None:
    """Found here: the sandbox answered in plain text, because no route took it."""
    case = subject.description["/api/forms/{id}"]["GET"].Case(path_parameters={"id": "a%0Ab"})
    answer = case.call_and_validate(headers={**KEY, "revision": REVISION}, checks=CHECKS)
    assert answer.status_code == 404


def test_an_empty_namespace_is_refused(subject: Subject) -> None:
    """Found here: it was taken, and the second object type in it was a server error."""
    body = {"data": {"type": "object-type", "attributes": {"title": "Pet", "namespace": ""}}}
    case = subject.description["/api/object-types"]["POST"].Case(body=body, media_type="application/vnd.api+json")
    answer = case.call_and_validate(headers={**KEY, "revision": REVISION}, checks=CHECKS)
    assert answer.status_code == 400
