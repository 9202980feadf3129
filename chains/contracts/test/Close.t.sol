// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IDeleverageVenue} from "../IDeleverageVenue.sol";
import {OptionsVenue} from "../OptionsVenue.sol";
import {Reads} from "./Reads.sol";
import {ShortCallBankrupt} from "./ShortCallBankrupt.sol";
import {vm} from "./Vm.sol";

/// @dev Closing plans, refunds, stop and rules.
contract CloseTest is ShortCallBankrupt {
    using Reads for OptionsVenue;

    uint32[] private payers;

    // ---------------------------------------------------------------- closePlan and refund

    function test_without_an_open_plan_nothing_closes() public {
        vm.expectRevert(IDeleverageVenue.PlanNotOpen.selector);
        venue.closePlan(0);
        commit(plan());
        vm.expectRevert(IDeleverageVenue.PlanNotOpen.selector);
        venue.closePlan(2);
    }

    function test_an_unfinished_plan_stays_open_until_it_has_expired() public {
        commit(plan());
        execute(plan(), 7);
        vm.expectRevert(IDeleverageVenue.PlanStillOpen.selector);
        venue.closePlan(epoch);
        vm.warp(block.timestamp + 300);
        vm.expectRevert(IDeleverageVenue.PlanStillOpen.selector);
        venue.closePlan(epoch);
        vm.warp(block.timestamp + 1);
        venue.closePlan(epoch);
        same("open", venue.gateState().openEpoch, 0);
    }

    function test_a_plan_closes_once() public {
        commit(plan());
        execute(plan());
        venue.closePlan(epoch);
        vm.expectRevert(IDeleverageVenue.PlanNotOpen.selector);
        venue.closePlan(epoch);
    }

    function test_no_refund_before_the_plan_is_closed() public {
        payers.push(WINNER);
        commit(plan());
        execute(plan(), 7);
        vm.expectRevert(IDeleverageVenue.PlanNotClosed.selector);
        venue.refund(epoch, payers);
        vm.expectRevert(IDeleverageVenue.PlanNotClosed.selector);
        venue.refund(epoch + 1, payers);
    }

    function test_a_refund_is_paid_once_and_only_to_payers() public {
        commit(plan());
        execute(plan(), 7);
        vm.warp(block.timestamp + 301);
        venue.closePlan(epoch);
        payers.push(WINNER);
        venue.refund(epoch, payers);
        same("winner is whole", venue.equity(WINNER), 2_500e6);
        vm.expectRevert(IDeleverageVenue.NothingToRefund.selector);
        venue.refund(epoch, payers);
        payers[0] = BYSTANDER;
        vm.expectRevert(IDeleverageVenue.NothingToRefund.selector);
        venue.refund(epoch, payers);
        isConserved();
    }

    function test_a_refund_restores_profit_as_profit() public {
        int256 before = venue.profit(WINNER);
        commit(plan());
        execute(plan(), 5);
        same("profit fell", venue.profit(WINNER), before - 500e6);
        vm.warp(block.timestamp + 301);
        venue.closePlan(epoch);
        payers.push(WINNER);
        venue.refund(epoch, payers);
        same("profit", venue.profit(WINNER), before);
    }

    function test_the_last_payer_gets_the_dust() public {
        uint32 third = account(1_000 * USD);
        trade(BYSTANDER, WINNER, CALL, 3, 150 * USD);
        trade(third, WINNER, CALL, 3, 150 * USD);
        bytes32[] memory words = new bytes32[](8);
        words[0] = deficit(LOSER, 500 * USD);
        words[1] = close(LOSER, WINNER, CALL, 4, 200 * USD);
        words[2] = close(LOSER, BYSTANDER, CALL, 3, 200 * USD);
        words[3] = close(LOSER, third, CALL, 3, 200 * USD);
        (words[4], words[5]) = (haircut(WINNER, 0, 100), haircut(BYSTANDER, 0, 100));
        (words[6], words[7]) = (haircut(third, 0, 101), credit(LOSER, 101));
        commit(words);
        execute(words);
        venue.closePlan(epoch);
        payers.push(third);
        payers.push(WINNER);
        venue.refund(epoch, payers);
        same("floors of 200 x 101 / 301 and 200 x 100 / 301", venue.refundedBack(epoch), 67 + 66);
        payers.pop();
        payers[0] = BYSTANDER;
        venue.refund(epoch, payers);
        same("refunded", venue.refundedBack(epoch), 200);
        isConserved();
    }

    function test_insurance_that_was_not_needed_returns_to_the_fund() public {
        venue.fundInsurance(200);
        bytes32[] memory words = list(deficit(LOSER, 500 * USD), haircut(WINNER, 0, 300));
        commit(words);
        execute(words);
        venue.closePlan(epoch);
        same("back is what was taken", venue.back(epoch), 300);
        same("the fund has its own again", venue.gateState().insurance, 200);
        isConserved();
    }

    function test_the_bucket_gets_back_what_was_not_taken_for_good() public {
        commit(plan());
        execute(plan());
        venue.closePlan(epoch);
        same("bucket", venue.gateState().bucketAvailable, (150_000 - 500) * USD);
    }

    function test_the_bucket_never_rises_above_its_capacity() public {
        commit(plan());
        vm.warp(block.timestamp + 10 hours);
        venue.closePlan(epoch);
        same("bucket", venue.gateState().bucketAvailable, 150_000 * USD);
    }

    // ---------------------------------------------------------------- stop

    function test_only_the_guardian_stops() public {
        vm.prank(address(0xBAD));
        vm.expectRevert(IDeleverageVenue.NotGuardian.selector);
        venue.stop();
    }

    function test_standing_still_is_rationed() public {
        venue.stop();
        vm.warp(block.timestamp + 60 minutes - 1);
        vm.expectRevert(IDeleverageVenue.StoppedTooOften.selector);
        venue.stop();
        vm.warp(block.timestamp + 1);
        venue.stop();
    }

    function test_only_governance_resumes() public {
        venue.stop();
        vm.prank(address(0xBAD));
        vm.expectRevert(IDeleverageVenue.NotGovernance.selector);
        venue.resume();
    }

    function test_after_twenty_minutes_or_a_resume_plans_run_again() public {
        venue.stop();
        venue.resume();
        commit(plan());
        vm.warp(block.timestamp + 1 hours);
        venue.stop();
        vm.warp(block.timestamp + 20 minutes);
        commit(plan());
        same("epoch", venue.gateState().lastEpoch, 2);
    }

    function test_a_resume_of_nothing_does_not_delay_the_next_stop() public {
        venue.stop();
        vm.warp(block.timestamp + 60 minutes);
        venue.resume();
        venue.stop();
    }

    function test_a_stop_does_not_hinder_closing_refunds_or_withdrawals() public {
        commit(plan());
        execute(plan(), 7);
        vm.warp(block.timestamp + 301);
        venue.stop();
        venue.closePlan(epoch);
        payers.push(WINNER);
        venue.refund(epoch, payers);
        venue.withdraw(BYSTANDER, 1_000 * USD, address(this));
    }

    // ---------------------------------------------------------------- rules

    function test_only_governance_makes_rules() public {
        address[] memory members = addresses(SIGNER_KEYS, 4);
        vm.startPrank(address(0xBAD));
        vm.expectRevert(IDeleverageVenue.NotGovernance.selector);
        venue.setConfig(rules());
        vm.expectRevert(IDeleverageVenue.NotGovernance.selector);
        venue.setSigners(members, 3);
        vm.expectRevert(IDeleverageVenue.NotGovernance.selector);
        venue.setOracles(members, 3);
        vm.expectRevert(IDeleverageVenue.NotGovernance.selector);
        venue.setReserve(address(1));
        vm.expectRevert(IDeleverageVenue.NotGovernance.selector);
        venue.setRoles(address(1), address(1));
        vm.expectRevert(IDeleverageVenue.NotGovernance.selector);
        venue.addUnderlying("ETH");
        vm.expectRevert(IDeleverageVenue.NotGovernance.selector);
        venue.listInstrument(instrumentWord(1, 0, 0, 0));
        vm.stopPrank();
    }

    function test_a_reserve_is_set_once_and_is_somebody() public {
        vm.expectRevert(IDeleverageVenue.ZeroAddress.selector);
        venue.setReserve(address(0));
        vm.expectRevert(IDeleverageVenue.ReserveAlreadySet.selector);
        venue.setReserve(address(1));
    }

    function invalid(IDeleverageVenue.Config memory c) private {
        vm.expectRevert(IDeleverageVenue.InvalidConfig.selector);
        venue.setConfig(c);
    }

    function test_rules_that_protect_nobody_are_refused() public {
        IDeleverageVenue.Config memory c = rules();
        c.windowMax = 601;
        invalid(c);
        c = rules();
        c.accountCapPpm = 1_000_001;
        invalid(c);
        c = rules();
        c.imFactorPpm = 1_000_000;
        invalid(c);
        c = rules();
        c.markAgeMax = 0;
        invalid(c);
    }

    function test_every_new_rule_raises_the_version() public {
        uint256 version = venue.gateState().configVersion;
        venue.setConfig(rules());
        venue.setSigners(addresses(SIGNER_KEYS, 7), 5);
        venue.setOracles(addresses(ORACLE_KEYS, 3), 2);
        venue.setRoles(address(2), address(3));
        same("version", venue.gateState().configVersion, version + 4);
        (address[] memory members, uint8 threshold) = venue.signers();
        isTrue("signers", members.length == 7 && threshold == 5);
        (members, threshold) = venue.oracles();
        isTrue("oracles", members.length == 3 && threshold == 2);
        vm.expectRevert(IDeleverageVenue.NotMatcher.selector);
        venue.openAccountsFor(members);
    }
}
