// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {OptionsVenue} from "../OptionsVenue.sol";
import {Reads} from "./Reads.sol";
import {vm, Vm} from "./Vm.sol";
import {World} from "./World.sol";

/// @dev A short call that cannot pay: account 0 owes 500 USD, account 1 has won 1,500 of which 1,000
/// has been paid for by account 0's cash. Account 2 stands by with cash and nothing else.
abstract contract ShortCallBankrupt is World {
    using Reads for OptionsVenue;

    uint32 internal constant LOSER = 0;
    uint32 internal constant WINNER = 1;
    uint32 internal constant BYSTANDER = 2;

    function setUp() public virtual override {
        super.setUp();
        account(1_000 * USD);
        account(1_000 * USD);
        account(1_000 * USD);
        postAll(50 * USD, 1_000 * USD, 1_000 * USD);
        trade(WINNER, LOSER, CALL, 10, 50 * USD);
        post(CALL, 200 * USD);
    }

    function plan() internal pure returns (bytes32[] memory) {
        return list(
            deficit(LOSER, 500 * USD),
            close(LOSER, WINNER, CALL, 10, 200 * USD),
            haircut(WINNER, 0, 500 * USD),
            credit(LOSER, 500 * USD)
        );
    }

    /// @dev Executes one leg of a one-chunk plan and expects it to be refused and unharmed.
    function refusedLeg(bytes32[] memory words, uint256 index, bytes4 reason) internal {
        vm.recordLogs();
        execute(words, 1 << index);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        (uint32 chunk, uint256 which, bytes4 seen) =
            abi.decode(logs[logs.length - 1].data, (uint32, uint256, bytes4));
        isTrue("reason", seen == reason);
        isTrue("which leg", chunk == 0 && which == index);
        same("leg untouched", venue.legBits(epoch, 0) >> index & 1, 0);
    }

    function isConserved() internal view {
        same("tokens", int256(token.balanceOf(address(venue))), venue.booked(epoch));
    }
}
