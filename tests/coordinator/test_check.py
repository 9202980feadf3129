"""`adl check` without a node: the machine, and settings that do not hold."""

from pathlib import Path

from coordinator.check.finding import Status
from coordinator.check.machine import check_clock, check_machine, check_packages
from tests.coordinator.test_cli import adl, settings_file


def test_packages_must_stand_in_one_place() -> None:
    home = Path("/srv/adl")
    names = ("coordinator", "kernels", "chains", "oracles")
    assert check_packages(dict.fromkeys(names, home)).status is Status.OK
    stranger = check_packages({**dict.fromkeys(names, home), "kernels": Path("/usr/lib")})
    assert stranger.status is Status.FAIL
    assert "kernels in /usr/lib" in stranger.found


def test_the_clock_may_not_be_behind_a_chain_nor_far_ahead_of_all() -> None:
    now_s = 1_700_000_000
    assert check_clock(now_s=now_s, heads_s={"a": now_s - 10, "b": now_s - 900}).status is Status.OK
    assert check_clock(now_s=now_s, heads_s={"a": now_s + 6, "b": now_s}).status is Status.FAIL
    assert check_clock(now_s=now_s, heads_s={"a": now_s - 200}).status is Status.WARN


def test_this_machine_is_fit() -> None:
    assert {finding.status for finding in check_machine()} == {Status.OK}


def test_settings_that_do_not_hold_fail_line_by_line(tmp_path: Path) -> None:
    file = settings_file(tmp_path)
    file.write_text(file.read_text().replace("31337", "0").replace("gate =", "gat ="))
    result = adl("check", "--config", file)
    assert result.exit_code == 1
    failed = [line for line in result.stdout.splitlines() if line.startswith("fail")]
    assert len(failed) == 3
    assert result.stdout.count("do: ") == 3
    assert "venues.alpha.gat: unknown key, did you mean gate?" in result.stdout


def test_a_node_that_is_down_fails_with_its_name_and_a_cure(tmp_path: Path) -> None:
    result = adl("check", "--config", settings_file(tmp_path))
    assert result.exit_code == 1
    assert "fail  node local at 127.0.0.1:1: " in result.stdout
    assert "do: is the node up and reachable?" in result.stdout
    assert (
        "fail  venue alpha: chain local was not reached\n      do: see its nodes" in result.stdout
    )
