// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title A venue that can be deleveraged by attested plans.
/// @notice All documentation of gate and venue stands here. Money is micro-USD of one 6-decimal
/// settlement token, sizes are integer lots, times are unix seconds.
///
/// A plan is a set of legs, 32-byte words (see lib/Legs.sol) in chunks of at most 32, under a
/// header signed by k of n verifiers. The gate re-checks whatever can hurt a user: need, direction,
/// size, price band, profit-only haircut, caps, replay. Whoever executes chooses time and subset,
/// nothing else. A leg that is refused stays untouched and may be tried again until the plan
/// expires.
///
/// At all times: token balance = sum of cash - perpCost - unsettled + insurance + pots, where pots
/// are the money of open plans and what closed plans still owe to payers.
interface IDeleverageVenue {
    // ---------------------------------------------------------------- values

    /// @notice What the verifiers sign for one chain (EIP-712, fields in signing order).
    /// @param snapshotRoot What was read: block number, hash and slot bytes of this chain.
    /// @param planRoot Root over (chainId, gate, legsRoot) of every chain, then the edges.
    /// @param legsRoot Root over this chain's chunks of legs.
    /// @param policyDigest Must be the configured one: k keys alone cannot change the rules.
    /// @param epoch Above the gate's last; an epoch that died is skipped.
    /// @param notBefore First second at which the plan may be committed.
    /// @param expiry Last second at which it may be committed or executed.
    /// @param configVersion Must be the configured one.
    /// @param legCount Legs on this chain; the plan may be closed once all are terminal.
    /// @param insurance Most that may be drawn from the insurance fund.
    /// @param haircutCap Most that may be taken from payers for this venue's own deficits.
    /// @param remoteCap Most that may be taken from payers for deficits on other chains.
    /// @param closeCap Most notional (lots x mark) that may be closed.
    /// @param deficit Most that the measured deficits may sum to.
    /// @param snapshotBlock Number of the block that was read.
    /// @param snapshotHash Hash of that block.
    struct Header {
        bytes32 snapshotRoot;
        bytes32 planRoot;
        bytes32 legsRoot;
        bytes32 policyDigest;
        uint64 epoch;
        uint64 notBefore;
        uint64 expiry;
        uint64 configVersion;
        uint64 legCount;
        uint64 insurance;
        uint64 haircutCap;
        uint64 remoteCap;
        uint64 closeCap;
        uint64 deficit;
        uint64 snapshotBlock;
        bytes32 snapshotHash;
    }

    /// @notice What the gate keeps of a plan; words of four u64, first field in the highest bits.
    /// @param caps insurance | haircutCap | remoteCap of the header | closeLeft: of its closeCap.
    /// @param bounds deficit | expiry of the header | legsLeft: legs not yet done for good | need:
    /// deficits measured so far.
    /// @param money drawn: insurance drawn | pot: collected and not yet credited, zero once
    /// closed | taken: haircuts into the pot | remoteTaken: haircuts into edge boxes.
    /// @param refunds After closing: back: what payers get back in all | refundedTaken: haircuts of
    /// the payers refunded so far | refundedBack: what those got back | 0.
    struct Plan {
        bytes32 legsRoot;
        bytes32 planRoot;
        uint256 caps;
        uint256 bounds;
        uint256 money;
        uint256 refunds;
    }

    /// @notice The rules of a gate, set by governance. Money caps in micro-USD, rates a second.
    /// @param planCap Most that one plan may take (haircutCap + remoteCap).
    /// @param bucketCapacity Most that plans may take in a burst; reserved at commit.
    /// @param bucketRefill What the bucket regains a second.
    /// @param windowMax Longest time from notBefore to expiry, at most 600.
    /// @param snapshotAgeBlocksMax How many blocks old a snapshot may be at commit.
    /// @param markAgeMax How old a mark may be where money depends on it.
    /// @param imFactorPpm Initial margin = maintenance margin x this, rounded up; above one.
    /// @param accountCapPpm Part of an account's profit that one plan may take, at most one.
    struct Config {
        bytes32 policyDigest;
        uint64 planCap;
        uint64 bucketCapacity;
        uint64 bucketRefill;
        uint32 windowMax;
        uint32 snapshotAgeBlocksMax;
        uint32 markAgeMax;
        uint32 imFactorPpm;
        uint32 accountCapPpm;
    }

