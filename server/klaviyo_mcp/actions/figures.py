"""What a report computes of sums: rates with their intervals, changes and whether they mean anything, cohorts.

Intervals are Wilson's, of 95 %, and that of a difference of two rates is Newcombe's, made of both. What stands on too
little is said to be `too_few_to_tell`; the limits are in `registry/report_rules.yaml`.
"""

from collections import defaultdict
from datetime import date
from math import sqrt
from typing import Any

from klaviyo_mcp.actions.days import month_after
from klaviyo_mcp.loose_json import JSON, is_number, items, mapping, objects
from klaviyo_mcp.registry.report_rules import Measure, report_rules

TOO_FEW, STEADY, UP, DOWN = "too_few_to_tell", "no_clear_change", "up", "down"
ABOVE, BELOW = "above", "below"
Interval = tuple[float, float]


def interval(part: float, whole: float) -> Interval:
    """Wilson's interval of a rate, as fractions; all that is possible of none."""
    if whole <= 0:
        return 0.0, 1.0
    z, share = report_rules().limits.confidence, min(max(part / whole, 0.0), 1.0)
    middle = share + z * z / (2 * whole)
    reach = z * sqrt(share * (1 - share) / whole + z * z / (4 * whole * whole))
    scale = 1 + z * z / whole
    return max(0.0, (middle - reach) / scale), min(1.0, (middle + reach) / scale)


def share(part: Any, whole: Any) -> JSON | None:
    """A part of those looked at as `people`, `looked_at`, `share` and its interval; None where nobody was."""
    if not is_number(part) or not is_number(whole) or not whole:
        return None
    low, high = interval(part, whole)
    told: JSON = {"people": plain_number(part), "looked_at": plain_number(whole), "share": round(part / whole, 4)}
    return told | {"low": round(low, 4), "high": round(high, 4)}


def compared(now: Any, before: Any, names: list[str]) -> list[JSON]:
    """The measures of these names, of the sums of a period, beside those of the one it is held against.

    Of sums that are `partial` (a day or a week that is not over) no number is told to be down.
    """
    known = report_rules().measures
    made = [_figure(name, known[name], mapping(now), mapping(before)) for name in names if name in known]
    return [one for one in made if one is not None]


def measured(rows: Any, names: list[str]) -> list[JSON]:
    """Each row with the measures of these names; a rate has `…_low` and `…_high` beside it, and `too_few` is told.

    `…_against` says whether a rate is clearly above or below that of the other rows together.
    """
    known = {name: one for name, one in report_rules().measures.items() if name in names}
    told = objects(rows)
    made = [dict(row) for row in told]
    for name, measure in known.items():
        for row, out in zip(told, made, strict=True):
            value = _value(measure, row)
            if value is None or not _applies(measure, row):
                continue
            out[name] = value
            if measure.unit == "rate":
                out |= _beside(name, measure, row, [one for one in told if one is not row and _applies(measure, one)])
    return made


def direction(came: Any, left: Any) -> str | None:
    """Whether more came than left, or the other way round, by more than chance; None where neither is known."""
    if not is_number(came) and not is_number(left):
        return None
    return _apart(came or 0, left or 0)


def newest_cohorts(rows: Any) -> list[JSON]:
    """The two newest cohorts that have had a whole month since, and whether more of one bought again in it."""
    known = [row for row in objects(rows) if len(items(row.get("again"))) > 1][-2:]
    if len(known) < 2:
        return []
    older, newer = known
    parts = [(float(one["again"][0]), float(one["people"])) for one in (newer, older)]
    rates = [round(part / whole, 4) for part, whole in parts]
    told: JSON = {"newer": newer["cohort"], "older": older["cohort"], "newer_rate": rates[0], "older_rate": rates[1]}
    return [told | {"tells": _tells_rate(*parts)}]


def cohorts(events: Any) -> list[JSON]:
    """Buyers by the month of their first order: `cohort`, `people`, `orders`, `value`, and `again` within each month.

    `events` have `who`, `month` (2026-10) and `value`; `again` is for each later month the number who bought in it.
    """
    bought: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for event in objects(events):
        who, month, value = event.get("who"), event.get("month"), event.get("value")
        if isinstance(who, str) and isinstance(month, str):
            bought[who][month].append(float(value) if is_number(value) else 0.0)
    groups: dict[str, list[dict[str, list[float]]]] = defaultdict(list)
    for months in bought.values():
        groups[min(months)].append(months)
    last = max((month for months in bought.values() for month in months), default="")
    return [_cohort(first, people, last) for first, people in sorted(groups.items())]


def _cohort(first: str, people: list[dict[str, list[float]]], last: str) -> JSON:
    later = [_month_after(first, step) for step in range(1, _months_between(first, last) + 1)]
    orders = [value for months in people for values in months.values() for value in values]
    repeat = sum(1 for months in people if sum(map(len, months.values())) > 1)
    row: JSON = {"cohort": first, "people": len(people), "repeat_buyers": repeat, "orders": len(orders)}
    row["revenue"] = plain_number(round(sum(orders), 2))
    row["again"] = [sum(1 for months in people if month in months) for month in later]
    return row


