// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {GateRules} from "../GateRules.sol";
import {IBlockHashSource} from "../IBlockHashSource.sol";
import {IDeleverageVenue} from "../IDeleverageVenue.sol";
import {OptionsVenue} from "../OptionsVenue.sol";
import {Reserve} from "../Reserve.sol";
import {SettlementToken} from "../devnet/SettlementToken.sol";
import {ChunkTree} from "../lib/ChunkTree.sol";
import {TypedData} from "../lib/TypedData.sol";
import {LegWords} from "./LegWords.sol";
import {Asserting, vm, Vm} from "./Vm.sol";

/// @dev Hashes a test decides on.
contract FixedBlockHashes is IBlockHashSource {
    mapping(uint256 => bytes32) public blockHash;

    function set(uint256 number, bytes32 hash) external {
        blockHash[number] = hash;
    }
}

/// @dev One venue with its reserve, keys for everybody, and short words for what tests do.
/// Instruments: 0 a call, 1 a perpetual, 2 a future. The test is governance, guardian, matcher,
/// treasurer and the owner of every account.
abstract contract World is Asserting, LegWords {
    uint32 internal constant CALL = 0;
    uint32 internal constant PERP = 1;
    uint32 internal constant FUTURE = 2;
    uint64 internal constant USD = 1e6;
    uint256 internal constant START = 1_800_000_000;
    uint64 internal constant EXPIRY = uint64(START + 30 days);
    bytes32 internal constant POLICY = keccak256("policy");
    bytes32 internal constant SNAPSHOT_HASH = keccak256("block 990");
    uint256 internal constant SIGNER_KEYS = 0x1000;
    uint256 internal constant ORACLE_KEYS = 0x2000;

    SettlementToken internal token;
    FixedBlockHashes internal hashes;
    OptionsVenue internal venue;
    Reserve internal reserve;
    uint64 internal epoch;

    function setUp() public virtual {
        vm.warp(START);
        vm.roll(1000);
        token = new SettlementToken(address(this));
        hashes = new FixedBlockHashes();
        hashes.set(990, SNAPSHOT_HASH);
        (venue, reserve) = newPair();
    }

    // ---------------------------------------------------------------- making

    function newPair() internal returns (OptionsVenue made, Reserve beside) {
        made = new OptionsVenue(
            setup(), rules(), addresses(SIGNER_KEYS, verifierCount()), verifierThreshold(),
            addresses(ORACLE_KEYS, 3), 2
        );
        beside = new Reserve(made, address(this), address(this));
        join(made, beside);
        made.addUnderlying("BTC");
        made.listInstrument(instrumentWord(0, 0, EXPIRY, 50_000 * USD));
        made.listInstrument(instrumentWord(1, 0, 0, 0));
        made.listInstrument(instrumentWord(2, 0, EXPIRY, 0));
        token.approve(address(made), type(uint256).max);
        token.approve(address(beside), type(uint256).max);
        token.mint(address(this), 1_000_000_000 * uint256(USD));
    }

    function join(OptionsVenue made, Reserve beside) internal virtual {
        made.setReserve(address(beside));
    }

    function verifierCount() internal pure virtual returns (uint256) {
        return 4;
    }

    function verifierThreshold() internal pure virtual returns (uint8) {
        return 3;
    }

    function setup() internal view returns (GateRules.Setup memory) {
        return GateRules.Setup(token, address(this), address(this), address(this), hashes);
    }

    function rules() internal pure virtual returns (IDeleverageVenue.Config memory) {
        return IDeleverageVenue.Config({
            policyDigest: POLICY,
            planCap: 100_000 * USD,
            bucketCapacity: 150_000 * USD,
            bucketRefill: 10 * USD,
            windowMax: 600,
            snapshotAgeBlocksMax: 256,
            markAgeMax: 60,
            imFactorPpm: 1_300_000,
            accountCapPpm: 1_000_000
        });
    }

    function addresses(uint256 base, uint256 n) internal pure returns (address[] memory made) {
        made = new address[](n);
        for (uint256 i = 0; i < n; ++i) {
            made[i] = vm.addr(base + i);
        }
    }

    function instrumentWord(uint8 kind, uint8 right, uint64 expiry, uint64 strike)
        internal
        pure
        returns (bytes32)
    {
        return bytes32(
            abi.encodePacked(kind, right, uint16(0), expiry, strike, uint64(1e9), uint32(0))
        );
    }

    // ---------------------------------------------------------------- the book

    function account(uint64 cash) internal returns (uint32 made) {
        made = venue.openAccount();
        if (cash != 0) venue.deposit(made, cash);
    }

    function trade(uint32 buyer, uint32 seller, uint32 instrument, uint64 lots, uint64 price)
        internal
    {
        IDeleverageVenue.Match[] memory matches = new IDeleverageVenue.Match[](1);
        matches[0] = IDeleverageVenue.Match(buyer, seller, instrument, lots, price);
        venue.trade(matches);
    }

    function markWord(uint32 instrument, uint64 mark, uint64 margin, uint64 band, uint256 time)
        internal
        pure
        returns (bytes32)
    {
        return bytes32(abi.encodePacked(mark, margin, band, uint32(time), instrument));
    }

    function fundingWord(uint32 instrument, int64 cumulative, uint64 sequence)
        internal
        pure
        returns (bytes32)
    {
        return bytes32(abi.encodePacked(cumulative, sequence, uint96(0), instrument));
    }

    /// @dev Moves one second on, so that a mark may follow another.
    function post(uint32 instrument, uint64 mark) internal {
        vm.warp(block.timestamp + 1);
        bytes32[] memory words = new bytes32[](1);
        words[0] = markWord(instrument, mark, 20 * USD, mark / 50, block.timestamp);
        venue.postMarks(words, oracleSignatures(TypedData.MARKS_TYPE, words));
    }

    function postAll(uint64 call, uint64 perp, uint64 future) internal {
        vm.warp(block.timestamp + 1);
        bytes32[] memory words = new bytes32[](3);
        words[0] = markWord(CALL, call, 20 * USD, call / 50, block.timestamp);
        words[1] = markWord(PERP, perp, 20 * USD, perp / 50, block.timestamp);
        words[2] = markWord(FUTURE, future, 20 * USD, future / 50, block.timestamp);
        venue.postMarks(words, oracleSignatures(TypedData.MARKS_TYPE, words));
    }

    function postFunding(uint32 instrument, int64 cumulative, uint64 sequence) internal {
        bytes32[] memory words = new bytes32[](1);
        words[0] = fundingWord(instrument, cumulative, sequence);
        venue.postFunding(words, oracleSignatures(TypedData.FUNDING_TYPE, words));
    }

    function oracleSignatures(bytes32 typeHash, bytes32[] memory words)
        internal
        view
        returns (bytes memory)
    {
        bytes32 body = keccak256(abi.encode(typeHash, keccak256(abi.encodePacked(words))));
        bytes32 domain = TypedData.gateDomain(block.chainid, address(venue));
        return signatures(ORACLE_KEYS, 2, TypedData.digest(domain, body));
    }

    // ---------------------------------------------------------------- plans

    function header(bytes32[] memory words)
        internal
        view
        returns (IDeleverageVenue.Header memory h)
    {
        h.legsRoot = leafOf(0, words);
        h.planRoot = ChunkTree.sliceLeaf(uint64(block.chainid), address(venue), h.legsRoot);
        h.policyDigest = POLICY;
        h.epoch = epoch + 1;
        h.notBefore = uint64(block.timestamp);
        h.expiry = uint64(block.timestamp + 300);
        h.configVersion = uint64(venue.gateState().configVersion);
        h.legCount = uint64(words.length);
        (h.haircutCap, h.remoteCap, h.deficit) = (20_000 * USD, 20_000 * USD, 50_000 * USD);
        (h.closeCap, h.insurance) = (1_000_000 * USD, 10_000 * USD);
        (h.snapshotBlock, h.snapshotHash) = (990, SNAPSHOT_HASH);
    }

    function leafOf(uint32 chunk, bytes32[] memory words) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(chunk, words));
    }

    function signed(IDeleverageVenue.Header memory h) internal view returns (bytes memory) {
        return signatures(SIGNER_KEYS, verifierThreshold(), venue.headerDigest(h));
    }

    function signatures(uint256 base, uint256 n, bytes32 digest)
        internal
        pure
        returns (bytes memory packed)
    {
        for (uint256 i = 0; i < n; ++i) {
            packed = bytes.concat(packed, signature(base, i, digest));
        }
    }

    function signature(uint256 base, uint256 index, bytes32 digest)
        internal
        pure
        returns (bytes memory)
    {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(base + index, digest);
        return abi.encodePacked(uint8(index), r, s, v);
    }

    function commit(IDeleverageVenue.Header memory h) internal {
        bytes memory packed = signed(h);
        venue.commit(h, packed);
        epoch = h.epoch;
    }

    /// @dev Commits a plan of one chunk with the usual caps.
    function commit(bytes32[] memory words) internal {
        commit(header(words));
    }

    function execute(bytes32[] memory words, uint256 mask) internal {
        venue.execute(epoch, 0, mask, words, new bytes32[](0));
    }

    function execute(bytes32[] memory words) internal {
        execute(words, type(uint256).max);
    }

    /// @dev Executes one leg of a one-chunk plan and expects it to be refused and unharmed.
    function refusedLeg(bytes32[] memory words, uint256 index, bytes4 reason) internal {
        vm.recordLogs();
        execute(words, 1 << index);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        (uint32 chunk, uint256 which, bytes4 seen) =
            abi.decode(logs[logs.length - 1].data, (uint32, uint256, bytes4));
        isTrue("reason", seen == reason);
        isTrue("which leg", chunk == 0 && which == index);
        same("leg untouched", venue.legBits(epoch, 0) >> index & 1, 0);
    }
}