    /// @notice Limits and counters; bucketAvailable and stoppedUntil hold at this block.
    struct GateState {
        uint256 lastEpoch;
        uint256 openEpoch;
        uint256 configVersion;
        bytes32 policyDigest;
        uint256 insurance;
        uint256 bucketAvailable;
        uint256 planCap;
        uint256 stoppedUntil;
        uint256 accountCount;
        uint256 instrumentCount;
        uint256 imFactorPpm;
        uint256 markAgeMax;
    }

    /// @notice A trade: `buyer` gets `lots` of `instrument` from `seller` at `price` a lot.
    struct Match {
        uint32 buyer;
        uint32 seller;
        uint32 instrument;
        uint64 lots;
        uint64 price;
    }

    // ---------------------------------------------------------------- events

    event PlanCommitted(uint64 indexed epoch, bytes32 planRoot, bytes32 legsRoot, uint64 expiry);
    /// @param amount Micro-USD moved or added to the need; lots for a Close.
    event LegExecuted(
        uint64 indexed epoch, uint32 chunk, uint256 index, uint8 kind, uint64 amount
    );
    /// @param reason Selector of the error that names the refusal.
    event LegRefused(uint64 indexed epoch, uint32 chunk, uint256 index, bytes4 reason);
    event PlanClosed(uint64 indexed epoch, uint64 back, uint64 toInsurance);
    event Refunded(uint64 indexed epoch, uint32 indexed account, uint64 amount);
    event GateStopped(uint64 until);
    event GateResumed();
    event Configured(uint64 configVersion);
    event AccountOpened(uint32 indexed account, address indexed owner);
    event Deposited(uint32 indexed account, address indexed from, uint64 amount);
    event Withdrawn(uint32 indexed account, address indexed to, uint64 amount);
    event GroupChanged(uint32 indexed account, bytes32 group);
    event Traded(
        uint32 indexed buyer, uint32 indexed seller, uint32 indexed instrument, uint64 lots,
        uint64 price
    );
    event Settled(uint32 indexed account, uint32 indexed instrument, int64 lots, uint64 mark);
    event UnderlyingAdded(uint16 indexed underlying, bytes32 name);
    event InstrumentListed(uint32 indexed instrument, bytes32 word);
    event InsuranceFunded(address indexed from, uint64 amount);

    // ---------------------------------------------------------------- who may not

    error NotGovernance();
    error NotGuardian();
    error NotMatcher();
    error NotOwner();
    error NotReserve();

    // ---------------------------------------------------------------- commit

    error Stopped();
    error ForkedChain();
    error WrongConfigVersion();
    error WrongPolicy();
    error EpochNotAbove();
    error NotYet();
    error Expired();
    error WindowTooLong();
    error SnapshotTooOld();
    error SnapshotNotCanonical();
    error PlanCapExceeded();
    error BucketExhausted();

    // ---------------------------------------------------------------- execute, close, refund, stop

    error PlanNotOpen();
    error PlanStillOpen();
    error BadChunkSize();
    error BadProof();
    error TooLittleGas();
    error PlanNotClosed();
    error NothingToRefund();
    error StoppedTooOften();
    error InvalidConfig();
    error ReserveAlreadySet();

    // ---------------------------------------------------------------- refusals of single legs

    /// @notice A kind that this gate does not know.
    error UnknownLeg();
    /// @notice A mark that the account's equity depends on is too old.
    error StaleMark();
    /// @notice The account's equity, without its bound part, is not negative.
    error NotBankrupt();
    /// @notice No Deficit leg of this plan has measured the account.
    error NotFlagged();
    error SelfClose();
    error InstrumentExpired();
    /// @notice The planned price is further from the live mark than the instrument's band.
    error OutsideBand();
    /// @notice The counterparty holds no lots of the opposite sign.
    error NoCounterLots();
    /// @notice More notional than the plan has left.
    error CapReached();
    /// @notice Nobody may pay before a deficit has been measured.
    error NoNeed();
    error PayerBankrupt();
    error NothingToTake();
    /// @notice Money goes only to a bankrupt account without positions.
    error NotFlat();
    error NothingToCredit();

    // ---------------------------------------------------------------- book

