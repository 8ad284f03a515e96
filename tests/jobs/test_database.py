"""The database of jobs, whatever SQLite is there."""

import time
from pathlib import Path

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet, MultiFernet

from klaviyo_mcp.jobs.database import TIMEOUTS, options_for_dbos
from klaviyo_mcp.jobs.errors import StoreAway, Superseded
from klaviyo_mcp.jobs.seals import Seals
from klaviyo_mcp.jobs.store import Job, JobStore


def test_the_times_that_the_engine_leaves_to_sqlite_are_there(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'jobs.sqlite'}"
    engine = sa.create_engine(url, **options_for_dbos(url))
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE t (n INT, at INTEGER NOT NULL DEFAULT (unixepoch('subsec') * 1000))")
        connection.exec_driver_sql("INSERT INTO t (n) VALUES (1)")
        [at] = connection.exec_driver_sql("SELECT at FROM t").one()
    engine.dispose()
    assert abs(at / 1000 - time.time()) < 60


def test_a_worker_that_stands_still_in_a_transaction_keeps_no_other_from_its_job(postgres: str) -> None:
    url = postgres.replace("postgresql:", "postgresql+psycopg:")
    shortly = f"{url}?options=-c%20idle_in_transaction_session_timeout%3D300"
    seals = Seals(MultiFernet([Fernet(Fernet.generate_key())]))
    stands, other = (JobStore(one, seals) for one in (shortly, url))
    other.add(Job("1", "someone", "running", {}, worker="stands"))
    job = other.job("1")
    with pytest.raises(StoreAway), stands.writing_of(job):
        assert other.claim(job, "other", only=("running",)), "PostgreSQL lets go of the row by itself"
    with pytest.raises(Superseded):
        stands.set_chunk(job, 0, "sent", {})
    assert _idle(other.engine) == "1min"
    for store in (stands, other):
        store.close()


def test_the_engine_waits_no_longer_for_postgresql_than_we_do() -> None:
    given = options_for_dbos("postgresql+psycopg://localhost/jobs?connect_timeout=3")["connect_args"]
    assert given == {name: value for name, value in TIMEOUTS.items() if name != "connect_timeout"}


def _idle(engine: sa.Engine) -> str:
    with engine.connect() as connection:
        return connection.execute(sa.text("SHOW idle_in_transaction_session_timeout")).scalar_one()
