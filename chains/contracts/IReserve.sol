// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Cash across chains: a deficit on A paid by winners on B.
/// @notice One edge is one account's deficit on A paid from B. Each side has its own reserve beside
/// its own gate; no message passes between them but the verifiers' decision.
///   A: NONE -prepare-> PREPARED -register-> DECIDED -applyDecision-> APPLIED
///   A: NONE -late-> only register(0)
///   B: NONE -open-> OPENED (escrow grows) -register-> DECIDED -applyDecision-> APPLIED
/// A side is sealed when its value can never change again. The verifiers sign min(earmark, escrow)
/// once both sides are sealed in final blocks; the same signatures serve both sides. Clocks of two
/// chains are never compared.
///
/// At all times: token balance = free + openEarmarks + escrowHeld + unsent.
interface IReserve {
    /// @param payers Number of remote haircut legs of this edge on B.
    /// @param planned Most that the edge may move.
    /// @param decideBy Last second, on each chain's own clock, to prepare and to escrow.
    struct Edge {
        uint64 epoch;
        uint32 box;
        uint32 payers;
        uint64 planned;
        uint64 decideBy;
        uint64 chainA;
        address gateA;
        uint32 accountA;
        uint64 chainB;
        address gateB;
    }

    /// @param state 0 NONE, 1 PREPARED (A), 2 OPENED (B), 3 DECIDED, 4 APPLIED.
    /// @param side 1 here is A, 2 here is B, 0 unknown.
    /// @param account The bankrupt account on A.
    /// @param held A: the earmark. B: the escrow collected.
    /// @param decided The amount of the registered decision.
    /// @param payers B: legs that may pay. @param paidLegs B: legs that have paid.
    /// @param refundedTaken B: what the accounts refunded so far had paid.
    /// @param refundedBack B: what they got back.
    /// @param farChain The other side, known from the decision on. @param farGate Its gate.
    struct EdgeBook {
        uint8 state;
        uint8 side;
        uint32 account;
        uint64 held;
        uint64 decided;
        uint32 payers;
        uint32 paidLegs;
        uint64 planned;
        uint64 decideBy;
        uint64 refundedTaken;
        uint64 refundedBack;
        uint64 farChain;
        address farGate;
    }

    /// @param limit Most that may be earmarked and unpaid. @param paid Paid out for it so far.
    /// @param received Repaid so far.
    struct CreditLine {
        uint64 limit;
        uint64 openEarmarks;
        uint64 paid;
        uint64 received;
    }

    struct Owing {
        uint64 owed;
        uint64 sent;
    }

    /// @param free May be earmarked. @param openEarmarks Waiting for a decision on A.
    /// @param escrowHeld Collected on B and neither owed nor refunded yet.
    /// @param unsent Owed to other reserves and still here.
    struct Pools {
        uint64 free;
        uint64 openEarmarks;
        uint64 escrowHeld;
        uint64 unsent;
    }

    event Prepared(bytes32 indexed edgeId, uint32 indexed account, uint64 earmark);
    event Opened(bytes32 indexed edgeId, uint64 indexed epoch, uint32 indexed box);
    event Escrowed(bytes32 indexed edgeId, uint32 indexed account, uint64 amount);
    event Registered(bytes32 indexed edgeId, uint64 amount);
    event Applied(bytes32 indexed edgeId, uint64 amount);
    event EscrowRefunded(bytes32 indexed edgeId, uint32 indexed account, uint64 amount);
    event Funded(address indexed from, uint64 amount);
    event CreditLineSet(uint64 indexed chain, address indexed gate, uint64 limit);
    event Repaid(uint64 indexed chain, address indexed gate, uint64 amount);
    event Remitted(uint64 indexed chain, address indexed gate, uint64 amount, address to);

    error NotGate();
    error NotTreasurer();
    /// @notice Neither side of the edge is here, or not the side that this call is for.
    error NotThisSide();
    error EdgeNotProven();
    error Late();
    error EdgeNotNew();
    error AccountNotFlat();
    error NothingToEarmark();
    error BoxTaken();
    error NotSealed();
    error AlreadyDecided();
    error NotDecided();
    error NotApplied();
    error AboveOwnSide();
    error AboveOwed();
    error NothingToReturn();

    /// @notice A, by anyone: earmarks money for a flat bankrupt account and binds that part of its
    /// deficit. earmark = min(planned, deficit, credit line left, free).
    function prepare(Edge calldata edge, bytes32[] calldata proof) external;

    /// @notice B, by anyone: makes the box known, so that remote haircuts can land in it.
    function open(Edge calldata edge, bytes32[] calldata proof) external;

    /// @notice B's gate: takes up to `wanted` from a payer into the box and says how much; the
    /// gate sends the tokens in the same transaction.
    function escrow(uint64 epoch, uint32 box, uint32 account, uint64 wanted)
        external
        returns (uint64 accepted);

    /// @notice Both sides, by anyone: books the verifiers' decision (EIP-712 domain AdlDecision 1
    /// without chain, Decision(bytes32 edge,uint64 amount)) once the own side is sealed. A stop
    /// does not hinder it, nor the plan's expiry.
    function register(Edge calldata edge, uint64 amount, bytes calldata signatures) external;

    /// @notice Both sides, by anyone, once. A: pays the account, frees its deficit. B: owes the
    /// amount to A's reserve; the rest of the escrow may be refunded.
    function applyDecision(bytes32 edgeId) external;

    /// @notice B, by anyone: gives back floor(rest x paid / escrow) to each account, once; after
    /// the last one the dust goes to the venue's insurance fund.
    function refundEscrow(bytes32 edgeId, uint32[] calldata accounts) external;

    /// @notice Brings approved tokens into the reserve. By anyone.
    function fund(uint64 amount) external;
    /// @notice Governance: how much may be earmarked and unpaid against one other reserve.
    function setCreditLine(uint64 chain, address gate, uint64 limit) external;
    /// @notice A: brings in approved tokens that another reserve owed. By anyone.
    function repay(uint64 chain, address gate, uint64 amount) external;
    /// @notice B, treasurer: takes out tokens owed to another reserve, to carry them there.
    function remit(uint64 chain, address gate, uint64 amount, address to) external;

    function edgeId(Edge calldata edge) external pure returns (bytes32);
    function edgeState(bytes32 edge) external view returns (EdgeBook memory);
    /// @notice Whether this chain's side of the edge can never change again, and its value.
    function sealedSide(Edge calldata edge) external view returns (bool isSealed, uint64 amount);
    function room(uint64 epoch, uint32 box) external view returns (uint64);
    function escrowOf(bytes32 edge, uint32 account) external view returns (uint64);
    function line(uint64 chain, address gate) external view returns (CreditLine memory);
    function owing(uint64 chain, address gate) external view returns (Owing memory);
    function free() external view returns (uint64);
    function pools() external view returns (Pools memory);
    function boundOf(uint32 account) external view returns (uint64);
}
