"""The project's own actions, for tests that look at what becomes of a call before anything is sent."""

from collections.abc import Callable
from typing import Any

import pytest

from klaviyo_mcp.actions.arguments import check_arguments
from klaviyo_mcp.actions.engine import Call, Engine
from klaviyo_mcp.actions.errors import InvalidArguments
from klaviyo_mcp.answers.preview import preview
from klaviyo_mcp.registry.registry import Registry


@pytest.fixture(scope="session")
def engine(registry: Registry) -> Engine:
    return Engine(registry)


@pytest.fixture(scope="session")
def problems(registry: Registry) -> Callable[..., list[str]]:
    """The problems with the arguments of a call, each as a line; empty when there are none."""

    def check(action: str, /, **arguments: Any) -> list[str]:
        try:
            check_arguments(registry[action], arguments)
        except InvalidArguments as error:
            return [str(problem) for problem in error.problems]
        return []

    return check


@pytest.fixture(scope="session")
def request_of(engine: Engine) -> Callable[..., dict[str, Any]]:
    """The one request that a call would send: method, path with query, body."""

    def previewed(action: str, /, **arguments: Any) -> dict[str, Any]:
        (request,) = preview(engine.plan(Call(action, arguments))).data["requests"]
        return request

    return previewed
