// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IDeleverageVenue} from "../IDeleverageVenue.sol";
import {IReserve} from "../IReserve.sol";
import {OptionsVenue} from "../OptionsVenue.sol";
import {Quorum} from "../lib/Quorum.sol";
import {Reads} from "./Reads.sol";
import {TwoChains} from "./TwoChains.sol";
import {vm} from "./Vm.sol";

contract ReserveTest is TwoChains {
    using Reads for OptionsVenue;

    uint32[] private payers;

    function refusedPrepare(bytes4 why) private {
        vm.expectRevert(why);
        reserve.prepare(edge, proof);
    }

    // ---------------------------------------------------------------- 1 prepare on A

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
        edge.box = 2;
        vm.warp(block.timestamp + 1);
        edge.epoch = 2;
        edge.decideBy += 10;
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
        account(0);
        vm.chainId(CHAIN_A);
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

    // ---------------------------------------------------------------- 2 escrow on B

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

    function test_a_box_belongs_to_one_edge_and_is_not_the_pot() public {
        onB();
        edge.box = 0;
        commitHere(legsB);
        vm.expectRevert(IReserve.BoxTaken.selector);
        reserve.open(edge, proof);
        edge.box = 1;
        bytes32 first = reserve.edgeId(edge);
        edge.planned += 1;
        bytes32 second = reserve.edgeId(edge);
        edge.planned -= 1;
        IDeleverageVenue.Header memory h = header(legsB);
        bytes32 both = first < second
            ? keccak256(abi.encode(first, second))
            : keccak256(abi.encode(second, first));
        (h.planRoot, h.epoch) = (both, 2);
        edge.epoch = 2;
        first = reserve.edgeId(edge);
        edge.planned += 1;
        second = reserve.edgeId(edge);
        h.planRoot = first < second
            ? keccak256(abi.encode(first, second))
            : keccak256(abi.encode(second, first));
        commit(h);
        proof[0] = first;
        reserve.open(edge, proof);
        edge.planned -= 1;
        proof[0] = second;
        vm.expectRevert(IReserve.BoxTaken.selector);
        reserve.open(edge, proof);
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

    function refusedRemote(uint256 index) private {
        bytes memory before = venue.slots(0, 4);
        execute(legsB, 1 << index);
        same("untouched", venue.legBits(epoch, 0) >> index & 1, 0);
        isTrue("book", keccak256(before) == keccak256(venue.slots(0, 4)));
    }

    function test_an_unopened_box_takes_nothing() public {
        onB();
        commitHere(legsB);
        refusedRemote(0);
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
        IDeleverageVenue.Header memory h = header(legsB);
        h.planRoot = keccak256(abi.encode(0));
        commitHere(legsB);
        reserve.open(edge, proof);
        h.remoteCap = 0;
        same("cap of the plan", uint64(venue.plan(1).caps >> 64), 20_000 * USD);
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
