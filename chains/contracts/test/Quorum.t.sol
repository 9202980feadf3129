// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IDeleverageVenue} from "../IDeleverageVenue.sol";
import {OptionsVenue} from "../OptionsVenue.sol";
import {GateRules} from "../GateRules.sol";
import {Quorum} from "../lib/Quorum.sol";
import {vm} from "./Vm.sol";
import {World} from "./World.sol";

/// @dev Which sets of signers may exist, and how a venue is born.
contract QuorumTest is World {
    function invalid(address[] memory members, uint8 threshold) private {
        vm.expectRevert(Quorum.InvalidSignerSet.selector);
        venue.setSigners(members, threshold);
    }

    function test_two_thirds_are_not_enough() public {
        invalid(addresses(SIGNER_KEYS, 3), 2);
        invalid(addresses(SIGNER_KEYS, 6), 4);
        invalid(new address[](0), 0);
        venue.setSigners(addresses(SIGNER_KEYS, 6), 5);
    }

    function test_half_of_the_oracles_is_not_enough() public {
        vm.expectRevert(Quorum.InvalidSignerSet.selector);
        venue.setOracles(addresses(ORACLE_KEYS, 4), 2);
        venue.setOracles(addresses(ORACLE_KEYS, 3), 2);
    }

    function test_more_than_all_can_never_sign() public {
        invalid(addresses(SIGNER_KEYS, 4), 5);
    }

    function test_nobody_is_no_member() public {
        address[] memory members = addresses(SIGNER_KEYS, 4);
        members[2] = address(0);
        invalid(members, 3);
    }

    function test_nobody_is_a_member_twice() public {
        address[] memory members = addresses(SIGNER_KEYS, 4);
        members[3] = members[1];
        invalid(members, 3);
    }

    function test_a_set_has_at_most_32_members() public {
        invalid(addresses(SIGNER_KEYS, 33), 33);
        venue.setSigners(addresses(SIGNER_KEYS, 32), 32);
    }

    function test_a_venue_needs_a_token_and_a_governance() public {
        GateRules.Setup memory s = setup();
        s.governance = address(0);
        refusedBirth(s);
        s = setup();
        s.token = IERC20(address(0));
        refusedBirth(s);
    }

    function refusedBirth(GateRules.Setup memory s) private {
        address[] memory members = addresses(SIGNER_KEYS, 4);
        vm.expectRevert(IDeleverageVenue.ZeroAddress.selector);
        new OptionsVenue(s, rules(), members, 3, members, 3);
    }

    function test_only_a_quorum_signs_for_the_reserve() public {
        bytes memory packed = signatures(SIGNER_KEYS, 3, "digest");
        venue.requireQuorum("digest", packed);
        vm.expectRevert(Quorum.WrongSigner.selector);
        venue.requireQuorum("other", packed);
    }
}
