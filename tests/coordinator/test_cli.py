"""The command line without a chain: exit codes, streams, modes, keys, and errors for people."""

import json
import socket
import time
from pathlib import Path

import pytest
from eth_keyfile import create_keyfile_json
from typer.testing import CliRunner, Result

from chains.errors import (
    BlockReorged,
    ChainStateInvalid,
    ChainUnavailable,
    FinalityViolated,
    SignerError,
    TransactionReverted,
)
from coordinator.cli.app import app
from coordinator.cli.exits import InputUnreadable, blamed, exit_of
from coordinator.decide.policy import Policy
from coordinator.errors import (
    CoordinatorError,
    DocumentInvalid,
    IncompleteSnapshot,
    InvariantViolation,
    JournalError,
    PlanRejected,
    SettingsError,
    StaleSnapshot,
)
from kernels.errors import BackendUnavailable, KernelInputError
from oracles.errors import OracleUnavailable, QuorumNotMet, QuoteRejected

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = ("check", "config", "demo", "once", "rank", "run", "verify")


def adl(*arguments: str | Path, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(app, [str(one) for one in arguments], input=stdin)


def settings_file(folder: Path, *, url: str = "http://127.0.0.1:1", more: str = "") -> Path:
    """A venue on a chain at ``url``, with a market observed right now."""
    now_ms = int(time.time() * 1_000)
    market = folder / "market.json"
    document = json.loads((ROOT / "examples" / "market-btc-eth.json").read_text())
    late_ms = now_ms - document["observed_ms"]
    document["observed_ms"] = now_ms
    for underlying in document["underlyings"].values():
        for expiry in underlying["expiries"]:
            expiry["expiry_ms"] += late_ms
    market.write_text(json.dumps(document))
    file = folder / "adl.toml"
    file.write_text(f"""{more}
[chains.local]
chain_id = 31337
rpc_urls = ["{url}"]
[venues.alpha]
gate = "0x5FC8d32690cc91D4c39d9d3abcBD16989F875707"
reserve = "0x0165878A594ca255338adfa4d48449f69242Eb8F"
[oracles.market]
kind = "fixed"
file = "market.json"
[underlyings.BTC]
""")
    return file


LIVE = """
mode = "live"
[executor]
dev_key_index = 9
[journal]
url = "sqlite:///journal.sqlite"
"""


def keystore(folder: Path, password: str) -> str:
    """A verifier's table with a keystore file whose password file says ``password``."""
    made = create_keyfile_json(b"\x01" * 32, b"right", kdf="pbkdf2", iterations=1_000)
    for name, text in (("key.json", json.dumps(made)), ("key.password", password)):
        (folder / name).write_text(text)
        (folder / name).chmod(0o600)
    return '[verifiers.one]\nindex = 0\nkeystore = "key.json"\npassword_file = "key.password"\n'


# ------------------------------------------------------------------------------ help and usage


@pytest.mark.parametrize("command", [(), *((name,) for name in COMMANDS)])
def test_help_ends_with_two_examples(command: tuple[str, ...]) -> None:
    result = adl(*command, "--help")
    assert result.exit_code == 0
    head, _, examples = result.stdout.partition("Examples:\n")
    assert head
    assert [line.split()[0] in ("adl", "curl") for line in examples.splitlines()] == [True, True]


@pytest.mark.parametrize(
    "arguments",
    [["rnu"], ["run", "--lvie"], ["rank", "--limit", "0"], ["demo", "--chains", "9"], []],
)
def test_wrong_usage_is_2_and_says_so_on_stderr(arguments: list[str]) -> None:
    result = adl(*arguments)
    assert result.exit_code == 2
    assert "Usage: " in result.output
    assert "Traceback" not in result.output


# ----------------------------------------------------------------------------------- exit codes


def _lock_held() -> JournalError:
    error = JournalError("in use by another process")
    error.__cause__ = BlockingIOError()
    return error


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (DocumentInvalid("x"), 65),
        (InputUnreadable("x"), 65),
        (QuoteRejected("x"), 65),
        (ChainStateInvalid("x"), 65),
        (KernelInputError(field="x", row=1, reason="x"), 65),
        (ChainUnavailable("x"), 69),
        (BlockReorged("x"), 69),
        (TransactionReverted("x"), 69),
        (OracleUnavailable("x"), 69),
        (QuorumNotMet("x"), 69),
        (StaleSnapshot("x"), 69),
        (IncompleteSnapshot("x"), 69),
        (PlanRejected("x"), 69),
        (InvariantViolation("x"), 70),
        (FinalityViolated("x"), 70),
        (JournalError("torn"), 70),
        (_lock_held(), 75),
        (SettingsError("x"), 78),
        (SignerError("x"), 78),
        (BackendUnavailable("x"), 78),
    ],
)
def test_every_error_has_its_exit_code(error: Exception, code: int) -> None:
    assert exit_of(error) == code


def test_every_leaf_of_the_coordinators_tree_has_a_row_above() -> None:
    rows = test_every_error_has_its_exit_code.pytestmark[0].args[1]
    covered = {type(error) for error, _ in rows}
    assert set(CoordinatorError.__subclasses__()) <= covered


def test_of_tasks_that_failed_together_the_gravest_is_told() -> None:
    group = ExceptionGroup(
        "x",
        [ChainUnavailable("a"), ExceptionGroup("y", [InvariantViolation("b"), SettingsError("c")])],
    )
    assert str(blamed(group)) == "b"
    assert blamed(ExceptionGroup("x", [ChainUnavailable("a"), KeyError("ours to fix")])) is None


# -------------------------------------------------------------------------- two keys to send


