"""Every operation has an action, and what the actions send fits Klaviyo's description of its API at their revision.

`described/` was made from Klaviyo's OpenAPI documents by `describe.py`, without the project's own reading of them.
"""

import re
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from description import described, faults, places_of
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st
from tests.catalogue import REGISTRY
from values import drawn_arguments, everything, one_by_one

from klaviyo_mcp.actions.arguments import check_arguments
from klaviyo_mcp.actions.engine import Call, Engine
from klaviyo_mcp.actions.errors import PreconditionFailed
from klaviyo_mcp.actions.preconditions import check_preconditions
from klaviyo_mcp.actions.request import build
from klaviyo_mcp.answers.preview import preview
from klaviyo_mcp.klaviyo.requests import REVISION, ApiRequest
from klaviyo_mcp.registry.holes import hole
from klaviyo_mcp.registry.model import ChooseRequest
from klaviyo_mcp.registry.registry import Action

JSON = dict[str, Any]
ENGINE = Engine(REGISTRY)
SINGLE = {action.name: action for action in REGISTRY.actions if action.http is not None}
COMPOSED = {action.name: action for action in REGISTRY.actions if action.parts}
PLATFORM = (
    r"body\.data\.attributes\.social_links\[\d+\]\.platform: ",
    "it names one network, and brands have links to others: what there is, is left to Klaviyo",
)
DEPARTURES: dict[str, list[tuple[str, str]]] = {
    "create_brand_social_group": [PLATFORM],
    "update_brand_social_group": [PLATFORM],
    "update_mapped_metric": [
        (r"body\.data\.relationships\.(custom-)?metric\.data: None", "its own words say that null unsets a mapping")
    ],
}
"""Where Klaviyo's document contradicts itself or is known to be wrong: the faults that are none, and why."""
few = settings(max_examples=4, suppress_health_check=list(HealthCheck), database=None)


def test_every_operation_has_an_action_and_every_action_an_operation() -> None:
    acted_on = {_route(described(_revision(action)).operations[action.operation]) for action in SINGLE.values()}
    known = {_route(stated): name for name, stated in described(REVISION).operations.items()}
    assert len(acted_on) == len(SINGLE)
    assert acted_on == known.keys(), "describe.py describes a new operation"


@pytest.mark.parametrize("name", sorted(SINGLE))
def test_whatever_is_asked_in_every_form_fits_klaviyos_shapes_and_fills_all_of_them(name: str) -> None:
    action = SINGLE[name]
    whole = [_sent(action, call) for call in everything(action.spec)]
    others = [*one_by_one(action.spec), *(example.arguments for example in action.spec.examples)]
    found = [fault for sent in [*whole, *(_sent(action, call) for call in others)] for fault in _faults(action, sent)]
    assert not found, "\n".join(dict.fromkeys(found))
    filled = [places_of(build(action, sent)) for sent in whole]
    assert not described(_revision(action)).places(action.operation).difference(*filled)


@pytest.mark.parametrize("name", sorted(SINGLE))
@few
@given(data=st.data())
def test_whatever_is_asked_at_random_fits_klaviyos_shapes(name: str, data: st.DataObject) -> None:
    action = SINGLE[name]
    assert not _faults(action, _sent(action, data.draw(drawn_arguments(action.spec))))


@pytest.mark.parametrize("name", sorted(COMPOSED))
@given(data=st.data())
@settings(few, max_examples=20)
def test_what_a_composite_sends_fits_klaviyos_shapes(name: str, data: st.DataObject) -> None:
    action = COMPOSED[name]
    arguments = data.draw(drawn_arguments(action.spec))
    if isinstance(request := action.spec.request, ChooseRequest):
        # What an argument is the id of depends on what is chosen: the ids are those of the action that it leads to.
        choice = request.among[arguments[request.choose[1:]]]
        fitting = data.draw(drawn_arguments(REGISTRY[choice.action].spec))
        arguments |= {str(hole(part)): fitting[name] for name, part in choice.arguments.items() if name in fitting}
        arguments = {name: value for name, value in arguments.items() if name in action.spec.properties}
    try:
        shown_plan = preview(ENGINE.plan(Call(name, arguments))).data
    except PreconditionFailed:
        reject()
    parts = shown_plan.get("steps") or [{"action": shown_plan["runs"], "requests": shown_plan["requests"]}]
    for part in parts:
        for shown in part.get("requests", []):
            run = REGISTRY[part["action"]]
            # Without an account nothing is found for what is left out.
            missing = {f"body.data.attributes.{left} is missing" for left in run.spec.defaults}
            assert set(faults(_outgoing(run, shown))) <= missing
    assert parts


def _revision(action: Action) -> str:
    return action.spec.revision or REVISION


def _route(stated: JSON) -> tuple[str, str]:
    """What an operation is known by: its name may differ between revisions."""
    return stated["method"], stated["path"]


def _sent(action: Action, arguments: JSON) -> JSON:
    """The arguments as they are sent, with what the account says for those that are left out."""
    return {**dict.fromkeys(action.spec.defaults, "UwD8nK"), **check_arguments(action, arguments).arguments}


def _faults(action: Action, sent: JSON) -> list[str]:
    """The faults of the request of a call; nothing is missing from a call that a precondition refuses as incomplete."""
    known = DEPARTURES.get(action.operation, [])
    found = [
        fault for fault in faults(build(action, sent)) if not any(re.match(pattern, fault) for pattern, _ in known)
    ]
    try:
        check_preconditions(action, sent)
    except PreconditionFailed:
        return [fault for fault in found if not fault.endswith(" is missing")]
    return found


def _outgoing(action: Action, shown: JSON) -> ApiRequest:
    """A request of a preview as it goes out."""
    split = urlsplit(shown["path"])
    query = tuple(parse_qsl(split.query, keep_blank_values=True))
    route = {"method": shown["method"], "path": split.path, "query": query, "operation": action.operation}
    return ApiRequest(**route, body=shown.get("body"), revision=_revision(action))
