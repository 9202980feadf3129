// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {OptionsVenue} from "../OptionsVenue.sol";
import {Reads} from "./Reads.sol";
import {World} from "./World.sol";

/// @dev A short call that cannot pay: account 0 owes 500 USD, account 1 has won 1,500 of which
/// account 0's cash covers 1,000. Account 2 stands by with cash and nothing else.
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

    function isConserved() internal view {
        same("tokens", int256(token.balanceOf(address(venue))), venue.booked(epoch));
    }
}
