// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IDeleverageVenue} from "../IDeleverageVenue.sol";
import {OptionsVenue} from "../OptionsVenue.sol";
import {Reads} from "./Reads.sol";
import {ShortCallBankrupt} from "./ShortCallBankrupt.sol";
import {vm} from "./Vm.sol";

/// @dev The legs that measure and close.
contract LegsTest is ShortCallBankrupt {
    using Reads for OptionsVenue;

    // ---------------------------------------------------------------- deficit

    function test_deficit_of_a_solvent_account_is_refused() public {
        bytes32[] memory words = list(deficit(WINNER, 1));
        commit(words);
        refusedLeg(words, 0, IDeleverageVenue.NotBankrupt.selector);
        (,, uint8 flags) = venue.moved(epoch, WINNER);
        same("flags", flags, 0);
    }

    function test_deficit_at_old_marks_is_refused() public {
        commit(plan());
        vm.warp(block.timestamp + 61);
        refusedLeg(plan(), 0, IDeleverageVenue.StaleMark.selector);
    }

    function test_deficit_counts_no_more_than_planned() public {
        bytes32[] memory words = list(deficit(LOSER, 400 * USD));
        commit(words);
        execute(words);
        same("need", venue.need(epoch), 400 * USD);
    }

    function test_deficit_counts_no_more_than_measured() public {
        bytes32[] memory words = list(deficit(LOSER, 600 * USD));
        commit(words);
        execute(words);
        same("need", venue.need(epoch), 500 * USD);
    }

    function test_deficits_sum_to_no_more_than_the_header_says() public {
        bytes32[] memory words = list(deficit(LOSER, 500 * USD));
        IDeleverageVenue.Header memory h = header(words);
        h.deficit = 450 * USD;
        commit(h);
        execute(words);
        same("need", venue.need(epoch), 450 * USD);
    }

    function test_an_account_is_measured_once() public {
        bytes32[] memory words = list(deficit(LOSER, 300 * USD), deficit(LOSER, 300 * USD));
        commit(words);
        execute(words);
        same("need", venue.need(epoch), 300 * USD);
        same("legs left", venue.legsLeft(epoch), 0);
    }

    // ---------------------------------------------------------------- close

    function closing(uint64 lots, uint64 price) private returns (bytes32[] memory words) {
        words = list(deficit(LOSER, 500 * USD), close(LOSER, WINNER, CALL, lots, price));
        commit(words);
        execute(words, 1);
    }

    function test_close_of_an_unmeasured_account_is_refused() public {
        commit(plan());
        refusedLeg(plan(), 1, IDeleverageVenue.NotFlagged.selector);
    }

    function test_close_with_oneself_is_refused() public {
        bytes32[] memory words = list(deficit(LOSER, 1), close(LOSER, LOSER, CALL, 1, 200 * USD));
        commit(words);
        execute(words, 1);
        refusedLeg(words, 1, IDeleverageVenue.SelfClose.selector);
    }

    function test_close_at_an_old_mark_is_refused() public {
        bytes32[] memory words = closing(10, 200 * USD);
        vm.warp(block.timestamp + 61);
        refusedLeg(words, 1, IDeleverageVenue.StaleMark.selector);
    }

    function test_close_is_refused_while_another_mark_of_the_account_is_old() public {
        uint32 other = account(3_000 * USD);
        trade(WINNER, other, CALL, 10, 200 * USD);
        trade(BYSTANDER, other, PERP, 1, 1_000 * USD);
        post(CALL, 600 * USD);
        bytes32[] memory words =
            list(deficit(other, 1), close(other, WINNER, CALL, 10, 600 * USD));
        commit(words);
        execute(words, 1);
        vm.warp(block.timestamp + 50);
        post(CALL, 600 * USD);
        vm.warp(block.timestamp + 15);
        refusedLeg(words, 1, IDeleverageVenue.StaleMark.selector);
    }

    function test_close_after_expiry_is_refused() public {
        vm.warp(EXPIRY - 10);
        post(CALL, 200 * USD);
        bytes32[] memory words = closing(10, 200 * USD);
        vm.warp(EXPIRY);
        refusedLeg(words, 1, IDeleverageVenue.InstrumentExpired.selector);
    }

    function test_close_outside_the_band_is_refused_on_either_side() public {
        bytes32[] memory words = list(
            deficit(LOSER, 500 * USD),
            close(LOSER, WINNER, CALL, 1, 204 * USD + 1),
            close(LOSER, WINNER, CALL, 1, 196 * USD - 1)
        );
        commit(words);
        execute(words, 1);
        refusedLeg(words, 1, IDeleverageVenue.OutsideBand.selector);
        refusedLeg(words, 2, IDeleverageVenue.OutsideBand.selector);
    }

    function test_close_of_an_account_that_recovered_is_refused() public {
        bytes32[] memory words = closing(10, 200 * USD);
        venue.deposit(LOSER, 500 * USD);
        refusedLeg(words, 1, IDeleverageVenue.NotBankrupt.selector);
    }

    function test_close_against_somebody_without_lots_is_refused() public {
        bytes32[] memory words =
            list(deficit(LOSER, 500 * USD), close(LOSER, BYSTANDER, CALL, 10, 200 * USD));
        commit(words);
        execute(words, 1);
        refusedLeg(words, 1, IDeleverageVenue.NoCounterLots.selector);
    }

    function test_close_against_the_same_side_is_refused() public {
        trade(WINNER, BYSTANDER, CALL, 1, 200 * USD);
        bytes32[] memory words =
            list(deficit(LOSER, 500 * USD), close(LOSER, BYSTANDER, CALL, 1, 200 * USD));
        commit(words);
        execute(words, 1);
        refusedLeg(words, 1, IDeleverageVenue.NoCounterLots.selector);
    }

    function test_close_above_the_cap_is_refused() public {
        bytes32[] memory words =
            list(deficit(LOSER, 500 * USD), close(LOSER, WINNER, CALL, 10, 200 * USD));
        IDeleverageVenue.Header memory h = header(words);
        h.closeCap = 2_000 * USD - 1;
        commit(h);
        execute(words, 1);
        refusedLeg(words, 1, IDeleverageVenue.CapReached.selector);
    }

    function test_the_cap_counts_all_closes() public {
        bytes32[] memory words = list(
            deficit(LOSER, 500 * USD),
            close(LOSER, WINNER, CALL, 5, 200 * USD),
            close(LOSER, WINNER, CALL, 5, 200 * USD)
        );
        IDeleverageVenue.Header memory h = header(words);
        h.closeCap = 1_999 * USD;
        commit(h);
        execute(words, 3);
        refusedLeg(words, 2, IDeleverageVenue.CapReached.selector);
    }

    function test_close_changes_nobodys_equity() public {
        bytes32[] memory words = closing(7, 203 * USD);
        (int256 loser, int256 winner) = (venue.equity(LOSER), venue.equity(WINNER));
        execute(words);
        same("loser", venue.equity(LOSER), loser);
        same("winner", venue.equity(WINNER), winner);
        same("loser lots", venue.lots(LOSER, CALL), -3);
        same("winner lots", venue.lots(WINNER, CALL), 3);
        same("winner's profit is realised", venue.account(WINNER).realisedNow, 1_050e6);
        isConserved();
    }

    function test_close_never_turns_a_position_round() public {
        trade(WINNER, BYSTANDER, CALL, 5, 200 * USD);
        bytes32[] memory words = closing(20, 200 * USD);
        execute(words);
        same("loser lots", venue.lots(LOSER, CALL), 0);
        same("winner lots", venue.lots(WINNER, CALL), 5);
    }

    /// @dev The slot behind a full account is the next account's first.
    function test_close_never_reads_the_next_accounts_slot() public {
        uint32 full = account(100_000 * USD);
        uint32 next = account(100_000 * USD);
        uint32 maker = account(100_000 * USD);
        trade(next, WINNER, CALL, 1, 200 * USD);
        for (uint32 i = 3; i < 19; ++i) {
            venue.listInstrument(instrumentWord(1, 0, 0, 0));
            post(i, 100 * USD);
            trade(full, maker, i, 1, 100 * USD);
        }
        same("full", venue.account(full).count, 16);
        bytes32[] memory words =
            list(deficit(LOSER, 500 * USD), close(LOSER, full, CALL, 1, 200 * USD));
        commit(words);
        execute(words, 1);
        refusedLeg(words, 1, IDeleverageVenue.NoCounterLots.selector);
    }

    function test_close_moves_what_both_have_and_is_done() public {
        trade(BYSTANDER, WINNER, CALL, 4, 200 * USD);
        bytes32[] memory words = closing(10, 200 * USD);
        execute(words);
        same("loser lots", venue.lots(LOSER, CALL), -4);
        same("winner lots", venue.lots(WINNER, CALL), 0);
        same("legs left", venue.legsLeft(epoch), 0);
    }

    function test_close_of_an_account_without_such_lots_is_done_with_nothing() public {
        bytes32[] memory words = list(
            deficit(LOSER, 500 * USD),
            close(LOSER, WINNER, CALL, 10, 200 * USD),
            close(LOSER, WINNER, CALL, 10, 200 * USD)
        );
        commit(words);
        execute(words);
        same("legs left", venue.legsLeft(epoch), 0);
        same("cap left", uint64(venue.plan(epoch).caps), 998_000 * USD);
    }

    function test_wrong_slot_hints_fall_back_to_a_search() public {
        bytes32 wrong = leg(2, LOSER, WINNER, CALL, 10, int64(200 * USD), 7, 9);
        bytes32[] memory words = list(deficit(LOSER, 500 * USD), wrong);
        commit(words);
        execute(words);
        same("loser lots", venue.lots(LOSER, CALL), 0);
    }
}
