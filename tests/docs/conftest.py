"""Pages as text, and the tables that stand in them."""

from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def pages() -> dict[str, str]:
    """README and everything under docs, by path from the root."""
    found = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in found}


@pytest.fixture(scope="session")
def table(pages) -> Callable[..., list[dict[str, str]]]:
    """Rows of the one table of docs/adl.md with these columns, each by its column's name."""

    def rows_of(*columns: str) -> list[dict[str, str]]:
        lines = pages["docs/adl.md"].splitlines()
        heads = [n for n, line in enumerate(lines) if cells_of(line) == list(columns)]
        assert len(heads) == 1, f"{len(heads)} tables have the columns {columns}"
        body = lines[heads[0] + 2 :]
        end = next(n for n, line in enumerate([*body, ""]) if not line.startswith("|"))
        return [dict(zip(columns, cells_of(line), strict=True)) for line in body[:end]]

    return rows_of


def cells_of(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]
