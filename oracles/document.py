"""The market document `adl.market/1`: a JSON file <-> MarketView, every value an integer.

    {"schema": "adl.market/1", "observed_ms": 1768550400000,
     "underlyings": {"BTC": {"index_micro": ..., "half_width_micro": ...,
       "expiries": [{"expiry_ms": ..., "forward_micro": ..., "vol_half_width_ppm": ...,
                     "svi": {"a": ..., "b": ..., "rho": ..., "m": ..., "sigma": ...}}]}}}

Units are those of oracles.model. Reading refuses what it does not know: misspelled and repeated
keys, fractions, NaN, arbitrage. Each refusal names the file, the key and the reason.
"""

import json
from difflib import get_close_matches
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails, from_json

from oracles.errors import QuoteRejected
from oracles.model import ExpirySlice, IndexQuote, MarketView, SurfaceQuote, combine
from oracles.surface import check_surface

__all__ = ["DOCUMENT_SOURCE", "SCHEMA", "dump_market", "load_market"]

SCHEMA: Final = "adl.market/1"
DOCUMENT_SOURCE = "fixed"


class _Door(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class _Svi(_Door):
    a: int
    b: int
    rho: int
    m: int
    sigma: int


class _Expiry(_Door):
    expiry_ms: int
    forward_micro: int
    svi: _Svi
    vol_half_width_ppm: int


class _Underlying(_Door):
    index_micro: int
    half_width_micro: int
    expiries: list[_Expiry]


class _Market(_Door):
    schema_name: Literal["adl.market/1"] = Field(alias="schema")
    observed_ms: int
    underlyings: dict[str, _Underlying]


_KEYS = sorted(
    field.alias or name
    for door in (_Market, _Underlying, _Expiry, _Svi)
    for name, field in door.model_fields.items()
)


def load_market(path: Path) -> MarketView:
    """Read a document; QuoteRejected says file, key and why."""
    try:
        document = _Market.model_validate(_read_json(path))
        return _to_market(document)
    except ValidationError as error:
        reasons = "; ".join(_reason(detail) for detail in error.errors())
        raise QuoteRejected(f"{path}: {reasons}") from None
    except QuoteRejected as error:
        raise QuoteRejected(f"{path}: {error}") from None


def dump_market(market: MarketView, path: Path) -> None:
    """Write a document that `load_market` reads back as the same market.

    QuoteRejected where the market cannot be said in the schema, which has one observation time
    and no names of sources; OSError where the file cannot be written.
    """
    seen = {(quote.observed_ms, quote.source) for quote in market.indices}
    seen |= {(piece.observed_ms, piece.source) for piece in market.slices}
    if len({observed_ms for observed_ms, _ in seen}) > 1:
        raise QuoteRejected(f"{path}: {SCHEMA} holds one observed_ms, the market has several")
    if {source for _, source in seen} != {DOCUMENT_SOURCE}:
        raise QuoteRejected(f"{path}: {SCHEMA} names no sources, each must be {DOCUMENT_SOURCE!r}")
    document = _Market(
        schema=SCHEMA,
        observed_ms=market.as_of_ms,
        underlyings={quote.underlying: _from_market(market, quote) for quote in market.indices},
    )
    path.write_text(document.model_dump_json(by_alias=True, indent=2) + "\n", encoding="utf-8")


def _read_json(path: Path) -> object:
    try:
        text = path.read_text(encoding="utf-8")
        # Limits depth by itself; the recursion limit that json relies on is anybody's to raise.
        from_json(text)
        return json.loads(text, object_pairs_hook=_unique_keys, parse_constant=_no_constant)
    except OSError as error:
        raise QuoteRejected(f"cannot be read ({error.strerror}); pass a readable file") from None
    except (ValueError, RecursionError) as error:
        raise QuoteRejected(f"not a JSON document ({error}); see the schema {SCHEMA}") from None


def _unique_keys(pairs: list[tuple[str, object]]) -> dict[str, object]:
    keys: dict[str, object] = {}
    for key, entry in pairs:
        if key in keys:
            raise QuoteRejected(f"{key}: stands twice in one object; keep one")
        keys[key] = entry
    return keys


def _no_constant(name: str) -> object:
    raise QuoteRejected(f"{name}: not a number here; every value is an integer")


def _reason(detail: ErrorDetails) -> str:
    place = ".".join(str(part) for part in detail["loc"]) or "document"
    if detail["type"] != "extra_forbidden":
        return f"{place}: {detail['msg']}"
    likely = get_close_matches(str(detail["loc"][-1]), _KEYS, n=1)
    return f"{place}: unknown key" + (f", did you mean {likely[0]}?" if likely else "; remove it")


def _to_market(document: _Market) -> MarketView:
    indices = []
    surfaces = []
    for underlying, entry in document.underlyings.items():
        indices.append(_to_index(document, underlying, entry))
        if entry.expiries:
            surfaces.append(_to_surface(document, underlying, entry))
    return combine(indices, surfaces)


def _to_index(document: _Market, underlying: str, entry: _Underlying) -> IndexQuote:
    return IndexQuote(
        underlying=underlying,
        index_micro=entry.index_micro,
        half_width_micro=entry.half_width_micro,
        observed_ms=document.observed_ms,
        source=DOCUMENT_SOURCE,
    )


def _to_surface(document: _Market, underlying: str, entry: _Underlying) -> SurfaceQuote:
    slices = [
        ExpirySlice(
            underlying=underlying,
            observed_ms=document.observed_ms,
            source=DOCUMENT_SOURCE,
            **expiry.model_dump(exclude={"svi"}),
            **expiry.svi.model_dump(),
        )
        for expiry in sorted(entry.expiries, key=lambda expiry: expiry.expiry_ms)
    ]
    return check_surface(SurfaceQuote(underlying=underlying, slices=tuple(slices)))


def _from_market(market: MarketView, quote: IndexQuote) -> _Underlying:
    pieces = [piece for piece in market.slices if piece.underlying == quote.underlying]
    return _Underlying(
        index_micro=quote.index_micro,
        half_width_micro=quote.half_width_micro,
        expiries=[_from_slice(piece) for piece in pieces],
    )


def _from_slice(piece: ExpirySlice) -> _Expiry:
    return _Expiry(
        expiry_ms=piece.expiry_ms,
        forward_micro=piece.forward_micro,
        svi=_Svi(a=piece.a, b=piece.b, rho=piece.rho, m=piece.m, sigma=piece.sigma),
        vol_half_width_ppm=piece.vol_half_width_ppm,
    )