def _figure(name: str, measure: Measure, now: JSON, before: JSON) -> JSON | None:
    value = _value(measure, now)
    if value is None:
        return None
    then = _value(measure, before)
    figure: JSON = {"name": name, "label": measure.label, "unit": measure.unit, "value": value, "before": then}
    if measure.unit == "rate":
        part, whole = _parts(measure, now)
        low, high = interval(part, whole)
        figure |= {"low": round(low, 4), "high": round(high, 4), "n": plain_number(whole)}
        figure["change_points"] = round((value - then) * 100, 2) if then is not None else None
        figure["tells"] = _tells_rate((part, whole), _parts(measure, before)) if then is not None else None
        if whole < report_rules().limits.rate:
            figure["tells"] = TOO_FEW
    else:
        # A percentage of a few is large and says nothing, nor does one of the money of a few orders.
        few = before.get(measure.counted or measure.sum or "", 0) <= report_rules().limits.count
        figure["change_percent"] = round((value - then) / then * 100, 1) if then and not few else None
        figure["tells"] = _tells_count(measure, now, before) if then is not None else None
        if now.get("partial") and figure["tells"] == DOWN:
            del figure["tells"]
    if figure.get("tells") == TOO_FEW:
        # A change of 6,000 % from one order to some says nothing, and is quoted all the same.
        figure = {key: one for key, one in figure.items() if not key.startswith("change_")}
    return {key: one for key, one in figure.items() if one is not None}


def _value(measure: Measure, sums: JSON) -> float | None:
    if measure.sum is not None:
        found = sums.get(measure.sum)
        return plain_number(round(found, 2)) if is_number(found) else None
    part, whole = _parts(measure, sums)
    if not whole:
        return None
    return round(part / whole, 4) if measure.unit == "rate" else plain_number(round(part / whole, 2))


def _parts(measure: Measure, sums: JSON) -> tuple[float, float]:
    whole = next((sums[name] for name in measure.of if is_number(sums.get(name))), 0)
    part = sums.get(measure.part or "")
    return (part if is_number(part) else 0), whole


def _applies(measure: Measure, row: JSON) -> bool:
    return measure.channel is None or row.get("send_channel", measure.channel) == measure.channel


def _beside(name: str, measure: Measure, row: JSON, others: list[JSON]) -> JSON:
    part, whole = _parts(measure, row)
    low, high = interval(part, whole)
    told: JSON = {f"{name}_low": round(low, 4), f"{name}_high": round(high, 4)}
    if whole < report_rules().limits.rate:
        return {**told, "too_few": True}
    parts = [_parts(measure, one) for one in others]
    rest = (sum(one for one, _ in parts), sum(one for _, one in parts))
    against = _tells_rate((part, whole), rest)
    if against in (UP, DOWN):
        told[f"{name}_against"] = ABOVE if against == UP else BELOW
    return told


def _tells_rate(now: tuple[float, float], before: tuple[float, float]) -> str:
    """By Newcombe's interval of the difference (his method 10): whether it leaves out that nothing changed."""
    if min(now[1], before[1]) < report_rules().limits.rate:
        return TOO_FEW
    (low, high), (low_before, high_before) = interval(*now), interval(*before)
    first, second = now[0] / now[1], before[0] / before[1]
    difference = first - second
    if difference - sqrt((first - low) ** 2 + (high_before - second) ** 2) > 0:
        return UP
    if difference + sqrt((high - first) ** 2 + (second - low_before) ** 2) < 0:
        return DOWN
    return STEADY


def _tells_count(measure: Measure, now: JSON, before: JSON) -> str | None:
    """Of what happens by itself: whether two numbers are further apart than chance (Poisson's) brings them."""
    counted = measure.counted or (measure.sum if measure.chance else None)
    if counted is None:
        return None
    first, second = now.get(counted), before.get(counted)
    if not is_number(first) or not is_number(second) or first + second < report_rules().limits.count:
        return TOO_FEW
    if not measure.chance:
        return None
    return _apart(first, second)


def _apart(first: float, second: float) -> str:
    limits = report_rules().limits
    if first + second < limits.count:
        return TOO_FEW
    reach = limits.confidence * sqrt(first + second)
    return UP if first - second > reach else DOWN if second - first > reach else STEADY


def _month_after(month: str, step: int) -> str:
    return month_after(date.fromisoformat(f"{month}-01"), step).isoformat()[:7]


def _months_between(first: str, last: str) -> int:
    return (int(last[:4]) - int(first[:4])) * 12 + int(last[5:7]) - int(first[5:7])


def plain_number(number: float) -> float:
    """A whole number without its point."""
    return int(number) if number == int(number) else number
