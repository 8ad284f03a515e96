"""What we send is what Klaviyo's own SDK sends for the same input: method, path, query and body.

The SDK's arguments are named without a look at our templates, and its models rebuild the body from ours, so a wrong
field name, type, constant or envelope shows. The SDK knows one revision. Operations that it lacks, or has in another
form than that of their spec's revision, are compared with `without_sdk.yaml`.
"""

import base64
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import sdk as klaviyo
import yaml
from tests.catalogue import REGISTRY
from values import everything

from klaviyo_mcp.actions.arguments import check_arguments
from klaviyo_mcp.actions.request import build
from klaviyo_mcp.actions.sparse import asked_of_klaviyo
from klaviyo_mcp.klaviyo.requests import ApiRequest
from klaviyo_mcp.registry.clearing import CLEAR
from klaviyo_mcp.registry.holes import holes
from klaviyo_mcp.registry.registry import Action

JSON = dict[str, Any]
ACTIONS = {action.operation: action for action in REGISTRY.actions if action.http is not None}
WITHOUT_SDK: dict[str, JSON] = yaml.safe_load(Path(__file__).with_name("without_sdk.yaml").read_text())
IN_SDK = ACTIONS.keys() - WITHOUT_SDK.keys()
COMPANY = "Xa1b2C"
ENGINES_OWN = {"expect", "fields", "max_records", CLEAR}
SDK_FAULTS: dict[str, dict[str, str]] = {}
"""Parts of a body that the SDK cannot send, and why; the rest of these bodies is compared."""


@pytest.fixture(scope="module")
def sdk() -> Iterator[klaviyo.Sdk]:
    with klaviyo.catching() as caught:
        yield caught


def test_every_operation_is_either_in_the_sdk_or_in_the_file() -> None:
    there = {name for name in klaviyo.methods() if name in ACTIONS and not ACTIONS[name].spec.revision}
    assert there == IN_SDK, "without_sdk.yaml holds the requests of just the others"
    assert WITHOUT_SDK.keys() <= ACTIONS.keys()


@pytest.mark.parametrize("operation", sorted(IN_SDK))
def test_a_request_is_the_one_that_klaviyos_sdk_makes(sdk: klaviyo.Sdk, operation: str) -> None:
    action = ACTIONS[operation]
    differences: list[str] = []
    whole = everything(action.spec)
    for given in [*whole, *(example.arguments for example in action.spec.examples)]:
        outgoing, arguments = _ours(action, given)
        ours = klaviyo.read_request(outgoing.method, outgoing.target)
        body = _without(outgoing.body, SDK_FAULTS.get(operation, {}))
        theirs, left = sdk.request(operation, arguments, body)
        differences += [
            *_different("method", ours.method, theirs.method),
            *_different("path", ours.path, theirs.path),
            *_different("query", ours.query, theirs.query),
            *_different("body", _without_null(body), _without_null(theirs.body), fills=given not in whole),
            *_different("form", _form(outgoing), _plain_words(theirs.form)),
        ]
        if ours.body is None and outgoing.body is None:
            differences += [f"{name} is no argument of the SDK" for name in left if name not in ENGINES_OWN]
    assert not differences, "\n".join(dict.fromkeys(differences))


@pytest.mark.parametrize("operation", sorted(WITHOUT_SDK))
def test_a_request_that_the_sdk_lacks_is_the_one_in_the_file(operation: str) -> None:
    wanted = WITHOUT_SDK[operation]
    outgoing, _ = _ours(ACTIONS[operation], wanted["arguments"])
    method, _, path = wanted["request"].partition(" ")
    assert (outgoing.method, outgoing.path) == (method, path)
    assert sorted(outgoing.query) == sorted((key, str(value)) for key, value in wanted["query"].items())
    assert dict(outgoing.headers) == wanted.get("headers", {})
    assert outgoing.body == wanted.get("body")


def test_the_requests_in_the_file_give_every_argument() -> None:
    for operation, wanted in WITHOUT_SDK.items():
        action = ACTIONS[operation]
        assert set(wanted["arguments"]) == action.spec.properties.keys() - ENGINES_OWN, operation


def _ours(action: Action, given: JSON) -> tuple[ApiRequest, JSON]:
    """Our request and the arguments for the SDK, which wants the filter as text, files as bytes and the company."""
    if "company_id" in action.spec.properties:
        given = {"company_id": COMPANY, **given}
    arguments = asked_of_klaviyo(action, check_arguments(action, given).arguments)
    outgoing = build(action, arguments)
    passed = {name: value for name, value in arguments.items() if value not in (None, [])}
    for name, schema in action.spec.properties.items():
        if schema.get("contentEncoding") == "base64" and name in passed:
            passed[name] = base64.b64decode(passed[name])
    if action.http is not None and (text := dict(outgoing.query).get("filter")):
        # Arguments such as channel are conditions of the filter.
        joined = set(holes(action.http.query["filter"]))
        passed = {name: value for name, value in passed.items() if name not in joined} | {"filter": text}
    return outgoing, passed


def _form(outgoing: ApiRequest) -> dict[str, str | bytes] | None:
    if outgoing.form is None:
        return None
    return {name: value if isinstance(value, str) else value[1] for name, value in outgoing.form.items()}


def _plain_words(form: dict[str, str | bytes] | None) -> dict[str, str | bytes] | None:
    """The SDK writes Python's True and False into forms, where we write JSON's words."""
    words: dict[str | bytes, str] = {"True": "true", "False": "false"}
    return form and {name: words.get(value, value) for name, value in form.items()}


def _without(body: Any, places: dict[str, str], at: str = "") -> Any:
    if not isinstance(body, dict) or not places:
        return body
    return {key: _without(value, places, f"{at}{key}.") for key, value in body.items() if f"{at}{key}" not in places}


def _without_null(value: Any) -> Any:
    """The SDK leaves out null for some fields and adds it for others; `test_description` looks at null."""
    if isinstance(value, dict):
        return {key: _without_null(inner) for key, inner in value.items() if inner is not None}
    return [_without_null(inner) for inner in value] if isinstance(value, list) else value


def _different(where: str, ours: Any, theirs: Any, *, fills: bool = False) -> Iterator[str]:
    """Where two values differ. With `fills`, theirs may hold more: the SDK fills in the default of an absent field."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key in ours.keys() | theirs.keys():
            if key in ours and key in theirs:
                yield from _different(f"{where}.{key}", ours[key], theirs[key], fills=fills)
            elif key in ours or not fills:
                yield f"{where}.{key} is sent only by {'us' if key in ours else 'the SDK'}"
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for index, (one, other) in enumerate(zip(ours, theirs, strict=True)):
            yield from _different(f"{where}[{index}]", one, other, fills=fills)
    elif ours != theirs and not _same_time(ours, theirs):
        yield f"{where} is {ours!r} from us and {theirs!r} from the SDK"


def _same_time(ours: Any, theirs: Any) -> bool:
    """The SDK reads times and writes them in its own way, such as +00:00 for Z."""
    try:
        return datetime.fromisoformat(ours) == datetime.fromisoformat(theirs)
    except (TypeError, ValueError):
        return False
