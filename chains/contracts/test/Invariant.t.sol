// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Handler} from "./Handler.sol";
import {Asserting} from "./Vm.sol";

/// @dev What holds after any sequence of the handler's actions.
contract InvariantTest is Asserting {
    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    error Broken(string what);

    Handler private handler;

    function setUp() public {
        handler = new Handler();
        handler.setUp();
    }

    function actions() private pure returns (bytes4[] memory all) {
        bytes4[20] memory fixedList = [
            Handler.deposit.selector,
            Handler.withdraw.selector,
            Handler.exchange.selector,
            Handler.exchange.selector,
            Handler.exchange.selector,
            Handler.move.selector,
            Handler.move.selector,
            Handler.fundingOf.selector,
            Handler.wait.selector,
            Handler.insure.selector,
            Handler.settle.selector,
            Handler.plan.selector,
            Handler.round.selector,
            Handler.carryOut.selector,
            Handler.finishPlan.selector,
            Handler.payBack.selector,
            Handler.prepare.selector,
            Handler.decide.selector,
            Handler.returnEscrow.selector,
            Handler.carryCash.selector
        ];
        all = new bytes4[](fixedList.length);
        for (uint256 i = 0; i < all.length; ++i) {
            all[i] = fixedList[i];
        }
    }

    function targetSelectors() external view returns (FuzzSelector[] memory targets) {
        targets = new FuzzSelector[](1);
        targets[0] = FuzzSelector(address(handler), actions());
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    /// forge-config: default.invariant.runs = 12
    /// forge-config: long.invariant.runs = 256
    function invariant_money_and_lots_are_conserved_and_no_leg_did_harm() public view {
        if (handler.broken() != 0) revert Broken(handler.firstBroken());
        (int256 seen, int256 wanted) = handler.venueBalance();
        same("venue's tokens", seen, wanted);
        (uint256 held, uint256 booked) = handler.reserveBalance();
        same("reserve's tokens", held, booked);
        (seen, wanted) = handler.costs();
        same("cost of perpetuals and futures", seen, wanted);
        same("perpetual lots", handler.openLots(1), 0);
        if (!handler.isExpired()) {
            same("call lots", handler.openLots(0), 0);
            same("future lots", handler.openLots(2), 0);
        }
        isTrue("bucket", handler.bucket() <= 150_000e6);
    }

    /// @dev The random walk would prove nothing if it never deleveraged anybody.
    function test_the_walk_reaches_every_kind_of_leg_refunds_and_decisions() public {
        bytes4[] memory all = actions();
        for (uint256 i = 0; i < 2_000; ++i) {
            bytes32 seed = keccak256(abi.encode(i));
            bytes4 action = all[uint256(seed) % all.length];
            bytes memory noise = abi.encode(
                uint32(uint256(seed >> 16)),
                uint32(uint256(seed >> 40)),
                uint32(uint256(seed >> 64)),
                uint32(uint256(seed >> 96)),
                uint32(uint256(seed >> 128))
            );
            (bool isGood,) = address(handler).call(bytes.concat(action, noise));
            isGood;
        }
        for (uint256 kind = 1; kind < 8; ++kind) {
            isTrue("reached", handler.done(kind) > 3);
        }
        invariant_money_and_lots_are_conserved_and_no_leg_did_harm();
    }
}
