"""Faults on purpose: which requests are to go wrong and how, drawn so that the same seed fails the same requests.

A fault is an object of a JSON or YAML list, such as {"operation": "get_*", "fault": "latency", "seconds": 2}:

    operation     a pattern of operation names (fnmatch; "*" is the default). OAuth's endpoints are called
                  oauth_authorize, oauth_token and oauth_revoke
    probability   the share of matching requests it strikes (1 by default)
    count         how often it strikes at most
    fault         what happens:
      latency       `seconds` pass before anything else happens
      status        an answer with `status` (429, 500, 503 or 504; 500 by default) and, at will, `retry_after` seconds
      html          an HTML page with `status` (403 by default; 200 is the portal of a hotel, 303 sends the client on),
                    as a proxy in front of the API sends it
      reset_before  the connection breaks before any work is done
      reset_after   the connection breaks after the work is done
      truncate      the second half of the answer's body is missing
      empty         the answer has no body
      characters    names and texts of errors hold half a character, marks of direction and escapes for terminals
      deep          the answer's body is nested 100,000 levels deep
      bomb          the answer's body is compressed, and 64 MB when it is unpacked
      headers       what the headers tell of quota, time and waiting is garbage
      slow          the answer's body takes `seconds` to arrive
      drip          the answer's body arrives byte by byte, with `seconds` between them
      expire_token  the OAuth access token of the request has expired
      clock_skew    the server's clock is `seconds` ahead (or behind), and the Date header shows it

`status` and `html` answer instead of the work; with `after: true` the work is done and its answer lost. Latency and
slowness are in real seconds whatever the speed of the sandbox's clock. Faults belong to one process.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from random import Random
from typing import Any, Literal

import yaml

from klaviyo_sandbox.loose_json import Json, is_list, mapping
from klaviyo_sandbox.shapes import Check, Flag, Number, Record, Text

Kind = Literal[
    "latency",
    "status",
    "html",
    "reset_before",
    "reset_after",
    "truncate",
    "empty",
    "characters",
    "deep",
    "bomb",
    "headers",
    "slow",
    "drip",
    "expire_token",
    "clock_skew",
]
# What each fault may say beyond operation, probability and count, and what of it must be said.
_SETTINGS: dict[Kind, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "latency": (("seconds",), ("seconds",)),
    "status": (("status", "retry_after", "after"), ()),
    "html": (("status", "after"), ()),
    "reset_before": ((), ()),
    "reset_after": ((), ()),
    "truncate": ((), ()),
    "empty": ((), ()),
    "characters": ((), ()),
    "deep": ((), ()),
    "bomb": ((), ()),
    "headers": ((), ()),
    "slow": (("seconds",), ("seconds",)),
    "drip": (("seconds",), ("seconds",)),
    "expire_token": ((), ()),
    "clock_skew": (("seconds",), ("seconds",)),
}
_STATUSES = {"status": (429, 500, 503, 504), "html": (200, 303, 400, 403, 404, 407, 408, 499, 502, 503, 504)}
_DEFAULT_STATUS = {"status": 500, "html": 403}
_LONGEST = 10 * 365 * 86400


class InvalidFaults(ValueError):
    """Faults that cannot be understood; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One way for requests to go wrong."""

    kind: Kind
    operation: str = "*"
    probability: float = 1.0
    count: int | None = None
    seconds: float = 0.0
    status: int = 0
    retry_after: int | None = None
    after: bool = False


@dataclass(slots=True)
class Strike:
    """What goes wrong with one request."""

    faults: list[Fault] = field(default_factory=list[Fault])

    @property
    def names(self) -> list[str]:
        """The faults in words."""
        return [fault.kind for fault in self.faults]

    def of(self, *kinds: Kind) -> Fault | None:
        """The first fault of one of these kinds."""
        return next((fault for fault in self.faults if fault.kind in kinds), None)

    def seconds(self, kind: Kind) -> float:
        """The seconds of all faults of one kind."""
        return sum(fault.seconds for fault in self.faults if fault.kind == kind)


class Faults:
    """The faults in force, and what they struck so far."""

    def __init__(self, seed: int, faults: Sequence[Fault] = ()) -> None:
        """Put `faults` in force. Which requests a probability strikes follows from `seed`."""
        self._seed = seed
        self.replace(faults)

    def replace(self, faults: Sequence[Fault]) -> None:
        """Put these faults in force instead of the ones before."""
        self._faults = tuple(faults)
        self._met = [0] * len(self._faults)
        self._struck = [0] * len(self._faults)

    def listing(self) -> list[Json]:
        """The faults in force as they can be sent back, with how many requests each met and `struck`."""
        return [
            {**_written(fault), "met": met, "struck": struck}
            for fault, met, struck in zip(self._faults, self._met, self._struck, strict=True)
        ]

    def draw(self, operation: str) -> Strike:
        """What goes wrong with the next request to `operation`."""
        strike = Strike()
        for index, fault in enumerate(self._faults):
            if not fnmatchcase(operation, fault.operation):
                continue
            if fault.count is not None and self._struck[index] >= fault.count:
                continue
            self._met[index] += 1
            # Each draw has a generator of its own, so that it depends on nothing but its own number.
            draw = Random(f"{self._seed}:{index}:{self._met[index]}").random()  # noqa: S311 - it fails requests
            if draw < fault.probability:
                self._struck[index] += 1
                strike.faults.append(fault)
        return strike


def load_faults(path: Path) -> list[Fault]:
    """The faults of a YAML or JSON file. Raises InvalidFaults, or OSError when it cannot be read."""
    return parse_faults(path.read_bytes())


def parse_faults(content: bytes) -> list[Fault]:
    """The faults that YAML or JSON text lists. Raises InvalidFaults."""
    try:
        listed: Any = yaml.safe_load(content)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise InvalidFaults(f"The faults are neither YAML nor JSON: {error}") from None
    if not is_list(listed):
        raise InvalidFaults('Faults are a list, such as [{"operation": "get_*", "fault": "latency", "seconds": 2}].')
    return [_fault(item, f"/{index}") for index, item in enumerate(listed)]


def _fault(item: object, pointer: str) -> Fault:
    given = mapping(item)
    kind = given.get("fault")
    if kind not in _SETTINGS:
        raise InvalidFaults(f"{pointer}/fault: {kind!r} is no fault. Choose one of {', '.join(_SETTINGS)}.")
    settings, required = _SETTINGS[kind]
    shape = Record(
        {
            "fault": Text(),
            "operation": Text(shortest=1),
            "probability": Number(),
            "count": Number(whole=True),
            "met": Number(),
            "struck": Number(),
            **{name: _SHAPES[name] for name in settings if name != "status"},
            **({"status": Number(choices=_STATUSES[kind])} if "status" in settings else {}),
        },
        required,
    )
    check = Check(kind)
    check.value(shape, given, pointer)
    for name, most in (("probability", 1), ("count", None), ("seconds", _LONGEST), ("retry_after", _LONGEST)):
        value = given.get(name, 0)
        if check.problems or (name == "seconds" and kind == "clock_skew" and abs(value) <= _LONGEST):
            continue
        if value < 0 or (most is not None and value > most):
            check.fail(f"{pointer}/{name}", f"'{name}' is out of range.")
    if check.problems:
        raise InvalidFaults("; ".join(f"{problem.source['pointer']}: {problem.detail}" for problem in check.problems))
    count, retry_after = given.get("count"), given.get("retry_after")
    return Fault(
        kind,
        operation=given.get("operation", "*"),
        probability=given.get("probability", 1.0),
        count=None if count is None else int(count),
        seconds=given.get("seconds", 0.0),
        status=int(given.get("status", _DEFAULT_STATUS.get(kind, 0))),
        retry_after=None if retry_after is None else int(retry_after),
        after=given.get("after", False),
    )


_SHAPES = {"seconds": Number(), "retry_after": Number(whole=True), "after": Flag()}


def _written(fault: Fault) -> Json:
    settings = {name: getattr(fault, name) for name in ("count", *_SETTINGS[fault.kind][0])}
    shown = {name: value for name, value in settings.items() if value is not None}
    return {"operation": fault.operation, "fault": fault.kind, "probability": fault.probability, **shown}
