// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {GateRules} from "./GateRules.sol";
import {IDeleverageVenue} from "./IDeleverageVenue.sol";
import {ChunkTree} from "./lib/ChunkTree.sol";
import {Ledger} from "./lib/Ledger.sol";
import {Legs} from "./lib/Legs.sol";
import {Plans} from "./lib/Plans.sol";
import {Quorum} from "./lib/Quorum.sol";

/// @title Plans, legs, limits, replay and money boxes. See IDeleverageVenue.
/// @dev A venue inherits it, keeps its own book and implements the hooks at the end.
abstract contract DeleverageGate is GateRules {
    using SafeERC20 for IERC20;
    using Quorum for Quorum.Set;
    using Plans for Plan;

    uint256 private constant LEG_GAS = 250_000;
    uint256 private constant CHUNK_WORDS_MAX = 32;
    uint256 private constant CHUNKS_A_WORD = 8;
    uint256 private constant BANKRUPT = 1;
    uint256 private constant REFUNDED = 2;
    uint256 private constant TAKEN = 192;
    uint256 private constant CREDITED = 128;
    uint256 private constant REMOTE = 64;

    /// @dev An account as the rules see it. `fresh`: every mark that its equity depends on is.
    struct Standing {
        int256 cash;
        int256 equity;
        int256 profit;
        uint256 maintenance;
        uint256 count;
        bool fresh;
    }

    /// @dev A payer: its `_moved` key and word, what it may still pay, its cash.
    struct Payer {
        uint256 key;
        uint256 word;
        uint256 allowed;
        int256 cash;
    }

    mapping(uint64 epoch => Plan) private _plans;
    /// @dev Terminal legs, 32 bits a chunk, by epoch << 32 | chunk / 8.
    mapping(uint256 key => uint256 bits) private _done;
    /// @dev By epoch << 32 | account: taken u64 | credited u64 | remote u64 | 0 u56 | flags u8.
    mapping(uint256 key => uint256 word) private _moved;
    mapping(uint32 account => uint64) private _bound;

    constructor(
        Setup memory setup,
        Config memory rules,
        address[] memory verifiers,
        uint8 verifierThreshold,
        address[] memory oracleMembers,
        uint8 oracleThreshold
    ) GateRules(setup, rules, verifiers, verifierThreshold, oracleMembers, oracleThreshold) {}

    // ---------------------------------------------------------------- plans

    /// @inheritdoc IDeleverageVenue
    function commit(Header calldata header, bytes calldata signatures) external nonReentrant {
        _requireLive();
        bytes4 reason = _whyNotCommit(header);
        if (reason != 0) _refuse(reason);
        _signers.check(headerDigest(header), signatures);
        uint64 open = _counters.openEpoch;
        if (open != 0) _closePlan(open);
        _drawBucket(_caps(header));
        uint64 epoch = header.epoch;
        _plans[epoch].open(header);
        (_counters.lastEpoch, _counters.openEpoch) = (epoch, epoch);
        emit PlanCommitted(epoch, header.planRoot, header.legsRoot, header.expiry);
    }

    /// @inheritdoc IDeleverageVenue
    function execute(
        uint64 epoch,
        uint32 chunk,
        uint256 mask,
        bytes32[] calldata words,
        bytes32[] calldata proof
    ) external nonReentrant {
        _requireLive();
        if (epoch != _counters.openEpoch) _refuse(PlanNotOpen.selector);
        if (words.length == 0 || words.length > CHUNK_WORDS_MAX) _refuse(BadChunkSize.selector);
        Plan storage p = _plans[epoch];
        if (block.timestamp > p.expiryOf()) _refuse(Expired.selector);
        bytes32 root = ChunkTree.rootFrom(ChunkTree.leaf(chunk, words), proof);
        if (root != p.legsRoot) _refuse(BadProof.selector);
        Plans.Run memory run = _load(p, epoch, chunk);
        _runLegs(run, mask, words);
        _store(p, run);
    }

    /// @inheritdoc IDeleverageVenue
    function closePlan(uint64 epoch) external nonReentrant {
        if (epoch == 0 || epoch != _counters.openEpoch) _refuse(PlanNotOpen.selector);
        Plan storage p = _plans[epoch];
        if (!p.isFinished() && block.timestamp <= p.expiryOf()) _refuse(PlanStillOpen.selector);
        _closePlan(epoch);
    }

    /// @inheritdoc IDeleverageVenue
    function refund(uint64 epoch, uint32[] calldata accounts) external nonReentrant {
        bool isClosed = _plans[epoch].expiryOf() != 0 && epoch != _counters.openEpoch;
        if (!isClosed) _refuse(PlanNotClosed.selector);
        for (uint256 i = 0; i < accounts.length; ++i) {
            _refund(epoch, accounts[i]);
        }
    }

    function _whyNotCommit(Header calldata h) private view returns (bytes4) {
        if (h.configVersion != _limits.configVersion) return WrongConfigVersion.selector;
        if (h.policyDigest != _config.policyDigest) return WrongPolicy.selector;
        if (h.epoch <= _counters.lastEpoch) return EpochNotAbove.selector;
        (uint256 notBefore, uint256 expiry) = (h.notBefore, h.expiry);
        if (block.timestamp < notBefore) return NotYet.selector;
        if (block.timestamp > expiry) return Expired.selector;
        if (expiry - notBefore > _config.windowMax) return WindowTooLong.selector;
        if (_caps(h) > _config.planCap) return PlanCapExceeded.selector;
        return _whyNotCanonical(h.snapshotBlock, h.snapshotHash);
    }

    function _whyNotCanonical(uint256 number, bytes32 expected) private view returns (bytes4) {
        if (number + _config.snapshotAgeBlocksMax < block.number) return SnapshotTooOld.selector;
        bytes32 found = BLOCK_HASHES.blockHash(number);
        return found == 0 || found != expected ? SnapshotNotCanonical.selector : bytes4(0);
    }

    function _caps(Header calldata h) private pure returns (uint256) {
        return uint256(h.haircutCap) + h.remoteCap;
    }

    function _closePlan(uint64 epoch) private {
        (uint256 back, uint256 rest, uint256 unused) = _plans[epoch].settle();
        _counters.openEpoch = 0;
        _counters.insurance += uint64(rest);
        _setBucket(_bucket() + unused);
        emit PlanClosed(epoch, uint64(back), uint64(rest));
    }

    function _refund(uint64 epoch, uint32 account) private {
        uint256 key = _key(epoch, account);
        uint256 word = _moved[key];
        uint256 paid = word >> TAKEN;
        if (paid == 0 || word & REFUNDED != 0) _refuse(NothingToRefund.selector);
        _requireUnbound(account);
        _moved[key] = word | REFUNDED;
        uint256 amount = _plans[epoch].refundDown(paid);
        _book(account, int256(amount), int256(amount));
        emit Refunded(epoch, account, uint64(amount));
    }

    // ---------------------------------------------------------------- legs

    function _key(uint256 epoch, uint256 low) private pure returns (uint256) {
        return (epoch << 32) | low;
    }

    function _shift(uint256 chunk) private pure returns (uint256) {
        return chunk % CHUNKS_A_WORD * CHUNK_WORDS_MAX;
    }

    function _load(Plan storage p, uint64 epoch, uint32 chunk)
        private
        view
        returns (Plans.Run memory run)
    {
        (run.epoch, run.chunk, run.done) = (epoch, chunk, legBits(epoch, chunk));
        (run.fund, run.accountCapPpm) = (_counters.insurance, _config.accountCapPpm);
        p.load(run);
    }

    function _store(Plan storage p, Plans.Run memory run) private {
        _done[_key(run.epoch, run.chunk / CHUNKS_A_WORD)] |= run.done << _shift(run.chunk);
        if (_counters.insurance != run.fund) _counters.insurance = uint64(run.fund);
        p.store(run);
    }

    function _runLegs(Plans.Run memory run, uint256 mask, bytes32[] calldata words) private {
        uint256 todo = mask & ~run.done;
        for (uint256 i = 0; i < words.length; ++i) {
            if ((todo >> i) & 1 == 0) continue;
            if (gasleft() < LEG_GAS) _refuse(TooLittleGas.selector);
            _runLeg(run, i, Legs.decode(words[i]));
        }
    }

    function _runLeg(Plans.Run memory run, uint256 index, Legs.Leg memory leg) private {
        run.staysOpen = false;
        (bytes4 reason, uint256 amount) = _dispatch(run, leg);
        if (reason != 0) {
            emit LegRefused(uint64(run.epoch), uint32(run.chunk), index, reason);
            return;
        }
        if (!run.staysOpen) {
            run.done |= 1 << index;
            run.legsLeft = _above(run.legsLeft, 1);
        }
        emit LegExecuted(uint64(run.epoch), uint32(run.chunk), index, leg.kind, uint64(amount));
    }

    function _dispatch(Plans.Run memory run, Legs.Leg memory leg)
        private
        returns (bytes4, uint256)
    {
        if (leg.kind == Legs.CLOSE) return _close(run, leg);
        if (leg.kind == Legs.HAIRCUT) return leg.b == 0 ? _take(run, leg) : _takeRemote(run, leg);
        if (leg.kind == Legs.DEFICIT) return _measure(run, leg);
        if (leg.kind == Legs.CREDIT) return _pay(run, leg);
        return (UnknownLeg.selector, 0);
    }

    function _measure(Plans.Run memory run, Legs.Leg memory leg)
        private
        returns (bytes4, uint256 added)
    {
        uint256 key = _key(run.epoch, leg.a);
        uint256 word = _moved[key];
        if (word & BANKRUPT != 0) return (0, 0);
        Standing memory standing = _standing(leg.a);
        if (!standing.fresh) return (StaleMark.selector, 0);
        int256 missing = -standing.equity - _signed(boundOf(leg.a));
        if (missing <= 0) return (NotBankrupt.selector, 0);
        added = Math.min(Math.min(leg.x, uint256(missing)), run.deficit - run.need);
        _moved[key] = word | BANKRUPT;
        run.need += added;
        _drawInsurance(run);
        return (0, added);
    }

    function _drawInsurance(Plans.Run memory run) private pure {
        uint256 drawn = Math.min(Math.min(run.insurance, run.need) - run.drawn, run.fund);
        run.fund -= drawn;
        run.drawn += drawn;
        run.pot += drawn;
    }

    function _close(Plans.Run memory run, Legs.Leg memory leg)
        private
        returns (bytes4 reason, uint256 lots)
    {
        if (leg.a == leg.b) return (SelfClose.selector, 0);
        if (_moved[_key(run.epoch, leg.a)] & BANKRUPT == 0) return (NotFlagged.selector, 0);
        uint256 notional;
        (reason, lots, notional) = _closePair(leg, run.closeLeft);
        run.closeLeft -= notional;
    }

    function _take(Plans.Run memory run, Legs.Leg memory leg)
        private
        returns (bytes4 reason, uint256 amount)
    {
        Payer memory payer;
        (reason, payer) = _payer(run, leg.a);
        if (reason != 0) return (reason, 0);
        if (run.need == 0) return (NoNeed.selector, 0);
        uint256 before = payer.word >> TAKEN;
        amount = Math.min(_above(leg.x, before), payer.allowed);
        amount = Math.min(amount, run.haircutCap - run.taken);
        if (amount == 0) return (NothingToTake.selector, 0);
        _moved[payer.key] = payer.word + (amount << TAKEN);
        run.taken += amount;
        run.pot += amount;
        run.staysOpen = before + amount != leg.x;
        _book(leg.a, -int256(amount), -int256(amount));
    }

    function _takeRemote(Plans.Run memory run, Legs.Leg memory leg)
        private
        returns (bytes4 reason, uint256 amount)
    {
        Payer memory payer;
        (reason, payer) = _payer(run, leg.a);
        if (reason != 0) return (reason, 0);
        amount = Math.min(Math.min(leg.x, payer.allowed), run.remoteCap - run.remoteTaken);
        amount = Math.min(amount, Ledger.limit(payer.cash, payer.cash));
        if (address(_reserve) == address(0)) amount = 0;
        if (amount != 0) amount = _reserve.escrow(uint64(run.epoch), leg.b, leg.a, uint64(amount));
        if (amount == 0) return (NothingToTake.selector, 0);
        if (run.accountCapPpm != PPM) _moved[payer.key] = payer.word + (amount << REMOTE);
        run.remoteTaken += amount;
        _book(leg.a, -int256(amount), -int256(amount));
        _push(address(_reserve), amount);
    }

    /// @dev The live limit has already lost what was taken, so the account's cap is measured on
    /// their sum: asking in small steps takes no more than asking once. (A cap of the whole profit
    /// is the live limit, so what went into boxes need not be remembered then.)
    function _payer(Plans.Run memory run, uint32 account)
        private
        view
        returns (bytes4, Payer memory payer)
    {
        payer.key = _key(run.epoch, account);
        payer.word = _moved[payer.key];
        if (payer.word & BANKRUPT != 0) return (PayerBankrupt.selector, payer);
        Standing memory standing = _standing(account);
        if (!standing.fresh) return (StaleMark.selector, payer);
        uint256 left = Ledger.limit(standing.equity, standing.profit);
        uint256 paid = (payer.word >> TAKEN) + uint64(payer.word >> REMOTE);
        uint256 cap = (left + paid) * run.accountCapPpm / PPM;
        (payer.allowed, payer.cash) = (_above(cap, paid), standing.cash);
        return (0, payer);
    }

    function _pay(Plans.Run memory run, Legs.Leg memory leg)
        private
        returns (bytes4, uint256 amount)
    {
        uint256 key = _key(run.epoch, leg.a);
        uint256 word = _moved[key];
        if (word & BANKRUPT == 0) return (NotFlagged.selector, 0);
        Standing memory standing = _standing(leg.a);
        if (standing.count != 0) return (NotFlat.selector, 0);
        int256 debt = -standing.cash - _signed(boundOf(leg.a));
        uint256 before = uint64(word >> CREDITED);
        amount = Math.min(Math.min(_above(leg.x, before), Ledger.limit(debt, debt)), run.pot);
        if (amount == 0) return (NothingToCredit.selector, 0);
        _moved[key] = word + (amount << CREDITED);
        run.pot -= amount;
        run.staysOpen = before + amount != leg.x;
        _book(leg.a, int256(amount), 0);
        return (0, amount);
    }

    function _push(address to, uint256 amount) internal {
        TOKEN.safeTransfer(to, amount);
    }

    function _above(uint256 a, uint256 b) private pure returns (uint256) {
        return a > b ? a - b : 0;
    }

    // ---------------------------------------------------------------- the reserve's side

    /// @inheritdoc IDeleverageVenue
    function bind(uint32 account, uint64 amount) external onlyReserve {
        if (boundOf(account) != 0) _refuse(AlreadyBound.selector);
        _bound[account] = amount;
        _setFlags(account, Ledger.BOUND);
    }

    /// @inheritdoc IDeleverageVenue
    function unbind(uint32 account) external onlyReserve {
        delete _bound[account];
        _setFlags(account, 0);
    }

    /// @inheritdoc IDeleverageVenue
    function creditBound(uint32 account, uint64 amount) external onlyReserve {
        if (boundOf(account) < amount) _refuse(NotBound.selector);
        _book(account, _signed(amount), 0);
    }

    /// @inheritdoc IDeleverageVenue
    function refundFromReserve(uint32 account, uint64 amount) external onlyReserve {
        _requireUnbound(account);
        _book(account, _signed(amount), _signed(amount));
    }

    function _requireUnbound(uint32 account) internal view {
        if (boundOf(account) != 0) _refuse(AccountBound.selector);
    }

    // ---------------------------------------------------------------- reads

    /// @inheritdoc IDeleverageVenue
    function plan(uint64 epoch) external view returns (Plan memory) {
        return _plans[epoch];
    }

    /// @inheritdoc IDeleverageVenue
    function legBits(uint64 epoch, uint32 chunk) public view returns (uint256) {
        return uint32(_done[_key(epoch, chunk / CHUNKS_A_WORD)] >> _shift(chunk));
    }

    /// @inheritdoc IDeleverageVenue
    function moved(uint64 epoch, uint32 account)
        external
        view
        returns (uint64 taken, uint64 credited, uint8 flags)
    {
        uint256 word = _moved[_key(epoch, account)];
        return (uint64(word >> TAKEN), uint64(word >> CREDITED), uint8(word));
    }

    /// @inheritdoc IDeleverageVenue
    function gateState() external view returns (GateState memory state) {
        state.lastEpoch = _counters.lastEpoch;
        state.openEpoch = _counters.openEpoch;
        state.configVersion = _limits.configVersion;
        state.policyDigest = _config.policyDigest;
        state.insurance = _counters.insurance;
        state.bucketAvailable = _bucket();
        state.planCap = _config.planCap;
        state.stoppedUntil = _counters.stoppedUntil;
        (state.accountCount, state.instrumentCount) = _counts();
        state.imFactorPpm = _config.imFactorPpm;
        state.markAgeMax = _config.markAgeMax;
    }

    /// @inheritdoc IDeleverageVenue
    function edgeBasis(uint64 epoch, uint32 account)
        external
        view
        returns (bytes32 planRoot, int64 cash, uint8 positions)
    {
        _requireLive();
        Standing memory standing = _standing(account);
        return (_plans[epoch].planRoot, int64(standing.cash), uint8(standing.count));
    }

    /// @inheritdoc IDeleverageVenue
    function boundOf(uint32 account) public view returns (uint64) {
        return _bound[account];
    }

    // ---------------------------------------------------------------- the venue's book

    function _signed(uint64 amount) internal pure returns (int256) {
        return int256(uint256(amount));
    }

    /// @dev The account with realised profit rolled to now, at the stored marks.
    function _standing(uint32 account) internal view virtual returns (Standing memory);

    /// @dev Adds to cash and to this window's realised profit.
    function _book(uint32 account, int256 cash, int256 realised) internal virtual;

    function _setFlags(uint32 account, uint256 flags) internal virtual;

    function _counts() internal view virtual returns (uint256 accounts, uint256 instruments);

    /// @dev Closes k = min(x, lots of both sides) at the live mark; a reason if it may not.
    function _closePair(Legs.Leg memory leg, uint256 notionalMax)
        internal
        virtual
        returns (bytes4 reason, uint256 lots, uint256 notional);
}
