// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IDeleverageVenue} from "../IDeleverageVenue.sol";
import {IReserve} from "../IReserve.sol";
import {OptionsVenue} from "../OptionsVenue.sol";
import {Reads} from "./Reads.sol";
import {TwoChains} from "./TwoChains.sol";
import {vm} from "./Vm.sol";

/// @dev Rule 2: remote haircuts land in an edge's box on B.
contract EscrowTest is TwoChains {
    using Reads for OptionsVenue;

    function test_open_needs_side_b_time_proof_and_a_free_box() public {
        onA();
        vm.expectRevert(IReserve.NotThisSide.selector);
        reserve.open(edge, proof);
        onB();
        vm.expectRevert(IReserve.EdgeNotProven.selector);
        reserve.open(edge, proof);
        commitHere(legsB);
        reserve.open(edge, proof);
        vm.expectRevert(IReserve.EdgeNotNew.selector);
        reserve.open(edge, proof);
        vm.warp(edge.decideBy + 1);
        vm.expectRevert(IReserve.Late.selector);
        reserve.open(edge, proof);
    }

    function test_a_box_is_not_the_pot() public {
        onB();
        edge.box = 0;
        commitHere(legsB);
        vm.expectRevert(IReserve.BoxTaken.selector);
        reserve.open(edge, proof);
    }

    function test_a_box_belongs_to_one_edge() public {
        onB();
        IReserve.Edge memory twin = edge;
        twin.planned += 1;
        proof[0] = reserve.edgeId(twin);
        commitHere(legsB);
        reserve.open(edge, proof);
        proof[0] = reserve.edgeId(edge);
        vm.expectRevert(IReserve.BoxTaken.selector);
        reserve.open(twin, proof);
    }

    function test_only_the_gate_brings_escrow() public {
        onB();
        vm.expectRevert(IReserve.NotGate.selector);
        reserve.escrow(1, 1, 0, 1);
    }

    function test_a_remote_haircut_lands_once_in_its_box() public {
        escrowB(7);
        same("escrow", reserve.edgeState(reserve.edgeId(edge)).held, 400 * USD);
        same("payer 2", reserve.escrowOf(reserve.edgeId(edge), 2), 134 * USD);
        same("cash", venue.cash(2), 2_500e6 - 134e6);
        same("profit fell", venue.profit(2), 1_500e6 - 134e6);
        same("finished", venue.legsLeft(1), 0);
        same("remote", uint64(venue.plan(1).money), 400 * USD);
        isWhole();
    }

    function refusedRemote(uint256 index, bytes4 why) private {
        bytes memory before = venue.slots(0, 4);
        refusedLeg(legsB, index, why);
        isTrue("book", keccak256(before) == keccak256(venue.slots(0, 4)));
    }

    function test_an_unopened_box_takes_nothing() public {
        onB();
        commitHere(legsB);
        refusedRemote(0, IDeleverageVenue.NothingToTake.selector);
        same("room", reserve.room(1, 1), 0);
    }

    function test_a_box_takes_no_more_than_planned() public {
        edge.planned = 200 * USD;
        escrowB(1);
        same("room", reserve.room(1, 1), 67 * USD);
        execute(legsB);
        same("escrow", reserve.edgeState(reserve.edgeId(edge)).held, 200 * USD);
        same("second paid the rest", reserve.escrowOf(reserve.edgeId(edge), 1), 67 * USD);
        same("third stays open", venue.legBits(1, 0), 3);
    }

    function test_a_box_takes_from_no_more_legs_than_planned() public {
        edge.payers = 2;
        escrowB(7);
        same("two legs", venue.legBits(1, 0), 3);
        same("room", reserve.room(1, 1), 0);
    }

    function test_a_box_takes_nothing_when_it_is_late() public {
        escrowB(1);
        vm.warp(edge.decideBy + 1);
        same("room", reserve.room(1, 1), 0);
    }

    function test_remote_haircuts_never_pass_the_plans_cap() public {
        onB();
        IDeleverageVenue.Header memory h = headerHere(legsB);
        h.remoteCap = 150 * USD;
        commit(h);
        reserve.open(edge, proof);
        execute(legsB);
        same("escrow", reserve.edgeState(reserve.edgeId(edge)).held, 150 * USD);
    }

    function test_a_remote_haircut_is_bounded_by_cash_where_equity_is_more() public {
        onB();
        trade(0, 3, CALL, 12, 200 * USD);
        post(CALL, 250 * USD);
        commitHere(legsB);
        reserve.open(edge, proof);
        execute(legsB);
        same("cash", venue.cash(0), 0);
        same("escrow", reserve.escrowOf(reserve.edgeId(edge), 0), 100 * USD);
    }

    function test_a_remote_haircut_is_refused_at_old_marks_and_from_bankrupts() public {
        onB();
        trade(0, 3, CALL, 1, 200 * USD);
        trade(3, 1, CALL, 10, 200 * USD);
        post(CALL, 700 * USD);
        legsB = list(deficit(1, 1), haircut(1, 1, 1), haircut(0, 1, 1));
        commitHere(legsB);
        reserve.open(edge, proof);
        execute(legsB, 1);
        venue.deposit(1, 10_000 * USD);
        refusedRemote(1, IDeleverageVenue.PayerBankrupt.selector);
        vm.warp(block.timestamp + 61);
        refusedRemote(2, IDeleverageVenue.StaleMark.selector);
    }

    function test_the_accounts_cap_counts_all_boxes_and_the_pot() public {
        onB();
        IDeleverageVenue.Config memory c = rules();
        c.accountCapPpm = 100_000;
        venue.setConfig(c);
        legsB = list(haircut(0, 1, 100 * USD), haircut(0, 1, 100 * USD));
        commitHere(legsB);
        reserve.open(edge, proof);
        execute(legsB);
        same("a tenth of 1,500", reserve.escrowOf(reserve.edgeId(edge), 0), 150 * USD);
    }

    function test_a_remote_haircut_never_takes_more_than_cash_or_profit() public {
        onB();
        venue.withdraw(0, 2_450 * USD, address(this));
        trade(1, 3, CALL, 20, 200 * USD - 1);
        legsB = list(haircut(0, 1, 60 * USD), haircut(3, 1, 1));
        proof[0] = keccak256("slices");
        commitHere(legsB);
        reserve.open(edge, proof);
        execute(legsB);
        same("cash", venue.cash(0), 0);
        same("loser of B has no profit", venue.legBits(1, 0), 1);
        same("escrow", reserve.edgeState(reserve.edgeId(edge)).held, 50 * USD);
    }
}
