"""The rows of an export on disk: the user's alone, as they were kept, and out of reach of a run that stood still."""

from pathlib import Path

import pytest

from klaviyo_mcp.jobs.errors import JobProblem
from klaviyo_mcp.jobs.reading_out import Place
from klaviyo_mcp.jobs.rows_file import RowsFile, as_new
from klaviyo_mcp.runtime.job_words import in_tool_words


def test_a_run_that_goes_on_after_it_was_taken_over_writes_in_vain(tmp_path: Path) -> None:
    path, place = tmp_path / "people.csv.part", Place()
    stands_still = RowsFile.going_on(path, place)
    stands_still.add([{"id": "1"}])
    next_run = RowsFile.going_on(path, Place(**place.kept()))
    next_run.add([{"id": "2"}])
    stands_still.add([{"id": "not kept"}])
    stands_still.close()
    next_run.close()
    assert path.read_text() == '{"id":"1"}\n{"id":"2"}\n'
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


def test_what_was_not_kept_is_cut_off_and_what_is_another_file_is_refused(tmp_path: Path) -> None:
    path, place = tmp_path / "people.csv.part", Place()
    file = RowsFile.going_on(path, place)
    file.add([{"id": "1"}])
    kept = place.kept()
    file.add([{"id": "2"}])
    file.close()
    RowsFile.going_on(path, Place(**kept)).close()
    assert path.read_text() == '{"id":"1"}\n'
    path.write_text('{"id":"9"}\n')
    with pytest.raises(JobProblem, match="not as it was left") as problem:
        RowsFile.going_on(path, Place(**kept))
    assert in_tool_words(problem.value.advice).endswith("or cancel it and begin the export anew.")


def test_nobody_else_can_read_rows_and_the_file_is_as_any_new_one(tmp_path: Path) -> None:
    path = tmp_path / "people.jsonl.part"
    path.write_text("open to all")
    path.chmod(0o644)
    RowsFile.going_on(path, Place()).close()
    assert path.stat().st_mode & 0o777 == 0o600
    new = tmp_path / "new"
    new.touch()
    as_new(path)
    assert path.stat().st_mode == new.stat().st_mode
