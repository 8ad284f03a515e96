"""Makes a release in dist/: `python .ci/release.py [--check]`, or `make release`.

First it is refused where the tree is not clean, the changelog has no section for the version, a file another version,
or a promise of the last release is broken (docs/releasing.md). `--check` stops there. Nothing is uploaded.
"""

import hashlib
import json
import re
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DIST = ROOT / "dist"
VERSION = re.compile(r'^__version__ = "([^"]+)"$', re.MULTILINE)
ELSEWHERE = ("server.json", "plugin/.claude-plugin/plugin.json", ".claude-plugin/marketplace.json", "plugin/.mcp.json")
"""Files that others read the version in. server/klaviyo_mcp/__init__.py is where it is stated."""
A_VERSION = re.compile(r'"(?:version": "|klaviyo-mcp@)([^"]+)"')


def refusals() -> Iterator[str]:
    """Why there is no release of this tree, each with what to do."""
    version = version_of()
    if changed := git("status", "--porcelain").splitlines():
        yield f"{len(changed)} files are not committed, {changed[0][3:]} among them: commit or remove them"
    if not notes(version):
        yield f"CHANGELOG.md has no section '## [{version}] - YYYY-MM-DD' with something in it: name what is unreleased"
    for name in ELSEWHERE:
        for other in A_VERSION.findall((ROOT / name).read_text("utf-8")):
            if other != version:
                yield f"{name} has the version {other}, and server/klaviyo_mcp/__init__.py {version}: bring it in step"
    if not (ROOT / "tests" / "released" / f"{version}.json").is_file():
        yield f"tests/released/{version}.json is not there: write it with 'klaviyo-mcp specs released --write'"


def version_of() -> str:
    """The version, from the one place where it is stated."""
    found = VERSION.search((ROOT / "server" / "klaviyo_mcp" / "__init__.py").read_text("utf-8"))
    return found[1] if found else ""


def notes(version: str) -> str:
    """What the changelog says of a version, without its heading; empty where it says nothing."""
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    found = re.search(
        rf"^## \[{re.escape(version)}\] - \d{{4}}-\d\d-\d\d\n(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE
    )
    return found[1].strip() if found else ""


def make() -> list[Path]:
    """Everything that is given out, in dist/."""
    version = version_of()
    DIST.mkdir(exist_ok=True)
    for old in DIST.iterdir():
        old.unlink()
    run(sys.executable, ".ci/packages.py", "bundle", str(DIST))
    run("make", "--no-print-directory", "sbom")
    image_context(DIST / f"klaviyo-mcp-{version}-image.tar.gz")
    (DIST / "RELEASE_NOTES.md").write_text(f"# klaviyo-mcp {version}\n\n{notes(version)}\n", "utf-8")
    made = sorted(path for path in DIST.iterdir() if path.is_file())
    sums = "".join(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in made)
    (DIST / "SHA256SUMS").write_text(sums, "utf-8")
    return [*made, DIST / "SHA256SUMS"]


def image_context(made: Path) -> None:
    """What the image is built from: `docker build - < FILE` needs no checkout. What .dockerignore lets in, no more."""
    allowed = [line[1:] for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line.startswith("!")]
    with made.open("wb") as file:
        subprocess.run(
            ["git", "archive", "--format=tar.gz", "HEAD", "--", "Dockerfile", ".dockerignore", *allowed],
            cwd=ROOT, stdout=file, check=True,
        )  # fmt: skip
    with tarfile.open(made) as archive:
        missing = {"Dockerfile", "server/klaviyo_mcp/__init__.py"} - set(archive.getnames())
    if missing:
        sys.exit(f"{made.name} lacks {', '.join(sorted(missing))}")


def git(*words: str) -> str:
    """What git says."""
    return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True).stdout


def run(*words: str) -> None:
    """Run a program in the checkout, and end where it fails."""
    if subprocess.run(words, cwd=ROOT, check=False).returncode:
        sys.exit(f"{' '.join(words)} failed; nothing was released.")


def main(*, only_check: bool) -> None:
    """Refuse, or make it."""
    found = list(refusals())
    run(sys.executable, "-m", "klaviyo_mcp", "specs", "released")
    if found:
        sys.exit("No release:\n" + "\n".join(f"- {one}" for one in found))
    version = version_of()
    if only_check:
        print(f"{version} can be released.")
        return
    print(json.dumps({path.name: path.stat().st_size for path in make()}, indent=2))
    print(f"dist/ has klaviyo-mcp {version}. docs/releasing.md says where each file goes.")


if __name__ == "__main__":
    if sys.argv[1:] not in ([], ["--check"]):
        sys.exit(__doc__)
    main(only_check=bool(sys.argv[1:]))
