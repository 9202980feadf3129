"""Settings: every refusal names file or variable, key and reason; every value knows its source."""

from pathlib import Path

import pytest

from coordinator.errors import SettingsError
from coordinator.settings import Loaded, load_settings

ROOT = Path(__file__).resolve().parents[2]
GATE = "0x5FC8d32690cc91D4c39d9d3abcBD16989F875707"
RESERVE = "0x0165878A594ca255338adfa4d48449f69242Eb8F"
GOOD = f"""
[chains.arbitrum]
chain_id = 31337
rpc_urls = ["http://127.0.0.1:1"]
[venues.alpha]
gate = "{GATE}"
reserve = "{RESERVE}"
[oracles.market]
kind = "fixed"
file = "market.json"
[underlyings.BTC]
"""
LIVE = """
mode = "live"
[executor]
dev_key_index = 9
[verifiers.one]
index = 0
dev_key_index = 1
[journal]
url = "sqlite:///journal.sqlite"
"""


def loaded(folder: Path, text: str, **variables: str) -> Loaded:
    file = folder / "adl.toml"
    file.write_text(text)
    return load_settings(file, variables)


def refusal(folder: Path, text: str, **variables: str) -> list[str]:
    with pytest.raises(SettingsError) as refused:
        loaded(folder, text, **variables)
    return str(refused.value).replace(f"{folder}/", "").splitlines()


@pytest.mark.parametrize(
    ("changed", "by", "said"),
    [
        ("rpc_urls", "rpc_url", "chains.arbitrum.rpc_url: unknown key, did you mean rpc_urls?"),
        ("reserve =", "resrve =", "venues.alpha.resrve: unknown key, did you mean reserve?"),
        ("[chains.", "[chain.", "chain: unknown key, did you mean chains?"),
        ("31337", '"31337"', "chains.arbitrum.chain_id: Input should be a valid integer"),
        ("31337", "true", "chains.arbitrum.chain_id: Input should be a valid integer"),
        ("31337", "0", "chains.arbitrum.chain_id: Input should be greater than 0"),
        (GATE, GATE[:-1], "venues.alpha.gate: an address is 0x and 40 hexadecimal digits"),
        (
            GATE,
            GATE.replace("FC", "fC"),
            f"venues.alpha.gate: wrong checksum: a letter was changed, or this is meant: {GATE}",
        ),
        (
            RESERVE,
            GATE,
            "venues.alpha.reserve: is the gate; the settlement contract has its own address",
        ),
        (
            "http://127.0.0.1:1",
            "ws://127.0.0.1:1",
            "chains.arbitrum.rpc_urls.0: an RPC address is http://HOST or https://HOST",
        ),
        (
            '["http://127.0.0.1:1"]',
            "[]",
            "chains.arbitrum.rpc_urls: give either rpc_urls or url_file",
        ),
        (
            "alpha",
            "Alpha",
            "venues.Alpha: not a name; lower-case words and digits (underlyings in upper case)",
        ),
        (
            '"fixed"',
            '"fixd"',
            (
                "oracles.market: Input tag 'fixd' found using 'kind' does not match "
                "any of the expected tags: 'fixed', 'chainlink'"
            ),
        ),
        (
            "BTC",
            "btc",
            "underlyings.btc: not a name; lower-case words and digits (underlyings in upper case)",
        ),
        (
            "[underlyings.BTC]",
            "",
            "underlyings: missing; a venue needs prices: add a table such as [underlyings.BTC]",
        ),
        (
            "[underlyings.BTC]",
            '[underlyings.BTC]\nindex = "other"',
            "underlyings.BTC.index: there is no oracles.other; one of market",
        ),
        (
            "gate =",
            'chain = "base"\ngate =',
            "venues.alpha.chain: there is no chains.base; one of arbitrum",
        ),
        (
            '["http://127.0.0.1:1"]',
            '["http://a", "http://b"]\nrpc_quorum = 3',
            "chains.arbitrum.rpc_quorum: 3 of 2 nodes cannot agree; name more or ask for fewer",
        ),
        (
            '["http://127.0.0.1:1"]',
            '["http://a", "http://b", "http://c", "http://d"]\nrpc_quorum=2',
            "chains.arbitrum.rpc_quorum: 2 of 4 nodes is no majority; at least 3",
        ),
        (
            "rpc_urls",
            "levels = {read = 'sfe'}\nrpc_urls",
            'chains.arbitrum.levels.read: "latest", "safe", "finalized", or blocks below the head',
        ),
    ],
)
def test_a_mistake_is_named_with_file_key_and_reason(
    tmp_path: Path, changed: str, by: str, said: str
) -> None:
    assert f"adl.toml: {said}" in refusal(tmp_path, GOOD.replace(changed, by))


def test_all_mistakes_are_named_at_once(tmp_path: Path) -> None:
    text = GOOD.replace("31337", "0").replace("kind", "knd")
    assert len(refusal(tmp_path, text)) >= 2


