"""How the story is set: headings, indented paragraphs, tables; 100 columns of plain text."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from io import StringIO
from typing import Literal

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

__all__ = ["Column", "Ink", "Part", "change", "heading", "indented", "printed", "table", "usd"]

_WIDTH = 100

Ink = Literal["standard"] | None
"""Colours of a terminal, or none."""

Part = Text | Padding


@dataclass(frozen=True, slots=True)
class Column:
    """A table's column; numbers stand on the right and are never wrapped."""

    title: str
    justify: Literal["left", "right"] = "right"


def printed(parts: Iterable[Part], *, ink: Ink) -> str:
    """The parts one below the other, no space at the end of a line."""
    paper = StringIO()
    console = Console(
        file=paper,
        width=_WIDTH,
        color_system=ink,
        force_terminal=ink is not None,
        highlight=False,
        emoji=False,
        markup=False,
        legacy_windows=False,
    )
    for part in parts:
        console.print(part)
    return "".join(f"{line.rstrip()}\n" for line in paper.getvalue().splitlines())


def heading(text: str) -> Part:
    """Bold, after an empty line."""
    return Padding(Text(text, style="bold"), (1, 0, 0, 0))


def indented(text: str, style: str = "") -> Part:
    """A paragraph."""
    return Padding(Text(text, style=style), (0, 0, 0, 2))


def table(columns: Sequence[Column], rows: Iterable[Sequence[str]]) -> Part:
    """Columns without lines between them."""
    grid = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    for column in columns:
        grid.add_column(column.title, justify=column.justify, no_wrap=column.justify == "right")
    for row in rows:
        grid.add_row(*row)
    return Padding(grid, (0, 0, 0, 2))


def change(before_micro: int, after_micro: int) -> str:
    """Money before and after."""
    return f"{usd(before_micro)} -> {usd(after_micro)}"


def usd(amount_micro: int) -> str:
    """Dollars and cents, rounded toward zero in integers."""
    dollars, cents = divmod(abs(amount_micro) // 10_000, 100)
    return f"{'-' if amount_micro < 0 else ''}{dollars:,}.{cents:02}"
