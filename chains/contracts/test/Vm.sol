// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @dev The few cheatcodes these tests use.
interface Vm {
    struct Gas {
        uint64 gasLimit;
        uint64 gasTotalUsed;
        uint64 gasMemoryUsed;
        int64 gasRefunded;
        uint64 gasRemaining;
    }

    struct Log {
        bytes32[] topics;
        bytes data;
        address emitter;
    }

    function addr(uint256 key) external pure returns (address);
    function sign(uint256 key, bytes32 digest)
        external
        pure
        returns (uint8 v, bytes32 r, bytes32 s);
    function warp(uint256 timestamp) external;
    function roll(uint256 number) external;
    function chainId(uint256 id) external;
    function prank(address sender) external;
    function startPrank(address sender) external;
    function stopPrank() external;
    function etch(address where, bytes calldata code) external;
    function assume(bool condition) external pure;
    function expectRevert(bytes4 reason) external;
    function expectRevert(bytes calldata reason) external;
    function expectRevert() external;
    function recordLogs() external;
    function getRecordedLogs() external returns (Log[] memory);
    function lastCallGas() external view returns (Gas memory);
    function store(address where, bytes32 slot, bytes32 value) external;
}

Vm constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

/// @dev Assertions that say what they saw.
abstract contract Asserting {
    error Unequal(string what, int256 seen, int256 wanted);
    error Untrue(string what);

    function same(string memory what, int256 seen, int256 wanted) internal pure {
        if (seen != wanted) revert Unequal(what, seen, wanted);
    }

    function same(string memory what, uint256 seen, uint256 wanted) internal pure {
        same(what, int256(seen), int256(wanted));
    }

    function isTrue(string memory what, bool seen) internal pure {
        if (!seen) revert Untrue(what);
    }
}
