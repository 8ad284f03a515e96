"""Numbers as people read them: 1,234 · $1,234.50 · 4.2% · +12."""

SYMBOLS = {
    "USD": "$",
    "EUR": "€",
    "GBP": "£",
    "AUD": "A$",
    "CAD": "CA$",
    "NZD": "NZ$",
    "JPY": "¥",
    "INR": "₹",
    "BRL": "R$",
}
"""Signs that stand before an amount; other currencies have their code there."""
WHOLE = frozenset({"JPY", "KRW", "VND", "CLP", "ISK", "HUF", "IDR"})
"""Currencies whose amounts are told without a fraction."""

MINUS = "\u2212"


def written(number: float, unit: str, currency: str = "") -> str:
    """A number of a unit: count, days, money, rate (a fraction of 1), signed or points (of a percentage)."""
    if unit == "days":
        return f"{number:,.0f} day{'' if number == 1 else 's'}"
    if unit == "rate":
        return f"{number * 100:.{2 if 0 < abs(number) < 0.01 else 1}f}%"
    if unit == "points":
        return f"{_sign(number)}{abs(number):.2f} pts"
    if unit == "percent":
        return f"{_sign(number)}{abs(number):,.0f}%" if abs(number) >= 100 else f"{_sign(number)}{abs(number):.1f}%"
    if unit == "signed":
        return f"{_sign(number)}{abs(number):,.0f}"
    if unit == "money":
        digits = 0 if currency in WHOLE or (abs(number) >= 1000 or number == int(number)) else 2
        return f"{MINUS if number < 0 else ''}{sign_of(currency)}{abs(number):,.{digits}f}"
    return f"{number:,.0f}" if number == int(number) else f"{number:,.2f}"


def sign_of(currency: str) -> str:
    """What stands before an amount; nothing where its currency is not known."""
    return SYMBOLS.get(currency, f"{currency} " if currency else "")


def _sign(number: float) -> str:
    return "+" if number > 0 else MINUS if number < 0 else "±"
