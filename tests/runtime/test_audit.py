"""The audit log: a chain in which every change shows, written by several at once, that tells nothing of people."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klaviyo_mcp.registry.registry import Registry
from klaviyo_mcp.runtime.audit_chain import FIRST, Verdict, entry_of, line_of, verify
from klaviyo_mcp.runtime.audit_file import AuditFile, AuditProblem
from klaviyo_mcp.runtime.redaction import redacted


def chain(entries: list[dict[str, Any]]) -> list[bytes]:
    lines: list[bytes] = []
    previous = FIRST
    for entry in entries:
        line, previous = line_of(entry, previous)
        lines.append(line)
    return lines


def head_of(lines: list[bytes]) -> str:
    entry = entry_of(lines[-1].removesuffix(b"\n"))
    assert entry is not None
    return entry["hash"]


TEXT = st.text(max_size=12)
ENTRIES = st.lists(
    st.fixed_dictionaries({"phase": st.sampled_from(["intent", "outcome"]), "n": st.integers(), "text": TEXT}),
    min_size=1,
    max_size=8,
)


@given(entries=ENTRIES)
def test_what_was_written_is_whole_and_is_read_as_it_was(entries) -> None:
    lines = chain(entries)
    assert verify(iter(lines), head_of(lines)) == Verdict(len(entries), last=head_of(lines))
    for line, entry in zip(lines, entries, strict=True):
        read = entry_of(line.removesuffix(b"\n"))
        assert read is not None
        assert {key: read[key] for key in entry} == entry


@settings(max_examples=100)
@given(entries=ENTRIES, data=st.data())
def test_any_edit_of_a_line_is_found_there(entries, data) -> None:
    lines = chain(entries)
    index = data.draw(st.integers(0, len(lines) - 1))
    place = data.draw(st.integers(0, len(lines[index]) - 2))
    other = data.draw(st.integers(0, 255).filter(lambda byte: byte not in (lines[index][place], 10)))
    edited = bytearray(lines[index])
    edited[place] = other
    verdict = verify(iter([*lines[:index], bytes(edited), *lines[index + 1 :]]), head_of(lines))
    assert verdict.broken == index + 1


@given(entries=ENTRIES, data=st.data())
def test_any_line_that_is_missing_is_found(entries, data) -> None:
    lines = chain(entries)
    index = data.draw(st.integers(0, len(lines) - 1))
    verdict = verify(iter(lines[:index] + lines[index + 1 :]), head_of(lines))
    assert verdict.broken == index + 1


@given(entries=ENTRIES.filter(lambda entries: len(entries) > 1), data=st.data())
def test_any_two_lines_that_changed_places_are_found(entries, data) -> None:
    lines = chain(entries)
    one, other = sorted(data.draw(st.lists(st.integers(0, len(lines) - 1), min_size=2, max_size=2, unique=True)))
    swapped = [*lines]
    swapped[one], swapped[other] = lines[other], lines[one]
    assert verify(iter(swapped), head_of(lines)).broken == one + 1


@given(entries=ENTRIES, data=st.data())
def test_a_line_that_is_put_in_or_repeated_is_found(entries, data) -> None:
    lines = chain(entries)
    index = data.draw(st.integers(0, len(lines)))
    more = data.draw(st.sampled_from([b"\n", b"{}\n", *lines, *chain([{"phase": "outcome", "n": 0}])]))
    changed = [*lines[:index], more, *lines[index:]]
    if changed != lines:
        assert verify(iter(changed), head_of(lines)).broken is not None


@given(entries=ENTRIES, data=st.data())
def test_an_end_that_is_cut_off_is_found(entries, data) -> None:
    lines = chain(entries)
    text = b"".join(lines)
    kept = data.draw(st.integers(0, len(text) - 1))
    assert verify(iter(text[:kept].splitlines(keepends=True)), head_of(lines)).broken is not None


# The file


@pytest.fixture
def log(tmp_path: Path) -> AuditFile:
    return AuditFile(tmp_path / "audit.jsonl")


def write(log: AuditFile, *numbers: int) -> None:
    for number in numbers:
        log.append({"at": "2026-11-26T00:00:00Z", "phase": "outcome", "n": number})


def test_a_file_is_made_for_its_owner_alone(log) -> None:
    log.prepare()
    write(log, 1, 2, 3)
    assert log.verified() == Verdict(3, last=log.head)
    for path in log.path.parent.iterdir():
        assert path.stat().st_mode & 0o077 == 0, path


@pytest.mark.parametrize("cut", [1, 2, 40])
def test_a_line_that_a_crash_left_unfinished_is_told_and_continued_after(log, cut) -> None:
    write(log, 1, 2)
    head = (log.path.parent / "audit.jsonl.head").read_bytes()
    write(log, 3)
    # The crash came before the line was whole, and so before the head was.
    with log.path.open("r+b") as file:
        file.truncate(log.path.stat().st_size - cut)
    (log.path.parent / "audit.jsonl.head").write_bytes(head)
    write(log, 4)
    verdict = log.verified()
    assert verdict.broken is None, verdict
    assert verdict.torn == (() if cut == 1 else (3,))
    # What was torn cannot be changed or taken out either.
    if cut > 1:
        lines = list(log.lines())
        assert verify(iter([*lines[:2], lines[2].replace(b"outcome", b"outcame"), *lines[3:]])).broken == 3
        assert verify(iter([*lines[:2], *lines[3:]])).broken == 3


def test_lines_cut_off_before_more_were_written_are_found(log) -> None:
    write(log, 1, 2, 3)
    lines = list(log.lines())
    log.path.write_bytes(b"".join(lines[:1]))
    assert log.verified().broken == 2
    write(log, 4, 5)
    verdict = log.verified()
    assert (verdict.broken, verdict.why) == (2, "lines before it were missing when it was written")


def test_a_last_line_that_was_changed_is_found_after_more_were_written(log) -> None:
    write(log, 1, 2)
    log.path.write_bytes(log.path.read_bytes().replace(b'"n":2', b'"n":7'))
    write(log, 3)
    assert log.verified().broken == 2


def test_a_new_file_begins_a_new_chain_and_says_what_it_follows(log) -> None:
    write(log, 1, 2)
    before = log.head
    log.path.rename(log.path.with_name("audit.1.jsonl"))
    write(log, 3)
    first = entry_of(next(log.lines()).removesuffix(b"\n"))
    assert first is not None
    assert (first["follows"], first["previous"]) == (before, FIRST)
    assert log.verified().broken is None
    assert AuditFile(log.path.with_name("audit.1.jsonl")).verified().broken is None


WRITER = """
import sys
from pathlib import Path
from klaviyo_mcp.runtime.audit_file import AuditFile
log = AuditFile(Path(sys.argv[1]))
for number in range(40):
    log.append({"at": "now", "phase": "outcome", "who": sys.argv[2], "n": number})
