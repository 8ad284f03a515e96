"""Several workers share a PostgreSQL: one that dies is taken over, and one that lives is left alone."""

import json
import time

import httpx2
from tests.jobs.conftest import Jobs
from tests.warm import kill

ITEMS = [
    {"external_id": f"SKU-{number}", "title": f"Shirt {number}", "description": "A shirt", "url": "https://shop.test/"}
    for number in range(400)
]


def test_a_worker_that_is_killed_is_taken_over(jobs: Jobs, postgres: str) -> None:
    jobs.environment |= {"KLAVIYO_MCP_JOBS_URL": postgres, "KLAVIYO_MCP_VAULT_KEY": "A" * 43 + "="}
    file = jobs.write("items.jsonl", ITEMS)
    id = json.loads(jobs.run("import", "catalog-items-create", file, "--yes", "--detach", "--json", whole=False))["job"]
    slow = [{"operation": "bulk_create_catalog_items", "fault": "latency", "seconds": 8}]
    httpx2.post(f"{jobs.url}/_sandbox/faults", json=slow).raise_for_status()
    since = jobs.last()
    first = jobs.start("jobs", "work")
    while not jobs.seen("GET", since):
        time.sleep(0.01)
    second = jobs.start("jobs", "work")
    try:
        assert "Another process works on the job" in jobs.run("jobs", "resume", id, code=1)
        assert first.poll() is None
        kill(first)
        first.communicate()
        httpx2.delete(f"{jobs.url}/_sandbox/faults")
        for _ in range(60):
            if jobs.listed()[0]["state"] == "done":
                break
        created = [one["id"] for one in jobs.read("/api/catalog-items") if "SKU-" in one["id"]]
        assert len(created) == 400
        jobs.run("jobs", "report", id, "--to", f"{file}.report")
        assert jobs.results(file) == [(line, "done") for line in range(1, 401)]
    finally:
        for process in (first, second):
            kill(process)
            process.communicate()
