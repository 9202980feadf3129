// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {
    ReentrancyGuardTransient
} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {IBlockHashSource} from "./IBlockHashSource.sol";
import {IDeleverageVenue} from "./IDeleverageVenue.sol";
import {IReserve} from "./IReserve.sol";
import {Bucket} from "./lib/Bucket.sol";
import {Quorum} from "./lib/Quorum.sol";
import {TypedData} from "./lib/TypedData.sol";

/// @title Who may change a gate, what it allows, who signs, when it stands still.
/// See IDeleverageVenue.
abstract contract GateRules is IDeleverageVenue, ReentrancyGuardTransient {
    using Quorum for Quorum.Set;

    uint256 internal constant PPM = 1_000_000;
    uint256 private constant WINDOW_LIMIT = 600;
    uint256 private constant STOP_SECONDS = 20 minutes;
    /// @dev So that no 60 minutes hold more than 20 of standstill.
    uint256 private constant STOP_PAUSE = 40 minutes;

    /// @dev Who and what a gate is made with; governance is a timelock in production.
    struct Setup {
        IERC20 token;
        address governance;
        address guardian;
        address matcher;
        IBlockHashSource blockHashes;
    }

    struct Counters {
        uint64 lastEpoch;
        uint64 openEpoch;
        uint64 insurance;
        uint64 stoppedUntil;
    }

    struct Limits {
        uint64 bucketLevel;
        uint64 bucketAt;
        uint64 configVersion;
    }

    IERC20 internal immutable TOKEN;
    address internal immutable GOVERNANCE;
    IBlockHashSource internal immutable BLOCK_HASHES;
    uint256 private immutable CHAIN_ID;
    bytes32 private immutable DOMAIN;

    Config internal _config;
    Counters internal _counters;
    Limits internal _limits;
    address private _guardian;
    address internal _matcher;
    IReserve internal _reserve;
    Quorum.Set internal _signers;
    Quorum.Set private _oracles;

    /// @dev Modifiers only call a function: their body would be copied into every user.
    modifier onlyGovernance() {
        _requireSender(GOVERNANCE, NotGovernance.selector);
        _;
    }

    modifier onlyReserve() {
        _requireSender(address(_reserve), NotReserve.selector);
        _;
    }

    constructor(
        Setup memory setup,
        Config memory rules,
        address[] memory verifiers,
        uint8 verifierThreshold,
        address[] memory oracleMembers,
        uint8 oracleThreshold
    ) {
        if (address(setup.token) == address(0) || setup.governance == address(0)) {
            _refuse(ZeroAddress.selector);
        }
        TOKEN = setup.token;
        GOVERNANCE = setup.governance;
        BLOCK_HASHES = setup.blockHashes;
        CHAIN_ID = block.chainid;
        DOMAIN = TypedData.gateDomain(block.chainid, address(this));
        (_guardian, _matcher) = (setup.guardian, setup.matcher);
        _signers.replace(verifiers, verifierThreshold, 2, 3);
        _oracles.replace(oracleMembers, oracleThreshold, 1, 2);
        _setConfig(rules);
        _limits.bucketLevel = rules.bucketCapacity;
    }

    // ---------------------------------------------------------------- standing still

    /// @inheritdoc IDeleverageVenue
    function stop() external {
        _requireSender(_guardian, NotGuardian.selector);
        uint256 next = _counters.stoppedUntil + STOP_PAUSE;
        if (block.timestamp < next) _refuse(StoppedTooOften.selector);
        uint64 until = uint64(block.timestamp + STOP_SECONDS);
        _counters.stoppedUntil = until;
        emit GateStopped(until);
    }

    /// @inheritdoc IDeleverageVenue
    function resume() external onlyGovernance {
        _counters.stoppedUntil = uint64(Math.min(_counters.stoppedUntil, block.timestamp));
        emit GateResumed();
    }

    function _requireLive() internal view {
        if (block.timestamp < _counters.stoppedUntil) _refuse(Stopped.selector);
        if (block.chainid != CHAIN_ID) _refuse(ForkedChain.selector);
    }

    // ---------------------------------------------------------------- the bucket

    /// @dev Never above capacity, whatever was put back.
    function _bucket() internal view returns (uint256) {
        uint256 elapsed = block.timestamp - _limits.bucketAt;
        return Bucket.available(
            _limits.bucketLevel, elapsed, _config.bucketCapacity, _config.bucketRefill
        );
    }

    function _setBucket(uint256 level) internal {
        (_limits.bucketLevel, _limits.bucketAt) = (uint64(level), uint64(block.timestamp));
    }

    function _drawBucket(uint256 amount) internal {
        uint256 available = _bucket();
        if (amount > available) _refuse(BucketExhausted.selector);
        _setBucket(available - amount);
    }

    // ---------------------------------------------------------------- rules

    /// @inheritdoc IDeleverageVenue
    function setConfig(Config calldata rules) external onlyGovernance {
        _setBucket(_bucket());
        _setConfig(rules);
    }

    /// @inheritdoc IDeleverageVenue
    function setSigners(address[] calldata members, uint8 threshold) external onlyGovernance {
        _signers.replace(members, threshold, 2, 3);
        _raiseVersion();
    }

    /// @inheritdoc IDeleverageVenue
    function setOracles(address[] calldata members, uint8 threshold) external onlyGovernance {
        _oracles.replace(members, threshold, 1, 2);
        _raiseVersion();
    }

    /// @inheritdoc IDeleverageVenue
    function setReserve(address newReserve) external onlyGovernance {
        if (newReserve == address(0)) _refuse(ZeroAddress.selector);
        if (address(_reserve) != address(0)) _refuse(ReserveAlreadySet.selector);
        _reserve = IReserve(newReserve);
        _raiseVersion();
    }

    /// @inheritdoc IDeleverageVenue
    function setRoles(address guardian, address matcher) external onlyGovernance {
        (_guardian, _matcher) = (guardian, matcher);
        _raiseVersion();
    }

    function _setConfig(Config memory rules) private {
        bool isBounded = rules.windowMax <= WINDOW_LIMIT && rules.accountCapPpm <= PPM;
        bool isSafe = rules.imFactorPpm > PPM && rules.markAgeMax != 0;
        if (!isBounded || !isSafe) _refuse(InvalidConfig.selector);
        _config = rules;
        _raiseVersion();
    }

    function _raiseVersion() private {
        emit Configured(++_limits.configVersion);
    }

    // ---------------------------------------------------------------- reads

    /// @inheritdoc IDeleverageVenue
    function headerDigest(Header calldata header) public view returns (bytes32) {
        return TypedData.digest(DOMAIN, TypedData.headerHash(header));
    }

    /// @inheritdoc IDeleverageVenue
    function signers() external view returns (address[] memory members, uint8 threshold) {
        return (_signers.members, _signers.threshold);
    }

    /// @inheritdoc IDeleverageVenue
    function oracles() external view returns (address[] memory members, uint8 threshold) {
        return (_oracles.members, _oracles.threshold);
    }

    /// @inheritdoc IDeleverageVenue
    function requireQuorum(bytes32 digest, bytes calldata signatures) external view {
        _signers.check(digest, signatures);
    }

    /// @inheritdoc IDeleverageVenue
    function token() external view returns (address) {
        return address(TOKEN);
    }

    /// @inheritdoc IDeleverageVenue
    function reserve() external view returns (address) {
        return address(_reserve);
    }

    // ---------------------------------------------------------------- refusing

    function _requireSender(address allowed, bytes4 refusal) internal view {
        if (msg.sender != allowed) _refuse(refusal);
    }

    /// @dev Reverts with an error that has no arguments; one place is smaller than many.
    function _refuse(bytes4 refusal) internal pure {
        assembly ("memory-safe") {
            mstore(0, refusal)
            revert(0, 4)
        }
    }

    function _requireOracles(bytes32 typeHash, bytes32[] calldata words, bytes calldata signatures)
        internal
        view
    {
        bytes32 digest = TypedData.digest(DOMAIN, TypedData.wordsHash(typeHash, words));
        _oracles.check(digest, signatures);
    }
}
