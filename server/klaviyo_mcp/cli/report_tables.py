"""A report in the terminal: what is worth a look, the figures, and its tables."""

from rich.console import Console
from rich.table import Table as Drawn
from rich.text import Text

from klaviyo_mcp.loose_json import JSON
from klaviyo_mcp.reports.view import Table, View, view_of

USUAL = 80
"""Columns that have room for a figure, its name and its change on one line."""


def show(action: str, data: JSON, shop: str) -> None:
    """Print the answer of a report's action."""
    view = view_of(action, data, shop)
    console = Console(highlight=False, markup=False)
    console.print(Text(" · ".join(filter(None, [view.title, view.shop])), style="bold"))
    console.print(view.period + (f", held against {view.against}" if view.against else ""))
    console.print(Text(view.account, style="dim"))
    for number, look in enumerate(view.looks, 1):
        console.print()
        said = Drawn.grid()
        said.add_column(width=3)
        said.add_row(Text(f"{number}.", style="bold"), Text(look["says"], style="bold"))
        said.add_row("", Text(look["next"], style="dim"))
        console.print(said)
    console.print()
    if view.tiles:
        console.print(_figures(view, console.width))
    for table in view.tables:
        console.print()
        console.print(Text(table.title, style="bold"))
        console.print(_rows(table) if table.cells else table.none)
    console.print()
    for note in view.notes:
        console.print(Text(note, style="dim"))


def _figures(view: View, width: int) -> Drawn:
    drawn = Drawn(box=None, padding=(0, 2, 0, 0), show_header=False)
    for last in (False, False, False, True):
        drawn.add_column(no_wrap=width >= USUAL and not last, overflow="fold")
    for tile in view.tiles:
        means = Text("\n").join(Text(one) for one in (tile.words, tile.about) if one)
        drawn.add_row(tile.label, Text(tile.value, style="bold", justify="right"), tile.change, means)
    return drawn


def _rows(table: Table) -> Drawn:
    drawn = Drawn(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for head, number in table.heads:
        drawn.add_column(head, justify="right" if number else "left")
    for row in table.cells:
        drawn.add_row(*(Text(f"{cell.text} ({cell.range})" if cell.range else cell.text) for cell in row))
    return drawn
