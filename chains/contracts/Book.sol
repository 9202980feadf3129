// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";
import {DeleverageGate} from "./DeleverageGate.sol";
import {IDeleverageVenue} from "./IDeleverageVenue.sol";
import {Ledger} from "./lib/Ledger.sol";
import {Legs} from "./lib/Legs.sol";
import {Quotes} from "./lib/Quotes.sol";

/// @title The reference venue's book: accounts, positions, what they are worth, how a leg closes.
/// See IDeleverageVenue and lib/Ledger.sol.
abstract contract Book is DeleverageGate {
    using Ledger for Ledger.Account;
    using Ledger for Ledger.Position;

    uint256 internal constant POSITIONS_MAX = 16;

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

    uint32 internal _accountCount;
    uint32 internal _instrumentCount;
    Totals private _totals;
    mapping(uint256 account => uint256) internal _accounts;
    mapping(uint256 slot => uint256) internal _positions;
    mapping(uint256 instrument => uint256) internal _instruments;
    mapping(uint256 instrument => uint256) internal _marks;
    mapping(uint256 instrument => uint256) internal _fundings;

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

    // ---------------------------------------------------------------- the book

    function _slot(uint256 account, uint256 i) private pure returns (uint256) {
        return account * POSITIONS_MAX + i;
    }

    function _load(uint32 account) internal view returns (Ledger.Account memory a) {
        a = Ledger.account(_accounts[account]);
        a.roll(block.timestamp / Ledger.WINDOW_SECONDS);
    }

    function _fill(uint32 instrument, uint256 info, uint256 price)
        internal
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
        internal
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

    function _positionAt(uint256 account, uint256 i) internal view returns (uint256) {
        return _positions[_slot(account, i)];
    }

    /// @dev Books a fill into a slot (a new one at `count`); a position of no lots leaves the book
    /// and the account's last one takes its place. Returns what it adds to perpCost.
    function _applySide(uint32 account, Ledger.Account memory a, uint256 slot, Fill memory fill)
        internal
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

    /// @dev Costs are int64s and there are at most 2^36 of them: 128 bits are plenty.
    function _addTotals(int256 costMoved, int256 paidOut) internal {
        if (costMoved == 0 && paidOut == 0) return;
        _totals.perpCost += int128(costMoved);
        _totals.unsettled += int128(paidOut);
    }

    function _standingOf(uint32 account, Ledger.Account memory a)
        internal
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
}