    error UnknownAccount();
    error UnknownInstrument();
    error InvalidInstrument();
    error AccountBound();
    error AlreadyBound();
    error NotBound();
    error ZeroAmount();
    error ZeroAddress();
    error InsufficientCash();
    error InsufficientMargin(uint32 account);
    error SelfTrade();
    error TooManyPositions();
    error NoPosition();
    /// @notice The instrument has no mark from its expiry or after it yet.
    error NotFinal();
    error InvalidGroup();
    error MarkNotNewer();
    error MarkFromFuture();
    error FundingNotNewer();

    // ---------------------------------------------------------------- plans

    /// @notice Opens a plan. By anyone with k signatures. Closes the plan of a lower epoch first
    /// and reserves haircutCap + remoteCap in the bucket.
    /// @dev Reverts with Stopped, ForkedChain, WrongConfigVersion, WrongPolicy, EpochNotAbove,
    /// NotYet, Expired, WindowTooLong, SnapshotTooOld, SnapshotNotCanonical, PlanCapExceeded,
    /// BucketExhausted or a quorum error (lib/Quorum.sol).
    function commit(Header calldata header, bytes calldata signatures) external;

    /// @notice Carries out the legs of one chunk whose mask bit is set and that are not done yet.
    /// By anyone. A refused leg emits LegRefused and stays as it was; the mask skips a leg that
    /// reverts.
    ///  Deficit : measures -equity - bound > 0, flags the account BANKRUPT for this plan, adds
    ///            min(x, that, header.deficit left) to the need and draws insurance up to the need.
    ///            An account already flagged is done with amount 0.
    ///  Close   : k = min(x, lots of both) at the live mark on both sides, so nobody's equity
    ///            changes; y is only compared with the mark. Done with less where a side has less.
    ///  Haircut : into the pot (b = 0) or, once, into the box of an edge (b > 0); never more than
    ///            live profit and equity, the account's cap and the plan's, and into a box never
    ///            more than cash. Bankrupt accounts never pay.
    ///  Credit  : from the pot to a bankrupt account without positions, up to cash = -bound.
    /// Haircuts into the pot and credits are targets: they stay open until x has been moved.
    /// @dev Reverts with Stopped, ForkedChain, PlanNotOpen, Expired, BadChunkSize, BadProof,
    /// TooLittleGas (250,000 must be left before every leg).
    function execute(
        uint64 epoch,
        uint32 chunk,
        uint256 mask,
        bytes32[] calldata words,
        bytes32[] calldata proof
    ) external;

    /// @notice Closes the open plan once all legs are terminal or it has expired. By anyone.
    /// Payers get back min(pot, taken), the rest of the pot goes to the insurance fund, and what
    /// was not taken for good goes back into the bucket.
    function closePlan(uint64 epoch) external;

    /// @notice Pays each account its share of a closed plan's `back`: floor(back x taken / all
    /// taken), once each; the last account gets the dust. By anyone. Reverts with PlanNotClosed,
    /// NothingToRefund, AccountBound (try again once the account's edge is applied).
    function refund(uint64 epoch, uint32[] calldata accounts) external;

    /// @notice Guardian: no commit, execute or prepare for 20 minutes, at most once an hour.
    function stop() external;

    /// @notice Governance: ends a stop early.
    function resume() external;

    // ---------------------------------------------------------------- rules, by governance

    function setConfig(Config calldata config) external;
    /// @notice Verifiers; more than two thirds must sign.
    function setSigners(address[] calldata members, uint8 threshold) external;
    /// @notice Oracles; more than half must sign.
    function setOracles(address[] calldata members, uint8 threshold) external;
    /// @notice Once: money of users stands in a reserve until its edges are applied.
    function setReserve(address reserve) external;
    function setRoles(address guardian, address matcher) external;
    function addUnderlying(bytes32 name) external returns (uint16 underlying);
    /// @notice kind u8 (0 option, 1 perpetual, 2 future) | right u8 (0 call, 1 put) | underlying
    /// u16 | expiry u64 (0 for a perpetual) | strike u64 (micro-USD per 1.0 underlying) | lot u64
    /// (1e-9 underlying) | 0 u32.
    function listInstrument(bytes32 word) external returns (uint32 instrument);

    // ---------------------------------------------------------------- oracle

    /// @notice Marks under the oracles' quorum (EIP-712 Marks(bytes32 words), words = keccak256 of
    /// the words in order). mark u64 | mmPerLot u64 | band u64 (all micro-USD a lot) | time u32 |
    /// instrument u32. Times only go up, are not in the future and not older than markAgeMax. The
    /// first mark from the expiry on is final.
    function postMarks(bytes32[] calldata words, bytes calldata signatures) external;

