"""What people ask of a job at any moment, also two of them at once, happens once or is refused."""

import signal
import subprocess
import time
from collections.abc import Callable
from functools import partial
from threading import Event

from tests.jobs.conftest import Between, Jobs
from tests.warm import COLD, kill

ITEMS = [
    {"external_id": f"SKU-{number}", "title": f"Shirt {number}", "description": "A shirt", "url": "https://shop.test/"}
    for number in range(450)
]
SENDS = "POST .*/catalog-item-bulk-create-jobs"
IMPORT = ("import", "catalog-items-create", "items.jsonl", "--yes")


def test_of_two_imports_of_a_file_one_sends_and_of_two_that_resume_one_goes_on(jobs: Jobs, between: Between) -> None:
    jobs.write("items.jsonl", ITEMS)
    over = Event()
    both = [jobs.start(*IMPORT) for _ in range(2)]

    def hold() -> bool:
        over.wait(60)
        jobs.run("jobs", "pause", _id(jobs))
        return False

    between.at(SENDS, hold, before=True)
    refused = _first_to_end(both)
    assert refused.returncode == 1
    over.set()
    for process in both:
        process.communicate()
        assert process.returncode == 1  # refused, or paused
    assert [state for _, state, _ in jobs.kept() if state != "draft"] == ["paused"]
    both = [jobs.start("jobs", "resume", _id(jobs)) for _ in range(2)]
    said = [process.communicate(timeout=60) for process in both]
    assert sorted(process.returncode for process in both) == [0, 1], said
    created = [one["id"] for one in jobs.read("/api/catalog-items") if "SKU-" in one["id"]]
    assert len(created) == len(ITEMS)
    assert jobs.results("items.jsonl") == [(line, "done") for line in range(1, 451)]


def test_a_pause_takes_back_no_cancellation_and_what_a_dead_worker_left_is_cancelled(
    jobs: Jobs, between: Between
) -> None:
    jobs.write("items.jsonl", ITEMS)

    def asked() -> bool:
        both = [jobs.start("jobs", wish, _id(jobs)) for wish in ("pause", "cancel")]
        for process in both:
            process.communicate()
        return False

    between.at(SENDS, asked)
    jobs.run(*IMPORT)
    assert jobs.kept()[0][1] == "cancelled"
    # Four requests are on their way at a time; no fifth one has followed them.
    assert jobs.results("items.jsonl")[-1] == (450, "not_sent")
    dead = jobs.start(*IMPORT)
    between.at(SENDS, partial(_kill, dead))
    dead.communicate()
    id = _id(jobs)
    jobs.run("jobs", "cancel", id)
    assert "there is nothing to go on with" in jobs.run("jobs", "resume", id, code=1)


def test_an_import_that_a_worker_is_faster_with_is_waited_for_also_when_that_dies(jobs: Jobs, between: Between) -> None:
    jobs.write("items.jsonl", ITEMS)
    worker = jobs.start("jobs", "work")
    between.at(SENDS, partial(_kill, worker), before=True)
    begun = jobs.start(*IMPORT, program=COLD)
    _until(lambda: "queued" in _states(jobs))
    begun.send_signal(signal.SIGSTOP)  # as it loads the engine
    _until(lambda: "running" in _states(jobs))
    begun.send_signal(signal.SIGCONT)
    _, said = begun.communicate(timeout=60)
    assert begun.returncode == 0, said
    assert worker.wait(10) != 0
    assert jobs.results("items.jsonl") == [(line, "done") for line in range(1, 451)]


def _states(jobs: Jobs) -> list[str]:
    return [state for _, state, _ in jobs.kept()]


def _until(holds: Callable[[], bool]) -> None:
    """Wait for what comes within seconds; what has passed by itself is not waited for, and tells nothing."""
    ends = time.monotonic() + 20
    while not holds() and time.monotonic() < ends:
        time.sleep(0.01)


def _id(jobs: Jobs) -> str:
    """The job that is not over."""
    return next(id for id, state, _ in jobs.kept() if state in ("queued", "running", "paused"))


def _first_to_end(processes: list[subprocess.Popen[str]]) -> subprocess.Popen[str]:
    while True:
        for process in processes:
            try:
                process.wait(0.05)
            except subprocess.TimeoutExpired:
                continue
            return process


def _kill(process: subprocess.Popen[str]) -> bool:
    kill(process)
    return True
