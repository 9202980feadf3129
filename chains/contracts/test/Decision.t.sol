// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IDeleverageVenue} from "../IDeleverageVenue.sol";
import {IReserve} from "../IReserve.sol";
import {OptionsVenue} from "../OptionsVenue.sol";
import {Quorum} from "../lib/Quorum.sol";
import {Reads} from "./Reads.sol";
import {TwoChains} from "./TwoChains.sol";
import {vm} from "./Vm.sol";

/// @dev Seal, decide, apply, refund and settle.
contract DecisionTest is TwoChains {
    using Reads for OptionsVenue;

    uint32[] private payers;

    function refusedDecision(uint64 amount, bytes4 why) private {
        bytes memory packed = certificate(amount);
        vm.expectRevert(why);
        reserve.register(edge, amount, packed);
    }

    function sealing(bool wanted, uint64 amount) private view {
        (bool isSealed, uint64 seen) = reserve.sealedSide(edge);
        isTrue("sealed", isSealed == wanted);
        same("amount", seen, amount);
    }

    // ---------------------------------------------------------------- 3 sealed

    function test_side_a_is_sealed_once_prepared_or_late() public {
        sealing(false, 0);
        vm.warp(edge.decideBy);
        sealing(false, 0);
        vm.warp(edge.decideBy + 1);
        sealing(true, 0);
        vm.warp(edge.decideBy - 300);
        prepareA();
        sealing(true, 400 * USD);
    }

    function test_side_b_is_sealed_once_all_have_paid_or_late() public {
        escrowB(3);
        sealing(false, 0);
        execute(legsB);
        sealing(true, 400 * USD);
    }

    function test_side_b_is_sealed_with_less_when_late() public {
        escrowB(3);
        vm.warp(edge.decideBy + 1);
        sealing(true, 266 * USD);
    }

    function test_a_sealed_value_stays_what_it_was() public {
        escrowB(7);
        decideHere(100 * USD);
        sealing(true, 400 * USD);
        prepareA();
        decideHere(100 * USD);
        sealing(true, 400 * USD);
    }

    function test_an_edge_of_others_has_no_side_here() public {
        edge.gateA = address(1);
        vm.expectRevert(IReserve.NotThisSide.selector);
        reserve.sealedSide(edge);
    }

    // ---------------------------------------------------------------- 4, 5 register

    function test_an_unsealed_side_takes_no_decision() public {
        refusedDecision(0, IReserve.NotSealed.selector);
        escrowB(3);
        refusedDecision(0, IReserve.NotSealed.selector);
    }

    function test_a_decision_above_the_own_side_is_refused() public {
        prepareA();
        refusedDecision(400 * USD + 1, IReserve.AboveOwnSide.selector);
        escrowB(7);
        refusedDecision(400 * USD + 1, IReserve.AboveOwnSide.selector);
    }

    function test_an_unprepared_and_late_side_takes_only_zero() public {
        vm.warp(edge.decideBy + 1);
        refusedDecision(1, IReserve.AboveOwnSide.selector);
        decideHere(0);
        same("state", reserve.edgeState(reserve.edgeId(edge)).state, 4);
        isWhole();
    }

    function test_a_decision_is_registered_once() public {
        prepareA();
        reserve.register(edge, 1, certificate(1));
        refusedDecision(2, IReserve.AlreadyDecided.selector);
    }

    function test_a_decided_edge_is_not_prepared_or_opened() public {
        vm.warp(edge.decideBy + 1);
        decideHere(0);
        vm.warp(edge.decideBy);
        vm.expectRevert(IReserve.EdgeNotNew.selector);
        reserve.prepare(edge, proof);
    }

    function test_a_decision_needs_the_verifiers_and_the_very_amount() public {
        prepareA();
        bytes memory packed = certificate(5);
        vm.expectRevert(Quorum.WrongSigner.selector);
        reserve.register(edge, 6, packed);
        edge.planned += 1;
        vm.expectRevert(IReserve.NotSealed.selector);
        reserve.register(edge, 5, packed);
    }

    function test_strangers_take_no_decision() public {
        edge.gateA = address(1);
        refusedDecision(0, IReserve.NotThisSide.selector);
    }

    function test_a_stop_or_an_expired_plan_does_not_hinder_a_decision() public {
        prepareA();
        vm.warp(edge.decideBy + 1000);
        venue.closePlan(1);
        venue.stop();
        decideHere(300 * USD);
        same("cash", venue.cash(LOSER), -200e6);
    }

    // ---------------------------------------------------------------- 6 apply

    function test_only_a_decided_edge_is_applied_and_only_once() public {
        bytes32 id = reserve.edgeId(edge);
        vm.expectRevert(IReserve.NotDecided.selector);
        reserve.applyDecision(id);
        prepareA();
        vm.expectRevert(IReserve.NotDecided.selector);
        reserve.applyDecision(id);
        decideHere(1);
        vm.expectRevert(IReserve.NotDecided.selector);
        reserve.applyDecision(id);
    }

    function test_a_pays_the_account_and_frees_the_whole_earmark() public {
        prepareA();
        decideHere(300 * USD);
        IReserve.Pools memory p = reserve.pools();
        same("cash", venue.cash(LOSER), -200e6);
        same("bound", venue.boundOf(LOSER), 0);
        same("flags", venue.account(LOSER).flags, 0);
        same("free", p.free, 700 * USD);
        same("earmarks", p.openEarmarks, 0);
        IReserve.CreditLine memory l = reserve.line(CHAIN_B, address(venueB));
        same("paid", l.paid, 300 * USD);
        same("open on the line", l.openEarmarks, 0);
        isWhole();
    }

    function test_an_abort_pays_nothing_and_frees_everything() public {
        prepareA();
        decideHere(0);
        same("cash", venue.cash(LOSER), -500e6);
        same("bound", venue.boundOf(LOSER), 0);
        same("free", reserve.free(), 1_000 * USD);
        isWhole();
    }

    function test_b_owes_the_amount_and_returns_the_rest_with_dust_to_the_fund() public {
        escrowB(7);
        decideHere(399 * USD + 999_990);
        same("owed", reserve.owing(CHAIN_A, address(venueA)).owed, 399 * USD + 999_990);
        payers.push(0);
        payers.push(1);
        reserve.refundEscrow(reserve.edgeId(edge), payers);
        same("three each", venue.cash(0), 2_500e6 - 133e6 + 3);
        same("as profit", venue.profit(0), 1_500e6 - 133e6 + 3);
        payers.pop();
        payers[0] = 2;
        reserve.refundEscrow(reserve.edgeId(edge), payers);
        same("dust", venue.gateState().insurance, 1);
        same("held", reserve.pools().escrowHeld, 0);
        isWhole();
    }

    function test_escrow_returns_once_only_to_payers_and_only_when_applied() public {
        bytes32 id = reserve.edgeId(edge);
        payers.push(0);
        escrowB(7);
        vm.expectRevert(IReserve.NotApplied.selector);
        reserve.refundEscrow(id, payers);
        decideHere(0);
        reserve.refundEscrow(id, payers);
        vm.expectRevert(IReserve.NothingToReturn.selector);
        reserve.refundEscrow(id, payers);
        payers[0] = 3;
        vm.expectRevert(IReserve.NothingToReturn.selector);
        reserve.refundEscrow(id, payers);
    }

    function test_a_full_decision_leaves_nothing_to_return() public {
        payers.push(0);
        escrowB(7);
        decideHere(400 * USD);
        bytes32 id = reserve.edgeId(edge);
        vm.expectRevert(IReserve.NothingToReturn.selector);
        reserve.refundEscrow(id, payers);
    }

    function test_side_a_has_no_escrow_to_return() public {
        prepareA();
        decideHere(0);
        bytes32 id = reserve.edgeId(edge);
        vm.expectRevert(IReserve.NotApplied.selector);
        reserve.refundEscrow(id, payers);
    }

    // ---------------------------------------------------------------- 8 settle, money

    function test_only_the_treasurer_remits_and_only_what_is_owed() public {
        escrowB(7);
        decideHere(300 * USD);
        vm.prank(address(0xBAD));
        vm.expectRevert(IReserve.NotTreasurer.selector);
        reserve.remit(CHAIN_A, address(venueA), 1, address(0xBAD));
        vm.expectRevert(IDeleverageVenue.ZeroAddress.selector);
        reserve.remit(CHAIN_A, address(venueA), 1, address(0));
        reserve.remit(CHAIN_A, address(venueA), 200 * USD, address(0xB1D6E));
        vm.expectRevert(IReserve.AboveOwed.selector);
        reserve.remit(CHAIN_A, address(venueA), 100 * USD + 1, address(0xB1D6E));
        same("bridge", token.balanceOf(address(0xB1D6E)), 200 * USD);
        isWhole();
    }

    function test_claim_and_debt_agree_once_both_sides_applied() public {
        prepareA();
        decideHere(400 * USD);
        escrowB(7);
        decideHere(400 * USD);
        same("debt", reserveB.owing(CHAIN_A, address(venueA)).owed, 400 * USD);
        same("claim", reserveA.line(CHAIN_B, address(venueB)).paid, 400 * USD);
        reserve.remit(CHAIN_A, address(venueA), 400 * USD, address(this));
        onA();
        reserve.repay(CHAIN_B, address(venueB), 400 * USD);
        same("free again", reserve.free(), 1_000 * USD);
        same("repaid", reserve.line(CHAIN_B, address(venueB)).received, 400 * USD);
        isWhole();
    }

    function test_only_governance_lends() public {
        vm.prank(address(0xBAD));
        vm.expectRevert(IDeleverageVenue.NotGovernance.selector);
        reserve.setCreditLine(CHAIN_B, address(venueB), 1);
    }
}
