"""Runs the fast tests with several Pythons: `python .ci/pythons.py [3.11 3.12 …]`, all that are here by default.

Each has an environment of its own in .cache/pythons, of what uv.lock holds. None is downloaded.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

import uv

ROOT = Path(__file__).resolve().parent.parent
SUPPORTED = ("3.11", "3.12", "3.13", "3.14")
UV = uv.find_uv_bin()
OFFLINE = {"UV_PYTHON_DOWNLOADS": "never", "UV_SYSTEM_CERTS": "1"}


def found(version: str) -> str | None:
    """The newest interpreter of a version that runs: uv knows where most are, and pyenv hides those not in use."""
    words = [UV, "python", "find", "--no-project", version]
    done = subprocess.run(words, env={**os.environ, **OFFLINE}, capture_output=True, text=True, check=False)
    pyenv = Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser() / "versions"
    candidates = [done.stdout.strip(), *map(str, sorted(pyenv.glob(f"{version}.*/bin/python3"), reverse=True))]
    return next((path for path in candidates if path and is_version(path, version)), None)


def is_version(path: str, version: str) -> bool:
    """Whether an interpreter is of a version, and runs."""
    done = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)
    return done.returncode == 0 and done.stdout.startswith(f"Python {version}.")


def run(version: str, interpreter: str) -> bool:
    """Whether the fast tests pass."""
    environment = {**os.environ, **OFFLINE, "UV_PROJECT_ENVIRONMENT": str(ROOT / ".cache" / "pythons" / version)}
    sync = [UV, "sync", "--quiet", "--locked", "--python", interpreter, "--all-extras", "--group", "dev"]
    tests = [".cache/pythons/" + version + "/bin/python", "-m", "pytest", "-q", "-n", "2", "-m", "not slow"]
    return all(subprocess.run(words, cwd=ROOT, env=environment, check=False).returncode == 0 for words in (sync, tests))


def main(wanted: list[str]) -> int:
    """Run each, and say of each how it went. The exit code is 1 where one failed or one that was named is not here."""
    worst = 0
    lines: list[str] = []
    for version in wanted or SUPPORTED:
        interpreter = found(version)
        if interpreter is None:
            lines.append(f"Python {version}: not on this machine")
            worst = max(worst, int(bool(wanted)))
            continue
        began = time.monotonic()
        passed = run(version, interpreter)
        lines.append(f"Python {version}: {'passed' if passed else 'failed'} in {time.monotonic() - began:.0f} s")
        worst = max(worst, int(not passed))
    print("\n".join(lines))
    return worst


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
