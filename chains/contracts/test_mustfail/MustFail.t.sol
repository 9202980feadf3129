// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// A test that fails on purpose: the check requires this run to be red, so a runner that has
/// stopped reporting failures cannot pass for a green suite.
contract MustFail {
    function test_red_is_red() external pure {
        assert(false);
    }
}
