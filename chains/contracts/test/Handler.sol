// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IDeleverageVenue} from "../IDeleverageVenue.sol";
import {IReserve} from "../IReserve.sol";
import {OptionsVenue} from "../OptionsVenue.sol";
import {ChunkTree} from "../lib/ChunkTree.sol";
import {Ledger} from "../lib/Ledger.sol";
import {TypedData} from "../lib/TypedData.sol";
import {Reads} from "./Reads.sol";
import {vm} from "./Vm.sol";
import {World} from "./World.sol";

/// @dev Random people at a venue: they trade, move money, let time and marks run, and deleverage.
/// What must never happen is counted in `broken`, because a revert would be forgotten.
contract Handler is World {
    using Reads for OptionsVenue;

    uint32 private constant PEOPLE = 6;
    uint64[3] private marks = [uint64(50 * USD), uint64(1_000 * USD), uint64(1_000 * USD)];
    uint64 private sequence;
    bytes32[] private legs;
    IReserve.Edge private owing;
    IReserve.Edge private paying;

    uint256 public broken;
    string public firstBroken;
    /// @dev Legs that moved something, by kind; 5 counts remote haircuts, 6 refunds, 7 decisions.
    uint256[8] public done;

    function setUp() public override {
        super.setUp();
        for (uint32 i = 0; i < PEOPLE; ++i) {
            account(2_000 * USD);
        }
        reserve.fund(5_000 * USD);
        reserve.setCreditLine(9, address(9), 3_000 * USD);
        refresh();
    }

    function expect(string memory what, bool holds) private {
        if (holds) return;
        if (broken++ == 0) firstBroken = what;
    }

    function within(uint256 value, uint256 low, uint256 high) private pure returns (uint256) {
        return low + value % (high - low + 1);
    }

    // ---------------------------------------------------------------- people

    function deposit(uint32 who, uint64 amount) external {
        venue.deposit(who % PEOPLE, uint64(within(amount, 0, 1_000 * USD)));
    }

    function withdraw(uint32 who, uint64 amount) external {
        refresh();
        uint32 a = who % PEOPLE;
        venue.withdraw(a, uint64(within(amount, 0, 2_000 * USD)), address(this));
        expect("withdrawn below zero", venue.cash(a) >= 0 && venue.equity(a) >= 0);
        if (venue.gateState().openEpoch != 0) {
            expect("profit left during a plan", venue.equity(a) >= venue.profit(a));
        }
    }

    function exchange(uint32 a, uint32 b, uint32 instrument, uint64 lots, uint64 price) external {
        refresh();
        uint32 which = instrument % 3;
        uint64 near = uint64(within(price, marks[which] * 9 / 10, marks[which] * 11 / 10));
        trade(a % PEOPLE, b % PEOPLE, which, uint64(within(lots, 1, 30)), near);
    }

    function move(uint64 call, uint64 perp, uint64 future) external {
        marks[CALL] = uint64(within(call, 1 * USD, 300 * USD));
        marks[PERP] = uint64(within(perp, marks[PERP] * 7 / 10, marks[PERP] * 13 / 10));
        marks[FUTURE] = uint64(within(future, marks[FUTURE] * 7 / 10, marks[FUTURE] * 13 / 10));
        refresh();
    }

    function fundingOf(int64 cumulative) external {
        int64 bounded = int64(int256(within(uint64(cumulative), 0, 60 * USD))) - int64(30 * USD);
        postFunding(PERP, bounded, ++sequence);
    }

    function wait(uint32 time) external {
        vm.warp(block.timestamp + within(time, 1, time % 3 == 0 ? 2 hours : 10 minutes));
        if (time % 499 == 0 && block.timestamp < EXPIRY) vm.warp(EXPIRY);
        refresh();
    }

    function insure(uint64 amount) external {
        venue.fundInsurance(uint64(within(amount, 0, 100 * USD)));
    }

    function settle(uint32 who, uint32 which) external {
        venue.settle(who % PEOPLE, which % 2 == 0 ? FUTURE : CALL);
    }

    /// @dev Marks that are not final, posted anew.
    function refresh() private {
        bool isOver = block.timestamp >= EXPIRY;
        if (!isOver) return postAll(marks[CALL], marks[PERP], marks[FUTURE]);
        post(PERP, marks[PERP]);
        try this.finish() {} catch {}
    }

    function finish() external {
        post(CALL, marks[CALL]);
        post(FUTURE, marks[FUTURE]);
    }

    // ---------------------------------------------------------------- plans

    /// @dev A plan and, in order, three quarters of its legs.
    function round(uint32 start, uint64 target, uint64 seed, uint64 chosen) external {
        plan(start, target, seed);
        for (uint256 i = 0; i < legs.length; ++i) {
            if ((chosen >> i) & 3 != 0) carryOutOne(i);
        }
        try this.prepare() {} catch {}
    }

    /// @dev For somebody who cannot pay, if there is anybody.
    function plan(uint32 start, uint64 target, uint64 seed) public {
        refresh();
        uint32 victim = start % PEOPLE;
        for (uint32 i = 0; i < PEOPLE; ++i) {
            if (venue.equity((start + i) % PEOPLE) < 0) victim = (start + i) % PEOPLE;
        }
        makeLegs(victim, uint64(within(target, 1, 2_000 * USD)));
        makeEdges(victim, seed);
        IDeleverageVenue.Header memory h = header(legs);
        bytes32 slice = h.planRoot;
        h.planRoot = ChunkTree.node(ChunkTree.node(slice, id(owing)), id(paying));
        h.closeCap = uint64(within(seed, 1, 1_000_000 * USD));
        h.haircutCap = uint64(within(seed, 1, 5_000 * USD));
        commit(h);
        bytes32[] memory proof = new bytes32[](1);
        proof[0] = ChunkTree.node(slice, id(owing));
        reserve.open(paying, proof);
    }

    function makeLegs(uint32 victim, uint64 target) private {
        delete legs;
        legs.push(deficit(victim, target));
        for (uint32 i = 3; i < 3 * PEOPLE; ++i) {
            legs.push(close(victim, (victim + i / 3) % PEOPLE, i % 3, 20, marks[i % 3]));
        }
        for (uint32 i = 1; i < PEOPLE; ++i) {
            legs.push(haircut((victim + i) % PEOPLE, 0, target / i));
            legs.push(haircut((victim + i) % PEOPLE, 1, target / (2 * i)));
        }
        legs.push(deficit((victim + 1) % PEOPLE, target));
        legs.push(credit(victim, target));
    }

    function makeEdges(uint32 victim, uint64 seed) private {
        uint64 decideBy = uint64(block.timestamp + 200);
        uint64 planned = uint64(within(seed, 1, 500 * USD));
        uint64 here = uint64(block.chainid);
        owing = IReserve.Edge(
            epoch + 1, 2, 1, planned, decideBy, here, address(venue), victim, 9, address(9)
        );
        paying = IReserve.Edge(
            epoch + 1, 1, 2, planned, decideBy, 9, address(9), 7, here, address(venue)
        );
    }

    function id(IReserve.Edge memory edge) private view returns (bytes32) {
        return reserve.edgeId(edge);
    }

    /// @dev One leg at a time, looking at everybody before and after.
    function carryOut(uint32 first, uint32 count) external {
        refresh();
        for (uint256 i = 0; i < within(count, 1, 10); ++i) {
            carryOutOne((first + i) % legs.length);
        }
    }

    function carryOutOne(uint256 index) private {
        uint32 a = uint32(uint256(legs[index]) >> 216);
        uint8 kind = uint8(uint256(legs[index]) >> 248);
        (int256 others, int256 equity, int256 profit) = look(a);
        uint256 limit = Ledger.limit(equity, profit);
        execute(legs, 1 << index);
        (int256 othersNow, int256 equityNow,) = look(a);
        int256 moved = equityNow - equity;
        expect("a leg touched somebody else", others == othersNow);
        bool isRemote = kind == 3 && uint32(uint256(legs[index]) >> 184) != 0;
        bool isDone = venue.legBits(epoch, 0) >> index & 1 != 0;
        if (moved != 0 || (isDone && kind < 3)) ++done[isRemote ? 5 : kind];
        if (kind == 3) {
            expect("haircut above profit", moved <= 0 && uint256(-moved) <= limit);
            expect("haircut made bankrupt", moved == 0 || equityNow >= 0);
        } else if (kind == 4) {
            expect("credit above zero", moved >= 0 && (moved == 0 || equityNow <= 0));
        } else {
            expect("equity moved without money", moved == 0);
        }
    }

    /// @dev Everybody else's equity, mixed so that shifts among them show, and one's own.
    function look(uint32 a) private view returns (int256 others, int256 equity, int256 profit) {
        for (uint32 i = 0; i < PEOPLE; ++i) {
            if (i != a) others = others * 3 + venue.equity(i);
        }
        (equity, profit,) = venue.accountState(a);
    }

    function finishPlan() external {
        uint64 last = epoch;
        venue.closePlan(last);
        uint256 money = venue.plan(last).money;
        uint256 taken = uint64(money >> 64);
        expect("taken for good above need", taken - venue.back(last) <= venue.need(last));
        expect("a pot is left", venue.pot(last) == 0);
    }

    function payBack(uint64 which) external {
        uint64 old = uint64(within(which, epoch > 5 ? epoch - 5 : 1, epoch));
        for (uint32 a = 0; a < PEOPLE; ++a) {
            try this.payBackOne(old, a) {} catch {}
        }
        uint256 taken = uint64(venue.plan(old).money >> 64);
        if (uint64(venue.plan(old).refunds >> 128) != taken) return;
        expect("refunds are not exact", venue.refundedBack(old) == venue.back(old));
    }

    function payBackOne(uint64 old, uint32 a) external {
        uint32[] memory accounts = new uint32[](1);
        accounts[0] = a;
        int256 before = venue.equity(a);
        venue.refund(old, accounts);
        (uint64 taken,,) = venue.moved(old, a);
        int256 back = venue.equity(a) - before;
        expect("refund above what was taken", back >= 0 && back <= int256(uint256(taken)));
        ++done[6];
    }

    // ---------------------------------------------------------------- edges

    function prepare() external {
        bytes32[] memory proof = new bytes32[](2);
        proof[0] = ChunkTree.sliceLeaf(uint64(block.chainid), address(venue), leafOf(0, legs));
        proof[1] = id(paying);
        reserve.prepare(owing, proof);
        expect("line", reserve.pools().openEarmarks <= 3_000 * USD);
    }

    function decide(uint32 which, uint64 amount) external {
        bool isOwing = which % 2 == 0;
        IReserve.Edge memory edge = isOwing ? owing : paying;
        (bool isSealed, uint64 held) = reserve.sealedSide(edge);
        if (!isSealed && amount % 2 == 0) {
            vm.warp(edge.decideBy + 1);
            (, held) = reserve.sealedSide(edge);
        }
        uint64 decided = uint64(within(amount, 0, held));
        bytes32 body = TypedData.decisionHash(id(edge), decided);
        bytes32 digest = TypedData.digest(TypedData.decisionDomain(), body);
        reserve.register(edge, decided, signatures(SIGNER_KEYS, 3, digest));
        reserve.applyDecision(id(edge));
        if (decided != 0) ++done[7];
        if (isOwing && held != 0) expect("paid above zero", venue.cash(edge.accountA) <= 0);
    }

    function returnEscrow(uint32 who) external {
        uint32[] memory accounts = new uint32[](1);
        for (uint32 i = 0; i < PEOPLE; ++i) {
            accounts[0] = (who % PEOPLE + i) % PEOPLE;
            try reserve.refundEscrow(id(paying), accounts) {} catch {}
        }
    }

    function carryCash(uint64 amount, uint32 way) external {
        uint64 some = uint64(within(amount, 0, 100 * USD));
        if (way % 2 == 0) reserve.repay(9, address(9), some);
        else reserve.remit(9, address(9), some, address(this));
    }

    // ---------------------------------------------------------------- what must hold

    function venueBalance() external view returns (int256 seen, int256 wanted) {
        return (int256(token.balanceOf(address(venue))), venue.booked(epoch));
    }

    function reserveBalance() external view returns (uint256 seen, uint256 wanted) {
        IReserve.Pools memory p = reserve.pools();
        wanted = uint256(p.free) + p.openEarmarks + p.escrowHeld + p.unsent;
        return (token.balanceOf(address(reserve)), wanted);
    }

    /// @dev Lots of all accounts in an instrument; after expiry only once nothing is unsettled.
    function openLots(uint32 instrument) external view returns (int256 sum) {
        for (uint32 i = 0; i < PEOPLE; ++i) {
            sum += venue.lots(i, instrument);
        }
    }

    function costs() external view returns (int256 seen, int256 wanted) {
        for (uint32 i = 0; i < PEOPLE; ++i) {
            seen += venue.position(i, PERP).cost + venue.position(i, FUTURE).cost;
        }
        return (seen, venue.perpCost());
    }

    function isExpired() external view returns (bool) {
        return block.timestamp >= EXPIRY;
    }

    function bucket() external view returns (uint256) {
        return venue.gateState().bucketAvailable;
    }
}
