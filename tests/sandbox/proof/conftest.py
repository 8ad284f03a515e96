"""Makes the scenarios of this folder importable, with the details that pytest gives for failed assertions."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
for name in ("brands", "campaigns", "catalogs", "content", "data", "flows", "languages", "marketing", "people"):
    pytest.register_assert_rewrite(f"scenarios.{name}")