"""


def test_several_processes_write_one_chain(log) -> None:
    words = [sys.executable, "-c", WRITER, str(log.path)]
    writers = [subprocess.Popen([*words, str(index)]) for index in range(4)]
    assert [writer.wait(60) for writer in writers] == [0] * 4
    assert log.verified().broken is None
    entries = [entry_of(line.removesuffix(b"\n")) or {} for line in log.lines()]
    for index in range(4):
        assert [entry["n"] for entry in entries if entry["who"] == str(index)] == [*range(40)]


def test_what_cannot_be_a_log_is_told(tmp_path) -> None:
    for path in (tmp_path, tmp_path / "none" / "audit.jsonl", Path("/dev/full")):
        with pytest.raises(AuditProblem):
            AuditFile(path).prepare()
    assert not [path for path in Path("/dev").iterdir() if path.name.startswith("full.")]


def test_equal_values_have_equal_hashes_in_one_log_alone(log, tmp_path) -> None:
    log.prepare()
    assert log.hashed("Ann@Example.org ") == AuditFile(log.path).hashed("ann@example.org")
    assert log.hashed("ann@example.org") != log.hashed("bob@example.org")
    other = AuditFile(tmp_path / "other.jsonl")
    assert log.hashed("ann@example.org") != other.hashed("ann@example.org")


# What is told of people


PEOPLE = {
    "email": "ann.smith@example.org",
    "phone_number": "+14155552671",
    "first_name": "Daniel",
    "last_name": "Smith",
    "location": {"city": "Springfield", "address1": "12 Main St", "latitude": 42.35843},
    "properties": {"birthday": "1984-05-17", "bob@example.org": 14155552671, "Nickname": "Danny", "pin": [9876543210]},
}


def test_nothing_of_a_person_is_written_down(registry: Registry, log) -> None:
    spec = registry["create_profile"].spec
    told = json.dumps(redacted(PEOPLE, spec, log.hashed))
    for text in (
        "ann",
        "smith",
        "example",
        "14155552671",
        "Daniel",
        "Danny",
        "Springfield",
        "Main",
        "42.3",
        "1984",
        "98765",
    ):
        assert text.casefold() not in told.casefold(), text
    assert '"first_name"' in told


def test_what_is_listed_and_ids_stay(registry: Registry, log) -> None:
    told = redacted({"id": "VbT4kM", "name": "VIP"}, registry["update_list"].spec, log.hashed)
    assert told["id"] == "VbT4kM"
    assert told["name"].startswith("hmac:")
    # What is no id is none, wherever it was put.
    for wrong in ("Daniel", "DANIEL", "ann@example.org", "14155552671"):
        assert redacted({"id": wrong}, registry["update_list"].spec, log.hashed)["id"].startswith("hmac:")
    assert redacted({"ann@example.org": "x"}, None, log.hashed) != {"ann@example.org": "x"}


@settings(max_examples=30)
@given(mark=st.text("abcdefghijklmnopqrstuvwxyz", min_size=12, max_size=12), data=st.data())
def test_no_text_of_any_example_gets_through_where_it_is_personal(registry: Registry, mark, data) -> None:
    action = data.draw(st.sampled_from(registry.actions))
    arguments = data.draw(st.sampled_from(action.spec.examples)).arguments
    planted = json.loads(json.dumps(arguments), object_hook=lambda found: {**found, f"k{mark}": f"{mark}@example.org"})
    assert mark not in json.dumps(redacted(planted, action.spec, lambda text: "hmac:0"))


def test_long_arguments_are_bounded(registry: Registry, log) -> None:
    spec = registry["bulk_import_profiles"].spec
    profiles = [{"email": f"p{index}@example.org", "properties": {"x": "y" * 1000}} for index in range(5000)]
    told = redacted({"profiles": profiles}, spec, log.hashed)
    assert told["profiles"][-1] == {"and_more": 4980}
    deep = {f"a{i}": {f"b{j}": [str(k) for k in range(20)] for j in range(50)} for i in range(50)}
    assert len(json.dumps(redacted(deep, None, log.hashed))) < 70_000
    assert log.path.with_name("audit.jsonl.key").stat().st_size == 32
