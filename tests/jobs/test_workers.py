"""Several workers share a PostgreSQL: one that dies is taken over, and one that lives is left alone."""

import time

from tests.jobs.conftest import Jobs

ITEMS = [
    {"external_id": f"SKU-{number}", "title": f"Shirt {number}", "description": "A shirt", "url": "https://shop.test/"}
    for number in range(400)
]


def test_a_worker_that_is_killed_is_taken_over(jobs: Jobs, postgres: str) -> None:
    jobs.environment |= {"KLAVIYO_MCP_JOBS_URL": postgres, "KLAVIYO_MCP_VAULT_KEY": "A" * 43 + "="}
    file = jobs.write("items.jsonl", ITEMS)
    jobs.run("import", "catalog-items-create", file, "--yes", "--detach")
    since = jobs.last()
    first, second = jobs.start("jobs", "work"), jobs.start("jobs", "work")
    try:
        while jobs.seen("POST", since) < 2:
            time.sleep(0.01)
        (job,) = jobs.listed()
        assert job["state"] == "running"
        first.kill()
        first.communicate()
        for _ in range(60):
            if jobs.listed()[0]["state"] == "done":
                break
        created = [one["id"] for one in jobs.read("/api/catalog-items") if "SKU-" in one["id"]]
        assert len(created) == 400
        jobs.run("jobs", "report", job["job"], "--to", f"{file}.report")
        assert jobs.results(file) == [(line, "done") for line in range(1, 401)]
    finally:
        for process in (first, second):
            process.kill()
            process.communicate()
