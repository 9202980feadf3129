// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {HistoryBlockHashes} from "../HistoryBlockHashes.sol";
import {IDeleverageVenue} from "../IDeleverageVenue.sol";
import {Quorum} from "../lib/Quorum.sol";
import {TypedData} from "../lib/TypedData.sol";
import {Reads} from "./Reads.sol";
import {vm} from "./Vm.sol";
import {World} from "./World.sol";

/// @dev Listing, marks, funding and block hashes.
contract OracleTest is World {
    function unlisted(bytes32 impossible) private {
        vm.expectRevert(IDeleverageVenue.InvalidInstrument.selector);
        venue.listInstrument(impossible);
    }

    function word(uint8 kind, uint8 right, uint16 under, uint64 expiry, uint64 strike, uint64 lot)
        private
        pure
        returns (bytes32)
    {
        return bytes32(abi.encodePacked(kind, right, under, expiry, strike, lot, uint32(0)));
    }

    function test_impossible_instruments_are_not_listed() public {
        unlisted(word(3, 0, 0, EXPIRY, 1, 1));
        unlisted(word(0, 2, 0, EXPIRY, 1, 1));
        unlisted(word(0, 0, 1, EXPIRY, 1, 1));
        unlisted(word(0, 0, 0, uint64(START), 1, 1));
        unlisted(word(2, 0, 0, 0, 0, 1));
        unlisted(word(1, 0, 0, EXPIRY, 0, 1));
        unlisted(word(0, 0, 0, EXPIRY, 0, 1));
        unlisted(word(0, 0, 0, EXPIRY, 1, 0));
        unlisted(bytes32(uint256(word(0, 0, 0, EXPIRY, 1, 1)) | 1));
        same("next", venue.listInstrument(word(0, 1, 0, EXPIRY, 1, 1)), 3);
    }

    function test_an_underlying_has_a_name() public {
        vm.expectRevert(IDeleverageVenue.InvalidInstrument.selector);
        venue.addUnderlying(0);
        same("next", venue.addUnderlying("ETH"), 1);
    }

    function badMark(uint32 instrument, uint256 time, bytes4 why) private {
        bytes32[] memory words = list(markWord(instrument, 1, 1, 1, time));
        bytes memory packed = oracleSignatures(TypedData.MARKS_TYPE, words);
        vm.expectRevert(why);
        venue.postMarks(words, packed);
    }

    function test_marks_go_forward_and_are_of_now() public {
        post(CALL, 100 * USD);
        badMark(3, block.timestamp, IDeleverageVenue.UnknownInstrument.selector);
        badMark(CALL, block.timestamp, IDeleverageVenue.MarkNotNewer.selector);
        badMark(CALL, block.timestamp + 1, IDeleverageVenue.MarkFromFuture.selector);
        vm.warp(block.timestamp + 100);
        badMark(CALL, block.timestamp - 61, IDeleverageVenue.StaleMark.selector);
    }

    function test_the_first_mark_from_expiry_on_is_final() public {
        vm.warp(EXPIRY - 1);
        post(CALL, 100 * USD);
        vm.warp(block.timestamp + 1);
        badMark(CALL, block.timestamp, IDeleverageVenue.InstrumentExpired.selector);
        bytes32[] memory words = list(fundingWord(CALL, 1, 1));
        bytes memory packed = oracleSignatures(TypedData.FUNDING_TYPE, words);
        vm.expectRevert(IDeleverageVenue.InstrumentExpired.selector);
        venue.postFunding(words, packed);
    }

    function test_marks_need_the_oracles_quorum() public {
        bytes32[] memory words = list(markWord(CALL, 1, 1, 1, block.timestamp));
        bytes32 body = keccak256(
            abi.encode(TypedData.MARKS_TYPE, keccak256(abi.encodePacked(words)))
        );
        bytes32 domain = TypedData.gateDomain(block.chainid, address(venue));
        bytes32 digest = TypedData.digest(domain, body);
        vm.expectRevert(Quorum.WrongSigner.selector);
        venue.postMarks(words, signatures(SIGNER_KEYS, 2, digest));
        bytes memory funding = oracleSignatures(TypedData.FUNDING_TYPE, words);
        vm.expectRevert(Quorum.WrongSigner.selector);
        venue.postMarks(words, funding);
        bytes memory marks = oracleSignatures(TypedData.MARKS_TYPE, words);
        vm.expectRevert(Quorum.WrongSigner.selector);
        venue.postFunding(words, marks);
    }

    function test_funding_goes_forward() public {
        postFunding(PERP, 5, 2);
        bytes32[] memory words = list(fundingWord(PERP, 6, 2));
        bytes memory packed = oracleSignatures(TypedData.FUNDING_TYPE, words);
        vm.expectRevert(IDeleverageVenue.FundingNotNewer.selector);
        venue.postFunding(words, packed);
        words = list(fundingWord(3, 6, 2));
        packed = oracleSignatures(TypedData.FUNDING_TYPE, words);
        vm.expectRevert(IDeleverageVenue.UnknownInstrument.selector);
        venue.postFunding(words, packed);
    }

    function test_history_answers_zero_where_it_knows_nothing() public {
        HistoryBlockHashes history = new HistoryBlockHashes();
        isTrue("no contract", history.blockHash(1) == 0);
        // Reverts for block 1, else answers the number it was asked for.
        vm.etch(history.HISTORY(), hex"5f3560011461000d575f355f5260205ff35b5f5ffd");
        isTrue("outside the window", history.blockHash(1) == 0);
        isTrue("inside the window", history.blockHash(77) == bytes32(uint256(77)));
    }
}
