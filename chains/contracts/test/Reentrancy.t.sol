// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {
    ReentrancyGuardTransient
} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {GateRules} from "../GateRules.sol";
import {IDeleverageVenue} from "../IDeleverageVenue.sol";
import {IReserve} from "../IReserve.sol";
import {OptionsVenue} from "../OptionsVenue.sol";
import {Reserve} from "../Reserve.sol";
import {World} from "./World.sol";

/// @dev A token that calls somebody else in the middle of a transfer and keeps the answer.
contract CallingToken {
    address private target;
    bytes private call;
    bytes4 public answer;

    function aim(address at_, bytes calldata with_) external {
        (target, call, answer) = (at_, with_, 0);
    }

    function transfer(address, uint256) external returns (bool) {
        return strike();
    }

    function transferFrom(address, address, uint256) external returns (bool) {
        return strike();
    }

    function approve(address, uint256) external pure returns (bool) {
        return true;
    }

    function strike() private returns (bool) {
        if (target == address(0)) return true;
        (bool ok, bytes memory data) = target.call(call);
        answer = ok ? bytes4(0) : bytes4(data);
        return true;
    }
}

/// @dev Nothing that moves money can be entered while money moves.
contract ReentrancyTest is World {
    CallingToken private calling;
    OptionsVenue private victim;
    Reserve private beside;

    function setUp() public override {
        super.setUp();
        calling = new CallingToken();
        GateRules.Setup memory s = setup();
        s.token = IERC20(address(calling));
        s.matcher = address(calling);
        address[] memory members = addresses(SIGNER_KEYS, 4);
        victim = new OptionsVenue(s, rules(), members, 3, members, 3);
        beside = new Reserve(victim, address(this), address(calling));
        victim.setReserve(address(beside));
        victim.openAccount();
    }

    function refusedAt(address where, bytes memory call) private {
        calling.aim(where, call);
        if (where == address(victim)) victim.deposit(0, 1);
        else beside.fund(1);
        bytes4 wanted = ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector;
        isTrue("re-entered", calling.answer() == wanted);
    }

    function test_the_venue_is_not_re_entered() public {
        IDeleverageVenue.Header memory h;
        bytes32[] memory none;
        uint32[] memory nobody;
        IDeleverageVenue.Match[] memory matches;
        address v = address(victim);
        refusedAt(v, abi.encodeCall(victim.commit, (h, "")));
        refusedAt(v, abi.encodeCall(victim.execute, (1, 0, 1, none, none)));
        refusedAt(v, abi.encodeCall(victim.closePlan, (1)));
        refusedAt(v, abi.encodeCall(victim.refund, (1, nobody)));
        refusedAt(v, abi.encodeCall(victim.deposit, (0, 1)));
        refusedAt(v, abi.encodeCall(victim.settle, (0, 0)));
        refusedAt(v, abi.encodeCall(victim.fundInsurance, (1)));
        refusedAt(v, abi.encodeCall(victim.trade, (matches)));
    }

    /// @dev The token itself owns the second account, as only an owner gets as far as the guard.
    function test_a_withdrawal_is_not_re_entered() public {
        calling.aim(address(victim), abi.encodeCall(victim.openAccount, ()));
        victim.deposit(0, 1);
        isTrue("opening moves no money", calling.answer() == 0);
        address to = address(this);
        refusedAt(address(victim), abi.encodeCall(victim.withdraw, (1, 0, to)));
    }

    function test_the_reserve_is_not_re_entered() public {
        IReserve.Edge memory edge;
        bytes32[] memory none;
        uint32[] memory nobody;
        address r = address(beside);
        refusedAt(r, abi.encodeCall(beside.prepare, (edge, none)));
        refusedAt(r, abi.encodeCall(beside.open, (edge, none)));
        refusedAt(r, abi.encodeCall(beside.register, (edge, 0, "")));
        refusedAt(r, abi.encodeCall(beside.applyDecision, (0)));
        refusedAt(r, abi.encodeCall(beside.refundEscrow, (0, nobody)));
        refusedAt(r, abi.encodeCall(beside.fund, (1)));
        refusedAt(r, abi.encodeCall(beside.repay, (1, r, 1)));
        refusedAt(r, abi.encodeCall(beside.remit, (1, r, 1, r)));
    }
}
