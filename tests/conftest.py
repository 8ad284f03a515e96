"""What holds for every test: no account of the person who runs them, one async backend, hypothesis profiles."""

import os

import pytest
from hypothesis import settings

for name in [name for name in os.environ if name.startswith("KLAVIYO_")]:
    del os.environ[name]

# No deadlines: they measure the machine, not the code. CI always draws the same examples, so a red run can be repeated.
settings.register_profile("local", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "local")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Async tests run on asyncio, as the server does; session scope lets fixtures of any scope be async."""
    return "asyncio"
