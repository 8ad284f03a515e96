"""What can be wrong with a job, in words. Every message says what is so and what to do; none of these changes anything.

JobProblem
├── NoSuchJob         no job has this id
├── NoSuchUpload      no file that was uploaded has this id
├── TooMuch           an account has as many uploaded files as it may
├── NotPossibleNow    the state of the job does not allow it
├── AlreadyThere      an unfinished job of the same file is there
└── StoreProblem      the database of jobs cannot be used
    ├── StoreAway     it may be there again in a while
    └── SealBroken    what was kept was sealed with a key that is not there any more

Superseded            no problem of the job: another run has it
"""


class JobProblem(Exception):
    """Base of what keeps a job from being done. `advice` is what to do next."""

    def __init__(self, message: str, advice: str = "") -> None:
        """Both are sentences."""
        super().__init__(message)
        self.message = message
        self.advice = advice


class NoSuchJob(JobProblem):
    """No job has this id, or it is another account's."""


class NoSuchUpload(JobProblem):
    """No file that was uploaded has this id, or it is another account's."""


class TooMuch(JobProblem):
    """An account has as many uploaded files, or as many bytes of them, as it may."""


class NotPossibleNow(JobProblem):
    """The state of the job does not allow what was asked for."""


class AlreadyThere(JobProblem):
    """An unfinished job of the same file is there."""


class StoreProblem(JobProblem):
    """The database of jobs cannot be reached, read or written."""


class StoreAway(StoreProblem):
    """The database of jobs cannot be reached, or is held by another process; that may pass."""


def left_to_begin(problem: StoreProblem, job: str) -> StoreProblem:
    """The problem of a job that is kept as one to be run, and of which no run could be begun."""
    return type(problem)(
        f"{problem.message} The job {job} is kept, and begins by itself once that is possible.",
        f"Mend that, and look with klaviyo-mcp jobs show {job}, or end it with klaviyo-mcp jobs cancel {job}.",
    )


class SealBroken(StoreProblem):
    """Rows that were kept cannot be opened with any key that is there."""


class Superseded(Exception):
    """Another run of the job has begun: this one must not touch it any more."""
