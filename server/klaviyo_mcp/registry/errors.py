"""What can be wrong with a spec file, with the place in the file.

SpecProblem   one thing wrong, at a file and line, with a suggestion where there is one
SpecError     raised when specs cannot be loaded; holds all problems found
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SpecProblem:
    """One thing wrong with one spec file. `line` counts from 1; 0 means the file as a whole."""

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        """`file:line: message`, the form editors and CI make clickable."""
        return f"{self.file}:{self.line}: {self.message}" if self.line else f"{self.file}: {self.message}"


class SpecError(ValueError):
    """Specs that cannot be loaded."""

    def __init__(self, problems: list[SpecProblem]) -> None:
        """All problems found, not only the first."""
        self.problems = problems
        super().__init__("\n".join(str(problem) for problem in problems))
