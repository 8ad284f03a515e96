"""The page on which people give files to their assistant's jobs, over HTTP."""

import gzip
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.hosted.driving import Browser, Form
from tests.hosted.processes import Instance, one_instance

CSV = b"email,first_name\nanna@example.com,Anna\nbert@example.com,Bert\n"
SAY = re.compile(r"Import the file (upload-[0-9a-f]{12}) as profiles")


@pytest.fixture(scope="module")
def service(klaviyo: Any, home: Path) -> Iterator[tuple[str, Instance]]:
    klaviyo.begin()
    with one_instance(klaviyo, home, KLAVIYO_MCP_UPLOAD_MB="1") as started:
        yield started


@pytest.fixture(scope="module")
def signed_in(service: tuple[str, Instance]) -> Browser:
    browser = Browser(service[0])
    browser.connect("OTHER1")
    return browser


def upload(browser: Browser, name: str, content: bytes, **changes: str) -> httpx2.Response:
    """Send the page's form with a file."""
    fields = {**Form(browser.http.get("/uploads").text).fields, **changes}
    return browser.http.post("/uploads", data=fields, files={"file": (name, content, "application/octet-stream")})


def ids(browser: Browser) -> list[str]:
    return SAY.findall(browser.http.get("/uploads").text)


def remove(browser: Browser, id: str) -> httpx2.Response:
    csrf = Form(browser.http.get("/uploads").text).fields["csrf"]
    return browser.http.post("/uploads/remove", data={"csrf": csrf, "upload": id})


@pytest.fixture(autouse=True)
def emptied(signed_in: Browser) -> Iterator[None]:
    yield
    for id in ids(signed_in):
        remove(signed_in, id)


@pytest.mark.parametrize(
    ("name", "content", "about"),
    [
        ("fair.csv", CSV, "with 2 columns"),
        ("fair.csv.gz", gzip.compress(CSV, mtime=0), "packed with gzip"),
        ("fair.jsonl", b'{"email": "anna@example.com"}\n', "JSONL in UTF-8, with 1 column"),
        ("fair.json", b'[{"email": "anna@example.com"}]', "JSON in UTF-8"),
    ],
)
def test_a_file_is_kept_listed_and_removed(signed_in: Browser, name: str, content: bytes, about: str) -> None:
    answer = upload(signed_in, name, content)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/uploads?done=uploaded"), answer.text
    page = signed_in.http.get("/uploads?done=uploaded").text
    assert name in page
    assert about in page
    assert "The file is kept." in page
    (id,) = ids(signed_in)
    assert remove(signed_in, id).headers["Location"] == "/uploads?done=removed"
    assert remove(signed_in, id).headers["Location"] == "/uploads?done=gone"
    assert ids(signed_in) == []


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("fair.xlsx", b"PK\x03\x04....xl/workbook.xml", "is an Excel workbook Save it as CSV UTF-8"),
        ("fair.pdf", b"%PDF-1.7 ...", "is a PDF"),
        ("fair.csv", b"", "is empty"),
        ("fair.csv", b"email,first_name\n", "has a header and no rows"),
        ("fair.csv.gz", gzip.compress(CSV, mtime=0)[:-9], "is cut off"),
        ("photo.jpg", b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(4000), "is a picture Give the table as CSV"),
        ("fair.csv", b"\x7fELF" + b"\x02\x00\x07" * 1000, "is no text"),
        ("large.csv", CSV + b"x" * 1_100_000, "more than 1 MB"),
        ("", b"", "No file was chosen"),
    ],
)
def test_a_wrong_file_is_told_in_clear_words_and_not_kept(
    signed_in: Browser, name: str, content: bytes, words: str
) -> None:
    answer = upload(signed_in, name, content)
    assert answer.status_code in (400, 422)
    told = " ".join(Form(answer.text).text.replace(".", "").split())
    assert words.replace(".", "") in told
    assert "--" not in told
    assert ids(signed_in) == []


def test_a44_only_the_page_of_the_session_uploads_and_removes(signed_in: Browser, url: str) -> None:
    upload(signed_in, "fair.csv", CSV)
    (id,) = ids(signed_in)
    stranger, sibling = Browser(url), Browser(url)
    assert stranger.http.get("/uploads").headers["Location"] == "/?done=no_session"
    assert upload(stranger, "fair.csv", CSV).status_code == 403
    assert upload(signed_in, "fair.csv", CSV, csrf="made up").status_code == 403
    assert signed_in.http.post("/uploads/remove", data={"csrf": "made up", "upload": id}).status_code == 403
    assert signed_in.http.post("/uploads", data={"csrf": "x"}).status_code == 400
    sibling.connect("OTHER1")
    assert ids(sibling) == [id], "whoever else of the company signs in sees it"


def test_a41_another_company_neither_sees_nor_removes_it(signed_in: Browser, url: str) -> None:
    upload(signed_in, "fair.csv", CSV)
    (id,) = ids(signed_in)
    other = Browser(url)
    other.connect("DEMO01")
    assert "fair.csv" not in other.http.get("/uploads").text
    assert remove(other, id).headers["Location"] == "/uploads?done=gone"
    assert ids(signed_in) == [id]


def test_a44_what_a_file_is_called_stays_text(signed_in: Browser) -> None:
    upload(signed_in, '"><script>alert(1)</script>.csv', CSV)
    assert "<script>alert" not in signed_in.http.get("/uploads").text
    assert len(ids(signed_in)) == 1


def test_with_the_app_the_files_of_the_company_go(
    signed_in: Browser, service: tuple[str, Instance], home: Path
) -> None:
    browser = Browser(service[0])
    browser.connect("OTHER1")
    csrf = Form(browser.http.get("/manage").text).fields["csrf"]
    with sqlite3.connect(home / "jobs" / "jobs.sqlite") as database:
        count = "SELECT count(*) FROM klaviyo_upload_pieces"
        (of_others,) = database.execute(count).fetchone()
        upload(browser, "fair.csv", CSV)
        assert database.execute(count).fetchone() == (of_others + 1,)
        assert browser.http.post("/manage/remove", data={"csrf": csrf}).status_code == 303
        assert database.execute(count).fetchone() == (of_others,)
    signed_in.connect("OTHER1")  # its session went with the app
    assert not [line for line in service[1].said if "fair" in line or "Traceback" in line]


def test_a44_there_is_a_number_of_files_and_a_pace(url: str) -> None:
    """With a company that no other test uploads for, as none could for a while."""
    browser = Browser(url)
    browser.connect("DEMO01")
    answers = [upload(browser, f"{number}.csv", CSV).status_code for number in range(22)]
    assert answers.count(303) <= 20
    assert set(answers[20:]) <= {422, 429}
    assert answers[-1] == 429, "20 at once"