def test_live_in_settings_alone_does_not_send(tmp_path: Path) -> None:
    verifier = "[verifiers.one]\nindex = 0\ndev_key_index = 1\n"
    file = settings_file(tmp_path, more=LIVE + verifier)
    for command in ("run", "once"):
        result = adl(command, "--config", file)
        assert result.exit_code == 78
        assert "--live was not given: nothing is sent" in result.stderr
        assert result.stdout == ""


def test_live_on_the_command_line_alone_does_not_send(tmp_path: Path) -> None:
    for command in (["run"], ["run", "--once"], ["once"]):
        result = adl(*command, "--live", "--config", settings_file(tmp_path))
        assert result.exit_code == 78
        assert 'mode = "shadow" (from default): nothing is sent' in result.stderr


def test_confirm_needs_a_terminal_and_something_to_confirm(tmp_path: Path) -> None:
    result = adl("run", "--confirm", "--config", settings_file(tmp_path))
    assert (result.exit_code, "shadow mode never sends" in result.stderr) == (78, True)
    verifier = "[verifiers.one]\nindex = 0\ndev_key_index = 1\n"
    file = settings_file(tmp_path, more=LIVE + verifier)
    result = adl("run", "--live", "--confirm", "--config", file)
    assert (result.exit_code, "no terminal to ask on" in result.stderr) == (78, True)


# --------------------------------------------------------------------------------- bad surroundings


def test_a_misspelled_key_is_78_with_a_suggestion_and_no_traceback(tmp_path: Path) -> None:
    file = settings_file(tmp_path)
    file.write_text(file.read_text().replace("rpc_urls", "rpc_url"))
    result = adl("once", "--config", file)
    assert result.exit_code == 78
    assert (
        f"adl: {file}: chains.local.rpc_url: unknown key, did you mean rpc_urls?" in result.stderr
    )
    assert "Traceback" not in result.stderr
    assert "Traceback" in adl("once", "--debug", "--config", file).stderr


def test_without_any_venue_there_is_nothing_to_run(tmp_path: Path) -> None:
    (tmp_path / "adl.toml").write_text("")
    result = adl("once", "--config", tmp_path / "adl.toml")
    assert (result.exit_code, "venues: none" in result.stderr) == (78, True)


def test_a_node_that_is_down_is_69(tmp_path: Path) -> None:
    with socket.socket() as taken:  # bound and never listening: refused at once
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        for command in ("once", "rank"):
            result = adl(command, "--config", settings_file(tmp_path, url=url))
            assert result.exit_code == 69, result.output
            assert "no venue could be read; excluded: chain 31337" in result.stderr
            assert result.stdout == ""


@pytest.mark.parametrize("lines", ["", "rpc.example/key\n", "https://a\nrpc.example\n"])
def test_a_url_file_must_hold_addresses_and_is_never_repeated(tmp_path: Path, lines: str) -> None:
    file = settings_file(tmp_path)
    text = file.read_text().replace('rpc_urls = ["http://127.0.0.1:1"]', 'url_file = "urls"')
    file.write_text(text)
    result = adl("once", "--config", file)
    assert (result.exit_code, "cannot be read" in result.stderr) == (78, True)
    (tmp_path / "urls").write_text(lines)
    result = adl("once", "--config", file)
    assert (result.exit_code, "one http:// or https:// address a line" in result.stderr) == (
        78,
        True,
    )
    assert "rpc.example" not in result.stderr


def test_a_missing_keystore_is_78(tmp_path: Path) -> None:
    more = LIVE + keystore(tmp_path, "right")
    (tmp_path / "key.json").unlink()
    result = adl("once", "--live", "--config", settings_file(tmp_path, more=more))
    assert (result.exit_code, "does not exist" in result.stderr) == (78, True)


def test_a_wrong_password_is_78_and_is_never_repeated(tmp_path: Path) -> None:
    more = LIVE + keystore(tmp_path, "hunter2")
    result = adl("once", "--live", "--config", settings_file(tmp_path, more=more))
    assert (result.exit_code, "key.password is wrong" in result.stderr) == (78, True)
    assert "hunter2" not in result.output


def test_a_keystore_that_others_can_read_is_78(tmp_path: Path) -> None:
    more = LIVE + keystore(tmp_path, "right")
    (tmp_path / "key.json").chmod(0o644)
    result = adl("once", "--live", "--config", settings_file(tmp_path, more=more))
    assert (result.exit_code, "chmod 600" in result.stderr) == (78, True)


# --------------------------------------------------------------------------------------- adl config


def test_config_shows_every_value_with_its_source_and_hides_paths_of_addresses(
    tmp_path: Path,
) -> None:
    file = settings_file(tmp_path, url="https://rpc.example/arbitrum")
    result = adl("config", "--json", "--config", file)
    assert result.exit_code == 0
    document = json.loads(result.stdout)
    assert document["schema"] == "adl.config/1"
    assert document["policy_digest"] == "0x" + Policy().digest.hex()
    values = document["values"]
    assert values["chains.local.rpc_urls"] == {
        "value": ["https://rpc.example/***"],
        "source": str(file),
    }
    assert values["mode"] == {"value": "shadow", "source": "default"}
    text = adl("config", "--config", file).stdout
    assert f"chains.local.chain_id = 31337  # {file}\n" in text


def test_config_prints_a_schema_and_a_file_to_start_from(tmp_path: Path) -> None:
    assert "properties" in json.loads(adl("config", "--schema").stdout)
    fresh = tmp_path / "adl.toml"
    fresh.write_text(adl("config", "--default").stdout)
    assert adl("config", "--config", fresh).exit_code == 0
