// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title A leg is one 32-byte word, big-endian, first field in the highest bits:
/// kind u8 | a u32 | b u32 | instrument u32 | x u64 | y i64 | slotA u8 | slotB u8 | spare u8
library Legs {
    /// @dev a = account, x = the most that may be added to the need.
    uint8 internal constant DEFICIT = 1;
    /// @dev a = bankrupt, b = counterparty, x = lots, y = price to compare with the mark.
    uint8 internal constant CLOSE = 2;
    /// @dev a = account, b = box (0 the own pot, else an edge), x = target.
    uint8 internal constant HAIRCUT = 3;
    /// @dev a = account, x = target.
    uint8 internal constant CREDIT = 4;

    struct Leg {
        uint8 kind;
        uint32 a;
        uint32 b;
        uint32 instrument;
        uint64 x;
        int64 y;
        uint8 slotA;
        uint8 slotB;
    }

    function decode(bytes32 packed) internal pure returns (Leg memory leg) {
        uint256 word = uint256(packed);
        leg.kind = uint8(word >> 248);
        leg.a = uint32(word >> 216);
        leg.b = uint32(word >> 184);
        leg.instrument = uint32(word >> 152);
        leg.x = uint64(word >> 88);
        leg.y = int64(uint64(word >> 24));
        leg.slotA = uint8(word >> 16);
        leg.slotB = uint8(word >> 8);
    }
}
