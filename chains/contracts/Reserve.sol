// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {
    ReentrancyGuardTransient
} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {IDeleverageVenue} from "./IDeleverageVenue.sol";
import {IReserve} from "./IReserve.sol";
import {ChunkTree} from "./lib/ChunkTree.sol";
import {Edges} from "./lib/Edges.sol";
import {TypedData} from "./lib/TypedData.sol";

/// @title Settlement of edges beside one gate. See IReserve.
contract Reserve is IReserve, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    uint8 private constant NONE = 0;
    uint8 private constant PREPARED = 1;
    uint8 private constant OPENED = 2;
    uint8 private constant DECIDED = 3;
    uint8 private constant APPLIED = 4;
    uint8 private constant SIDE_A = 1;
    uint8 private constant SIDE_B = 2;

    IDeleverageVenue public immutable gate;
    IERC20 public immutable token;
    address public immutable governance;
    address public immutable treasurer;

    Pools private _pools;
    mapping(bytes32 edge => EdgeBook) private _edges;
    mapping(bytes32 edge => mapping(uint32 account => uint64)) private _escrowed;
    mapping(uint64 epoch => mapping(uint32 box => bytes32)) private _boxes;
    mapping(uint64 chain => mapping(address gate => CreditLine)) private _lines;
    mapping(uint64 chain => mapping(address gate => Owing)) private _owings;

    constructor(IDeleverageVenue gate_, address governance_, address treasurer_) {
        gate = gate_;
        token = IERC20(gate_.token());
        governance = governance_;
        treasurer = treasurer_;
        token.forceApprove(address(gate_), type(uint256).max);
    }

    // ---------------------------------------------------------------- prepare

    /// @inheritdoc IReserve
    function prepare(Edge calldata edge, bytes32[] calldata proof) external nonReentrant {
        bytes32 id = _requireNew(edge, SIDE_A);
        (bytes32 planRoot, int64 cash, uint8 positions) =
            gate.edgeBasis(edge.epoch, edge.accountA);
        if (ChunkTree.rootFrom(id, proof) != planRoot) revert EdgeNotProven();
        if (positions != 0) revert AccountNotFlat();
        CreditLine storage credit = _lines[edge.chainB][edge.gateB];
        uint64 earmark = _earmark(edge.planned, cash, credit);
        if (earmark == 0) revert NothingToEarmark();
        EdgeBook storage book = _edges[id];
        (book.state, book.side, book.account, book.held) =
            (PREPARED, SIDE_A, edge.accountA, earmark);
        credit.openEarmarks += earmark;
        _pools.free -= earmark;
        _pools.openEarmarks += earmark;
        emit Prepared(id, edge.accountA, earmark);
        gate.bind(edge.accountA, earmark);
    }

    /// @inheritdoc IReserve
    function open(Edge calldata edge, bytes32[] calldata proof) external nonReentrant {
        bytes32 id = _requireNew(edge, SIDE_B);
        bytes32 planRoot = gate.plan(edge.epoch).planRoot;
        if (ChunkTree.rootFrom(id, proof) != planRoot) revert EdgeNotProven();
        if (edge.box == 0 || _boxes[edge.epoch][edge.box] != 0) revert BoxTaken();
        _boxes[edge.epoch][edge.box] = id;
        EdgeBook storage book = _edges[id];
        (book.state, book.side, book.payers) = (OPENED, SIDE_B, edge.payers);
        (book.planned, book.decideBy) = (edge.planned, edge.decideBy);
        emit Opened(id, edge.epoch, edge.box);
    }

    /// @inheritdoc IReserve
    function escrow(uint64 epoch, uint32 box, uint32 account, uint64 wanted)
        external
        returns (uint64 accepted)
    {
        if (msg.sender != address(gate)) revert NotGate();
        bytes32 id = _boxes[epoch][box];
        EdgeBook storage book = _edges[id];
        accepted = uint64(Math.min(wanted, _room(book)));
        if (accepted == 0) return 0;
        book.held += accepted;
        ++book.paidLegs;
        _escrowed[id][account] += accepted;
        _pools.escrowHeld += accepted;
        emit Escrowed(id, account, accepted);
    }

    // ---------------------------------------------------------------- decide and apply

    /// @inheritdoc IReserve
    function register(Edge calldata edge, uint64 amount, bytes calldata signatures)
        external
        nonReentrant
    {
        bytes32 id = edgeId(edge);
        uint8 side = _side(edge);
        EdgeBook storage book = _edges[id];
        if (book.state >= DECIDED) revert AlreadyDecided();
        if (!_isSealed(book, edge.decideBy)) revert NotSealed();
        if (amount > book.held) revert AboveOwnSide();
        gate.requireQuorum(_decisionDigest(id, amount), signatures);
        (book.state, book.side, book.decided) = (DECIDED, side, amount);
        (book.farChain, book.farGate) =
            side == SIDE_A ? (edge.chainB, edge.gateB) : (edge.chainA, edge.gateA);
        emit Registered(id, amount);
    }

    /// @inheritdoc IReserve
    function applyDecision(bytes32 edge) external nonReentrant {
        EdgeBook storage book = _edges[edge];
        if (book.state != DECIDED) revert NotDecided();
        book.state = APPLIED;
        emit Applied(edge, book.decided);
        if (book.side == SIDE_A) _applyA(book);
        else _applyB(book);
    }

    /// @inheritdoc IReserve
    function refundEscrow(bytes32 edge, uint32[] calldata accounts) external nonReentrant {
        EdgeBook storage book = _edges[edge];
        if (book.state != APPLIED || book.side != SIDE_B) revert NotApplied();
        if (book.held == book.decided) revert NothingToReturn();
        for (uint256 i = 0; i < accounts.length; ++i) {
            _return(edge, book, accounts[i]);
        }
        if (book.refundedTaken == book.held) _returnDust(book);
    }

    function _applyA(EdgeBook storage book) private {
        (uint64 earmark, uint64 amount) = (book.held, book.decided);
        if (earmark == 0) return;
        CreditLine storage credit = _lines[book.farChain][book.farGate];
        credit.openEarmarks -= earmark;
        credit.paid += amount;
        _pools.openEarmarks -= earmark;
        _pools.free += earmark - amount;
        if (amount != 0) {
            token.safeTransfer(address(gate), amount);
            gate.creditBound(book.account, amount);
        }
        gate.unbind(book.account);
    }

    function _applyB(EdgeBook storage book) private {
        _owings[book.farChain][book.farGate].owed += book.decided;
        _pools.escrowHeld -= book.decided;
        _pools.unsent += book.decided;
    }

    function _return(bytes32 edge, EdgeBook storage book, uint32 account) private {
        uint64 paid = _escrowed[edge][account];
        if (paid == 0) revert NothingToReturn();
        uint256 rest = book.held - book.decided;
        uint64 amount = uint64(rest * paid / book.held);
        delete _escrowed[edge][account];
        book.refundedTaken += paid;
        book.refundedBack += amount;
        _pools.escrowHeld -= amount;
        emit EscrowRefunded(edge, account, amount);
        token.safeTransfer(address(gate), amount);
        gate.refundFromReserve(account, amount);
    }

    function _returnDust(EdgeBook storage book) private {
        uint64 dust = book.held - book.decided - book.refundedBack;
        if (dust == 0) return;
        book.refundedBack += dust;
        _pools.escrowHeld -= dust;
        gate.fundInsurance(dust);
    }

    // ---------------------------------------------------------------- money

    /// @inheritdoc IReserve
    function fund(uint64 amount) external nonReentrant {
        _pools.free += amount;
        emit Funded(msg.sender, amount);
        token.safeTransferFrom(msg.sender, address(this), amount);
    }

    /// @inheritdoc IReserve
    function setCreditLine(uint64 chain, address farGate, uint64 limit) external {
        if (msg.sender != governance) revert IDeleverageVenue.NotGovernance();
        _lines[chain][farGate].limit = limit;
        emit CreditLineSet(chain, farGate, limit);
    }

    /// @inheritdoc IReserve
    function repay(uint64 chain, address farGate, uint64 amount) external nonReentrant {
        _lines[chain][farGate].received += amount;
        _pools.free += amount;
        emit Repaid(chain, farGate, amount);
        token.safeTransferFrom(msg.sender, address(this), amount);
    }

    /// @inheritdoc IReserve
    function remit(uint64 chain, address farGate, uint64 amount, address to)
        external
        nonReentrant
    {
        if (msg.sender != treasurer) revert NotTreasurer();
        if (to == address(0)) revert IDeleverageVenue.ZeroAddress();
        Owing storage debt = _owings[chain][farGate];
        if (amount > debt.owed - debt.sent) revert AboveOwed();
        debt.sent += amount;
        _pools.unsent -= amount;
        emit Remitted(chain, farGate, amount, to);
        token.safeTransfer(to, amount);
    }

    // ---------------------------------------------------------------- reads

    /// @inheritdoc IReserve
    function edgeId(Edge calldata edge) public pure returns (bytes32) {
        return Edges.id(edge);
    }

    /// @inheritdoc IReserve
    function edgeState(bytes32 edge) external view returns (EdgeBook memory) {
        return _edges[edge];
    }

    /// @inheritdoc IReserve
    function sealedSide(Edge calldata edge) external view returns (bool isSealed, uint64 amount) {
        _side(edge);
        EdgeBook storage book = _edges[edgeId(edge)];
        isSealed = _isSealed(book, edge.decideBy);
        amount = isSealed ? book.held : 0;
    }

    /// @inheritdoc IReserve
    function room(uint64 epoch, uint32 box) external view returns (uint64) {
        return _room(_edges[_boxes[epoch][box]]);
    }

    /// @inheritdoc IReserve
    function escrowOf(bytes32 edge, uint32 account) external view returns (uint64) {
        return _escrowed[edge][account];
    }

    /// @inheritdoc IReserve
    function line(uint64 chain, address farGate) external view returns (CreditLine memory) {
        return _lines[chain][farGate];
    }

    /// @inheritdoc IReserve
    function owing(uint64 chain, address farGate) external view returns (Owing memory) {
        return _owings[chain][farGate];
    }

    /// @inheritdoc IReserve
    function free() external view returns (uint64) {
        return _pools.free;
    }

    /// @inheritdoc IReserve
    function pools() external view returns (Pools memory) {
        return _pools;
    }

    /// @inheritdoc IReserve
    function boundOf(uint32 account) external view returns (uint64) {
        return gate.boundOf(account);
    }

    // ---------------------------------------------------------------- rules

    function _requireNew(Edge calldata edge, uint8 side) private view returns (bytes32 id) {
        if (_side(edge) != side) revert NotThisSide();
        if (block.timestamp > edge.decideBy) revert Late();
        id = edgeId(edge);
        if (_edges[id].state != NONE) revert EdgeNotNew();
    }

    function _side(Edge calldata edge) private view returns (uint8) {
        bool isA = edge.chainA == block.chainid && edge.gateA == address(gate);
        bool isB = edge.chainB == block.chainid && edge.gateB == address(gate);
        if (isA == isB) revert NotThisSide();
        return isA ? SIDE_A : SIDE_B;
    }

    /// @dev A later decision never changes the value: the state only goes up.
    function _isSealed(EdgeBook storage book, uint64 decideBy) private view returns (bool) {
        if (block.timestamp > decideBy || book.state >= DECIDED) return true;
        if (book.state == PREPARED) return true;
        return book.state == OPENED && book.paidLegs == book.payers;
    }

    function _room(EdgeBook storage book) private view returns (uint64) {
        if (book.state != OPENED || block.timestamp > book.decideBy) return 0;
        return book.paidLegs < book.payers ? book.planned - book.held : 0;
    }

    function _earmark(uint64 planned, int64 cash, CreditLine storage credit)
        private
        view
        returns (uint64)
    {
        uint256 deficit = cash < 0 ? uint256(-int256(cash)) : 0;
        uint256 unpaid = _above(credit.paid, credit.received);
        uint256 lent = _above(credit.limit, unpaid + credit.openEarmarks);
        return uint64(Math.min(Math.min(planned, deficit), Math.min(lent, _pools.free)));
    }

    function _above(uint256 a, uint256 b) private pure returns (uint256) {
        return a > b ? a - b : 0;
    }

    function _decisionDigest(bytes32 id, uint64 amount) private pure returns (bytes32) {
        return TypedData.digest(TypedData.decisionDomain(), TypedData.decisionHash(id, amount));
    }
}
