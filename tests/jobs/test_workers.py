"""Several workers share a PostgreSQL: who dies or stands still is taken over, once; who goes on then is fenced off."""

import json
import signal
import subprocess
from functools import partial
from threading import Event

import psycopg
import pytest
from tests.conftest import RedisServer
from tests.jobs.conftest import LONG, Between, Jobs, PostgresServer
from tests.warm import COLD, kill

ITEMS = [
    {"external_id": f"SKU-{number}", "title": f"Shirt {number}", "description": "A shirt", "url": "https://shop.test/"}
    for number in range(250)
]
SENDS = "POST .*/catalog-item-bulk-create-jobs"
FILE = "items.jsonl"
WAITS = 200
"""Seconds after which it is no slow machine any more."""


@pytest.fixture
def job(jobs: Jobs, postgres: str) -> str:
    """A job of three chunks that waits for a worker."""
    jobs.environment |= {"KLAVIYO_MCP_JOBS_URL": postgres, "KLAVIYO_MCP_VAULT_KEY": "A" * 43 + "="}
    jobs.write(FILE, ITEMS)
    words = ("import", "catalog-items-create", FILE, "--yes", "--detach", "--json")
    return json.loads(jobs.run(*words, whole=False))["job"]


def test_who_dies_is_taken_over_and_who_stood_still_is_fenced_off(
    jobs: Jobs, between: Between, postgres: str, job: str
) -> None:
    first = jobs.start("jobs", "work")
    between.at(SENDS, partial(_kill, first), before=True)  # lost, so that the next worker has something to send
    first.communicate()
    between.clear()
    stands, others_are_done = Event(), Event()
    second = jobs.start("jobs", "work", "--until-idle", program=COLD)

    def stand_still() -> bool:
        second.send_signal(signal.SIGSTOP)
        if not LONG:
            # As PostgreSQL does by itself, which `make killed` waits for, once nothing was heard of it for a minute:
            # it ends the connection that holds the lease, and each that has left a transaction open.
            with psycopg.connect(postgres, autocommit=True) as connection:
                connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE state = 'idle in transaction' "
                    "OR pid IN (SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted)"
                )
        stands.set()
        others_are_done.wait(WAITS)
        second.send_signal(signal.SIGCONT)
        return False

    between.at(SENDS, stand_still)
    assert stands.wait(WAITS)
    third = jobs.start("jobs", "work", "--until-idle")
    assert third.wait(WAITS) == 0
    others_are_done.set()
    assert second.wait(WAITS) == 0
    for process in (second, third):
        process.communicate()
    _is_done_once(jobs, job)


def test_postgres_and_redis_away_and_back_are_waited_for(
    jobs: Jobs, between: Between, postgres_server: PostgresServer, redis_server: RedisServer, job: str
) -> None:
    jobs.environment["KLAVIYO_MCP_QUOTA_URL"] = redis_server.url
    worker = jobs.start("jobs", "work", "--until-idle")

    def go_away() -> bool:
        postgres_server.stop()
        redis_server.stop()
        return False

    between.at(SENDS, go_away)
    assert worker.stderr is not None
    assert any("The database of jobs cannot be used" in line for line in worker.stderr)
    postgres_server.start()
    redis_server.start()
    _, said = worker.communicate(timeout=WAITS)
    assert worker.returncode == 0, said
    _is_done_once(jobs, job)


def _kill(process: subprocess.Popen[str]) -> bool:
    kill(process)
    return True


def _is_done_once(jobs: Jobs, job: str) -> None:
    created = [one["id"] for one in jobs.read("/api/catalog-items") if "SKU-" in one["id"]]
    assert len(created) == len(set(created)) == len(ITEMS)
    jobs.run("jobs", "report", job, "--to", f"{FILE}.report")
    assert jobs.results(FILE) == [(line, "done") for line in range(1, len(ITEMS) + 1)]
