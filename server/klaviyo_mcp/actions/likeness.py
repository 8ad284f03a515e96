"""Words that differ by one slip of the finger."""


def is_a_slip(one: str, other: str) -> bool:
    """Whether two words differ by one letter: too many, missing, another, or two that are swapped."""
    if one == other or abs(len(one) - len(other)) > 1:
        return False
    start = next((index for index, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), len(one))
    if len(one) == len(other):
        swapped = one[start + 1 : start + 2] + one[start : start + 1] + one[start + 2 :]
        return one[start + 1 :] == other[start + 1 :] or swapped == other[start:]
    shorter, longer = sorted((one, other), key=len)
    start = min(start, len(shorter))
    return longer[start + 1 :] == shorter[start:]


def neighbours(word: str) -> list[str]:
    """What a word may have been: with one letter fewer, two swapped, or one of them twice."""
    fewer = [word[:index] + word[index + 1 :] for index in range(len(word))]
    swapped = [word[:index] + word[index + 1] + word[index] + word[index + 2 :] for index in range(len(word) - 1)]
    twice = [word[: index + 1] + word[index:] for index in range(len(word))]
    return [one for one in dict.fromkeys([*fewer, *swapped, *twice]) if one != word]
