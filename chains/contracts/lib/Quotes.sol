// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ledger} from "./Ledger.sol";

/// @title Instrument, mark and funding words, big-endian, first field in the highest bits.
///   instrument : kind u8 | right u8 | underlying u16 | expiry u64 | strike u64 | lot u64 | 0 u32
///   mark       : mark u64 | mmPerLot u64 | band u64 | time u32 | instrument u32
///   funding    : cumFunding i64 | sequence u64 | 0 u96 | instrument u32
library Quotes {
    uint256 internal constant OPTION = 0;
    uint256 internal constant PERPETUAL = 1;
    uint256 internal constant FUTURE = 2;

    function kindOf(uint256 info) internal pure returns (uint256) {
        return info >> 248;
    }

    function rightOf(uint256 info) internal pure returns (uint256) {
        return uint8(info >> 240);
    }

    function underlyingOf(uint256 info) internal pure returns (uint256) {
        return uint16(info >> 224);
    }

    function expiryOf(uint256 info) internal pure returns (uint256) {
        return uint64(info >> 160);
    }

    function strikeOf(uint256 info) internal pure returns (uint256) {
        return uint64(info >> 96);
    }

    function lotOf(uint256 info) internal pure returns (uint256) {
        return uint64(info >> 32);
    }

    function markOf(uint256 mark) internal pure returns (uint256) {
        return mark >> 192;
    }

    function mmPerLotOf(uint256 mark) internal pure returns (uint256) {
        return uint64(mark >> 128);
    }

    function bandOf(uint256 mark) internal pure returns (uint256) {
        return uint64(mark >> 64);
    }

    function timeOf(uint256 mark) internal pure returns (uint256) {
        return uint32(mark >> 32);
    }

    /// @dev Marks and funding words name their instrument in the lowest 32 bits.
    function instrumentOf(uint256 word) internal pure returns (uint32) {
        return uint32(word);
    }

    function cumulativeOf(uint256 funding) internal pure returns (int256) {
        return int64(uint64(funding >> 192));
    }

    function sequenceOf(uint256 funding) internal pure returns (uint256) {
        return uint64(funding >> 128);
    }

    /// @notice What a position adds to equity, and its unrealised profit; `cumulative` is the
    /// funding a lot since listing and does not matter to an option.
    function value(uint256 position, uint256 kind, uint256 mark, int256 cumulative)
        internal
        pure
        returns (int256 worth, int256 gain)
    {
        unchecked {
            int256 price = int256(markOf(mark)) - (kind == OPTION ? int256(0) : cumulative);
            worth = Ledger.lotsOf(position) * price;
            gain = worth - Ledger.costOf(position);
        }
        if (kind != OPTION) worth = gain;
    }

    /// @notice A perpetual never expires.
    function isExpired(uint256 info, uint256 time) internal pure returns (bool) {
        uint256 expiry = expiryOf(info);
        return expiry != 0 && time >= expiry;
    }
}
