"""The database of jobs, whatever SQLite is there."""

import time
from pathlib import Path

import sqlalchemy as sa

from klaviyo_mcp.jobs.database import options_for_dbos


def test_the_times_that_the_engine_leaves_to_sqlite_are_there(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'jobs.sqlite'}"
    engine = sa.create_engine(url, **options_for_dbos(url))
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE t (n INT, at INTEGER NOT NULL DEFAULT (unixepoch('subsec') * 1000))")
        connection.exec_driver_sql("INSERT INTO t (n) VALUES (1)")
        [at] = connection.exec_driver_sql("SELECT at FROM t").one()
    engine.dispose()
    assert abs(at / 1000 - time.time()) < 60
    assert options_for_dbos("postgresql+psycopg://localhost/jobs") == {}
