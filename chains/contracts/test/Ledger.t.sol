// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {LedgerProbe} from "../devnet/LedgerProbe.sol";
import {Bucket} from "../lib/Bucket.sol";
import {ChunkTree} from "../lib/ChunkTree.sol";
import {Ledger} from "../lib/Ledger.sol";
import {Legs} from "../lib/Legs.sol";
import {Plans} from "../lib/Plans.sol";
import {Asserting, vm} from "./Vm.sol";

/// @dev The pure rules, on random cases.
contract LedgerTest is Asserting {
    using Ledger for Ledger.Account;
    using Ledger for Ledger.Position;

    LedgerProbe private probe;

    function setUp() public {
        address[] memory one = new address[](1);
        one[0] = address(1);
        probe = new LedgerProbe(one, 1);
    }

    function accountOf(int64 cash, int64 nowMicro, int64 before, uint32 window, uint8 count)
        private
        pure
        returns (Ledger.Account memory)
    {
        return Ledger.Account(cash, nowMicro, before, window, count, 0);
    }

    // ---------------------------------------------------------------- words

    function test_words_survive_packing(uint256 packed, uint256 other) public pure {
        packed &= ~uint256(0xffff);
        other &= ~(uint256(type(uint56).max) << 8);
        same("account", Ledger.account(packed).word(), packed);
        same("position", Ledger.position(other).word(), other);
    }

    function test_flags_change_nothing_else(uint256 packed, uint8 flags) public pure {
        Ledger.Account memory a = Ledger.account(Ledger.withFlags(packed, flags));
        Ledger.Account memory b = Ledger.account(packed);
        same("flags", a.flags, flags);
        b.flags = flags;
        same("rest", a.word(), b.word());
    }

    function test_what_does_not_fit_is_refused() public {
        Ledger.Account memory a = accountOf(type(int64).max, 0, 0, 0, 0);
        same("fits", int256(uint256(uint64(a.word() >> 192))), type(int64).max);
        vm.expectRevert(Ledger.OutOfRange.selector);
        this.boxed(int256(type(int64).max) + 1);
        vm.expectRevert(Ledger.OutOfRange.selector);
        this.boxed(int256(type(int64).min) - 1);
    }

    function boxed(int256 value) external pure returns (uint256) {
        return Ledger.bits64(value);
    }

    function test_four_fields_of_a_plan_survive_packing(uint64 a, uint64 b, uint64 c, uint64 d)
        public
        pure
    {
        (uint256 p, uint256 q, uint256 r, uint256 s) = Plans.unpack(Plans.pack(a, b, c, d));
        isTrue("fields", p == a && q == b && r == c && s == d);
    }

    function test_a_plan_field_that_does_not_fit_is_refused() public {
        vm.expectRevert(Ledger.OutOfRange.selector);
        this.packed(uint256(type(uint64).max) + 1);
    }

    function packed(uint256 d) external pure returns (uint256) {
        return Plans.pack(0, 0, 0, d);
    }

    function test_a_leg_word_decodes_field_by_field(
        uint8 kind,
        uint32 a,
        uint32 b,
        uint32 instrument,
        uint64 x,
        int64 y
    ) public pure {
        Legs.Leg memory leg = Legs.decode(
            bytes32(abi.encodePacked(kind, a, b, instrument, x, y, uint8(7), uint8(9), uint8(0)))
        );
        isTrue("ids", leg.kind == kind && leg.a == a && leg.b == b);
        isTrue("amounts", leg.instrument == instrument && leg.x == x && leg.y == y);
        isTrue("hints", leg.slotA == 7 && leg.slotB == 9);
    }

    // ---------------------------------------------------------------- roll

    function test_rolling_back_is_refused() public {
        Ledger.Account memory a = accountOf(0, 0, 0, 5, 0);
        uint256 packed = a.word();
        vm.expectRevert(Ledger.WindowWentBack.selector);
        probe.rollOne(packed, 4);
    }

    function test_profit_ages_out_after_two_windows() public pure {
        Ledger.Account memory a = accountOf(0, 100, 50, 5, 1);
        a.roll(6);
        same("one window", a.realised(), 100);
        a.roll(7);
        same("two windows", a.realised(), 0);
    }

    function test_a_net_loss_stays_until_the_account_is_flat() public pure {
        Ledger.Account memory a = accountOf(0, -100, -50, 5, 1);
        a.roll(1000);
        same("kept", a.realised(), -150);
        a.count = 0;
        a.roll(1001);
        a.roll(1002);
        same("flat", a.realised(), 0);
    }

    function test_touching_early_or_late_changes_nothing(
        int64 nowMicro,
        int64 before,
        uint8 steps,
        uint8 touch,
        bool isFlat
    ) public pure {
        Ledger.Account memory once = accountOf(0, nowMicro, before, 5, isFlat ? 0 : 1);
        Ledger.Account memory twice = accountOf(0, nowMicro, before, 5, isFlat ? 0 : 1);
        once.roll(5 + uint256(steps));
        twice.roll(5 + uint256(steps) * touch / 255);
        twice.roll(5 + uint256(steps));
        same("word", once.word(), twice.word());
    }

    function test_rolling_never_adds_profit(int64 nowMicro, int64 before, uint16 steps)
        public
        pure
    {
        Ledger.Account memory a = accountOf(0, nowMicro, before, 5, 1);
        a.roll(5 + uint256(steps));
        int256 most = (nowMicro > 0 ? int256(nowMicro) : int256(0))
            + (before > 0 ? int256(before) : int256(0));
        isTrue("bounded", a.realised() <= most);
    }

    // ---------------------------------------------------------------- trade

    function test_cost_is_removed_toward_zero() public pure {
        same("positive", Ledger.removedCost(10, -1, 3), 3);
        same("negative", Ledger.removedCost(-10, 1, -3), -3);
        same("all", Ledger.removedCost(-10, 3, -3), -10);
        same("short with positive cost", Ledger.removedCost(10, 2, -3), 6);
    }

    /// @dev At any price, a trade moves cash + value - cost of perpetuals by nothing but its price.
    function test_a_trade_at_the_mark_keeps_equity(
        int32 lots,
        int48 cost,
        int32 change,
        uint32 mark,
        int32 funding,
        bool isOption
    ) public pure {
        vm.assume(change != 0 && (lots != 0 || cost == 0));
        Ledger.Account memory a = accountOf(0, 0, 0, 0, 0);
        Ledger.Position memory p = Ledger.Position(0, 0, lots, cost, 0);
        int256 price = int256(uint256(mark)) - (isOption ? int256(0) : funding);
        int256 before = worth(a, p, price, isOption);
        int256 gainBefore = p.lots * price - p.cost;
        a.trade(p, change, price, isOption);
        same("equity", worth(a, p, price, isOption), before);
        same("lots", p.lots, int256(lots) + change);
        isTrue("no lots, no cost", p.lots != 0 || p.cost == 0);
        same("profit", p.lots * price - p.cost + a.realisedNow, gainBefore);
    }

    function worth(
        Ledger.Account memory a,
        Ledger.Position memory p,
        int256 price,
        bool isOption
    ) private pure returns (int256) {
        return a.cash + p.lots * price - (isOption ? int256(0) : p.cost);
    }

    /// @dev Both sides of a trade together create and destroy no money.
    function test_two_sides_conserve_money(
        int32 lotsA,
        int32 lotsB,
        int40 costA,
        int40 costB,
        uint24 change,
        uint32 price,
        bool isOption
    ) public pure {
        vm.assume(change != 0 && (lotsA != 0 || costA == 0) && (lotsB != 0 || costB == 0));
        Ledger.Account memory a = accountOf(0, 0, 0, 0, 0);
        Ledger.Position memory p = Ledger.Position(0, 0, lotsA, costA, 0);
        Ledger.Position memory q = Ledger.Position(0, 0, lotsB, costB, 0);
        int256 paid = int256(uint256(change));
        a.trade(p, paid, int256(uint256(price)), isOption);
        a.trade(q, -paid, int256(uint256(price)), isOption);
        int256 costMoved = p.cost + q.cost - costA - costB;
        same("cash - cost", a.cash - (isOption ? int256(0) : costMoved), 0);
        same("lots", p.lots + q.lots, int256(lotsA) + lotsB);
    }

    function test_the_limit_is_profit_and_never_more_than_equity(int64 equity, int64 profit)
        public
        pure
    {
        uint256 limit = Ledger.limit(equity, profit);
        isTrue("equity", limit == 0 || int256(limit) <= equity);
        isTrue("profit", limit == 0 || int256(limit) <= profit);
        isTrue("all of it", int256(limit) >= profit || int256(limit) >= equity);
    }

    // ---------------------------------------------------------------- bucket and tree

    function test_the_bucket_never_holds_more_than_its_capacity(
        uint64 level,
        uint32 elapsed,
        uint64 capacity,
        uint64 refill
    ) public pure {
        uint256 seen = Bucket.available(level, elapsed, capacity, refill);
        uint256 full = uint256(level) + uint256(elapsed) * refill;
        same("bucket", seen, full < capacity ? full : capacity);
    }

    function test_every_leaf_of_every_tree_is_proven(uint8 size, uint8 pick, bytes32 seed)
        public
        view
    {
        uint256 n = uint256(size) % 33 + 1;
        uint256 index = pick % n;
        bytes32[] memory leaves = new bytes32[](n);
        for (uint256 i = 0; i < n; ++i) {
            leaves[i] = keccak256(abi.encode(seed, i));
        }
        bytes32 leaf = leaves[index];
        bytes32[] memory proof = proofOf(leaves, index);
        isTrue("root", probe.rootFrom(leaf, proof) == ChunkTree.root(leaves));
        isTrue("not of another", probe.rootFrom(~leaf, proof) != ChunkTree.root(leaves));
    }

    /// @dev Siblings from the leaf up; an odd node is promoted and has none.
    function proofOf(bytes32[] memory leaves, uint256 index)
        private
        pure
        returns (bytes32[] memory proof)
    {
        bytes32[] memory nodes = new bytes32[](leaves.length);
        for (uint256 i = 0; i < nodes.length; ++i) {
            nodes[i] = leaves[i];
        }
        bytes32[] memory found = new bytes32[](8);
        uint256 depth = 0;
        for (uint256 width = nodes.length; width > 1; width = (width + 1) / 2) {
            if (index ^ 1 < width) found[depth++] = nodes[index ^ 1];
            for (uint256 i = 0; i < width; i += 2) {
                nodes[i / 2] = i + 1 < width ? ChunkTree.node(nodes[i], nodes[i + 1]) : nodes[i];
            }
            index /= 2;
        }
        proof = new bytes32[](depth);
        for (uint256 i = 0; i < depth; ++i) {
            proof[i] = found[i];
        }
    }
}
