// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IDeleverageVenue} from "../IDeleverageVenue.sol";
import {OptionsVenue} from "../OptionsVenue.sol";
import {Reads} from "./Reads.sol";
import {ShortCallBankrupt} from "./ShortCallBankrupt.sol";
import {vm} from "./Vm.sol";

/// @dev Accounts: opening, cash, groups, trading, settling, reading.
contract BookTest is ShortCallBankrupt {
    using Reads for OptionsVenue;

    function noMargin(uint32 id) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IDeleverageVenue.InsufficientMargin.selector, id);
    }

    // ---------------------------------------------------------------- opening and cash

    function test_only_the_matcher_opens_for_others_and_only_for_somebody() public {
        address[] memory owners = addresses(SIGNER_KEYS, 2);
        vm.prank(address(0xBAD));
        vm.expectRevert(IDeleverageVenue.NotMatcher.selector);
        venue.openAccountsFor(owners);
        owners[1] = address(0);
        vm.expectRevert(IDeleverageVenue.ZeroAddress.selector);
        venue.openAccountsFor(owners);
    }

    function test_accounts_are_numbered_upwards() public {
        venue.openAccountsFor(addresses(SIGNER_KEYS, 2));
        same("next", venue.openAccount(), 5);
        same("count", venue.gateState().accountCount, 6);
        same("owner", Reads.wordAt(venue.slots(3, 1), 1), uint160(vm.addr(SIGNER_KEYS)));
    }

    function test_a_deposit_into_nowhere_is_refused() public {
        vm.expectRevert(IDeleverageVenue.UnknownAccount.selector);
        venue.deposit(99, 1);
    }

    function test_anybody_may_deposit_for_an_account() public {
        token.mint(address(0xCAFE), 5);
        vm.startPrank(address(0xCAFE));
        token.approve(address(venue), 5);
        venue.deposit(BYSTANDER, 5);
        vm.stopPrank();
        same("cash", venue.cash(BYSTANDER), 1_000e6 + 5);
        isConserved();
    }

    function test_only_the_owner_withdraws_and_to_somebody() public {
        vm.prank(address(0xBAD));
        vm.expectRevert(IDeleverageVenue.NotOwner.selector);
        venue.withdraw(BYSTANDER, 1, address(0xBAD));
        vm.expectRevert(IDeleverageVenue.ZeroAddress.selector);
        venue.withdraw(BYSTANDER, 1, address(0));
    }

    function test_unrealised_profit_cannot_be_withdrawn() public {
        vm.expectRevert(IDeleverageVenue.InsufficientCash.selector);
        venue.withdraw(WINNER, 500 * USD + 1, address(this));
        venue.withdraw(WINNER, 500 * USD, address(0xCAFE));
        same("received", token.balanceOf(address(0xCAFE)), 500 * USD);
        isConserved();
    }

    function test_initial_margin_stays_behind() public {
        trade(BYSTANDER, WINNER, PERP, 2, 1_000 * USD);
        vm.expectRevert(noMargin(BYSTANDER));
        venue.withdraw(BYSTANDER, 948 * USD + 1, address(this));
        venue.withdraw(BYSTANDER, 948 * USD, address(this));
    }

    function test_initial_margin_rounds_up() public {
        IDeleverageVenue.Config memory c = rules();
        trade(BYSTANDER, WINNER, PERP, 1, 1_000 * USD);
        c.imFactorPpm = 1_000_001;
        venue.setConfig(c);
        vm.expectRevert(noMargin(BYSTANDER));
        venue.withdraw(BYSTANDER, 980 * USD - 19, address(this));
        venue.withdraw(BYSTANDER, 980 * USD - 20, address(this));
    }

    function test_nothing_is_withdrawn_at_old_marks() public {
        vm.warp(block.timestamp + 61);
        vm.expectRevert(IDeleverageVenue.StaleMark.selector);
        venue.withdraw(WINNER, 1, address(this));
        venue.withdraw(BYSTANDER, 1, address(this));
    }

    function test_profit_waits_while_a_plan_is_open() public {
        post(CALL, 120 * USD);
        trade(LOSER, WINNER, CALL, 10, 120 * USD);
        commit(plan());
        vm.expectRevert(noMargin(WINNER));
        venue.withdraw(WINNER, 1_000 * USD + 1, address(this));
        venue.withdraw(WINNER, 1_000 * USD, address(this));
        vm.warp(block.timestamp + 301);
        venue.closePlan(epoch);
        venue.withdraw(WINNER, 700 * USD, address(this));
    }

    // ---------------------------------------------------------------- groups

    function member(uint256 chain, uint32 id) private view returns (bytes memory) {
        return abi.encodePacked(uint64(chain), address(venue), id);
    }

    function test_only_the_owner_joins_or_leaves_a_group() public {
        bytes memory members = member(block.chainid, WINNER);
        vm.startPrank(address(0xBAD));
        vm.expectRevert(IDeleverageVenue.NotOwner.selector);
        venue.registerGroup(WINNER, members);
        vm.expectRevert(IDeleverageVenue.NotOwner.selector);
        venue.leaveGroup(WINNER);
        vm.stopPrank();
    }

    function badGroup(bytes memory members) private {
        vm.expectRevert(IDeleverageVenue.InvalidGroup.selector);
        venue.registerGroup(WINNER, members);
    }

    function test_a_group_is_sorted_unique_whole_and_contains_the_account() public {
        bytes memory own = member(block.chainid, WINNER);
        bytes memory far = member(block.chainid + 1, 3);
        badGroup("");
        badGroup(far);
        badGroup(bytes.concat(far, own));
        badGroup(bytes.concat(own, own));
        badGroup(bytes.concat(own, far, hex"00"));
    }

    function test_a_group_is_named_by_its_members_and_left_again() public {
        bytes memory members =
            bytes.concat(member(block.chainid, WINNER), member(block.chainid + 1, 3));
        venue.registerGroup(WINNER, members);
        bytes memory raw = venue.slots(WINNER, 1);
        isTrue("group", bytes32(Reads.wordAt(raw, 2)) == keccak256(members));
        same("owner", Reads.wordAt(raw, 1), uint160(address(this)));
        venue.leaveGroup(WINNER);
        same("no group", Reads.wordAt(venue.slots(WINNER, 1), 2), 0);
    }

    // ---------------------------------------------------------------- trading

    function test_only_the_matcher_trades() public {
        IDeleverageVenue.Match[] memory matches = new IDeleverageVenue.Match[](1);
        matches[0] = IDeleverageVenue.Match(WINNER, BYSTANDER, PERP, 1, 1);
        vm.prank(address(0xBAD));
        vm.expectRevert(IDeleverageVenue.NotMatcher.selector);
        venue.trade(matches);
    }

    function refusedTrade(uint32 buyer, uint32 seller, uint32 instrument, uint64 lots, bytes4 why)
        private
    {
        IDeleverageVenue.Match[] memory matches = new IDeleverageVenue.Match[](1);
        matches[0] = IDeleverageVenue.Match(buyer, seller, instrument, lots, 1_000 * USD);
        vm.expectRevert(why);
        venue.trade(matches);
    }

    function test_impossible_trades_are_refused() public {
        refusedTrade(WINNER, WINNER, PERP, 1, IDeleverageVenue.SelfTrade.selector);
        refusedTrade(WINNER, BYSTANDER, PERP, 0, IDeleverageVenue.ZeroAmount.selector);
        refusedTrade(WINNER, BYSTANDER, 3, 1, IDeleverageVenue.UnknownInstrument.selector);
        refusedTrade(99, BYSTANDER, PERP, 1, IDeleverageVenue.UnknownAccount.selector);
        refusedTrade(BYSTANDER, 99, PERP, 1, IDeleverageVenue.UnknownAccount.selector);
        vm.warp(block.timestamp + 61);
        refusedTrade(WINNER, BYSTANDER, PERP, 1, IDeleverageVenue.StaleMark.selector);
        vm.warp(EXPIRY);
        refusedTrade(WINNER, BYSTANDER, FUTURE, 1, IDeleverageVenue.InstrumentExpired.selector);
    }

    function test_both_sides_need_initial_margin() public {
        IDeleverageVenue.Match[] memory matches = new IDeleverageVenue.Match[](1);
        matches[0] = IDeleverageVenue.Match(BYSTANDER, WINNER, PERP, 39, 1_000 * USD);
        vm.expectRevert(noMargin(BYSTANDER));
        venue.trade(matches);
        (matches[0].buyer, matches[0].seller) = (WINNER, BYSTANDER);
        vm.expectRevert(noMargin(BYSTANDER));
        venue.trade(matches);
        matches[0].lots = 38;
        venue.trade(matches);
    }

    function test_an_account_holds_sixteen_instruments_and_no_more() public {
        uint32 a = account(100_000 * USD);
        uint32 b = account(100_000 * USD);
        for (uint32 i = 3; i < 20; ++i) {
            venue.listInstrument(instrumentWord(1, 0, 0, 0));
            post(i, 100 * USD);
            if (i < 19) trade(a, b, i, 1, 100 * USD);
        }
        same("count", venue.account(a).count, 16);
        refusedTrade(a, b, 19, 1, IDeleverageVenue.TooManyPositions.selector);
    }

    function test_a_crossing_trade_realises_and_reopens() public {
        postAll(50 * USD, 1_000 * USD, 1_000 * USD);
        trade(WINNER, BYSTANDER, PERP, 3, 1_000 * USD);
        trade(BYSTANDER, WINNER, PERP, 5, 1_100 * USD);
        same("lots", venue.lots(WINNER, PERP), -2);
        same("cost", venue.position(WINNER, PERP).cost, -2_200e6);
        same("realised", venue.account(WINNER).realisedNow, 300e6);
        same("sides need not sum to zero in cash", venue.cash(BYSTANDER), 700e6);
        same("cost of both", venue.perpCost(), 0);
        isConserved();
    }

    function test_funding_moves_value_and_not_lots() public {
        postAll(50 * USD, 1_000 * USD, 1_000 * USD);
        trade(WINNER, BYSTANDER, PERP, 3, 1_000 * USD);
        int256 before = venue.equity(BYSTANDER);
        postFunding(PERP, int64(20 * USD), 1);
        same("the short is paid", venue.equity(BYSTANDER), before + 60e6);
        trade(BYSTANDER, WINNER, PERP, 3, 1_000 * USD);
        same("in cash", venue.cash(BYSTANDER), 1_060e6);
        isConserved();
    }

    function test_the_last_position_fills_a_gap() public {
        postAll(200 * USD, 1_000 * USD, 1_000 * USD);
        trade(WINNER, BYSTANDER, PERP, 1, 1_000 * USD);
        trade(WINNER, BYSTANDER, FUTURE, 1, 1_000 * USD);
        trade(BYSTANDER, WINNER, PERP, 1, 1_000 * USD);
        bytes memory raw = venue.slots(BYSTANDER, 1);
        same("words", raw.length / 32, 4);
        same("future left", venue.lots(BYSTANDER, FUTURE), -1);
    }

    // ---------------------------------------------------------------- settling and reading

    function test_nothing_settles_before_its_final_mark() public {
        vm.expectRevert(IDeleverageVenue.NotFinal.selector);
        venue.settle(WINNER, PERP);
        vm.warp(EXPIRY);
        vm.expectRevert(IDeleverageVenue.NotFinal.selector);
        venue.settle(WINNER, CALL);
    }

    function test_only_positions_settle_and_only_once() public {
        vm.warp(EXPIRY);
        post(CALL, 210 * USD);
        vm.expectRevert(IDeleverageVenue.NoPosition.selector);
        venue.settle(BYSTANDER, CALL);
        venue.settle(WINNER, CALL);
        vm.expectRevert(IDeleverageVenue.NoPosition.selector);
        venue.settle(WINNER, CALL);
    }

    function test_settling_one_side_is_remembered_until_the_other_settles() public {
        vm.warp(EXPIRY);
        post(CALL, 210 * USD);
        venue.settle(WINNER, CALL);
        same("winner", venue.cash(WINNER), 2_600e6);
        same("unsettled", venue.unsettled(), 2_100e6);
        isConserved();
        venue.settle(LOSER, CALL);
        same("loser", venue.cash(LOSER), -600e6);
        same("unsettled", venue.unsettled(), 0);
        isConserved();
    }

    function test_a_future_settles_its_cost_away() public {
        trade(WINNER, BYSTANDER, FUTURE, 2, 1_000 * USD);
        vm.warp(EXPIRY);
        post(FUTURE, 1_010 * USD);
        venue.settle(BYSTANDER, FUTURE);
        isConserved();
        venue.settle(WINNER, FUTURE);
        same("bystander", venue.cash(BYSTANDER), 980e6);
        same("cost", venue.perpCost(), 0);
        same("unsettled", venue.unsettled(), 0);
        isConserved();
    }

    function test_pages_of_slots_join_to_the_whole() public view {
        bytes memory whole = venue.slots(0, 3);
        bytes memory joined = bytes.concat(venue.slots(0, 1), venue.slots(1, 10));
        isTrue("pages", keccak256(whole) == keccak256(joined));
        same("past the end", venue.slots(3, 10).length, 0);
    }

    function test_instruments_read_back_with_mark_and_funding() public {
        postFunding(PERP, -7, 1);
        bytes memory raw = venue.instrumentWords(0, 10);
        same("words", raw.length / 32, 9);
        isTrue("word", bytes32(Reads.wordAt(raw, 3)) == instrumentWord(1, 0, 0, 0));
        same("mark", Reads.wordAt(raw, 4) >> 192, 1_000 * USD);
        same("funding", int256(Reads.wordAt(raw, 5)), -7);
        isTrue("name", venue.underlyings()[0] == "BTC");
        same("a page of one", venue.instrumentWords(1, 1).length, 96);
    }
}
