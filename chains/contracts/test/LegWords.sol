// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @dev Short words for legs and lists of them.
abstract contract LegWords {
    function deficit(uint32 a, uint64 most) internal pure returns (bytes32) {
        return leg(1, a, 0, 0, most, 0, 0, 0);
    }

    function close(uint32 a, uint32 b, uint32 instrument, uint64 lots, uint64 price)
        internal
        pure
        returns (bytes32)
    {
        return leg(2, a, b, instrument, lots, int64(price), 0, 0);
    }

    function haircut(uint32 a, uint32 box, uint64 target) internal pure returns (bytes32) {
        return leg(3, a, box, 0, target, 0, 0, 0);
    }

    function credit(uint32 a, uint64 target) internal pure returns (bytes32) {
        return leg(4, a, 0, 0, target, 0, 0, 0);
    }

    function leg(
        uint8 kind,
        uint32 a,
        uint32 b,
        uint32 instrument,
        uint64 x,
        int64 y,
        uint8 slotA,
        uint8 slotB
    ) internal pure returns (bytes32) {
        return bytes32(abi.encodePacked(kind, a, b, instrument, x, y, slotA, slotB, uint8(0)));
    }

    function list(bytes32 a) internal pure returns (bytes32[] memory words) {
        words = new bytes32[](1);
        words[0] = a;
    }

    function list(bytes32 a, bytes32 b) internal pure returns (bytes32[] memory words) {
        words = new bytes32[](2);
        (words[0], words[1]) = (a, b);
    }

    function list(bytes32 a, bytes32 b, bytes32 c) internal pure returns (bytes32[] memory words) {
        words = new bytes32[](3);
        (words[0], words[1], words[2]) = (a, b, c);
    }

    function list(bytes32 a, bytes32 b, bytes32 c, bytes32 d)
        internal
        pure
        returns (bytes32[] memory words)
    {
        words = new bytes32[](4);
        (words[0], words[1], words[2], words[3]) = (a, b, c, d);
    }
}
