"""What the tests of the toolkit have: one sandbox over HTTP as Klaviyo, with the demo shop in it."""

from collections.abc import Iterator

import pytest

from klaviyo_sandbox import API_KEY, COMPANY_ID, create_app
from klaviyo_sandbox.testing import serve


@pytest.fixture(scope="session")
def _sandbox() -> Iterator[str]:
    with serve(create_app(rate_limits=False, profiles=120)) as url:
        yield url


@pytest.fixture
def sandbox(_sandbox: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Its URL; the environment leads to it."""
    monkeypatch.setenv("KLAVIYO_BASE_URL", _sandbox)
    monkeypatch.setenv("KLAVIYO_API_KEY", API_KEY)
    monkeypatch.setenv("KLAVIYO_COMPANY_ID", COMPANY_ID)
    return _sandbox
