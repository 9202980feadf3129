"""The market document: refusals name file, key and reason; what is written reads back the same."""

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coordinator.demo.surfaces import BTC, ETH
from oracles.document import dump_market, load_market
from oracles.errors import QuoteRejected
from oracles.model import combine
from oracles.surface import check_surface


@pytest.fixture
def path(tmp_path):
    return tmp_path / "market.json"


@pytest.fixture
def document(worlds, path):
    dump_market(worlds.market(), path)
    return json.loads(path.read_text())


def refused(path, document):
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    with pytest.raises(QuoteRejected) as caught:
        load_market(path)
    assert str(caught.value).startswith(f"{path}: ")
    return str(caught.value).removeprefix(f"{path}: ")


def test_a_missing_file_is_refused(path):
    with pytest.raises(QuoteRejected, match=r"market\.json: cannot be read \(No such file"):
        load_market(path)


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, '{"a": ' + "9" * 5_000 + "}"])
def test_what_is_not_json_is_refused(path, text):
    assert refused(path, text).startswith("not a JSON document")


def test_bytes_that_are_not_text_are_refused(path):
    path.write_bytes(b"\xff\xfe{}")
    with pytest.raises(QuoteRejected, match="not a JSON document"):
        load_market(path)


def test_a_misspelled_key_is_refused_with_the_likely_one(path, document):
    btc = document["underlyings"]["BTC"]
    btc["index_mirco"] = btc["index_micro"]
    assert refused(path, document) == (
        "underlyings.BTC.index_mirco: unknown key, did you mean index_micro?"
    )


def test_a_key_like_no_other_is_refused(path, document):
    document["zzz"] = 1
    assert refused(path, document) == "zzz: unknown key; remove it"


def test_a_missing_key_is_refused(path, document):
    del document["underlyings"]["BTC"]["expiries"][1]["svi"]["rho"]
    assert refused(path, document) == "underlyings.BTC.expiries.1.svi.rho: Field required"


def test_another_schema_is_refused(path, document):
    document["schema"] = "adl.market/2"
    assert refused(path, document).startswith("schema: Input should be 'adl.market/1'")


@pytest.mark.parametrize("number", [1.0, "1", None, True, [1]])
def test_a_value_that_is_no_integer_is_refused(path, document, number):
    document["underlyings"]["BTC"]["index_micro"] = number
    assert refused(path, document).startswith("underlyings.BTC.index_micro: Input should be")


@pytest.mark.parametrize("name", ["NaN", "Infinity", "-Infinity"])
def test_a_constant_that_is_no_number_is_refused(path, document, name):
    text = json.dumps(document).replace(
        '"half_width_micro": 95000000,', f'"half_width_micro": {name},'
    )
    assert refused(path, text) == f"{name}: not a number here; every value is an integer"


def test_a_negative_price_is_refused(path, document):
    document["underlyings"]["ETH"]["index_micro"] = -1
    assert refused(path, document).startswith("fixed: index of ETH: index_micro = -1, must be in")


def test_a_repeated_key_is_refused(path, document):
    eth = json.dumps(document["underlyings"]["ETH"])
    text = json.dumps(document).replace('"underlyings": {', f'"underlyings": {{"ETH": {eth}, ')
    assert refused(path, text) == "ETH: stands twice in one object; keep one"


def test_a_repeated_expiry_is_refused(path, document):
    expiries = document["underlyings"]["BTC"]["expiries"]
    expiries.append(expiries[0])
    assert "stands twice" in refused(path, document)


def test_arbitrage_is_refused(path, document):
    document["underlyings"]["BTC"]["expiries"][1]["svi"]["a"] = 0
    document["underlyings"]["BTC"]["expiries"][1]["svi"]["b"] = 1_000_000_000
    assert "calendar arbitrage" in refused(path, document)


def test_an_empty_market_is_refused(path, document):
    document["underlyings"] = {}
    assert refused(path, document) == "market: no index; at least one underlying is needed"


def test_a_market_of_several_times_cannot_be_written(worlds, path):
    market = combine([worlds.index(), worlds.index(underlying="ETH", observed_ms=1)], [])
    with pytest.raises(QuoteRejected, match="one observed_ms"):
        dump_market(market, path)
    assert not path.exists()


def test_a_market_of_another_source_cannot_be_written(worlds, path):
    with pytest.raises(QuoteRejected, match="names no sources"):
        dump_market(combine([worlds.index(source="pyth")], []), path)
    assert not path.exists()


def test_the_order_in_the_file_does_not_matter(worlds, path, document):
    document["underlyings"]["BTC"]["expiries"].reverse()
    document["underlyings"] = dict(reversed(document["underlyings"].items()))
    path.write_text(json.dumps(document))
    assert load_market(path) == worlds.market()


def test_what_is_written_reads_back_the_same(worlds, path):
    dump_market(worlds.market(), path)
    assert load_market(path) == worlds.market()


@settings(max_examples=40)
@given(
    names=st.sets(st.text("ABCXYZ-.", min_size=1, max_size=6), min_size=1, max_size=4),
    index_micro=st.integers(min_value=10, max_value=10**13),
    lift=st.integers(min_value=0, max_value=10**12),
    observed_ms=st.integers(min_value=1, max_value=2 * 10**12),
)
def test_any_market_in_the_schema_reads_back_the_same(
    worlds, tmp_path_factory, names, index_micro, lift, observed_ms
):
    path = tmp_path_factory.mktemp("round") / "market.json"
    near = worlds.slice(
        observed_ms=observed_ms, expiry_ms=observed_ms + 7, forward_micro=index_micro
    )
    far = replace(near, expiry_ms=observed_ms + 8, a=near.a + lift)
    indices = [
        worlds.index(
            underlying=name, index_micro=index_micro, half_width_micro=9, observed_ms=observed_ms
        )
        for name in names
    ]
    surfaces = [
        worlds.surface(replace(near, underlying=name), replace(far, underlying=name))
        for name in names
    ]
    market = combine(indices, surfaces)
    dump_market(market, path)
    assert load_market(path) == market


def test_the_shipped_market_is_free_of_arbitrage(root):
    market = load_market(root / "examples" / "market-btc-eth.json")
    days = {
        quote.underlying: [
            (piece.expiry_ms - market.as_of_ms) // 86_400_000
            for piece in check_surface(market.surface_of(quote.underlying)).slices
        ]
        for quote in market.indices
    }
    assert days == {"BTC": [7, 14, 21, 42, 70, 161, 252], "ETH": [11, 18, 46, 81, 172, 263]}


def test_the_shipped_market_holds_the_numbers_of_the_demo(root):
    market = load_market(root / "examples" / "market-btc-eth.json")
    for underlying, demo in (("BTC", BTC), ("ETH", ETH)):
        assert market.index_of(underlying).index_micro == demo.index_micro
        for piece, point in zip(market.surface_of(underlying).slices, demo.points, strict=True):
            svi = (piece.a, piece.b, piece.rho, piece.m, piece.sigma)
            assert svi == (point.a, point.b, point.rho, point.m, point.sigma)
            assert piece.expiry_ms == market.as_of_ms + point.days_to_expiry * 86_400_000
            exact_ppm = demo.index_micro * point.forward_ratio_ppm
            assert abs(piece.forward_micro * 1_000_000 - exact_ppm) <= 500_000
