"""devchain/build.mjs and the solc shim, on contracts of their own."""

import json
import shutil
import subprocess

import pytest

POT = """// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {Sum} from "./lib/Sum.sol";
interface IPot { function put(uint256 amount) external; }
contract Pot is IPot {
    uint256 public total;
    function put(uint256 amount) external { total = Sum.plus(total, Math.max(amount, 1)); }
}
"""
SUM = """// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;
library Sum { function plus(uint a, uint b) internal pure returns (uint) { return a + b; } }
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory, root):
    toolchain = root / "devchain"
    assert (toolchain / "node_modules/solc").is_dir(), "no compiler; run 'npm ci' in devchain"
    home = tmp_path_factory.mktemp("contracts")
    (home / "devchain").mkdir()
    shutil.copy(toolchain / "build.mjs", home / "devchain/build.mjs")
    (home / "devchain/node_modules").symlink_to(toolchain / "node_modules")
    return home


@pytest.fixture
def sources(home):
    """Sources and artifacts that agree."""
    shutil.rmtree(home / "chains", ignore_errors=True)
    folder = home / "chains/contracts"
    (folder / "lib").mkdir(parents=True)
    (folder / "test").mkdir()
    (folder / "Pot.sol").write_text(POT)
    (folder / "lib/Sum.sol").write_text(SUM)
    (folder / "test/Broken.t.sol").write_text("not Solidity, and none of this build's business")
    return folder


@pytest.fixture
def build(home, run):
    return lambda *options: run("/", "node", home / "devchain/build.mjs", *options)


@pytest.fixture
def artifacts(sources, build):
    assert build().returncode == 0
    return sources.parent / "abi"


def test_an_unknown_option_is_refused(build, sources):
    assert build("--force").returncode == 2


def test_no_sources_is_a_failure(build, sources):
    shutil.rmtree(sources)
    refused = build("--check")
    assert refused.returncode == 1
    assert "no Solidity sources under" in refused.stderr


def test_a_source_that_does_not_compile_writes_nothing(build, sources):
    (sources / "Bad.sol").write_text(POT.replace("Pot is", "Bad is Missing,"))
    refused = build()
    assert refused.returncode == 1
    assert "Bad.sol" in refused.stderr
    assert not (sources.parent / "abi").exists()


def test_a_contract_above_the_size_limit_is_refused(build, sources):
    text = "x" * 25_000
    (sources / "Big.sol").write_text(
        f'pragma solidity 0.8.37;contract Big{{string public constant T="{text}";}}'
    )
    refused = build()
    assert refused.returncode == 1
    assert "Big: 25" in refused.stderr
    assert "the limit is 24576 B" in refused.stderr


def test_every_difference_from_what_is_committed_is_named(build, artifacts):
    artifact = artifacts / "Pot.json"
    artifact.write_text(artifact.read_text().replace("put", "get"))
    (artifacts / "IPot.json").rename(artifacts / "Old.json")
    before = {path.name: path.read_bytes() for path in artifacts.iterdir()}
    refused = build("--check")
    assert refused.returncode == 1
    for sentence in ("IPot.json is missing", "Pot.json differs", "Old.json has no source"):
        assert f"build: chains/abi/{sentence}" in refused.stderr
    assert {path.name: path.read_bytes() for path in artifacts.iterdir()} == before


def test_the_check_refuses_compiler_warnings(build, sources):
    (sources / "Pot.sol").write_text(POT.replace("// SPDX-License-Identifier: MIT\n", ""))
    assert build().returncode == 0
    refused = build("--check")
    assert refused.returncode == 1
    assert "the compiler gave 1 warnings" in refused.stderr


def test_a_build_passes_its_own_check_and_is_the_same_each_time(build, artifacts):
    first = {path.name: path.read_bytes() for path in artifacts.iterdir()}
    assert sorted(first) == ["IPot.json", "Pot.json"]
    assert build("--check").returncode == 0
    assert build().returncode == 0
    assert {path.name: path.read_bytes() for path in artifacts.iterdir()} == first


def test_an_artifact_holds_interface_code_and_size(artifacts):
    pot = json.loads((artifacts / "Pot.json").read_text())
    assert list(pot) == ["contractName", "abi", "bytecode", "deployedSize"]
    assert {entry["name"] for entry in pot["abi"]} == {"put", "total"}
    assert 0 < pot["deployedSize"] < len(pot["bytecode"]) // 2
    assert json.loads((artifacts / "IPot.json").read_text())["bytecode"] == "0x"


def test_the_shim_refuses_what_it_does_not_answer(root, run):
    refused = run("/", root / "devchain/solc-shim", "--bin")
    assert refused.returncode == 2


def test_the_shim_answers_version_and_standard_json(root, run):
    shim = root / "devchain/solc-shim"
    assert "Version: 0.8.37+commit." in run("/", shim, "--version").stdout
    request = {"language": "Solidity", "sources": {"Sum.sol": {"content": SUM}}}
    answer = subprocess.run(
        [shim, "--standard-json"],
        input=json.dumps(request),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert "Sum.sol" in json.loads(answer.stdout)["sources"]
