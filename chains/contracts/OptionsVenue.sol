// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";
import {DeleverageGate} from "./DeleverageGate.sol";
import {IDeleverageVenue} from "./IDeleverageVenue.sol";
import {Ledger} from "./lib/Ledger.sol";
import {Legs} from "./lib/Legs.sol";
import {Quotes} from "./lib/Quotes.sol";
import {TypedData} from "./lib/TypedData.sol";

/// @title Reference venue: options, perpetuals and futures on one settlement token.
/// See IDeleverageVenue.
contract OptionsVenue is DeleverageGate {
    using SafeERC20 for IERC20;
    using Ledger for Ledger.Account;
    using Ledger for Ledger.Position;

    uint256 private constant POSITIONS_MAX = 16;
    uint256 private constant PPM = 1_000_000;
    /// @dev In an owner word: the account has registered a group, so that reads may skip it.
    uint256 private constant GROUPED = 1 << 160;
    uint256 private constant MEMBER_BYTES = 32;

    /// @dev What one side of a trade or close is booked with; `price` is net of funding.
    struct Fill {
        uint32 instrument;
        int256 lots;
        int256 price;
        uint256 kind;
    }

    struct Totals {
        int128 perpCost;
        int128 unsettled;
    }

    uint32 private _accountCount;
    uint32 private _instrumentCount;
    Totals private _totals;
    bytes32[] private _underlyings;
    mapping(uint256 account => uint256) private _accounts;
    mapping(uint256 account => uint256) private _owners;
    mapping(uint256 account => bytes32) private _groups;
    mapping(uint256 slot => uint256) private _positions;
    mapping(uint256 instrument => uint256) private _instruments;
    mapping(uint256 instrument => uint256) private _marks;
    mapping(uint256 instrument => uint256) private _fundings;

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
        DeleverageGate(
            setup, rules, verifiers, verifierThreshold, oracleMembers, oracleThreshold
        )
    {}

    // ---------------------------------------------------------------- listing and oracle

    /// @inheritdoc IDeleverageVenue
    function addUnderlying(bytes32 name) external onlyGovernance returns (uint16 underlying) {
        if (name == 0 || _underlyings.length > type(uint16).max) _refuse(InvalidInstrument.selector);
        underlying = uint16(_underlyings.length);
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

    // ---------------------------------------------------------------- the book

    function _slot(uint256 account, uint256 i) private pure returns (uint256) {
        return account * POSITIONS_MAX + i;
    }

    function _load(uint32 account) private view returns (Ledger.Account memory a) {
        a = Ledger.account(_accounts[account]);
        a.roll(block.timestamp / Ledger.WINDOW_SECONDS);
    }

    function _fill(uint32 instrument, uint256 info, uint256 price)
        private
        view
        returns (Fill memory fill)
    {
        fill.instrument = instrument;
        fill.kind = Quotes.kindOf(info);
        fill.price = int256(price) - _funding(instrument, fill.kind);
    }

    function _funding(uint256 instrument, uint256 kind) private view returns (int256) {
        return kind == Quotes.OPTION ? int256(0) : Quotes.cumulativeOf(_fundings[instrument]);
    }

    /// @dev The slot of the account's position, or `count` where it has none.
    function _find(uint256 account, uint256 count, uint256 instrument, uint256 hint)
        private
        view
        returns (uint256)
    {
        if (hint < count && _holds(account, hint, instrument)) return hint;
        for (uint256 i = 0; i < count; ++i) {
            if (_holds(account, i, instrument)) return i;
        }
        return count;
    }

    function _holds(uint256 account, uint256 i, uint256 instrument) private view returns (bool) {
        return Ledger.instrumentOf(_positionAt(account, i)) == instrument;
    }

    function _positionAt(uint256 account, uint256 i) private view returns (uint256) {
        return _positions[_slot(account, i)];
    }

    /// @dev Books a fill into a slot (a new one at `count`); a position of no lots leaves the book
    /// and the account's last one takes its place. Returns what it adds to perpCost.
    function _applySide(uint32 account, Ledger.Account memory a, uint256 slot, Fill memory fill)
        private
        returns (int256 costMoved)
    {
        Ledger.Position memory p;
        if (slot == a.count) {
            if (slot == POSITIONS_MAX) _refuse(TooManyPositions.selector);
            (p.account, p.instrument, p.kind) = (account, fill.instrument, fill.kind);
            ++a.count;
        } else {
            p = Ledger.position(_positionAt(account, slot));
        }
        int256 costBefore = p.cost;
        a.trade(p, fill.lots, fill.price, fill.kind == Quotes.OPTION);
        if (p.lots == 0) _remove(account, a, slot);
        else _positions[_slot(account, slot)] = p.word();
        _accounts[account] = a.word();
        return fill.kind == Quotes.OPTION ? int256(0) : p.cost - costBefore;
    }

    function _remove(uint32 account, Ledger.Account memory a, uint256 slot) private {
        uint256 last = _slot(account, --a.count);
        if (_slot(account, slot) != last) _positions[_slot(account, slot)] = _positions[last];
        delete _positions[last];
    }

    function _addTotals(int256 costMoved, int256 paidOut) private {
        if (costMoved == 0 && paidOut == 0) return;
        _totals.perpCost += int128(costMoved);
        _totals.unsettled += int128(paidOut);
    }

    function _standingOf(uint32 account, Ledger.Account memory a)
        private
        view
        returns (Standing memory standing)
    {
        standing.cash = a.cash;
        standing.equity = a.cash;
        standing.profit = a.realised();
        standing.count = a.count;
        standing.fresh = true;
        for (uint256 i = 0; i < a.count; ++i) {
            _addPosition(standing, _positionAt(account, i));
        }
    }

    function _addPosition(Standing memory standing, uint256 packed) private view {
        uint256 instrument = Ledger.instrumentOf(packed);
        uint256 mark = _marks[instrument];
        uint256 kind = Ledger.kindOf(packed);
        (int256 worth, int256 gain) =
            Quotes.value(packed, kind, mark, _funding(instrument, kind));
        uint256 margin = SignedMath.abs(Ledger.lotsOf(packed)) * Quotes.mmPerLotOf(mark);
        unchecked {
            standing.profit += gain;
            standing.equity += worth;
            standing.maintenance += margin;
        }
        if (!_isFresh(instrument, mark)) standing.fresh = false;
    }

    /// @dev A final mark never ages; only an old one costs the read that tells.
    function _isFresh(uint256 instrument, uint256 mark) private view returns (bool) {
        uint256 posted = Quotes.timeOf(mark);
        if (posted + _config.markAgeMax >= block.timestamp) return true;
        return Quotes.isExpired(_instruments[instrument], posted);
    }

    // ---------------------------------------------------------------- the gate's hooks

    function _standing(uint32 account) internal view override returns (Standing memory) {
        return _standingOf(account, _load(account));
    }

    function _book(uint32 account, int256 cash, int256 realised) internal override {
        Ledger.Account memory a = _load(account);
        a.cash += cash;
        a.realisedNow += realised;
        _accounts[account] = a.word();
    }

    function _setFlags(uint32 account, uint256 flags) internal override {
        _accounts[account] = Ledger.withFlags(_accounts[account], flags);
    }

    function _counts() internal view override returns (uint256, uint256) {
        return (_accountCount, _instrumentCount);
    }

    function _closePair(Legs.Leg memory leg, uint256 notionalMax)
        internal
        override
        returns (bytes4 reason, uint256 lots, uint256 notional)
    {
        (uint256 info, uint256 mark) = (_instruments[leg.instrument], _marks[leg.instrument]);
        reason = _whyNotClose(leg, info, mark);
        if (reason != 0) return (reason, 0, 0);
        Ledger.Account memory a = _load(leg.a);
        Standing memory standing = _standingOf(leg.a, a);
        if (!standing.fresh) return (StaleMark.selector, 0, 0);
        if (standing.equity >= 0) return (NotBankrupt.selector, 0, 0);
        return _closeLots(leg, a, _fill(leg.instrument, info, Quotes.markOf(mark)), notionalMax);
    }

    function _whyNotClose(Legs.Leg memory leg, uint256 info, uint256 mark)
        private
        view
        returns (bytes4)
    {
        if (Quotes.isExpired(info, block.timestamp)) return InstrumentExpired.selector;
        if (!_isFresh(leg.instrument, mark)) return StaleMark.selector;
        uint256 off = SignedMath.abs(int256(leg.y) - int256(Quotes.markOf(mark)));
        return off > Quotes.bandOf(mark) ? OutsideBand.selector : bytes4(0);
    }

    function _closeLots(
        Legs.Leg memory leg,
        Ledger.Account memory a,
        Fill memory fill,
        uint256 notionalMax
    ) private returns (bytes4, uint256, uint256) {
        Ledger.Account memory b = _load(leg.b);
        uint256 slotA = _find(leg.a, a.count, leg.instrument, leg.slotA);
        if (slotA == a.count) return (0, 0, 0);
        uint256 slotB = _find(leg.b, b.count, leg.instrument, leg.slotB);
        if (slotB == b.count) return (NoCounterLots.selector, 0, 0);
        fill.lots = _common(_slot(leg.a, slotA), _slot(leg.b, slotB), leg.x);
        if (fill.lots == 0) return (NoCounterLots.selector, 0, 0);
        uint256 lots = SignedMath.abs(fill.lots);
        uint256 value = lots * Quotes.markOf(_marks[leg.instrument]);
        if (value > notionalMax) return (CapReached.selector, 0, 0);
        int256 costMoved = _applySide(leg.b, b, slotB, fill);
        fill.lots = -fill.lots;
        _addTotals(costMoved + _applySide(leg.a, a, slotA, fill), 0);
        return (0, lots, value);
    }

    /// @dev min(most, lots of both positions) with the first one's sign; 0 unless the signs are
    /// opposite.
    function _common(uint256 slotA, uint256 slotB, uint256 most) private view returns (int256) {
        int256 held = Ledger.lotsOf(_positions[slotA]);
        int256 opposite = Ledger.lotsOf(_positions[slotB]);
        if ((held > 0) == (opposite > 0)) return 0;
        uint256 least = Math.min(most, Math.min(SignedMath.abs(held), SignedMath.abs(opposite)));
        return held > 0 ? int256(least) : -int256(least);
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

    /// @inheritdoc IDeleverageVenue
    function accountState(uint32 account)
        external
        view
        returns (int256 equity, int256 profit, uint256 maintenance)
    {
        Standing memory standing = _standing(account);
        return (standing.equity, standing.profit, standing.maintenance);
    }

    /// @inheritdoc IDeleverageVenue
    function perpCost() external view returns (int256) {
        return _totals.perpCost;
    }

    /// @inheritdoc IDeleverageVenue
    function unsettled() external view returns (int256) {
        return _totals.unsettled;
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
