// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IDeleverageVenue} from "../IDeleverageVenue.sol";
import {OptionsVenue} from "../OptionsVenue.sol";
import {Reads} from "./Reads.sol";
import {ShortCallBankrupt} from "./ShortCallBankrupt.sol";
import {vm} from "./Vm.sol";

/// @dev The legs that move money: haircut into the pot, credit out of it.
contract PaymentsTest is ShortCallBankrupt {
    using Reads for OptionsVenue;

    // ---------------------------------------------------------------- haircut

    function test_nobody_pays_before_a_deficit_is_measured() public {
        commit(plan());
        refusedLeg(plan(), 2, IDeleverageVenue.NoNeed.selector);
    }

    function test_a_bankrupt_never_pays() public {
        bytes32[] memory words = list(deficit(LOSER, 500 * USD), haircut(LOSER, 0, 1));
        commit(words);
        execute(words, 1);
        venue.deposit(LOSER, 3_000 * USD);
        refusedLeg(words, 1, IDeleverageVenue.PayerBankrupt.selector);
    }

    function test_haircut_at_old_marks_is_refused() public {
        commit(plan());
        execute(plan(), 1);
        vm.warp(block.timestamp + 61);
        refusedLeg(plan(), 2, IDeleverageVenue.StaleMark.selector);
    }

    function test_principal_is_never_taken() public {
        bytes32[] memory words = list(
            deficit(LOSER, 500 * USD), haircut(BYSTANDER, 0, 1), haircut(WINNER, 0, 9_000 * USD)
        );
        commit(words);
        execute(words, 1);
        refusedLeg(words, 1, IDeleverageVenue.NothingToTake.selector);
        execute(words);
        same("winner keeps its principal", venue.equity(WINNER), 1_000e6);
        same("not its target, so it stays open", venue.legBits(epoch, 0), 1);
        refusedLeg(words, 2, IDeleverageVenue.NothingToTake.selector);
    }

    function test_haircut_never_passes_the_plans_cap() public {
        IDeleverageVenue.Header memory h = header(plan());
        h.haircutCap = 120 * USD;
        commit(h);
        execute(plan());
        (uint64 taken,,) = venue.moved(epoch, WINNER);
        same("taken", taken, 120 * USD);
    }

    function test_the_accounts_cap_holds_over_many_small_steps() public {
        IDeleverageVenue.Config memory c = rules();
        c.accountCapPpm = 100_000;
        venue.setConfig(c);
        commit(plan());
        for (uint256 i = 0; i < 3; ++i) {
            execute(plan());
        }
        (uint64 taken,,) = venue.moved(epoch, WINNER);
        same("a tenth of 1,500", taken, 150 * USD);
    }

    function test_haircut_before_or_after_the_close_takes_the_same() public {
        commit(plan());
        execute(plan(), 1 | 4);
        (uint64 before,,) = venue.moved(epoch, WINNER);
        execute(plan());
        (uint64 afterwards,,) = venue.moved(epoch, WINNER);
        same("taken", before, afterwards);
        same("winner", venue.equity(WINNER), 2_000e6);
    }

    // ---------------------------------------------------------------- credit

    function test_credit_for_an_unmeasured_account_is_refused() public {
        commit(plan());
        refusedLeg(plan(), 3, IDeleverageVenue.NotFlagged.selector);
    }

    function test_credit_while_positions_are_open_is_refused() public {
        commit(plan());
        execute(plan(), 1 | 4);
        refusedLeg(plan(), 3, IDeleverageVenue.NotFlat.selector);
    }

    function test_credit_from_an_empty_pot_is_refused() public {
        commit(plan());
        execute(plan(), 3);
        refusedLeg(plan(), 3, IDeleverageVenue.NothingToCredit.selector);
    }

    function test_credit_never_lifts_an_account_above_zero() public {
        bytes32[] memory words = plan();
        words[3] = credit(LOSER, 900 * USD);
        commit(words);
        execute(words);
        same("loser cash", venue.cash(LOSER), 0);
        same("stays open", venue.legBits(epoch, 0), 7);
        refusedLeg(words, 3, IDeleverageVenue.NothingToCredit.selector);
    }

    function test_credit_stops_at_its_target_and_no_replay_adds_to_it() public {
        bytes32[] memory words = plan();
        words[3] = credit(LOSER, 200 * USD);
        commit(words);
        execute(words);
        execute(words);
        same("loser cash", venue.cash(LOSER), -300e6);
    }

    function test_a_haircut_stops_at_its_target_and_no_replay_adds_to_it() public {
        commit(plan());
        execute(plan());
        execute(plan());
        (uint64 taken,,) = venue.moved(epoch, WINNER);
        same("taken", taken, 500 * USD);
    }
}
