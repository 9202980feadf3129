"""Pricing, risk, ranking and allocation on arrays: the same bits on every machine.

Arrays in, arrays out: no domain objects, no I/O, no clock, no randomness, and numpy the only need.
Prices are float64 made of exactly rounded operations; each instrument's value is rounded once to
integer micro-USD per lot, and from there on everything is exact integer arithmetic, whose sums do
not depend on order, threads or device. README.md says where each formula lives.
"""

from kernels.backend import Backend, choose_backend
from kernels.black76 import Greeks, price_and_greeks
from kernels.book import Book, make_book, values
from kernels.errors import BackendUnavailable, KernelError, KernelInputError
from kernels.grid import Grid, VolPower, static_grid
from kernels.instruments import InstrumentTable, MarketTable
from kernels.margin import MarginPolicy, Margins, RiskTables, margins, standalone_mm
from kernels.scenarios import GreeksTable, corner_table, greeks_table, price_table

__all__ = [
    "Backend",
    "BackendUnavailable",
    "Book",
    "Greeks",
    "GreeksTable",
    "Grid",
    "InstrumentTable",
    "KernelError",
    "KernelInputError",
    "MarginPolicy",
    "Margins",
    "MarketTable",
    "RiskTables",
    "VolPower",
    "choose_backend",
    "corner_table",
    "greeks_table",
    "make_book",
    "margins",
    "price_and_greeks",
    "price_table",
    "standalone_mm",
    "static_grid",
    "values",
]
