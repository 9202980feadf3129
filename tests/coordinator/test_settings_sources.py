"""Settings: where each value comes from, and the files that ship with the program."""

import tomllib
from pathlib import Path

import pytest

from coordinator.decide.policy import Policy
from coordinator.settings import load_settings
from coordinator.settings.model import Settings
from coordinator.settings.template import template
from tests.coordinator.test_settings import GATE, GOOD, LIVE, loaded, refusal

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    "address",
    [  # EIP-55's own examples
        "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
        "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
        "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
        "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
        "0x52908400098527886E0F7030069857D2E4169EE7",
        "0xde709f2102306220921060314715629080e2fb77",
    ],
)
def test_a_checksum_is_that_of_eip_55(tmp_path: Path, address: str) -> None:
    for written in (address, address.lower()):
        text = GOOD.replace(GATE, written)
        assert loaded(tmp_path, text).settings.venues["alpha"].gate == address


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("ADL_VENEUS__ALPHA__GATE", "x", "unknown variable, did you mean ADL_VENUES?"),
        ("ADL_CONFG", "x", "unknown variable, did you mean ADL_CONFIG?"),
        ("ADL_CHAINS__ARBITRUM__RPC_URL", "x", "unknown key, did you mean rpc_urls?"),
        ("ADL_CHAINS__ARBITRUM__CHAIN_ID", "x", "Input should be a valid integer"),
        ("ADL_MODE__X", "1", "mode is a value, not a table; shorten the name"),
        ("ADL_JOURNAL__URL", "mysql://x", "a journal is sqlite:///FILE"),
    ],
)
def test_a_variable_that_is_no_setting_is_refused_by_its_name(
    tmp_path: Path, variable: str, value: str, said: str
) -> None:
    text = 'mode = "shadow"\n' + GOOD
    assert f"{variable}: {said}" in refusal(tmp_path, text, **{variable: value})


def test_variables_override_the_file_and_every_value_knows_its_source(tmp_path: Path) -> None:
    one = loaded(
        tmp_path,
        GOOD,
        ADL_CHAINS__ARBITRUM__CHAIN_ID="31400",
        ADL_CHAINS__ARBITRUM__RPC_URLS='["http://127.0.0.1:2"]',
        ADL_POLICY__PLAN_WINDOW_S="120",
        ADL_UNDERLYINGS__BTC__INDEX="market",
        ADL_ANVIL="/usr/bin/anvil",
        HOME="/root",
    )
    chain = one.settings.chains["arbitrum"]
    assert (chain.chain_id, chain.rpc_urls) == (31400, ("http://127.0.0.1:2",))
    assert one.settings.policy == Policy(plan_window_s=120)
    assert one.source("chains.arbitrum.chain_id") == "ADL_CHAINS__ARBITRUM__CHAIN_ID"
    assert one.source("venues.alpha.gate") == str(tmp_path / "adl.toml")
    assert one.source("policy.band_ppm") == "default"
    assert one.source("underlyings.BTC.index") == "ADL_UNDERLYINGS__BTC__INDEX"


def test_paths_start_at_the_folder_of_the_file(tmp_path: Path) -> None:
    settings = loaded(tmp_path, GOOD + LIVE.replace('mode = "live"', "")).settings
    assert settings.oracles["market"].file == tmp_path / "market.json"
    assert settings.journal is not None
    assert settings.journal.url == f"sqlite+aiosqlite:///{tmp_path}/journal.sqlite"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("plan_windw_s = 3", "policy.plan_windw_s: unknown key, did you mean plan_window_s?"),
        ("plan_window_s = 3", "policy.plan_window_s: expected in [10, 600]"),
        ("plan_window_s = 30.5", "policy.plan_window_s: Input should be a valid integer"),
        (
            'contract_policy = "fifo"',
            "policy.contract_policy: Input should be 'queue' or 'pro_rata'",
        ),
    ],
)
def test_a_policy_outside_its_rules_is_refused(tmp_path: Path, line: str, said: str) -> None:
    assert refusal(tmp_path, GOOD + f"[policy]\n{line}") == [f"adl.toml: {said}"]


def test_the_least_settings_are_six_keys_and_stay_in_shadow(tmp_path: Path) -> None:
    settings = loaded(tmp_path, GOOD).settings
    assert GOOD.count("=") == 6
    assert settings.mode == "shadow"
    assert settings.chain_name(settings.venues["alpha"].chain) == "arbitrum"
    assert settings.index_oracle("BTC") == settings.surface_oracle("BTC") == "market"


def test_without_any_key_it_is_the_default_policy_in_shadow(tmp_path: Path) -> None:
    settings = loaded(tmp_path, "").settings
    assert (settings.mode, settings.policy) == ("shadow", Policy())


def test_the_template_is_valid_and_names_every_key(tmp_path: Path) -> None:
    text = template()
    assert tomllib.loads(text) == {"mode": "shadow"}
    assert loaded(tmp_path, text).settings == Settings()
    keys = {
        name
        for table in Settings.model_json_schema()["$defs"].values()
        for name in table.get("properties", {})
    }
    missing = {key for key in keys - {"levels", "feeds"} if f"# {key} = " not in text}
    assert not missing


def test_the_example_is_valid_and_spans_two_chains() -> None:
    settings = load_settings(ROOT / "examples" / "adl.toml", {}).settings
    assert {chain.chain_id for chain in settings.chains.values()} == {42161, 8453}
    assert settings.threshold == 3
    assert settings.oracles["surfaces"].file.is_file()
