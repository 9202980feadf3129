// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IDeleverageVenue} from "../IDeleverageVenue.sol";
import {OptionsVenue} from "../OptionsVenue.sol";
import {Reserve} from "../Reserve.sol";
import {ChunkTree} from "../lib/ChunkTree.sol";
import {Reads} from "./Reads.sol";
import {ShortCallBankrupt} from "./ShortCallBankrupt.sol";
import {vm} from "./Vm.sol";

/// @dev A venue that lends nowhere needs no reserve.
contract WithoutReserveTest is ShortCallBankrupt {
    function join(OptionsVenue, Reserve) internal override {}

    function test_a_remote_haircut_is_refused_and_hurts_nothing_else() public {
        bytes32[] memory words = list(haircut(WINNER, 1, 1), deficit(LOSER, 500 * USD));
        commit(words);
        refusedLeg(words, 0, IDeleverageVenue.NothingToTake.selector);
        execute(words);
        same("bits", venue.legBits(epoch, 0), 2);
    }
}

contract ExecuteTest is ShortCallBankrupt {
    using Reads for OptionsVenue;

    bytes32[] private none;

    function test_without_an_open_plan_it_is_refused() public {
        vm.expectRevert(IDeleverageVenue.PlanNotOpen.selector);
        venue.execute(1, 0, 1, plan(), none);
    }

    function test_a_stopped_gate_refuses() public {
        commit(plan());
        venue.stop();
        vm.expectRevert(IDeleverageVenue.Stopped.selector);
        execute(plan());
    }

    function test_a_forked_chain_refuses() public {
        commit(plan());
        vm.chainId(777);
        vm.expectRevert(IDeleverageVenue.ForkedChain.selector);
        execute(plan());
    }

    function test_after_expiry_it_is_refused() public {
        commit(plan());
        vm.warp(block.timestamp + 301);
        vm.expectRevert(IDeleverageVenue.Expired.selector);
        execute(plan());
    }

    function test_an_empty_chunk_is_refused() public {
        commit(plan());
        vm.expectRevert(IDeleverageVenue.BadChunkSize.selector);
        execute(new bytes32[](0));
    }

    function test_a_chunk_of_33_words_is_refused() public {
        bytes32[] memory words = new bytes32[](33);
        commit(words);
        vm.expectRevert(IDeleverageVenue.BadChunkSize.selector);
        execute(words);
    }

    function test_other_words_are_refused() public {
        commit(plan());
        bytes32[] memory words = plan();
        words[2] = haircut(WINNER, 0, 501 * USD);
        vm.expectRevert(IDeleverageVenue.BadProof.selector);
        execute(words);
    }

    function test_another_chunk_index_is_refused() public {
        commit(plan());
        vm.expectRevert(IDeleverageVenue.BadProof.selector);
        venue.execute(epoch, 1, 1, plan(), none);
    }

    function test_too_little_gas_is_refused_before_a_leg() public {
        commit(plan());
        vm.expectRevert(IDeleverageVenue.TooLittleGas.selector);
        venue.execute{gas: 252_000}(epoch, 0, 1, plan(), none);
    }

    function test_a_kind_of_the_future_is_refused() public {
        bytes32[] memory words = list(leg(5, LOSER, WINNER, CALL, 1, 0, 0, 0));
        commit(words);
        refusedLeg(words, 0, IDeleverageVenue.UnknownLeg.selector);
    }

    function test_a_chunk_is_proven_in_a_tree_of_three() public {
        bytes32[] memory words = plan();
        bytes32[] memory proof = new bytes32[](1);
        proof[0] = ChunkTree.node(keccak256("chunk 0"), keccak256("chunk 1"));
        IDeleverageVenue.Header memory h = header(words);
        h.legsRoot = ChunkTree.node(proof[0], leafOf(2, words));
        commit(h);
        venue.execute(epoch, 2, 1, words, proof);
        same("terminal bits of chunk 2", venue.legBits(epoch, 2), 1);
        same("terminal bits of chunk 0", venue.legBits(epoch, 0), 0);
    }

    function test_a_plan_makes_the_account_whole_and_leaves_its_cash_at_zero() public {
        commit(plan());
        execute(plan());
        same("loser cash", venue.cash(LOSER), 0);
        same("loser lots", venue.lots(LOSER, CALL), 0);
        same("winner cash", venue.cash(WINNER), int256(int64(2_000 * USD)));
        same("winner lots", venue.lots(WINNER, CALL), 0);
        same("bits", venue.legBits(epoch, 0), 15);
        same("legs left", venue.legsLeft(epoch), 0);
        same("pot", venue.pot(epoch), 0);
        isConserved();
    }

    function test_a_replay_changes_nothing() public {
        commit(plan());
        execute(plan());
        bytes memory before = venue.slots(0, 3);
        execute(plan());
        isTrue("book", keccak256(before) == keccak256(venue.slots(0, 3)));
        same("legs left", venue.legsLeft(epoch), 0);
    }

    function test_the_mask_leaves_a_leg_for_later() public {
        commit(plan());
        execute(plan(), 1 | 4);
        same("bits", venue.legBits(epoch, 0), 5);
        execute(plan());
        same("bits", venue.legBits(epoch, 0), 15);
        same("loser cash", venue.cash(LOSER), 0);
    }

    function test_insurance_is_drawn_up_to_the_need_and_the_rest_of_the_haircut_goes_back() public {
        venue.fundInsurance(300 * USD);
        commit(plan());
        execute(plan());
        same("insurance", venue.gateState().insurance, 0);
        same("pot", venue.pot(epoch), 300 * USD);
        venue.closePlan(epoch);
        uint32[] memory payers = new uint32[](1);
        payers[0] = WINNER;
        venue.refund(epoch, payers);
        same("winner paid 200", venue.cash(WINNER), int256(int64(2_300 * USD)));
        same("loser cash", venue.cash(LOSER), 0);
        isConserved();
    }

    function test_insurance_is_not_drawn_beyond_the_need() public {
        venue.fundInsurance(800 * USD);
        commit(plan());
        execute(plan(), 1);
        same("insurance", venue.gateState().insurance, 300 * USD);
    }

    function test_insurance_draw_is_bounded_by_the_header() public {
        venue.fundInsurance(300 * USD);
        IDeleverageVenue.Header memory h = header(plan());
        h.insurance = 100 * USD;
        commit(h);
        execute(plan());
        same("insurance", venue.gateState().insurance, 200 * USD);
    }
}
