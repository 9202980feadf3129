// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IReserve} from "../IReserve.sol";
import {LedgerProbe} from "../devnet/LedgerProbe.sol";
import {PriceFeed} from "../devnet/PriceFeed.sol";
import {SettlementToken} from "../devnet/SettlementToken.sol";
import {Asserting, vm} from "./Vm.sol";

/// @dev What devnets and golden vectors are made with.
contract DevnetTest is Asserting {
    LedgerProbe private probe;

    function setUp() public {
        address[] memory one = new address[](1);
        one[0] = vm.addr(1);
        probe = new LedgerProbe(one, 1);
    }

    function test_only_its_owner_mints() public {
        SettlementToken token = new SettlementToken(address(this));
        token.mint(address(1), 5);
        same("decimals", token.decimals(), 6);
        same("balance", token.balanceOf(address(1)), 5);
        vm.prank(address(1));
        vm.expectRevert();
        token.mint(address(1), 5);
    }

    function test_a_feed_answers_its_latest_round_and_nothing_before_the_first() public {
        PriceFeed feed = new PriceFeed(address(this), "BTC / USD");
        vm.expectRevert(PriceFeed.NoDataPresent.selector);
        feed.latestRoundData();
        feed.post(5, 10);
        feed.post(6, 11);
        (uint80 round, int256 answer,, uint256 updatedAt,) = feed.latestRoundData();
        isTrue("latest", round == 2 && answer == 6 && updatedAt == 11);
        (, answer,,,) = feed.getRoundData(1);
        same("first", answer, 5);
        vm.prank(address(1));
        vm.expectRevert();
        feed.post(7, 12);
    }

    function test_the_probe_flags_what_would_revert() public view {
        uint256[] memory accounts = new uint256[](2);
        (accounts[0], accounts[1]) = (uint256(5) << 32, uint256(5) << 32);
        uint32[] memory windows = new uint32[](2);
        (windows[0], windows[1]) = (6, 4);
        (uint256[] memory words, bool[] memory isGood) = probe.roll(accounts, windows);
        isTrue("good", isGood[0] && !isGood[1]);
        same("word", words[0], uint256(6) << 32);
        LedgerProbe.Trade[] memory trades = new LedgerProbe.Trade[](2);
        trades[0] = LedgerProbe.Trade(0, 0, 0, 3, 7, 0);
        trades[1] = LedgerProbe.Trade(0, 0, 0, type(int64).max, 7, 0);
        (accounts,, isGood) = probe.trade(trades);
        isTrue("good", isGood[0] && !isGood[1]);
        same("cash", int64(uint64(accounts[0] >> 192)), -21);
    }

    function test_the_probe_sees_limits_quorums_and_names() public view {
        uint256[] memory accounts = new uint256[](1);
        accounts[0] = uint256(100) << 192 | uint256(30) << 128 | uint256(1) << 24;
        LedgerProbe.Held[] memory held = new LedgerProbe.Held[](1);
        held[0] = LedgerProbe.Held(uint256(2) << 128 | uint256(10) << 64, 0, uint256(25) << 192, 0);
        same("2 x 25 - 10 + 30", probe.limits(accounts, held)[0], 70);
        bytes32[] memory digests = new bytes32[](2);
        (digests[0], digests[1]) = ("one", "two");
        bytes[] memory packed = new bytes[](2);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(1, "one");
        packed[0] = abi.encodePacked(uint8(0), r, s, v);
        packed[1] = packed[0];
        bool[] memory isGood = probe.quorum(digests, packed);
        isTrue("quorum", isGood[0] && !isGood[1]);
        IReserve.Edge[] memory edges = new IReserve.Edge[](1);
        bytes32 wanted = keccak256(abi.encode(keccak256("adl/edge/1"), edges[0]));
        isTrue("edge", probe.edgeIds(edges)[0] == wanted);
    }
}
