// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IDeleverageVenue} from "../IDeleverageVenue.sol";
import {IReserve} from "../IReserve.sol";
import {OptionsVenue} from "../OptionsVenue.sol";
import {Reserve} from "../Reserve.sol";
import {ChunkTree} from "../lib/ChunkTree.sol";
import {TypedData} from "../lib/TypedData.sol";
import {Reads} from "./Reads.sol";
import {vm} from "./Vm.sol";
import {World} from "./World.sol";

/// @dev Two chains in one machine. On A account 0 owes 500 USD, account 1 has its other side. On B
/// accounts 0, 1 and 2 have realised 1,500 USD each (account 3 lost them) and hold cash only.
/// The plan's single edge, box 1, moves at most 400 USD from B's 0, 1 and 2 to A's account 0.
abstract contract TwoChains is World {
    using Reads for OptionsVenue;

    uint64 internal constant CHAIN_A = 31337;
    uint64 internal constant CHAIN_B = 31338;
    uint32 internal constant LOSER = 0;
    uint32 internal constant WINNER = 1;

    OptionsVenue internal venueA;
    OptionsVenue internal venueB;
    Reserve internal reserveA;
    Reserve internal reserveB;
    IReserve.Edge internal edge;
    bytes32[] internal proof;
    bytes32[] internal legsA;
    bytes32[] internal legsB;

    function setUp() public virtual override {
        vm.chainId(CHAIN_A);
        super.setUp();
        (venueA, reserveA) = (venue, reserve);
        vm.chainId(CHAIN_B);
        (venueB, reserveB) = newPair();
        onA();
        bookOfA();
        onB();
        bookOfB();
        onA();
        reserve.fund(1_000 * USD);
        reserve.setCreditLine(CHAIN_B, address(venueB), 800 * USD);
        makePlan();
    }

    function onA() internal {
        vm.chainId(CHAIN_A);
        (venue, reserve) = (venueA, reserveA);
    }

    function onB() internal {
        vm.chainId(CHAIN_B);
        (venue, reserve) = (venueB, reserveB);
    }

    function bookOfA() private {
        account(1_000 * USD);
        account(1_000 * USD);
        post(CALL, 50 * USD);
        trade(WINNER, LOSER, CALL, 10, 50 * USD);
        post(CALL, 200 * USD);
    }

    function bookOfB() private {
        for (uint32 i = 0; i < 3; ++i) {
            account(1_000 * USD);
        }
        account(100_000 * USD);
        post(CALL, 50 * USD);
        for (uint32 i = 0; i < 3; ++i) {
            trade(i, 3, CALL, 10, 50 * USD);
        }
        post(CALL, 200 * USD);
        for (uint32 i = 0; i < 3; ++i) {
            trade(3, i, CALL, 10, 200 * USD);
        }
    }

    function makePlan() internal {
        legsA = list(
            deficit(LOSER, 100 * USD),
            close(LOSER, WINNER, CALL, 10, 200 * USD),
            haircut(WINNER, 0, 100 * USD),
            credit(LOSER, 100 * USD)
        );
        legsB = list(
            haircut(0, 1, 133 * USD), haircut(1, 1, 133 * USD), haircut(2, 1, 134 * USD)
        );
        edge = IReserve.Edge({
            epoch: 1,
            box: 1,
            payers: 3,
            planned: 400 * USD,
            decideBy: uint64(block.timestamp + 300),
            chainA: CHAIN_A,
            gateA: address(venueA),
            accountA: LOSER,
            chainB: CHAIN_B,
            gateB: address(venueB)
        });
        delete proof;
        proof.push(slices());
    }

    function slices() private view returns (bytes32) {
        bytes32 a = ChunkTree.sliceLeaf(CHAIN_A, address(venueA), leafOf(0, legsA));
        bytes32 b = ChunkTree.sliceLeaf(CHAIN_B, address(venueB), leafOf(0, legsB));
        return ChunkTree.node(a, b);
    }

    function headerHere(bytes32[] memory words)
        internal
        view
        returns (IDeleverageVenue.Header memory h)
    {
        h = header(words);
        h.epoch = edge.epoch;
        h.planRoot = ChunkTree.node(proof[0], reserve.edgeId(edge));
        (h.notBefore, h.expiry) = (edge.decideBy - 300, edge.decideBy);
    }

    /// @dev Commits the slice of the chain we are on.
    function commitHere(bytes32[] memory words) internal {
        commit(headerHere(words));
    }

    function prepareA() internal {
        onA();
        commitHere(legsA);
        execute(legsA, 3);
        reserve.prepare(edge, proof);
    }

    function escrowB(uint256 mask) internal {
        onB();
        commitHere(legsB);
        reserve.open(edge, proof);
        execute(legsB, mask);
    }

    function certificate(uint64 amount) internal view returns (bytes memory) {
        bytes32 body = TypedData.decisionHash(reserve.edgeId(edge), amount);
        bytes32 digest = TypedData.digest(TypedData.decisionDomain(), body);
        return signatures(SIGNER_KEYS, verifierThreshold(), digest);
    }

    function decideHere(uint64 amount) internal {
        bytes memory packed = certificate(amount);
        reserve.register(edge, amount, packed);
        reserve.applyDecision(reserve.edgeId(edge));
    }

    function isWhole() internal {
        onA();
        isWholeHere();
        onB();
        isWholeHere();
    }

    function isWholeHere() private view {
        IReserve.Pools memory p = reserve.pools();
        uint256 sum = uint256(p.free) + p.openEarmarks + p.escrowHeld + p.unsent;
        same("reserve", token.balanceOf(address(reserve)), sum);
        same("venue", int256(token.balanceOf(address(venue))), venue.booked(1));
    }
}
