// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IDeleverageVenue} from "../IDeleverageVenue.sol";
import {IReserve} from "../IReserve.sol";
import {OptionsVenue} from "../OptionsVenue.sol";
import {ChunkTree} from "../lib/ChunkTree.sol";
import {Reads} from "./Reads.sol";
import {vm} from "./Vm.sol";
import {World} from "./World.sol";

/// @dev Gas of whole transactions from cold storage, 5 of 7 signers. Every call of an isolated test
/// is a transaction of its own, calldata and the first 21,000 included; `forge test -vv` prints.
/// forge-config: default.isolate = true
contract GasTest is World {
    using Reads for OptionsVenue;

    uint32 private constant LOSER = 0;

    event log_named_uint(string what, uint256 value);

    function verifierCount() internal pure override returns (uint256) {
        return 7;
    }

    function verifierThreshold() internal pure override returns (uint8) {
        return 5;
    }

    function spent(string memory what, uint256 calls, uint256 goal) private {
        uint256 each = vm.lastCallGas().gasTotalUsed / calls;
        emit log_named_uint(what, each);
        isTrue(what, each <= goal);
    }

    /// @dev Fifteen winners hold the calls that one bankrupt sold; everybody holds `n` positions,
    /// of `kind` (0 options, 1 perpetuals) but for that call.
    function crowd(uint32 n, uint8 kind) private returns (bytes32[] memory words) {
        account(20_000 * USD);
        uint32 other = account(900_000 * USD);
        words = new bytes32[](16);
        words[0] = deficit(LOSER, 30_000 * USD);
        postAll(50 * USD, 1_000 * USD, 1_000 * USD);
        for (uint32 i = 3; i < n + 2; ++i) {
            venue.listInstrument(
                kind == 0 ? instrumentWord(0, 0, EXPIRY, USD) : instrumentWord(1, 0, 0, 0)
            );
            post(i, 1_000 * USD);
            trade(LOSER, other, i, 1, 1_000 * USD);
        }
        for (uint32 w = 2; w < 17; ++w) {
            account(50_000 * USD);
            trade(w, LOSER, CALL, 10, 50 * USD);
            for (uint32 i = 3; i < n + 2; ++i) {
                trade(w, other, i, 1, 1_000 * USD);
            }
            words[w - 1] = close(LOSER, w, CALL, 10, 400 * USD);
        }
        post(CALL, 400 * USD);
    }

    function test_commit_with_five_of_seven() public {
        bytes32[] memory words = list(deficit(0, 1));
        commit(words);
        IDeleverageVenue.Header memory h = header(words);
        vm.warp(block.timestamp + 400);
        (h.notBefore, h.expiry) = (uint64(block.timestamp), uint64(block.timestamp + 300));
        venue.closePlan(1);
        bytes memory packed = signed(h);
        venue.commit(h, packed);
        spent("commit 5 of 7", 1, 205_000);
    }

    function test_commit_that_closes_an_expired_plan() public {
        bytes32[] memory words = list(deficit(0, 1));
        commit(words);
        IDeleverageVenue.Header memory h = header(words);
        bytes memory packed = signed(h);
        venue.commit(h, packed);
        spent("commit 5 of 7 over an open plan", 1, 230_000);
    }

    function closes(uint32 n, uint8 kind, uint256 goal) private {
        bytes32[] memory words = crowd(n, kind);
        commit(words);
        execute(words, 1);
        execute(words, type(uint256).max - 1);
        spent("close, each of a chunk of 15", 15, goal);
        same("legs left", venue.legsLeft(epoch), 0);
    }

    function test_closes_at_two_options_a_side() public {
        closes(2, 0, 40_000);
    }

    function test_closes_at_eight_options_a_side() public {
        closes(8, 0, 65_000);
    }

    function test_closes_at_eight_perpetuals_a_side() public {
        closes(8, 1, 65_000);
    }

    function single(uint32 n, uint8 kind, uint256 goal) private {
        bytes32[] memory words = crowd(n, kind);
        (words[14], words[15]) = (haircut(2, 0, 1_000 * USD), haircut(3, 0, 1_000 * USD));
        commit(words);
        execute(words, 1);
        spent("deficit alone", 1, goal);
        execute(words, 2);
        spent("close alone", 1, goal);
        execute(words, 1 << 14);
        spent("first haircut alone", 1, goal);
        execute(words, 1 << 15);
        spent("next haircut alone", 1, goal);
    }

    function test_single_legs_at_two_options_a_side() public {
        single(2, 0, 150_000);
    }

    function test_single_legs_at_eight_options_a_side() public {
        single(8, 0, 150_000);
    }

    function test_single_legs_at_eight_perpetuals_a_side() public {
        single(8, 1, 170_000);
    }

    function test_haircuts_in_a_chunk() public {
        bytes32[] memory words = crowd(2, 0);
        for (uint32 w = 2; w < 17; ++w) {
            words[w - 1] = haircut(w, 0, 100 * USD);
        }
        commit(words);
        execute(words, 1);
        execute(words);
        spent("haircut, each of a chunk of 15", 15, 55_000);
    }

    function test_credit_close_and_refund() public {
        account(1_000 * USD);
        account(1_000 * USD);
        postAll(50 * USD, 1_000 * USD, 1_000 * USD);
        trade(1, LOSER, CALL, 10, 50 * USD);
        post(CALL, 200 * USD);
        bytes32[] memory words = list(
            deficit(LOSER, 500 * USD),
            close(LOSER, 1, CALL, 10, 200 * USD),
            haircut(1, 0, 500 * USD),
            credit(LOSER, 400 * USD)
        );
        commit(words);
        execute(words, 7);
        execute(words, 8);
        spent("credit alone", 1, 150_000);
        venue.closePlan(epoch);
        spent("closePlan", 1, 150_000);
        uint32[] memory payers = new uint32[](1);
        payers[0] = 1;
        venue.refund(epoch, payers);
        spent("refund of one", 1, 150_000);
    }

    function test_trades() public {
        account(1_000 * USD);
        account(1_000 * USD);
        postAll(50 * USD, 1_000 * USD, 1_000 * USD);
        spent("three marks", 1, 150_000);
        trade(1, 0, CALL, 1, 50 * USD);
        spent("trade, both sides new", 1, 200_000);
        trade(1, 0, CALL, 1, 50 * USD);
        spent("trade, both sides open", 1, 150_000);
        venue.deposit(0, 1);
        spent("deposit", 1, 150_000);
        venue.withdraw(0, 1, address(this));
        spent("withdraw", 1, 150_000);
    }

    /// @dev Above an empty page, which costs what any call costs.
    function reading(uint32 n, uint256 goal) private {
        crowd(n, 0);
        venue.slots(100, 1);
        uint256 idle = vm.lastCallGas().gasTotalUsed;
        bytes memory raw = venue.slots(0, 100);
        uint256 each = (vm.lastCallGas().gasTotalUsed - idle) / (raw.length / 32 - 17 * 3);
        emit log_named_uint("slots() a position", each);
        isTrue("slots", each <= goal);
    }

    function test_reading_slots_of_accounts_with_eight_positions() public {
        reading(8, 2_950);
    }

    function test_reading_slots_of_full_accounts() public {
        reading(16, 2_600);
    }
}
