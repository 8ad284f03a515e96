"""The hosted service with the sandbox as Klaviyo, all over HTTP."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.hosted.driving import App, Browser, new_app
from tests.hosted.processes import Instance, one_instance


@pytest.fixture(scope="session", autouse=True)
def _warm(warm: None) -> None:
    """Every service begins with everything loaded."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the service of a module keeps its records."""
    return tmp_path_factory.mktemp("hosted") / "home"


@pytest.fixture(scope="module")
def service(klaviyo: Any, home: Path) -> Iterator[tuple[str, Instance]]:
    """A service of one process, with its URL."""
    klaviyo.begin()
    with one_instance(klaviyo, home) as started:
        yield started


@pytest.fixture
def url(klaviyo: Any, service: tuple[str, Instance]) -> str:
    """The service's URL; the sandbox has no faults and counts requests from now on."""
    klaviyo.begin()
    return service[0]


@pytest.fixture
def browser(url: str) -> Browser:
    """Somebody's browser."""
    return Browser(url)


@pytest.fixture(scope="module")
def client_id(service: tuple[str, Instance]) -> str:
    """A client that has registered itself, which the tests of a module share."""
    return new_app(service[0]).client_id


@pytest.fixture
def app(url: str, client_id: str) -> App:
    """That client, as one person has it."""
    return App(url, client_id)
