// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {OptionsVenue} from "../OptionsVenue.sol";
import {Ledger} from "../lib/Ledger.sol";

/// @dev What the venue keeps, as tests want to see it.
library Reads {
    function account(OptionsVenue venue, uint32 id) internal view returns (Ledger.Account memory) {
        return Ledger.account(wordAt(venue.slots(id, 1), 0));
    }

    function cash(OptionsVenue venue, uint32 id) internal view returns (int256) {
        return account(venue, id).cash;
    }

    function lots(OptionsVenue venue, uint32 id, uint32 instrument)
        internal
        view
        returns (int256)
    {
        return position(venue, id, instrument).lots;
    }

    function position(OptionsVenue venue, uint32 id, uint32 instrument)
        internal
        view
        returns (Ledger.Position memory p)
    {
        bytes memory raw = venue.slots(id, 1);
        for (uint256 i = 3; i < raw.length / 32; ++i) {
            Ledger.Position memory one = Ledger.position(wordAt(raw, i));
            if (one.instrument == instrument) return one;
        }
    }

    function equity(OptionsVenue venue, uint32 id) internal view returns (int256 e) {
        (e,,) = venue.accountState(id);
    }

    function profit(OptionsVenue venue, uint32 id) internal view returns (int256 u) {
        (, u,) = venue.accountState(id);
    }

    function pot(OptionsVenue venue, uint64 epoch) internal view returns (uint256) {
        return uint64(venue.plan(epoch).money >> 128);
    }

    function need(OptionsVenue venue, uint64 epoch) internal view returns (uint256) {
        return uint64(venue.plan(epoch).bounds);
    }

    function legsLeft(OptionsVenue venue, uint64 epoch) internal view returns (uint256) {
        return uint64(venue.plan(epoch).bounds >> 64);
    }

    function back(OptionsVenue venue, uint64 epoch) internal view returns (uint256) {
        return venue.plan(epoch).refunds >> 192;
    }

    function refundedBack(OptionsVenue venue, uint64 epoch) internal view returns (uint256) {
        return uint64(venue.plan(epoch).refunds >> 64);
    }

    /// @dev Tokens that the books explain, which must be those the venue has.
    function booked(OptionsVenue venue, uint64 lastEpoch) internal view returns (int256 sum) {
        uint32 n = uint32(venue.gateState().accountCount);
        for (uint32 i = 0; i < n; ++i) {
            sum += cash(venue, i);
        }
        sum += int256(venue.gateState().insurance) - venue.perpCost() - venue.unsettled();
        for (uint64 e = 1; e <= lastEpoch; ++e) {
            sum += int256(pot(venue, e) + back(venue, e) - refundedBack(venue, e));
        }
    }

    function wordAt(bytes memory raw, uint256 i) internal pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := mload(add(raw, mul(32, add(i, 1))))
        }
    }
}
