"""A simulated Klaviyo for the tests of this project, which see it freshly seeded each time."""

from collections.abc import Iterator

import httpx2
import pytest

from klaviyo_sandbox import create_app
from klaviyo_sandbox.testing import serve


@pytest.fixture(scope="session")
def sandbox() -> Iterator[str]:
    with serve(create_app(profiles=20)) as url:
        yield url


@pytest.fixture
def klaviyo(sandbox: str) -> str:
    httpx2.post(f"{sandbox}/_sandbox/reset").raise_for_status()
    return sandbox
