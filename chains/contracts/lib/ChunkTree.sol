// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Merkle tree over chunks of leg words.
/// @dev A leaf hashes 4 + 32 n bytes and a node 64, so a leaf never looks like a node.
library ChunkTree {
    bytes32 internal constant SLICE_TAG = keccak256("adl/slice/1");

    function leaf(uint32 chunk, bytes32[] calldata words) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(chunk, words));
    }

    /// @notice The leaf of one chain's legs in the tree over the whole plan.
    function sliceLeaf(uint64 chainId, address gate, bytes32 legsRoot)
        internal
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(SLICE_TAG, chainId, gate, legsRoot));
    }

    function node(bytes32 a, bytes32 b) internal pure returns (bytes32 hash) {
        (bytes32 low, bytes32 high) = a < b ? (a, b) : (b, a);
        assembly ("memory-safe") {
            mstore(0, low)
            mstore(32, high)
            hash := keccak256(0, 64)
        }
    }

    /// @notice The root over leaves in order; an odd node is promoted.
    function root(bytes32[] memory nodes) internal pure returns (bytes32) {
        uint256 width = nodes.length;
        if (width == 0) return 0;
        while (width > 1) {
            for (uint256 i = 0; i + 1 < width; i += 2) {
                nodes[i / 2] = node(nodes[i], nodes[i + 1]);
            }
            if (width % 2 == 1) nodes[width / 2] = nodes[width - 1];
            width = (width + 1) / 2;
        }
        return nodes[0];
    }

    function rootFrom(bytes32 hash, bytes32[] calldata proof) internal pure returns (bytes32) {
        for (uint256 i = 0; i < proof.length; ++i) {
            hash = node(hash, proof[i]);
        }
        return hash;
    }
}
