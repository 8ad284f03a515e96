"""The protocol's own conformance suite against the server as it is by default, and the checks that may fail."""

import json
import re
import subprocess
import tempfile
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from environments import environment, node_binary, variables
from travelling import http_server

SUITE_SECONDS = 300
PASSED, WARNED, FAILED = "SUCCESS", "WARNING", "FAILURE"


@dataclass
class Conformance:
    """What the suite found: how many checks passed and are exempt in each revision, and all that is not right."""

    package: str
    counts: dict[str, tuple[int, int]] = field(default_factory=dict)
    reasons: list[tuple[str, list[str]]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def run_conformance() -> Conformance:
    """Run each revision's scenarios and hold failures against conformance.toml. Raises Unbuildable, NotListening."""
    known = tomllib.loads((Path(__file__).parent / "conformance.toml").read_text(encoding="utf-8"))
    folder = environment(known["packages"], node=True)
    found = Conformance(known["packages"][0], reasons=[(group["why"], group["checks"]) for group in known["exempt"]])
    exempt = {entry for _, entries in found.reasons for entry in entries}
    stale = set(exempt)
    for revision in known["revisions"]:
        checks = run_suite(folder, revision)
        if not checks:
            found.problems.append(f"{revision}: the suite ran no check")
        passed = excused = 0
        for scenario, check, status, message in checks:
            covering = exempt & {scenario, f"{scenario}:{check}"}
            said = f"{revision}, {scenario}:{check}: {message}"
            if status == PASSED:
                passed += 1
            elif covering:
                stale -= covering
                excused += status == FAILED
            else:
                (found.problems if status == FAILED else found.warnings).append(said)
        found.counts[revision] = (passed, excused)
    found.problems += [f"{entry} is exempt in conformance.toml and does not fail any more" for entry in sorted(stale)]
    return found


def run_suite(folder: Path, revision: str) -> list[tuple[str, str, str, str]]:
    """Scenario, check, status and message of all that was judged, against a server of its own."""
    checks = []
    program = folder / "node_modules" / "@modelcontextprotocol" / "conformance" / "dist" / "index.js"
    with http_server() as url, tempfile.TemporaryDirectory(prefix="klaviyo-mcp-conformance-") as place:
        subprocess.run(
            [node_binary(), program, "server", "--url", url, "--requirements", revision, "-o", place],
            env=variables(),
            capture_output=True,
            timeout=SUITE_SECONDS,
            check=False,  # it also fails for what is exempt here
        )
        for results in sorted(Path(place).glob("*/checks.json")):
            scenario = re.sub(r"^server-|-\d{4}-\d\d-\d\dT[\d-]+Z$", "", results.parent.name)
            checks += [
                (scenario, check["id"], check["status"], check.get("errorMessage") or check.get("description", ""))
                for check in json.loads(results.read_text(encoding="utf-8"))
                if check["status"] in (PASSED, WARNED, FAILED)
            ]
    return checks
