"""The sandbox in the tests of another project: the example works as it is, and the page about it shows that one."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
EXAMPLE = ROOT / "examples" / "sandbox_fixture"
RUN = """
import sys, pytest
code = pytest.main(["-q", "-p", "no:cacheprovider", "-W", "error"])
assert not [name for name in sys.modules if name.partition(".")[0] == "klaviyo_mcp"], "it needs the sandbox alone"
sys.exit(code)
"""


def test_the_example_passes_in_a_project_of_its_own(tmp_path: Path) -> None:
    shutil.copytree(EXAMPLE, tmp_path / "tests")
    done = subprocess.run(
        [sys.executable, "-c", RUN], capture_output=True, text=True, cwd=tmp_path, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout


@pytest.mark.parametrize("name", ["conftest.py", "test_signup.py"])
def test_the_page_shows_the_example_as_it_is(name: str) -> None:
    shown = (ROOT / "docs" / "sandbox.md").read_text("utf-8")
    assert f"```python\n{(EXAMPLE / name).read_text('utf-8')}```\n" in shown
