// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {Book} from "./Book.sol";
import {IDeleverageVenue} from "./IDeleverageVenue.sol";
import {Ledger} from "./lib/Ledger.sol";
import {Quotes} from "./lib/Quotes.sol";
import {TypedData} from "./lib/TypedData.sol";

/// @title Reference venue: options, perpetuals and futures on one settlement token.
/// See IDeleverageVenue.
contract OptionsVenue is Book {
    using SafeERC20 for IERC20;

    /// @dev In an owner word: the account has registered a group, so that reads may skip it.
    uint256 private constant GROUPED = 1 << 160;
    uint256 private constant MEMBER_BYTES = 32;

    bytes32[] private _underlyings;
    mapping(uint256 account => uint256) private _owners;
    mapping(uint256 account => bytes32) private _groups;

    modifier onlyMatcher() {
        _requireSender(_matcher, NotMatcher.selector);
        _;
    }

    modifier onlyOwner(uint32 account) {
        _requireSender(address(uint160(_owners[account])), NotOwner.selector);
        _;
    }

    constructor(
        Setup memory setup,
        Config memory rules,
        address[] memory verifiers,
        uint8 verifierThreshold,
        address[] memory oracleMembers,
        uint8 oracleThreshold
    )
        Book(setup, rules, verifiers, verifierThreshold, oracleMembers, oracleThreshold)
    {}

    // ---------------------------------------------------------------- listing and oracle

    /// @inheritdoc IDeleverageVenue
    function addUnderlying(bytes32 name) external onlyGovernance returns (uint16 underlying) {
        uint256 count = _underlyings.length;
        if (name == 0 || count > type(uint16).max) _refuse(InvalidInstrument.selector);
        underlying = uint16(count);
        _underlyings.push(name);
        emit UnderlyingAdded(underlying, name);
    }

    /// @inheritdoc IDeleverageVenue
    function listInstrument(bytes32 word) external onlyGovernance returns (uint32 instrument) {
        uint256 info = uint256(word);
        if (!_isListable(info)) _refuse(InvalidInstrument.selector);
        instrument = _instrumentCount++;
        _instruments[instrument] = info;
        emit InstrumentListed(instrument, word);
    }

    function _isListable(uint256 info) private view returns (bool) {
        (uint256 kind, uint256 expiry) = (Quotes.kindOf(info), Quotes.expiryOf(info));
        bool isDated = kind == Quotes.PERPETUAL ? expiry == 0 : expiry > block.timestamp;
        bool isStruck = kind != Quotes.OPTION || Quotes.strikeOf(info) != 0;
        return kind <= Quotes.FUTURE && Quotes.rightOf(info) <= 1 && isDated && isStruck
            && Quotes.underlyingOf(info) < _underlyings.length && Quotes.lotOf(info) != 0
            && uint32(info) == 0;
    }

    /// @inheritdoc IDeleverageVenue
    function postMarks(bytes32[] calldata words, bytes calldata signatures) external {
        _requireOracles(TypedData.MARKS_TYPE, words, signatures);
        for (uint256 i = 0; i < words.length; ++i) {
            _postMark(uint256(words[i]));
        }
    }

    /// @inheritdoc IDeleverageVenue
    function postFunding(bytes32[] calldata words, bytes calldata signatures) external {
        _requireOracles(TypedData.FUNDING_TYPE, words, signatures);
        for (uint256 i = 0; i < words.length; ++i) {
            _postFunding(uint256(words[i]));
        }
    }

    function _postMark(uint256 mark) private {
        uint256 instrument = Quotes.instrumentOf(mark);
        uint256 stored = _marks[instrument];
        uint256 time = Quotes.timeOf(mark);
        _requireOpenEnded(instrument, stored);
        if (time <= Quotes.timeOf(stored)) _refuse(MarkNotNewer.selector);
        if (time > block.timestamp) _refuse(MarkFromFuture.selector);
        if (time + _config.markAgeMax < block.timestamp) _refuse(StaleMark.selector);
        _marks[instrument] = mark;
    }

    function _postFunding(uint256 funding) private {
        uint256 instrument = Quotes.instrumentOf(funding);
        _requireOpenEnded(instrument, _marks[instrument]);
        uint256 last = Quotes.sequenceOf(_fundings[instrument]);
        if (Quotes.sequenceOf(funding) <= last) _refuse(FundingNotNewer.selector);
        _fundings[instrument] = funding;
    }

    /// @dev After the final mark neither mark nor funding moves: everybody settles alike.
    function _requireOpenEnded(uint256 instrument, uint256 stored) private view {
        uint256 info = _listed(instrument);
        if (Quotes.isExpired(info, Quotes.timeOf(stored))) _refuse(InstrumentExpired.selector);
    }

    function _listed(uint256 instrument) private view returns (uint256) {
        if (instrument >= _instrumentCount) _refuse(UnknownInstrument.selector);
        return _instruments[instrument];
    }

    // ---------------------------------------------------------------- accounts

    /// @inheritdoc IDeleverageVenue
    function openAccount() external returns (uint32 account) {
        return _open(msg.sender);
    }

    /// @inheritdoc IDeleverageVenue
    function openAccountsFor(address[] calldata owners) external onlyMatcher {
        for (uint256 i = 0; i < owners.length; ++i) {
            if (owners[i] == address(0)) _refuse(ZeroAddress.selector);
            _open(owners[i]);
        }
    }

    /// @inheritdoc IDeleverageVenue
    function deposit(uint32 account, uint64 amount) external nonReentrant {
        if (_owners[account] == 0) _refuse(UnknownAccount.selector);
        _requireUnbound(account);
        _book(account, _signed(amount), 0);
        emit Deposited(account, msg.sender, amount);
        _pull(amount);
    }

    /// @inheritdoc IDeleverageVenue
    function withdraw(uint32 account, uint64 amount, address to)
        external
        onlyOwner(account)
        nonReentrant
    {
        if (to == address(0)) _refuse(ZeroAddress.selector);
        _requireUnbound(account);
        _book(account, -_signed(amount), 0);
        Standing memory standing = _standing(account);
        if (standing.cash < 0) _refuse(InsufficientCash.selector);
        _requireMargin(account, standing);
        if (_counters.openEpoch != 0) _requireEquity(account, standing, standing.profit);
        emit Withdrawn(account, to, amount);
        _push(to, amount);
    }

    /// @inheritdoc IDeleverageVenue
    function registerGroup(uint32 account, bytes calldata members) external onlyOwner(account) {
        uint256 own = (block.chainid << 192) | (uint256(uint160(address(this))) << 32) | account;
        _requireMember(members, own);
        _setGroup(account, keccak256(members), GROUPED);
    }

    /// @inheritdoc IDeleverageVenue
    function leaveGroup(uint32 account) external onlyOwner(account) {
        _setGroup(account, 0, 0);
    }

    /// @inheritdoc IDeleverageVenue
    function fundInsurance(uint64 amount) external nonReentrant {
        _counters.insurance += amount;
        emit InsuranceFunded(msg.sender, amount);
        _pull(amount);
    }

    function _pull(uint256 amount) private {
        TOKEN.safeTransferFrom(msg.sender, address(this), amount);
    }

    function _open(address owner) private returns (uint32 account) {
        account = _accountCount++;
        _owners[account] = uint160(owner);
        emit AccountOpened(account, owner);
    }

    function _setGroup(uint32 account, bytes32 group, uint256 grouped) private {
        _groups[account] = group;
        _owners[account] = uint160(msg.sender) | grouped;
        emit GroupChanged(account, group);
    }

    function _requireMember(bytes calldata members, uint256 own) private pure {
        if (members.length % MEMBER_BYTES != 0) _refuse(InvalidGroup.selector);
        uint256 last = 0;
        bool isMember = false;
        for (uint256 offset = 0; offset < members.length; offset += MEMBER_BYTES) {
            uint256 member = uint256(bytes32(members[offset:offset + MEMBER_BYTES]));
            if (member <= last) _refuse(InvalidGroup.selector);
            if (member == own) isMember = true;
            last = member;
        }
        if (!isMember) _refuse(InvalidGroup.selector);
    }

    function _requireMargin(uint32 account, Standing memory standing) private view {
        if (!standing.fresh) _refuse(StaleMark.selector);
        uint256 scaled = standing.maintenance * _config.imFactorPpm;
        _requireEquity(account, standing, int256(Math.ceilDiv(scaled, PPM)));
    }

    function _requireEquity(uint32 account, Standing memory standing, int256 least) private pure {
        if (standing.equity < least) revert InsufficientMargin(account);
    }

    // ---------------------------------------------------------------- trading

    /// @inheritdoc IDeleverageVenue
    function trade(Match[] calldata matches) external onlyMatcher nonReentrant {
        for (uint256 i = 0; i < matches.length; ++i) {
            _match(matches[i]);
        }
    }

    /// @inheritdoc IDeleverageVenue
    function settle(uint32 account, uint32 instrument) external nonReentrant {
        uint256 info = _listed(instrument);
        uint256 mark = _marks[instrument];
        if (!Quotes.isExpired(info, Quotes.timeOf(mark))) _refuse(NotFinal.selector);
        Ledger.Account memory a = _load(account);
        uint256 slot = _find(account, a.count, instrument, 0);
        if (slot == a.count) _refuse(NoPosition.selector);
        int256 lots = Ledger.lotsOf(_positionAt(account, slot));
        Fill memory fill = _fill(instrument, info, Quotes.markOf(mark));
        fill.lots = -lots;
        _addTotals(_applySide(account, a, slot, fill), lots * fill.price);
        emit Settled(account, instrument, int64(lots), uint64(Quotes.markOf(mark)));
    }

    function _match(Match memory m) private {
        if (m.buyer == m.seller) _refuse(SelfTrade.selector);
        if (m.lots == 0) _refuse(ZeroAmount.selector);
        uint256 info = _listed(m.instrument);
        if (Quotes.isExpired(info, block.timestamp)) _refuse(InstrumentExpired.selector);
        Fill memory fill = _fill(m.instrument, info, m.price);
        fill.lots = _signed(m.lots);
        int256 costMoved = _tradeSide(m.buyer, fill);
        fill.lots = -fill.lots;
        costMoved += _tradeSide(m.seller, fill);
        _addTotals(costMoved, 0);
        emit Traded(m.buyer, m.seller, m.instrument, m.lots, m.price);
    }

    function _tradeSide(uint32 account, Fill memory fill) private returns (int256 costMoved) {
        if (_owners[account] == 0) _refuse(UnknownAccount.selector);
        _requireUnbound(account);
        Ledger.Account memory a = _load(account);
        uint256 slot = _find(account, a.count, fill.instrument, 0);
        costMoved = _applySide(account, a, slot, fill);
        _requireMargin(account, _standingOf(account, a));
    }

    // ---------------------------------------------------------------- reads

    /// @inheritdoc IDeleverageVenue
    function slots(uint32 from, uint32 n) external view returns (bytes memory out) {
        uint256 end = Math.min(uint256(from) + n, _accountCount);
        uint256 cursor;
        assembly ("memory-safe") {
            out := mload(0x40)
            cursor := add(out, 32)
        }
        for (uint256 account = from; account < end; ++account) {
            cursor = _appendAccount(cursor, account);
        }
        _finish(out, cursor);
    }

    /// @inheritdoc IDeleverageVenue
    function instrumentWords(uint32 from, uint32 n) external view returns (bytes memory out) {
        uint256 end = Math.min(uint256(from) + n, _instrumentCount);
        uint256 cursor;
        assembly ("memory-safe") {
            out := mload(0x40)
            cursor := add(out, 32)
        }
        for (uint256 i = from; i < end; ++i) {
            cursor = _append(cursor, _instruments[i]);
            cursor = _append(cursor, _marks[i]);
            cursor = _append(cursor, uint256(Quotes.cumulativeOf(_fundings[i])));
        }
        _finish(out, cursor);
    }

    /// @inheritdoc IDeleverageVenue
    function underlyings() external view returns (bytes32[] memory) {
        return _underlyings;
    }

    function _appendAccount(uint256 cursor, uint256 account) private view returns (uint256) {
        uint256 word = _accounts[account];
        uint256 owner = _owners[account];
        cursor = _append(cursor, word);
        cursor = _append(cursor, uint160(owner));
        cursor = _append(cursor, owner & GROUPED == 0 ? 0 : uint256(_groups[account]));
        return _appendPositions(cursor, account * POSITIONS_MAX, uint8(word >> 24));
    }

    /// @dev The kind in a position's last byte is the venue's own business.
    function _appendPositions(uint256 cursor, uint256 slot, uint256 count)
        private
        view
        returns (uint256 end)
    {
        end = cursor + 32 * count;
        assembly ("memory-safe") {
            mstore(32, _positions.slot)
            for {} lt(cursor, end) { cursor := add(cursor, 32) } {
                mstore(0, slot)
                mstore(cursor, and(sload(keccak256(0, 64)), not(0xff)))
                slot := add(slot, 1)
            }
        }
    }

    /// @dev Writes above the free memory pointer: nothing allocates until `_finish`.
    function _append(uint256 cursor, uint256 word) private pure returns (uint256) {
        assembly ("memory-safe") {
            mstore(cursor, word)
        }
        return cursor + 32;
    }

    function _finish(bytes memory out, uint256 end) private pure {
        assembly ("memory-safe") {
            mstore(out, sub(sub(end, out), 32))
            mstore(0x40, end)
        }
    }
}
