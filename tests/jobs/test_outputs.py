"""What exports without a file have read: sealed in pieces, as it was kept, bounded, and nobody else's."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet, MultiFernet

from klaviyo_mcp.jobs.errors import JobProblem, Superseded, TooMuch
from klaviyo_mcp.jobs.outputs import PIECE, Outputs, csv_rows_of, lines_of
from klaviyo_mcp.jobs.reading_out import Place
from klaviyo_mcp.jobs.seals import Seals
from klaviyo_mcp.jobs.store import EXPORT_KEPT, KEPT, Job, JobStore
from klaviyo_mcp.jobs.writing import Rows

PERSON = {"id": "1", "email": "somebody@example.com"}


@pytest.fixture
def outputs(tmp_path: Path) -> Iterator[Outputs]:
    store = JobStore(f"sqlite:///{tmp_path / 'jobs.sqlite'}", Seals(MultiFernet([Fernet(Fernet.generate_key())])))
    yield Outputs(store, PIECE)
    store.close()


@pytest.fixture
def job(outputs: Outputs) -> Job:
    return running(outputs, "csv")


def running(outputs: Outputs, form: str) -> Job:
    target = {"path": f"export.{form}", "form": form, "excel": False, "force": False, "in_database": True}
    outputs.store.add(Job("1", "us", "queued", {"does": "export", "kind": "profiles", "target": target}))
    return claimed(outputs)


def claimed(outputs: Outputs) -> Job:
    assert outputs.store.claim(outputs.store.job("1"), "worker", only=("queued", "running"))
    return outputs.store.job("1")


def read(outputs: Outputs, job: Job, place: Place, *ids: str) -> None:
    """A page of rows, kept as a run does."""
    pieces = outputs.going_on(job, place)
    place.pages += 1
    pieces.add([{**PERSON, "id": id} for id in ids])
    assert outputs.store.change(job.id, held=job, progress={"rows": place.rows, "place": place.kept()})


def numbered(rows: Rows, to: IO[bytes]) -> None:
    """A table."""
    list(rows())
    to.write(b"".join(b"%s\r\n" % str(row["id"]).encode() for row in rows()))


def test_what_was_not_kept_is_cut_off_and_what_is_missing_is_refused(outputs: Outputs, job: Job) -> None:
    place = Place()
    read(outputs, job, place, "1", "2")
    kept = place.kept()
    read(outputs, job, place, "not kept")
    again = Place(**kept)
    read(outputs, job, again)
    read(outputs, job, again, "3")
    outputs.make(job, numbered)
    assert b"".join(outputs.content("1")) == b"1\r\n2\r\n3\r\n"
    with pytest.raises(JobProblem, match="not here any more"):
        outputs.going_on(job, again)


def test_a_run_that_was_taken_over_writes_nothing_more(outputs: Outputs, job: Job) -> None:
    stands_still = outputs.going_on(job, Place())
    next_run, place = claimed(outputs), Place()
    read(outputs, next_run, place, "1")
    for act in (lambda: stands_still.add([PERSON]), lambda: outputs.make(job, numbered)):
        with pytest.raises(Superseded):
            act()
    outputs.make(next_run, numbered)
    outputs.make(next_run, numbered)  # a step that is done again
    assert b"".join(outputs.content("1")) == b"1\r\n"


def test_it_is_sealed_bounded_and_its_companys_alone(outputs: Outputs, tmp_path: Path) -> None:
    job, place = running(outputs, "jsonl"), Place()
    read(outputs, job, place, "1")
    outputs.make(job, numbered)
    assert b"somebody" not in b"".join(path.read_bytes() for path in tmp_path.glob("jobs.sqlite*"))
    with pytest.raises(TooMuch, match=r"more than 1 MB.*1 rows were read"):
        read(outputs, job, place, "x" * PIECE)
    outputs.store.change("1", state="done")
    (found,) = outputs.of("us")
    assert (found.name, found.rows, found.bytes) == ("profiles-1.jsonl", 1, place.size)
    assert outputs.of("them") == []
    assert outputs.bytes_of("them") == 0
    assert outputs.remove("them", "1") is False
    assert outputs.remove("us", "1") is True
    assert outputs.bytes_of("us") == 0


@pytest.mark.parametrize(("state", "age", "left"), [("done", EXPORT_KEPT, ["1"]), ("paused", KEPT, [])])
def test_rows_are_removed_after_a_time(outputs: Outputs, job: Job, state: str, age: timedelta, left: list[str]) -> None:
    read(outputs, job, Place(), "1")
    outputs.store.change("1", state=state)
    outputs.store.tidy()
    assert outputs.bytes_of("us") > 0
    changed = (datetime.now(UTC) - age - timedelta(minutes=1)).isoformat()
    with outputs.store.engine.begin() as connection:
        connection.execute(sa.text("UPDATE klaviyo_jobs SET changed = :changed"), {"changed": changed})
    outputs.store.tidy()
    assert outputs.of("us") == []
    assert [job.id for job in outputs.store.jobs()] == left
    with outputs.store.engine.connect() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM klaviyo_export_pieces")).scalar() == 0


def test_rows_of_csv_are_whole_where_pieces_end_anywhere() -> None:
    data = 'a,b\r\n"x\r\n""y",ü\r\nlast'.encode()
    pieces = (data[at : at + 1] for at in range(len(data)))
    assert list(csv_rows_of(lines_of(pieces))) == ["a,b\r\n", '"x\r\n""y",ü\r\n', "last"]
