// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title k-of-n ECDSA signatures over one digest.
/// @notice Packed signatures, 66 bytes each: signer index u8 | r 32 | s 32 | v u8 (27 or 28).
/// Exactly `threshold` of them, indices strictly ascending, s in the lower half of the order.
library Quorum {
    error WrongSignatureCount();
    error SignersNotAscending();
    error UnknownSigner();
    error HighS();
    error WrongSigner();
    error InvalidSignerSet();

    struct Set {
        address[] members;
        uint8 threshold;
    }

    uint256 private constant SIGNATURE_BYTES = 66;
    uint256 private constant HALF_ORDER =
        0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0;
    uint256 private constant MEMBERS_MAX = 32;

    function check(Set storage set, bytes32 digest, bytes calldata signatures) internal view {
        uint256 threshold = set.threshold;
        if (signatures.length != threshold * SIGNATURE_BYTES) revert WrongSignatureCount();
        uint256 members = set.members.length;
        uint256 next = 0;
        for (uint256 i = 0; i < threshold; ++i) {
            (uint256 index, address signer) = recover(digest, signatures, i * SIGNATURE_BYTES);
            if (index < next) revert SignersNotAscending();
            if (index >= members) revert UnknownSigner();
            if (signer != memberAt(set, index)) revert WrongSigner();
            next = index + 1;
        }
    }

    /// @dev The caller has checked the index, so the array's own bound check would be paid twice.
    function memberAt(Set storage set, uint256 index) private view returns (address member) {
        address[] storage members = set.members;
        assembly ("memory-safe") {
            mstore(0, members.slot)
            member := sload(add(keccak256(0, 32), index))
        }
    }

    /// @dev `check` has seen to the length. The zero address that a bad signature recovers to is
    /// never a member: see `replace`.
    function recover(bytes32 digest, bytes calldata signatures, uint256 start)
        private
        pure
        returns (uint256 index, address signer)
    {
        (bytes32 r, bytes32 s, uint8 v) = (0, 0, 0);
        assembly ("memory-safe") {
            start := add(signatures.offset, start)
            index := byte(0, calldataload(start))
            r := calldataload(add(start, 1))
            s := calldataload(add(start, 33))
            v := byte(0, calldataload(add(start, 65)))
        }
        if (uint256(s) > HALF_ORDER) revert HighS();
        signer = ecrecover(digest, v, r, s);
    }

    /// @notice Writes a new set in which more than `numerator / denominator` must sign.
    function replace(
        Set storage set,
        address[] memory members,
        uint8 threshold,
        uint256 numerator,
        uint256 denominator
    ) internal {
        uint256 n = members.length;
        if (n > MEMBERS_MAX || threshold > n) revert InvalidSignerSet();
        if (threshold * denominator <= n * numerator) revert InvalidSignerSet();
        for (uint256 i = 0; i < n; ++i) {
            if (members[i] == address(0)) revert InvalidSignerSet();
            for (uint256 j = 0; j < i; ++j) {
                if (members[i] == members[j]) revert InvalidSignerSet();
            }
        }
        set.members = members;
        set.threshold = threshold;
    }
}
