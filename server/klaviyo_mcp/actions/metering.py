"""What calls use of the caps of a policy: counted before anything is sent, given back where nothing came of it."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from klaviyo_mcp.actions.amounts import items_of, people_of
from klaviyo_mcp.actions.consequences import Told
from klaviyo_mcp.actions.plan import Plan
from klaviyo_mcp.actions.policy import Cap, Kind, Policy, Rule, RuleBroken

Path = tuple[Plan, ...]
"""A plan that sends one request, last, after those that it is part of."""


@dataclass(frozen=True, slots=True)
class Share:
    """So many of a count that ends with a day, of which there may be `most`."""

    name: str
    amount: int
    most: int


@dataclass(frozen=True, slots=True)
class TooMany:
    """What does not fit, and how many were counted before."""

    share: Share
    used: int


class DayCounts(Protocol):
    """What has been used today, by account."""

    async def take(self, account: str, day: str, shares: Sequence[Share]) -> TooMany | None:
        """Count all, or none and say which does not fit. Raises NotCounted."""
        ...

    async def give_back(self, account: str, day: str, shares: Sequence[Share]) -> None:
        """Count less."""
        ...


class CountsHere:
    """What was used in this process."""

    def __init__(self) -> None:
        """Nothing yet."""
        self._day = ""
        self._used: Counter[tuple[str, str]] = Counter()

    async def take(self, account: str, day: str, shares: Sequence[Share]) -> TooMany | None:
        """See DayCounts. Nobody else can come between, as nothing is waited for."""
        if day != self._day:
            self._day = day
            self._used.clear()
        for share in shares:
            used = self._used[account, share.name]
            if used + share.amount > share.most:
                return TooMany(share, used)
        self._used.update({(account, share.name): share.amount for share in shares})
        return None

    async def give_back(self, account: str, day: str, shares: Sequence[Share]) -> None:
        """See DayCounts."""
        if day == self._day:
            self._used.subtract({(account, share.name): share.amount for share in shares})


def check_known(plan: Plan, policy: Policy) -> None:
    """What a plan is known to change fits the caps per call. Raises RuleBroken."""
    if policy.capping:
        _fits_call(policy, plan, _amounts(policy, list(writes(plan))), looked=False)


def check_found(plan: Plan, policy: Policy, found: Told) -> None:
    """Whom a plan was found to reach fits the caps per call. Raises RuleBroken."""
    for rule in _about(policy.capping, plan):
        named = _amounts(policy, list(writes(plan)))[rule, "recipients"]
        amounts = Counter[tuple[Rule, Kind]]({(rule, "recipients"): _recipients(rule, plan, found, named)})
        _fits_call(policy, plan, amounts, looked=True)


def caps_recipients(plan: Plan, policy: Policy) -> bool:
    """Whether the people whom a plan reaches have to be known."""
    capping = [rule for rule in policy.capping if any(cap.kind == "recipients" for cap in rule.caps)]
    return bool(_about(capping, plan))


def _about(rules: Iterable[Rule], plan: Plan) -> list[Rule]:
    """The rules that are about a plan or anything that it is known to be made of."""
    return [rule for rule in rules if any(rule.is_about(part.action, part.effect) for part in plan.parts())]


def writes(plan: Plan, above: Path = ()) -> Iterator[Path]:
    """The requests of a plan that change something, as far as they are known."""
    path = (*above, plan)
    if plan.chosen is not None:
        yield from writes(plan.chosen, path)
    elif plan.request is not None and plan.effect != "read":
        yield path
    for step in plan.steps or ():
        for call in step.calls or ():
            yield from writes(call, path)


class Meter:
    """What one call uses of the caps of a policy."""

    def __init__(self, policy: Policy, counts: DayCounts, account: str) -> None:
        """`account` is whose counts are used."""
        self._policy = policy
        self._counts = counts
        self._account = account
        self._day = datetime.now(UTC).date().isoformat()
        self._counted: set[int] = set()
        self._reserved: Counter[tuple[Rule, Kind]] = Counter()
        self._sent: Counter[tuple[Rule, Kind]] = Counter()

    async def begin(self, plan: Plan, found: Told | None) -> None:
        """Count what a plan is known to change and reach, all or nothing. Raises RuleBroken."""
        paths = list(writes(plan))
        amounts = _amounts(self._policy, paths)
        if found is not None:
            for rule in _about(self._policy.capping, plan):
                amounts[rule, "recipients"] = _recipients(rule, plan, found, amounts[rule, "recipients"])
        self._counted = {id(path[-1]) for path in paths}
        await self._take(plan, amounts)

    async def add(self, path: Path) -> None:
        """Count a request that was not known when the call began. Raises RuleBroken."""
        if id(path[-1]) not in self._counted:
            await self._take(path[0], _amounts(self._policy, [path]))

    def sent(self, path: Path) -> None:
        """Note that a request may have changed something."""
        self._sent += _amounts(self._policy, [path])

    async def end(self) -> None:
        """Give back what was counted for requests that changed nothing."""
        left = Counter[tuple[Rule, Kind]]()
        for (rule, kind), amount in self._reserved.items():
            used = amount if kind == "recipients" and self._sent[rule, "items"] else self._sent[rule, kind]
            left[rule, kind] = max(0, amount - used)
        shares = [share for key, amount in left.items() if amount for share in self._shares(*key, amount)]
        if shares:
            await self._counts.give_back(self._account, self._day, shares)

    async def _take(self, plan: Plan, amounts: "Counter[tuple[Rule, Kind]]") -> None:
        _fits_call(self._policy, plan, self._reserved + amounts, looked=True)
        shares = {share.name: (key, share) for key, n in amounts.items() for share in self._shares(*key, n)}
        refused = await self._counts.take(self._account, self._day, [share for _, share in shares.values()])
        if refused is not None:
            (rule, kind), share = shares[refused.share.name]
            raise rule.broken(
                f"{plan.action.name} was not carried out: to the {refused.used:,} {kind} of today it would "
                f"add {share.amount:,}, and {share.most:,} per day are allowed",
                looked=True,
            )
        self._reserved += amounts

    def _shares(self, rule: Rule, kind: Kind, amount: int) -> list[Share]:
        caps = [cap for cap in rule.caps if cap.kind == kind and cap.span == "day"]
        return [Share(f"{rule.name}:{kind}", amount, cap.most) for cap in caps]


def _amounts(policy: Policy, paths: Sequence[Path]) -> "Counter[tuple[Rule, Kind]]":
    """What requests come to for each rule with caps that is about them, or about what they are part of."""
    amounts = Counter[tuple[Rule, Kind]]()
    for rule in policy.capping:
        for path in paths:
            request = path[-1].request
            if request is not None and any(rule.is_about(part.action, part.effect) for part in path):
                amounts[rule, "items"] += items_of(request)
                amounts[rule, "recipients"] += people_of(request)
    return amounts


def _recipients(rule: Rule, plan: Plan, found: Told, named: int) -> int:
    """Whom a plan reaches: as was found, or those whom it names. Raises RuleBroken where nobody could tell."""
    if found.people is not None:
        return max(found.people, named)
    declared = any(part.action.spec.consequences.people for part in plan.parts())
    if declared and any(cap.kind == "recipients" for cap in rule.caps):
        why = f" ({'; '.join(found.unknown)})" if found.unknown else ""
        raise rule.broken(
            f"{plan.action.name} was not carried out: how many people it reaches could not be found out{why}, and "
            "they are capped",
            looked=True,
        )
    return named


def _fits_call(policy: Policy, plan: Plan, amounts: "Counter[tuple[Rule, Kind]]", *, looked: bool) -> None:
    for rule, cap in ((one, cap) for one in policy.capping for cap in one.caps if cap.span == "call"):
        if amounts[rule, cap.kind] > cap.most:
            raise _over(rule, cap, plan, amounts[rule, cap.kind], looked=looked)


def _over(rule: Rule, cap: Cap, plan: Plan, amount: int, *, looked: bool) -> RuleBroken:
    what = "changes" if cap.kind == "items" else "reaches"
    return rule.broken(
        f"{plan.action.name} was not carried out: it {what} {amount:,} {cap.kind}, and {cap.most:,} per call are "
        "allowed",
        looked=looked,
    )
