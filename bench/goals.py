"""How a table says whether a goal was met."""


def mark(met: bool | None) -> str:
    """What stands behind a figure; nothing where there is no goal."""
    return {True: "  met", False: "  MISSED", None: ""}[met]
