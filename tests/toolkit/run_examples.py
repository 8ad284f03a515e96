"""Run every example of the toolkit, or some, as its user would: `make examples EXAMPLES=langchain_agent`.

Each has an environment of its own with what its header names, as in tests/clients; its model is a scripted one, and
its Klaviyo the sandbox. Exit status 1 says that one failed.
"""

import os
import re
import subprocess
import sys
import time
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "clients")]

from environments import Unbuildable, environment, variables  # noqa: E402 - lies beside the drivers that it is made for
from tests.toolkit.scripted import SAID, scripted_model  # noqa: E402

from klaviyo_sandbox import API_KEY, create_app  # noqa: E402
from klaviyo_sandbox.testing import serve  # noqa: E402

EXAMPLES = sorted((ROOT / "examples" / "toolkit").glob("*.py"))
HEADER = re.compile(r"^# /// script\n(?P<toml>(?:#.*\n)+?)# ///$", re.MULTILINE)


def needed(path: Path) -> list[str]:
    """What the header of a program names, with this checkout for ourselves."""
    found = HEADER.search(path.read_text("utf-8"))
    assert found is not None, f"{path} has no header"
    named = tomllib.loads(re.sub(r"^# ?", "", found["toml"], flags=re.MULTILINE))["dependencies"]
    return [*(name for name in named if name != "klaviyo-mcp"), f"--editable={ROOT}"]


def run(path: Path, settings: dict[str, str]) -> str:
    """What is wrong with an example, nothing where it is right."""
    try:
        folder = environment(needed(path), node=False)
    except Unbuildable as error:
        return f"cannot be installed: {error}"
    words = [str(folder / "bin" / "python"), str(path), "Which lists are there?"]
    done = subprocess.run(words, env=variables() | settings, capture_output=True, text=True, timeout=120, check=False)
    missing = [part for part in SAID if part not in done.stdout]
    return f"did not say {missing}\n{done.stdout}\n{done.stderr}" if missing or done.returncode else ""


def main(names: list[str]) -> int:
    """Run them and tell of each."""
    if unknown := set(names) - {path.stem for path in EXAMPLES}:
        print(f"Not known: {', '.join(sorted(unknown))}. There are: {', '.join(path.stem for path in EXAMPLES)}.")
        return 2
    failed = 0
    with serve(create_app(profiles=20)) as url, scripted_model() as model:
        klaviyo = {"KLAVIYO_BASE_URL": url, "KLAVIYO_API_KEY": API_KEY, "PATH": os.environ["PATH"]}
        for path in (path for path in EXAMPLES if not names or path.stem in names):
            began = time.monotonic()
            wrong = run(path, klaviyo | model)
            failed += bool(wrong)
            print(
                f"{'FAILED' if wrong else 'ok':6}  {path.stem}  {time.monotonic() - began:.1f} s  {wrong}", flush=True
            )
    return int(failed > 0)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
