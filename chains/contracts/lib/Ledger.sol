// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Account and position words, cost removal and rolling realised profit.
/// @notice Pure integer arithmetic, the same to the last micro in Solidity and in Python.
/// Words are big-endian, first field in the highest bits:
///   account  : cash i64 | realisedNow i64 | realisedPrev i64 | window u32 | count u8 | flags u8
///   position : account u32 | instrument u32 | lots i64 | cost i64 | 0 u56 | kind u8
/// (the kind of the instrument saves a read in storage; a venue's answers show 0 there).
/// A word's fields are below 2^64 and prices below 2^65, so no product or sum of a few of them
/// comes near 2^255: arithmetic is unchecked, and whatever is stored is checked to be an int64.
/// Money is micro-USD, sizes are lots, a window is one hour (block.timestamp / 3600).
library Ledger {
    /// @notice A stored amount would leave the range of int64.
    error OutOfRange();
    /// @notice Realised profit was asked for at a window before the stored one.
    error WindowWentBack();

    /// @dev flags bit 0: part of the account's deficit is bound to a cross-chain edge.
    uint256 internal constant BOUND = 1;
    uint256 internal constant WINDOW_SECONDS = 3600;

    struct Account {
        int256 cash;
        int256 realisedNow;
        int256 realisedPrev;
        uint256 window;
        uint256 count;
        uint256 flags;
    }

    struct Position {
        uint256 account;
        uint256 instrument;
        int256 lots;
        int256 cost;
        uint256 kind;
    }

    function account(uint256 packed) internal pure returns (Account memory a) {
        a.cash = int64(uint64(packed >> 192));
        a.realisedNow = int64(uint64(packed >> 128));
        a.realisedPrev = int64(uint64(packed >> 64));
        a.window = uint32(packed >> 32);
        a.count = uint8(packed >> 24);
        a.flags = uint8(packed >> 16);
    }

    function word(Account memory a) internal pure returns (uint256) {
        return (bits64(a.cash) << 192) | (bits64(a.realisedNow) << 128)
            | (bits64(a.realisedPrev) << 64) | (a.window << 32) | (a.count << 24) | (a.flags << 16);
    }

    function withFlags(uint256 packed, uint256 flags) internal pure returns (uint256) {
        return (packed & ~(uint256(type(uint8).max) << 16)) | (flags << 16);
    }

    function position(uint256 packed) internal pure returns (Position memory p) {
        p.account = packed >> 224;
        p.instrument = uint32(packed >> 192);
        p.lots = lotsOf(packed);
        p.cost = costOf(packed);
        p.kind = kindOf(packed);
    }

    function word(Position memory p) internal pure returns (uint256) {
        return (p.account << 224) | (p.instrument << 192) | (bits64(p.lots) << 128)
            | (bits64(p.cost) << 64) | p.kind;
    }

    function instrumentOf(uint256 packed) internal pure returns (uint256) {
        return uint32(packed >> 192);
    }

    function lotsOf(uint256 packed) internal pure returns (int256) {
        return int64(uint64(packed >> 128));
    }

    function costOf(uint256 packed) internal pure returns (int256) {
        return int64(uint64(packed >> 64));
    }

    function kindOf(uint256 packed) internal pure returns (uint256) {
        return uint8(packed);
    }

    function bits64(int256 value) internal pure returns (uint256) {
        if (value != int64(value)) revert OutOfRange();
        return uint64(int64(value));
    }

    function realised(Account memory a) internal pure returns (int256) {
        unchecked {
            return a.realisedNow + a.realisedPrev;
        }
    }

    /// @notice Moves the realised windows on to `nowWindow`. Profit ages out after two windows; a
    /// net loss or haircut stays while the account holds positions, else principal could be taken
    /// on the same unrealised profit two hours later.
    /// @dev n steps at once give exactly what n single steps give, so touching an account early
    /// or late never changes what it owes: beyond the first step the two values only swap places.
    function roll(Account memory a, uint256 nowWindow) internal pure {
        if (nowWindow == a.window) return;
        if (nowWindow < a.window) revert WindowWentBack();
        uint256 steps = nowWindow - a.window;
        a.window = nowWindow;
        int256 older = a.count == 0 ? int256(0) : atMostZero(a.realisedPrev);
        int256 newer = a.realisedNow;
        if (steps > 1) newer = a.count == 0 ? int256(0) : atMostZero(newer);
        (a.realisedNow, a.realisedPrev) = steps % 2 == 1 ? (older, newer) : (newer, older);
    }

    function atMostZero(int256 value) private pure returns (int256) {
        return value < 0 ? value : int256(0);
    }

    /// @notice Adds `dLots` at `price` to a position and books cash and realised profit. `price`
    /// is net of cumulative funding for anything but an option. A crossing trade is a reduction
    /// to zero and an opening.
    function trade(
        Account memory a,
        Position memory p,
        int256 dLots,
        int256 price,
        bool isOption
    ) internal pure {
        int256 part = reducingPart(p.lots, dLots);
        if (part != 0) reduce(a, p, part, price, isOption);
        if (dLots != part) open(a, p, dLots - part, price, isOption);
    }

    /// @dev The part of dLots that shrinks `lots`, with dLots' sign.
    function reducingPart(int256 lots, int256 dLots) internal pure returns (int256) {
        if (lots == 0 || (lots > 0) == (dLots > 0)) return 0;
        unchecked {
            bool crosses = lots > 0 ? -dLots > lots : dLots > -lots;
            return crosses ? -lots : dLots;
        }
    }

    function reduce(
        Account memory a,
        Position memory p,
        int256 part,
        int256 price,
        bool isOption
    ) private pure {
        int256 removed = removedCost(p.cost, part, p.lots);
        unchecked {
            int256 paid = -part * price;
            int256 gain = paid - removed;
            a.cash += isOption ? paid : gain;
            a.realisedNow += gain;
            p.cost -= removed;
            p.lots += part;
        }
    }

    /// @notice cost x |part| / |lots| toward zero; `part` has the opposite sign of `lots`.
    function removedCost(int256 cost, int256 part, int256 lots) internal pure returns (int256) {
        unchecked {
            return (cost * -part) / lots;
        }
    }

    function open(
        Account memory a,
        Position memory p,
        int256 dLots,
        int256 price,
        bool isOption
    ) private pure {
        unchecked {
            if (isOption) a.cash -= dLots * price;
            p.cost += dLots * price;
            p.lots += dLots;
        }
    }

    /// @notice What a haircut may take: profit, and never more than equity.
    function limit(int256 equity, int256 profit) internal pure returns (uint256) {
        int256 least = profit < equity ? profit : equity;
        return least > 0 ? uint256(least) : 0;
    }
}
