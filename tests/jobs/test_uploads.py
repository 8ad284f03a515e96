"""Files for jobs that lie beside them: sealed, by company, for a day, and no more of them than there may be."""

import io
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.fernet import Fernet, MultiFernet

from klaviyo_mcp.jobs.errors import NoSuchUpload, SealBroken, TooMuch
from klaviyo_mcp.jobs.seals import Seals
from klaviyo_mcp.jobs.store import JobStore
from klaviyo_mcp.jobs.uploads import PIECE, Most, Uploads, file_name

MOST = Most(3, 4 * PIECE)
CONTENT = b"email,name\n" + b"somebody@example.com,Somebody\n" * 60_000


@pytest.fixture
def database(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'jobs.sqlite'}"


@contextmanager
def store_of(database: str) -> Iterator[JobStore]:
    """The database, opened with a key of its own."""
    with closing(JobStore(database, Seals(MultiFernet([Fernet(Fernet.generate_key())])))) as store:
        yield store


@pytest.fixture
def uploads(database: str) -> Iterator[Uploads]:
    with store_of(database) as store:
        yield Uploads(store)


def add(uploads: Uploads, whose: str = "us", name: str = "fair.csv", content: bytes = CONTENT) -> str:
    return uploads.add(whose, whose.upper(), name, "CSV", io.BytesIO(content), len(content), MOST).id


def test_a_file_comes_back_as_it_was_and_is_sealed_in_pieces(uploads: Uploads, tmp_path: Path) -> None:
    id = add(uploads)
    assert uploads.write("us", id, tmp_path).read_bytes() == CONTENT
    assert len(CONTENT) > PIECE
    lying = b"".join(path.read_bytes() for path in tmp_path.glob("jobs.sqlite*"))
    assert b"somebody" not in lying
    assert b"fair" not in lying


def test_nobody_else_sees_opens_or_removes_it(uploads: Uploads, tmp_path: Path) -> None:
    id = add(uploads)
    assert uploads.of("them") == []
    with pytest.raises(NoSuchUpload):
        uploads.write("them", id, tmp_path)
    assert uploads.remove("them", id) is False
    assert [one.id for one in uploads.of("us")] == [id]
    assert uploads.companies() == ["US"]
    assert uploads.forget("US") == 1
    assert uploads.of("us") == []


def test_there_are_no_more_than_there_may_be(uploads: Uploads) -> None:
    with pytest.raises(TooMuch, match="MB together"):
        add(uploads, content=b"x" * (MOST.bytes + 1))
    for _ in range(MOST.files):
        add(uploads, content=b"x")
    with pytest.raises(TooMuch, match="as many as there may be"):
        add(uploads, content=b"x")
    assert add(uploads, "them"), "what one company has is no matter of another's"
    uploads.remove("us", uploads.of("us")[0].id)
    add(uploads, content=b"x")


def test_after_a_day_it_is_gone_and_another_key_opens_nothing(database: str, uploads: Uploads, tmp_path: Path) -> None:
    id = add(uploads)
    with store_of(database) as elsewhere:
        with pytest.raises(SealBroken):
            Uploads(elsewhere).of("us")
        tomorrow = Uploads(elsewhere, lambda: datetime.now(UTC) + timedelta(days=1, seconds=1))
        assert tomorrow.of("us") == []
        with pytest.raises(NoSuchUpload):
            tomorrow.write("us", id, tmp_path)
        assert (tomorrow.tidy(), tomorrow.tidy()) == (1, 0)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("Messe München 2026.CSV", "Messe München 2026.CSV"),
        ("../../etc/passwd", "passwd"),
        (r"C:\fair\people.csv.gz", "people.csv.gz"),
        ("a\u202egnp.csv\n", "a_gnp.csv_"),
        ("..", "file"),
        ("", "file"),
        ("ü" * 300 + ".jsonl", "ü" * 60 + ".jsonl"),
    ],
)
def test_a_name_is_one_of_a_file_in_a_folder(given: str, kept: str) -> None:
    assert file_name(given) == kept
