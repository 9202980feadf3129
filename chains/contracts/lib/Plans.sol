// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IDeleverageVenue} from "../IDeleverageVenue.sol";
import {Ledger} from "./Ledger.sol";

/// @title What a gate keeps of a plan, four u64 a word (laid out on IDeleverageVenue.Plan), and the
/// same numbers unpacked while a chunk runs: read once, written once.
library Plans {
    uint256 private constant FIELD = type(uint64).max;

    struct Run {
        uint256 epoch;
        uint256 chunk;
        /// The chunk's terminal legs, one bit each.
        uint256 done;
        /// The current leg has moved something and its target is not reached.
        bool staysOpen;
        /// The venue's insurance fund.
        uint256 fund;
        uint256 accountCapPpm;
        uint256 insurance;
        uint256 haircutCap;
        uint256 remoteCap;
        uint256 closeLeft;
        uint256 deficit;
        uint256 expiry;
        uint256 legsLeft;
        uint256 need;
        uint256 drawn;
        uint256 pot;
        uint256 taken;
        uint256 remoteTaken;
    }

    function pack(uint256 a, uint256 b, uint256 c, uint256 d) internal pure returns (uint256) {
        if ((a | b | c | d) >> 64 != 0) revert Ledger.OutOfRange();
        return (a << 192) | (b << 128) | (c << 64) | d;
    }

    function unpack(uint256 word)
        internal
        pure
        returns (uint256 a, uint256 b, uint256 c, uint256 d)
    {
        return (word >> 192, uint64(word >> 128), uint64(word >> 64), uint64(word));
    }

    function expiryOf(IDeleverageVenue.Plan storage p) internal view returns (uint256) {
        return uint64(p.bounds >> 128);
    }

    function open(IDeleverageVenue.Plan storage p, IDeleverageVenue.Header calldata h) internal {
        (p.legsRoot, p.planRoot) = (h.legsRoot, h.planRoot);
        p.caps = pack(h.insurance, h.haircutCap, h.remoteCap, h.closeCap);
        p.bounds = pack(h.deficit, h.expiry, h.legCount, 0);
    }

    function load(IDeleverageVenue.Plan storage p, Run memory run) internal view {
        (run.insurance, run.haircutCap, run.remoteCap, run.closeLeft) = unpack(p.caps);
        (run.deficit, run.expiry, run.legsLeft, run.need) = unpack(p.bounds);
        (run.drawn, run.pot, run.taken, run.remoteTaken) = unpack(p.money);
    }

    function store(IDeleverageVenue.Plan storage p, Run memory run) internal {
        p.caps = pack(run.insurance, run.haircutCap, run.remoteCap, run.closeLeft);
        p.bounds = pack(run.deficit, run.expiry, run.legsLeft, run.need);
        p.money = pack(run.drawn, run.pot, run.taken, run.remoteTaken);
    }

    function isFinished(IDeleverageVenue.Plan storage p) internal view returns (bool) {
        return uint64(p.bounds >> 64) == 0;
    }

    /// @notice Splits the pot at the end of a plan: payers first, the rest is the fund's.
    /// @return back What payers get back.
    /// @return rest What the fund gets.
    /// @return unused What was not taken for good, out of the plan's two caps.
    function settle(IDeleverageVenue.Plan storage p)
        internal
        returns (uint256 back, uint256 rest, uint256 unused)
    {
        (, uint256 pot, uint256 taken, uint256 remoteTaken) = unpack(p.money);
        (, uint256 haircutCap, uint256 remoteCap,) = unpack(p.caps);
        back = pot < taken ? pot : taken;
        (rest, unused) = (pot - back, haircutCap + remoteCap + back - taken - remoteTaken);
        p.money &= ~(FIELD << 128);
        p.refunds = back << 192;
    }

    /// @notice The share of a payer from whom `paid` was taken: back x paid / taken, rounded down;
    /// the last payer gets the dust.
    function refundDown(IDeleverageVenue.Plan storage p, uint256 paid)
        internal
        returns (uint256 amount)
    {
        (,, uint256 taken,) = unpack(p.money);
        (uint256 back, uint256 refundedTaken, uint256 refundedBack,) = unpack(p.refunds);
        amount = refundedTaken + paid == taken ? back - refundedBack : back * paid / taken;
        p.refunds = pack(back, refundedTaken + paid, refundedBack + amount, 0);
    }
}
