// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title A leaky bucket: what plans may take in a burst, refilled by the second.
library Bucket {
    function available(
        uint256 level,
        uint256 elapsed,
        uint256 capacity,
        uint256 refill
    ) internal pure returns (uint256) {
        uint256 full = level + elapsed * refill;
        return full < capacity ? full : capacity;
    }
}
