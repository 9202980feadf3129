// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IDeleverageVenue} from "../IDeleverageVenue.sol";
import {IReserve} from "../IReserve.sol";
import {OptionsVenue} from "../OptionsVenue.sol";
import {Reads} from "./Reads.sol";
import {TwoChains} from "./TwoChains.sol";
import {vm} from "./Vm.sol";

/// @dev Rule 1: earmarking on A.
contract PrepareTest is TwoChains {
    using Reads for OptionsVenue;

    function refusedPrepare(bytes4 why) private {
        vm.expectRevert(why);
        reserve.prepare(edge, proof);
    }

    function test_prepare_needs_side_a() public {
        onB();
        commitHere(legsB);
        refusedPrepare(IReserve.NotThisSide.selector);
        edge.chainA = 5;
        edge.gateA = address(venueB);
        edge.gateB = address(venueA);
        refusedPrepare(IReserve.NotThisSide.selector);
    }

    function test_an_edge_to_itself_has_no_side() public {
        (edge.chainB, edge.gateB) = (edge.chainA, edge.gateA);
        refusedPrepare(IReserve.NotThisSide.selector);
    }

    function test_prepare_after_decide_by_is_late() public {
        commitHere(legsA);
        execute(legsA, 3);
        vm.warp(edge.decideBy + 1);
        refusedPrepare(IReserve.Late.selector);
    }

    function test_prepare_in_the_last_second_is_in_time() public {
        commitHere(legsA);
        execute(legsA, 3);
        vm.warp(edge.decideBy);
        reserve.prepare(edge, proof);
        same("earmark", reserve.edgeState(reserve.edgeId(edge)).held, 400 * USD);
    }

    function test_prepare_happens_once() public {
        prepareA();
        refusedPrepare(IReserve.EdgeNotNew.selector);
    }

    function test_prepare_needs_the_edge_in_the_plan() public {
        commitHere(legsA);
        execute(legsA, 3);
        edge.planned += 1;
        refusedPrepare(IReserve.EdgeNotProven.selector);
    }

    function test_prepare_needs_a_committed_plan() public {
        refusedPrepare(IReserve.EdgeNotProven.selector);
    }

    function test_prepare_needs_a_flat_account() public {
        commitHere(legsA);
        refusedPrepare(IReserve.AccountNotFlat.selector);
    }

    function test_prepare_needs_a_running_gate() public {
        commitHere(legsA);
        execute(legsA, 3);
        venue.stop();
        refusedPrepare(IDeleverageVenue.Stopped.selector);
    }

    function test_an_account_is_bound_to_one_edge_at_a_time() public {
        prepareA();
        (edge.box, edge.epoch) = (2, 2);
        commitHere(legsA);
        refusedPrepare(IDeleverageVenue.AlreadyBound.selector);
    }

    function test_a_solvent_account_has_nothing_to_earmark() public {
        commitHere(legsA);
        execute(legsA, 3);
        venue.deposit(LOSER, 500 * USD);
        refusedPrepare(IReserve.NothingToEarmark.selector);
    }

    function earmarkOf() private returns (uint256) {
        prepareA();
        same("bound", reserve.boundOf(LOSER), reserve.edgeState(reserve.edgeId(edge)).held);
        isWhole();
        onA();
        return reserve.boundOf(LOSER);
    }

    function test_earmark_is_bounded_by_what_was_planned() public {
        same("earmark", earmarkOf(), 400 * USD);
    }

    function test_earmark_is_bounded_by_the_deficit() public {
        venue.deposit(LOSER, 200 * USD);
        same("earmark", earmarkOf(), 300 * USD);
    }

    function test_earmark_is_bounded_by_the_credit_line() public {
        reserve.setCreditLine(CHAIN_B, address(venueB), 250 * USD);
        same("earmark", earmarkOf(), 250 * USD);
    }

    function test_earmark_is_bounded_by_what_is_free() public {
        drainFree(900 * USD);
        same("earmark", earmarkOf(), 100 * USD);
    }

    /// @dev Lays money of the reserve aside as if another edge had earmarked it.
    function drainFree(uint64 amount) private {
        uint256 free = reserve.free() - amount;
        vm.store(address(reserve), 0, bytes32(uint256(amount) << 64 | free));
    }

    function test_open_earmarks_and_unpaid_claims_use_the_line_up() public {
        prepareA();
        decideHere(400 * USD);
        same("paid", reserve.line(CHAIN_B, address(venueB)).paid, 400 * USD);
        reserve.setCreditLine(CHAIN_B, address(venueB), 450 * USD);
        vm.warp(block.timestamp + 1);
        nextPlanOwing(300 * USD);
        reserve.prepare(edge, proof);
        same("line 450 - unpaid 400", venue.boundOf(2), 50 * USD);
    }

    function test_a_repaid_claim_frees_the_line() public {
        prepareA();
        decideHere(400 * USD);
        reserve.setCreditLine(CHAIN_B, address(venueB), 450 * USD);
        reserve.repay(CHAIN_B, address(venueB), 350 * USD);
        vm.warp(block.timestamp + 1);
        nextPlanOwing(300 * USD);
        reserve.prepare(edge, proof);
        same("all of it", venue.boundOf(2), 300 * USD);
        isWhole();
    }

    /// @dev A second plan on A whose edge concerns account 2, flat and owing `debt`.
    function nextPlanOwing(uint64 debt) private {
        account(1_000 * USD);
        trade(WINNER, 2, CALL, 10, 200 * USD);
        post(CALL, 300 * USD + debt / 10);
        makePlan();
        legsA = list(deficit(2, 1), close(2, WINNER, CALL, 10, 300 * USD + debt / 10));
        makeEdgeOf(2);
        commitHere(legsA);
        execute(legsA);
        same("debt", venue.cash(2), -int256(uint256(debt)));
    }

    function makeEdgeOf(uint32 id) private {
        (edge.epoch, edge.accountA) = (2, id);
        proof[0] = keccak256("slices");
    }
}