def test_text_that_is_no_toml_is_refused_with_its_place(tmp_path: Path) -> None:
    (line,) = refusal(tmp_path, "mode = shadow")
    assert line.startswith("adl.toml: not a TOML file: ")
    assert "line 1" in line


def test_a_file_that_was_asked_for_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no such file"):
        load_settings(tmp_path / "nowhere.toml", {})
    with pytest.raises(SettingsError, match="no such file"):
        load_settings(None, {"ADL_CONFIG": str(tmp_path / "nowhere.toml")})


@pytest.mark.parametrize(
    "url",
    [
        "https://user:word@rpc.example",
        "https://rpc.example/?apikey=1",
        "https://rpc.example/v2/aZ09aZ09aZ09aZ09aZ09",
    ],
)
def test_an_address_with_a_key_in_it_is_refused_and_never_repeated(
    tmp_path: Path, url: str
) -> None:
    (line,) = refusal(tmp_path, GOOD.replace("http://127.0.0.1:1", url))
    assert line.startswith("adl.toml: chains.arbitrum.rpc_urls.0: looks like it carries a key")
    assert url not in line


@pytest.mark.parametrize("key", ["password", "private_key", "mnemonic"])
def test_a_secret_in_the_clear_is_refused_and_never_repeated(tmp_path: Path, key: str) -> None:
    lines = refusal(tmp_path, GOOD + f'[executor]\n{key} = "hunter2"')
    assert (
        f"adl.toml: executor.{key}: a secret may not stand in settings; put it in a file "
        "(see password_file)" in lines
    )
    assert "hunter2" not in "".join(lines)


def test_live_needs_executor_verifiers_and_journal(tmp_path: Path) -> None:
    assert refusal(tmp_path, 'mode = "live"\n' + GOOD) == [
        'adl.toml: verifiers: missing; mode = "live" needs verifiers',
        'adl.toml: executor: missing; mode = "live" needs a key',
        'adl.toml: journal.url: missing; mode = "live" needs a journal',
    ]
    assert loaded(tmp_path, LIVE + GOOD).settings.mode == "live"


def test_a_devnet_key_is_refused_on_a_real_chain(tmp_path: Path) -> None:
    text = GOOD.replace("31337", "42161") + "[executor]\ndev_key_index = 0"
    assert refusal(tmp_path, text) == [
        (
            "adl.toml: executor.dev_key_index: everybody knows that key, and chains.arbitrum is no "
            "devnet; use a keystore"
        )
    ]


def test_a_keystore_needs_its_password_file(tmp_path: Path) -> None:
    assert refusal(tmp_path, GOOD + '[executor]\nkeystore = "key.json"') == [
        "adl.toml: executor.password_file: missing"
    ]


def test_two_chains_two_venues_and_two_verifiers_must_differ(tmp_path: Path) -> None:
    twin = GOOD.replace("BTC", "ETH").replace("oracles.market", "oracles.other")
    twin = twin.replace("alpha", "beta").replace("arbitrum", "base")
    text = GOOD + twin + "[verifiers.a]\nindex = 0\ndev_key_index = 1\n"
    text += "[verifiers.b]\nindex = 0\ndev_key_index = 2\n"
    lines = refusal(tmp_path, text.replace("gate =", 'chain = "base"\ngate ='))
    assert "adl.toml: chains.base.chain_id: 31337 is also chains.arbitrum" in lines
    assert "adl.toml: venues.beta.gate: is also the gate of venues.alpha" in lines
    assert "adl.toml: verifiers.b.index: is also that of verifiers.a" in lines
    assert "adl.toml: underlyings.BTC.index: missing; one of market, other" in lines


def test_a_quorum_larger_than_the_verifiers_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path, LIVE + "[attestation]\nthreshold = 2\n" + GOOD) == [
        "adl.toml: attestation.threshold: 2 signatures, but only 1 verifiers"
    ]


def test_the_threshold_is_the_least_number_above_two_thirds(tmp_path: Path) -> None:
    for count, threshold in ((1, 1), (2, 2), (3, 3), (4, 3), (5, 4), (6, 5), (7, 5)):
        tables = [f"[verifiers.v{i}]\nindex = {i}\ndev_key_index = {i}\n" for i in range(count)]
        assert loaded(tmp_path, GOOD + "".join(tables)).settings.threshold == threshold


def test_a_feed_of_another_underlying_cannot_be_its_index(tmp_path: Path) -> None:
    feeds = f"""
[oracles.feeds]
kind = "chainlink"
[oracles.feeds.feeds.ETH]
address = "{GATE}"
heartbeat_s = 3600
half_width_ppm = 500
"""
    text = GOOD.replace("[underlyings.BTC]", '[underlyings.BTC]\nindex = "feeds"\nsurface="feeds"')
    assert refusal(tmp_path, text + feeds) == [
        "adl.toml: underlyings.BTC.index: oracles.feeds has no feed of BTC",
        "adl.toml: underlyings.BTC.surface: oracles.feeds quotes no surfaces",
    ]
    assert loaded(tmp_path, GOOD + feeds).settings.index_oracle("BTC") == "market"
