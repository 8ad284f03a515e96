"""What holds for the application project: secrets that get out are found, and start-up does not pay for accounts."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).parent.parent / "conftest.py"
HEAVY = ("authlib", "key_value", "keyring", "redis", "filelock", "beartype", "platformdirs", "joserfc")
START = """
import json, sys
from klaviyo_mcp.runtime.assembly import assemble
from klaviyo_mcp.mcp_server.server import make_server
from klaviyo_mcp.mcp_server.tools import Listing
application = assemble()
listing = Listing(application.engine.registry, application.exposure)
make_server(application.engine, lambda _: application.accounts, listing)
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""
LEAKS = {
    "print": "print(SECRET)",
    "log": "import logging; logging.getLogger('x').warning('%s', SECRET)",
    "failure": "assert SECRET == 'other'",
    "standard_error": "import sys; sys.stderr.write(SECRET)",
}


def test_a_secret_that_a_test_lets_out_fails_it_and_is_not_repeated(tmp_path) -> None:
    shutil.copy(CONFTEST, tmp_path / "conftest.py")
    tests = [f"def test_{name}():\n    {leak}\n" for name, leak in LEAKS.items()]
    (tmp_path / "test_leak.py").write_text("SECRET = 'sEc' + 'ReT'\n\n" + "\n".join(tests))
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]
    done = subprocess.run(words, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 1
    assert done.stdout.count("has let out a secret") >= len(LEAKS)
    for name in LEAKS:
        assert re.search(rf"^(FAILED|ERROR) .*::test_{name}\b", done.stdout, re.MULTILINE), name
    assert "sEcReT" not in done.stdout + done.stderr


@pytest.mark.parametrize("setting", [{"KLAVIYO_API_KEY": "pk_x"}, {"KLAVIYO_MCP_HOME": "nowhere"}], ids=["key", "none"])
def test_a_server_starts_without_the_libraries_that_connecting_needs(setting) -> None:
    done = subprocess.run(
        [sys.executable, "-c", START], capture_output=True, text=True, env={**os.environ, **setting}, check=True
    )
    assert not set(HEAVY) & set(json.loads(done.stdout))
