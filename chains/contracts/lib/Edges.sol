// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IReserve} from "../IReserve.sol";

/// @title The name of a cross-chain edge, and its leaf in the plan's tree.
library Edges {
    bytes32 internal constant EDGE_TAG = keccak256("adl/edge/1");

    function id(IReserve.Edge calldata edge) internal pure returns (bytes32) {
        return keccak256(abi.encode(EDGE_TAG, edge));
    }
}
