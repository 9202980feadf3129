// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IDeleverageVenue} from "../IDeleverageVenue.sol";
import {Quorum} from "../lib/Quorum.sol";
import {vm} from "./Vm.sol";
import {World} from "./World.sol";

contract CommitTest is World {
    bytes32[] private legs;

    function setUp() public override {
        super.setUp();
        legs.push(deficit(0, 1));
    }

    /// @dev Everybody signed what the header says; the gate must still refuse.
    function refused(IDeleverageVenue.Header memory h, bytes4 reason) private {
        bytes memory packed = signed(h);
        vm.expectRevert(reason);
        venue.commit(h, packed);
    }

    function test_a_stopped_gate_refuses() public {
        venue.stop();
        refused(header(legs), IDeleverageVenue.Stopped.selector);
    }

    function test_a_forked_chain_refuses() public {
        IDeleverageVenue.Header memory h = header(legs);
        bytes memory packed = signed(h);
        vm.chainId(777);
        vm.expectRevert(IDeleverageVenue.ForkedChain.selector);
        venue.commit(h, packed);
    }

    function test_another_config_version_is_refused() public {
        IDeleverageVenue.Header memory h = header(legs);
        h.configVersion += 1;
        refused(h, IDeleverageVenue.WrongConfigVersion.selector);
    }

    function test_another_policy_is_refused() public {
        IDeleverageVenue.Header memory h = header(legs);
        h.policyDigest = keccak256("kinder policy");
        refused(h, IDeleverageVenue.WrongPolicy.selector);
    }

    function test_an_epoch_is_used_once() public {
        commit(legs);
        IDeleverageVenue.Header memory h = header(legs);
        h.epoch = epoch;
        refused(h, IDeleverageVenue.EpochNotAbove.selector);
    }

    function test_before_its_time_it_is_refused() public {
        IDeleverageVenue.Header memory h = header(legs);
        h.notBefore = uint64(block.timestamp + 1);
        refused(h, IDeleverageVenue.NotYet.selector);
    }

    function test_after_its_time_it_is_refused() public {
        IDeleverageVenue.Header memory h = header(legs);
        vm.warp(h.expiry + 1);
        refused(h, IDeleverageVenue.Expired.selector);
    }

    function test_too_long_a_window_is_refused() public {
        IDeleverageVenue.Header memory h = header(legs);
        h.expiry = h.notBefore + 601;
        refused(h, IDeleverageVenue.WindowTooLong.selector);
    }

    function test_an_old_snapshot_is_refused() public {
        IDeleverageVenue.Header memory h = header(legs);
        vm.roll(990 + 257);
        refused(h, IDeleverageVenue.SnapshotTooOld.selector);
    }

    function test_a_snapshot_of_another_fork_is_refused() public {
        IDeleverageVenue.Header memory h = header(legs);
        h.snapshotHash = keccak256("reorged away");
        refused(h, IDeleverageVenue.SnapshotNotCanonical.selector);
    }

    function test_an_unknown_block_is_not_canonical_even_as_zero() public {
        IDeleverageVenue.Header memory h = header(legs);
        (h.snapshotBlock, h.snapshotHash) = (991, 0);
        refused(h, IDeleverageVenue.SnapshotNotCanonical.selector);
    }

    function test_more_than_the_plan_cap_is_refused() public {
        IDeleverageVenue.Header memory h = header(legs);
        (h.haircutCap, h.remoteCap) = (60_000 * USD, 40_000 * USD + 1);
        refused(h, IDeleverageVenue.PlanCapExceeded.selector);
    }

    function test_more_than_the_bucket_holds_is_refused() public {
        IDeleverageVenue.Config memory c = rules();
        c.bucketCapacity = 40_000 * USD - 1;
        venue.setConfig(c);
        refused(header(legs), IDeleverageVenue.BucketExhausted.selector);
    }

    function test_one_signature_less_is_refused() public {
        IDeleverageVenue.Header memory h = header(legs);
        bytes memory packed = signatures(SIGNER_KEYS, 2, venue.headerDigest(h));
        vm.expectRevert(Quorum.WrongSignatureCount.selector);
        venue.commit(h, packed);
    }

    function test_one_signature_more_is_refused() public {
        IDeleverageVenue.Header memory h = header(legs);
        bytes memory packed = signatures(SIGNER_KEYS, 4, venue.headerDigest(h));
        vm.expectRevert(Quorum.WrongSignatureCount.selector);
        venue.commit(h, packed);
    }

    function test_a_signer_counts_once() public {
        IDeleverageVenue.Header memory h = header(legs);
        bytes32 digest = venue.headerDigest(h);
        bytes memory one = signature(SIGNER_KEYS, 0, digest);
        bytes memory packed = bytes.concat(one, one, signature(SIGNER_KEYS, 1, digest));
        vm.expectRevert(Quorum.SignersNotAscending.selector);
        venue.commit(h, packed);
    }

    function test_an_index_beyond_the_set_is_refused() public {
        IDeleverageVenue.Header memory h = header(legs);
        bytes32 digest = venue.headerDigest(h);
        bytes memory packed = bytes.concat(
            signatures(SIGNER_KEYS, 2, digest), signature(SIGNER_KEYS, 4, digest)
        );
        vm.expectRevert(Quorum.UnknownSigner.selector);
        venue.commit(h, packed);
    }

    function test_a_strangers_signature_is_refused() public {
        IDeleverageVenue.Header memory h = header(legs);
        bytes memory packed = signatures(ORACLE_KEYS, 3, venue.headerDigest(h));
        vm.expectRevert(Quorum.WrongSigner.selector);
        venue.commit(h, packed);
    }

    function test_a_signature_that_recovers_to_nobody_is_refused() public {
        IDeleverageVenue.Header memory h = header(legs);
        bytes memory packed = signed(h);
        packed[65] = 0x05;
        vm.expectRevert(Quorum.WrongSigner.selector);
        venue.commit(h, packed);
    }

    function test_a_high_s_is_refused() public {
        IDeleverageVenue.Header memory h = header(legs);
        bytes32 digest = venue.headerDigest(h);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(SIGNER_KEYS + 2, digest);
        uint256 order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;
        bytes memory mirrored =
            abi.encodePacked(uint8(2), r, bytes32(order - uint256(s)), v == 27 ? 28 : 27);
        bytes memory packed = bytes.concat(signatures(SIGNER_KEYS, 2, digest), mirrored);
        vm.expectRevert(Quorum.HighS.selector);
        venue.commit(h, packed);
    }

    function test_signatures_of_another_header_are_refused() public {
        IDeleverageVenue.Header memory h = header(legs);
        bytes memory packed = signed(h);
        h.haircutCap += 1;
        vm.expectRevert(Quorum.WrongSigner.selector);
        venue.commit(h, packed);
    }

    function test_a_signed_header_opens_a_plan() public {
        IDeleverageVenue.Header memory h = header(legs);
        commit(h);
        IDeleverageVenue.GateState memory state = venue.gateState();
        same("open epoch", state.openEpoch, 1);
        same("last epoch", state.lastEpoch, 1);
        same("bucket", state.bucketAvailable, (150_000 - 40_000) * USD);
        IDeleverageVenue.Plan memory p = venue.plan(1);
        isTrue("roots", p.legsRoot == h.legsRoot && p.planRoot == h.planRoot);
        same("deficit", p.bounds >> 192, h.deficit);
        same("expiry", uint64(p.bounds >> 128), h.expiry);
        same("legs", uint64(p.bounds >> 64), 1);
        same("insurance", p.caps >> 192, h.insurance);
        same("close cap", uint64(p.caps), h.closeCap);
    }

    function test_a_higher_epoch_closes_the_open_plan_and_returns_its_reservation() public {
        commit(legs);
        IDeleverageVenue.Header memory h = header(legs);
        h.epoch = 7;
        commit(h);
        same("open epoch", venue.gateState().openEpoch, 7);
        same("bucket", venue.gateState().bucketAvailable, (150_000 - 40_000) * USD);
        vm.expectRevert(IDeleverageVenue.PlanNotOpen.selector);
        venue.execute(1, 0, 1, legs, new bytes32[](0));
    }

    function test_at_its_last_second_a_plan_may_be_committed() public {
        IDeleverageVenue.Header memory h = header(legs);
        vm.warp(h.expiry);
        commit(h);
        same("open epoch", venue.gateState().openEpoch, 1);
    }

    function test_the_bucket_refills_by_the_second_and_not_above_its_capacity() public {
        commit(legs);
        vm.warp(block.timestamp + 100);
        same("refilled", venue.gateState().bucketAvailable, (110_000 + 1_000) * USD);
        vm.warp(block.timestamp + 30 days);
        same("full", venue.gateState().bucketAvailable, 150_000 * USD);
    }
}