    /// @notice Cumulative funding a lot (EIP-712 Funding(bytes32 words)): cumFunding i64 | sequence
    /// u64 | 0 u96 | instrument u32. The sequence only goes up.
    function postFunding(bytes32[] calldata words, bytes calldata signatures) external;

    // ---------------------------------------------------------------- accounts

    function openAccount() external returns (uint32 account);
    /// @notice Matcher: opens one account for each owner, numbered upwards in this order.
    function openAccountsFor(address[] calldata owners) external;
    /// @notice Brings approved tokens into an account. By anyone; not while it is bound.
    function deposit(uint32 account, uint64 amount) external;
    /// @notice Owner: takes cash out; equity must stay at initial margin or above and, while a plan
    /// is open, at profit (unrealised and realised) or above: profit waits for the plan.
    function withdraw(uint32 account, uint64 amount, address to) external;
    /// @notice Owner: joins the margin group of `members`: sorted, unique, packed chainId u64 |
    /// venue 20 bytes | account u32 each, this account among them. The group exists once every
    /// member registered the same one on its own venue.
    function registerGroup(uint32 account, bytes calldata members) external;
    function leaveGroup(uint32 account) external;
    /// @notice Matcher: trades. Both sides must have initial margin afterwards, by fresh marks.
    function trade(Match[] calldata matches) external;
    /// @notice Settles a position of an expired instrument at its final mark. By anyone.
    function settle(uint32 account, uint32 instrument) external;
    /// @notice Brings approved tokens into the insurance fund. By anyone.
    function fundInsurance(uint64 amount) external;

    // ---------------------------------------------------------------- for the reserve only

    /// @notice Ties part of a deficit to a cross-chain edge: until unbound no deposit, trade,
    /// withdrawal or refund, and no other plan counts that part.
    function bind(uint32 account, uint64 amount) external;
    function unbind(uint32 account) external;
    /// @notice Credits tokens that the reserve has just sent.
    function creditBound(uint32 account, uint64 amount) external;
    /// @notice Returns a remote haircut that was not needed; the tokens have just been sent.
    function refundFromReserve(uint32 account, uint64 amount) external;

    // ---------------------------------------------------------------- reads

    function plan(uint64 epoch) external view returns (Plan memory);
    /// @notice Bit i is set once word i of the chunk is done for good.
    function legBits(uint64 epoch, uint32 chunk) external view returns (uint256);
    /// @notice What a plan took from an account into its pot, and credited to it. flags: bit 0
    /// BANKRUPT, bit 1 refunded.
    function moved(uint64 epoch, uint32 account)
        external
        view
        returns (uint64 taken, uint64 credited, uint8 flags);
    function gateState() external view returns (GateState memory);
    function headerDigest(Header calldata header) external view returns (bytes32);
    function signers() external view returns (address[] memory members, uint8 threshold);
    function oracles() external view returns (address[] memory members, uint8 threshold);
    /// @notice Reverts unless the verifiers' quorum signed the digest.
    function requireQuorum(bytes32 digest, bytes calldata signatures) external view;
    /// @notice What the reserve must know to earmark; reverts while the gate is stopped.
    function edgeBasis(uint64 epoch, uint32 account)
        external
        view
        returns (bytes32 planRoot, int64 cash, uint8 positions);
    function boundOf(uint32 account) external view returns (uint64);

    /// @notice For up to n accounts: account word, owner, group, then its position words
    /// (lib/Ledger.sol).
    function slots(uint32 from, uint32 n) external view returns (bytes memory);
    /// @notice For up to n instruments: instrument word, mark word, cumulative funding as int256.
    function instrumentWords(uint32 from, uint32 n) external view returns (bytes memory);
    function underlyings() external view returns (bytes32[] memory);
    /// @notice Equity, profit (unrealised + rolling realised) and maintenance margin at the stored
    /// marks, however old they are.
    function accountState(uint32 account)
        external
        view
        returns (int256 equity, int256 profit, uint256 maintenance);
    /// @notice Sum of the cost of all perpetual and future positions.
    function perpCost() external view returns (int256);
    /// @notice What settlements of expired instruments paid out before the other sides settled.
    function unsettled() external view returns (int256);
    function token() external view returns (address);
    function reserve() external view returns (address);
}
