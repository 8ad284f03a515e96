"""Where commands print: outputs that take nothing, and locales that have no letters."""

import json
import os
import subprocess
import sys

import pytest

from klaviyo_sandbox import API_KEY, create_app
from klaviyo_sandbox.testing import serve

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="devices and locales of POSIX")


@pytest.fixture(scope="module")
def settings():
    with serve(create_app(rate_limits=False)) as url:
        yield {"KLAVIYO_BASE_URL": url, "KLAVIYO_API_KEY": API_KEY}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("call", "create_list", "--json", '{"name": "Full"}'), "had been carried out: do not repeat it"),
        (("call", "get_lists"), "nothing was changed"),
        (("call", "get_lists", "--preview"), "Nothing was sent to Klaviyo."),
        (("call", "get_lists", "--json", '{"x": 1}'), "there is no such argument"),
        (("shell",), "had been carried out: do not repeat it"),
        (("actions", "list"), "No space left on device"),
        (("doctor", "--json"), "No space left on device"),
    ],
)
def test_an_output_that_takes_nothing_is_told_with_what_became_of_the_call(settings, words, told) -> None:
    with open("/dev/full", "w") as full:  # noqa: PTH123 - a device
        command = [sys.executable, "-m", "klaviyo_mcp", *words]
        environment = {**os.environ, **settings}
        line = "create_list name=x"  # which the shell alone reads
        way = {"input": line, "stdout": full, "stderr": subprocess.PIPE, "text": True, "env": environment}
        done = subprocess.run(command, check=False, **way)
    assert done.returncode == 1
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


@pytest.mark.parametrize("way", ["word", "stdin"])
def test_text_goes_in_and_out_where_the_locale_is_c(settings, command, way) -> None:
    given = json.dumps({"name": "Ünï 🎈"}, ensure_ascii=False)
    words = ("call", "create_list", "--json", given if way == "word" else "-")
    bare = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = subprocess.run(
        [sys.executable, "-m", "klaviyo_mcp", *words],
        capture_output=True,
        env={**os.environ, **settings, **bare},
        input=given.encode(),
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.decode())["record"]["name"] == "Ünï 🎈"
