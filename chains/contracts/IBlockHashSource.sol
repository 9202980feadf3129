// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Where a gate learns the hash of a past block (EIP-2935, ArbSys, BLOCKHASH ...).
interface IBlockHashSource {
    /// @return The hash of block `number`, or zero where it is not known (too old or not yet made).
    function blockHash(uint256 number) external view returns (bytes32);
}
