// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IDeleverageVenue} from "../IDeleverageVenue.sol";
import {OptionsVenue} from "../OptionsVenue.sol";
import {Reads} from "./Reads.sol";
import {TwoChains} from "./TwoChains.sol";
import {vm} from "./Vm.sol";

/// @dev What may not touch a deficit that is tied to an edge.
contract BoundTest is TwoChains {
    using Reads for OptionsVenue;

    uint32[] private payers;

    function test_only_the_reserve_touches_bound_deficits() public {
        vm.expectRevert(IDeleverageVenue.NotReserve.selector);
        venue.bind(LOSER, 1);
        vm.expectRevert(IDeleverageVenue.NotReserve.selector);
        venue.unbind(LOSER);
        vm.expectRevert(IDeleverageVenue.NotReserve.selector);
        venue.creditBound(LOSER, 1);
        vm.expectRevert(IDeleverageVenue.NotReserve.selector);
        venue.refundFromReserve(LOSER, 1);
    }

    function test_the_reserve_credits_no_more_than_is_bound() public {
        prepareA();
        vm.startPrank(address(reserve));
        vm.expectRevert(IDeleverageVenue.NotBound.selector);
        venue.creditBound(LOSER, 400 * USD + 1);
        vm.stopPrank();
    }

    function test_a_bound_account_neither_deposits_nor_trades_nor_withdraws() public {
        prepareA();
        same("flag", venue.account(LOSER).flags, 1);
        vm.expectRevert(IDeleverageVenue.AccountBound.selector);
        venue.deposit(LOSER, 1);
        vm.expectRevert(IDeleverageVenue.AccountBound.selector);
        venue.withdraw(LOSER, 0, address(this));
        IDeleverageVenue.Match[] memory matches = new IDeleverageVenue.Match[](1);
        matches[0] = IDeleverageVenue.Match(LOSER, WINNER, CALL, 1, 1);
        vm.expectRevert(IDeleverageVenue.AccountBound.selector);
        venue.trade(matches);
    }

    function test_a_bound_account_gets_no_refund_from_the_reserve() public {
        prepareA();
        vm.prank(address(reserve));
        vm.expectRevert(IDeleverageVenue.AccountBound.selector);
        venue.refundFromReserve(LOSER, 1);
    }

    function test_credit_leaves_the_bound_part_alone() public {
        legsA[2] = haircut(WINNER, 0, 300 * USD);
        legsA[3] = credit(LOSER, 300 * USD);
        legsA[0] = deficit(LOSER, 300 * USD);
        prepareA();
        execute(legsA);
        same("cash is minus what is bound", venue.cash(LOSER), -400e6);
        decideHere(400 * USD);
        same("cash", venue.cash(LOSER), 0);
        isWhole();
    }

    function test_a_new_plan_measures_only_the_free_deficit() public {
        prepareA();
        legsA = list(deficit(LOSER, 500 * USD));
        epoch = 1;
        commit(legsA);
        execute(legsA);
        same("need", venue.need(2), 100 * USD);
    }

    function test_a_bound_payer_waits_for_its_refund() public {
        legsA = list(deficit(LOSER, 100 * USD), haircut(WINNER, 0, 100 * USD));
        commit(legsA);
        execute(legsA);
        venue.closePlan(1);
        payers.push(WINNER);
        vm.prank(address(reserve));
        venue.bind(WINNER, 1);
        vm.expectRevert(IDeleverageVenue.AccountBound.selector);
        venue.refund(1, payers);
        vm.prank(address(reserve));
        venue.unbind(WINNER);
        venue.refund(1, payers);
    }
}
