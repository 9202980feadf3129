// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {TwoChains} from "./TwoChains.sol";
import {vm} from "./Vm.sol";

/// @dev Gas of whole transactions on the way of cash across chains; see GasTest.
/// forge-config: default.isolate = true
contract GasEdgesTest is TwoChains {
    event log_named_uint(string what, uint256 value);

    function spent(string memory what, uint256 goal) private {
        uint256 used = vm.lastCallGas().gasTotalUsed;
        emit log_named_uint(what, used);
        isTrue(what, used <= goal);
    }

    function test_the_way_of_side_a() public {
        onA();
        commitHere(legsA);
        execute(legsA, 3);
        reserve.prepare(edge, proof);
        spent("prepare", 150_000);
        bytes memory packed = certificate(300 * USD);
        reserve.register(edge, 300 * USD, packed);
        spent("register on A, 3 of 4", 150_000);
        bytes32 id = reserve.edgeId(edge);
        reserve.applyDecision(id);
        spent("apply on A", 150_000);
    }

    function test_the_way_of_side_b() public {
        onB();
        commitHere(legsB);
        reserve.open(edge, proof);
        spent("open", 150_000);
        execute(legsB, 1);
        spent("first remote haircut alone", 230_000);
        execute(legsB, 2);
        spent("next remote haircut alone", 150_000);
        execute(legsB, 4);
        bytes memory packed = certificate(300 * USD);
        reserve.register(edge, 300 * USD, packed);
        spent("register on B, 3 of 4", 150_000);
        bytes32 id = reserve.edgeId(edge);
        reserve.applyDecision(id);
        spent("apply on B", 150_000);
        uint32[] memory payers = new uint32[](1);
        reserve.refundEscrow(id, payers);
        spent("refund of escrow to one", 150_000);
    }
}
