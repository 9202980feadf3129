// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IDeleverageVenue} from "../IDeleverageVenue.sol";
import {IReserve} from "../IReserve.sol";
import {Bucket} from "../lib/Bucket.sol";
import {ChunkTree} from "../lib/ChunkTree.sol";
import {Edges} from "../lib/Edges.sol";
import {Ledger} from "../lib/Ledger.sol";
import {Quorum} from "../lib/Quorum.sol";
import {Quotes} from "../lib/Quotes.sol";
import {TypedData} from "../lib/TypedData.sol";

/// @title The libraries' pure functions as calls, many cases at once, for comparison with Python.
/// @notice Arrays of one case each; where a case would revert, its flag is false and its words 0.
contract LedgerProbe {
    using Ledger for Ledger.Account;
    using Ledger for Ledger.Position;
    using Quorum for Quorum.Set;

    struct Trade {
        uint256 account;
        uint256 position;
        uint256 instrument;
        int64 lots;
        uint64 price;
        int64 cumulative;
    }

    /// @dev A position word with its instrument and mark words and funding a lot.
    struct Held {
        uint256 position;
        uint256 instrument;
        uint256 mark;
        int64 cumulative;
    }

    struct Bucketed {
        uint64 level;
        uint64 elapsed;
        uint64 capacity;
        uint64 refill;
    }

    Quorum.Set private _set;

    constructor(address[] memory members, uint8 threshold) {
        _set.replace(members, threshold, 2, 3);
    }

    function roll(uint256[] calldata accounts, uint32[] calldata windows)
        external
        view
        returns (uint256[] memory words, bool[] memory isGood)
    {
        (words, isGood) = (new uint256[](accounts.length), new bool[](accounts.length));
        for (uint256 i = 0; i < accounts.length; ++i) {
            try this.rollOne(accounts[i], windows[i]) returns (uint256 word) {
                (words[i], isGood[i]) = (word, true);
            } catch {}
        }
    }

    function trade(Trade[] calldata trades)
        external
        view
        returns (uint256[] memory accounts, uint256[] memory positions, bool[] memory isGood)
    {
        uint256 n = trades.length;
        (accounts, positions, isGood) = (new uint256[](n), new uint256[](n), new bool[](n));
        for (uint256 i = 0; i < n; ++i) {
            try this.tradeOne(trades[i]) returns (uint256 account, uint256 position) {
                (accounts[i], positions[i], isGood[i]) = (account, position, true);
            } catch {}
        }
    }

    function removedCosts(
        int64[] calldata costs,
        int64[] calldata parts,
        int64[] calldata lots
    ) external pure returns (int256[] memory removed) {
        removed = new int256[](costs.length);
        for (uint256 i = 0; i < costs.length; ++i) {
            removed[i] = Ledger.removedCost(costs[i], parts[i], lots[i]);
        }
    }

    /// @notice Haircut limits of accounts (rolled as given) that hold the next `count` of `held`.
    function limits(uint256[] calldata accounts, Held[] calldata held)
        external
        pure
        returns (uint256[] memory results)
    {
        results = new uint256[](accounts.length);
        uint256 first = 0;
        for (uint256 i = 0; i < accounts.length; ++i) {
            Ledger.Account memory a = Ledger.account(accounts[i]);
            results[i] = limitOf(a, held[first:first + a.count]);
            first += a.count;
        }
    }

    function limitOf(Ledger.Account memory a, Held[] calldata held)
        private
        pure
        returns (uint256)
    {
        (int256 equity, int256 profit) = (a.cash, a.realised());
        for (uint256 i = 0; i < held.length; ++i) {
            Held calldata h = held[i];
            uint256 kind = Quotes.kindOf(h.instrument);
            (int256 worth, int256 gain) = Quotes.value(h.position, kind, h.mark, h.cumulative);
            (equity, profit) = (equity + worth, profit + gain);
        }
        return Ledger.limit(equity, profit);
    }

    function buckets(Bucketed[] calldata cases) external pure returns (uint256[] memory results) {
        results = new uint256[](cases.length);
        for (uint256 i = 0; i < cases.length; ++i) {
            Bucketed calldata c = cases[i];
            results[i] = Bucket.available(c.level, c.elapsed, c.capacity, c.refill);
        }
    }

    function leaf(uint32 chunk, bytes32[] calldata words) external pure returns (bytes32) {
        return ChunkTree.leaf(chunk, words);
    }

    function sliceLeaf(uint64 chainId, address gate, bytes32 legsRoot)
        external
        pure
        returns (bytes32)
    {
        return ChunkTree.sliceLeaf(chainId, gate, legsRoot);
    }

    function root(bytes32[] calldata leaves) external pure returns (bytes32) {
        return ChunkTree.root(leaves);
    }

    function rootFrom(bytes32 hash, bytes32[] calldata proof) external pure returns (bytes32) {
        return ChunkTree.rootFrom(hash, proof);
    }

    function headerDigest(
        IDeleverageVenue.Header calldata header,
        uint64 chainId,
        address gate
    ) external pure returns (bytes32) {
        return TypedData.digest(
            TypedData.gateDomain(chainId, gate), TypedData.headerHash(header)
        );
    }

    function wordsDigest(
        bytes32[] calldata words,
        bool isFunding,
        uint64 chainId,
        address gate
    ) external pure returns (bytes32) {
        bytes32 typeHash = isFunding ? TypedData.FUNDING_TYPE : TypedData.MARKS_TYPE;
        return TypedData.digest(
            TypedData.gateDomain(chainId, gate), TypedData.wordsHash(typeHash, words)
        );
    }

    function decisionDigest(bytes32 edge, uint64 amount) external pure returns (bytes32) {
        return TypedData.digest(
            TypedData.decisionDomain(), TypedData.decisionHash(edge, amount)
        );
    }

    function edgeIds(IReserve.Edge[] calldata edges) external pure returns (bytes32[] memory ids) {
        ids = new bytes32[](edges.length);
        for (uint256 i = 0; i < edges.length; ++i) {
            ids[i] = Edges.id(edges[i]);
        }
    }

    function quorum(bytes32[] calldata digests, bytes[] calldata signatures)
        external
        view
        returns (bool[] memory isGood)
    {
        isGood = new bool[](digests.length);
        for (uint256 i = 0; i < digests.length; ++i) {
            try this.quorumOne(digests[i], signatures[i]) {
                isGood[i] = true;
            } catch {}
        }
    }

    function rollOne(uint256 account, uint32 window) external pure returns (uint256) {
        Ledger.Account memory a = Ledger.account(account);
        a.roll(window);
        return a.word();
    }

    /// @dev Position count is the venue's business and stays as given.
    function tradeOne(Trade calldata t) external pure returns (uint256, uint256) {
        Ledger.Account memory a = Ledger.account(t.account);
        Ledger.Position memory p = Ledger.position(t.position);
        bool isOption = Quotes.kindOf(t.instrument) == Quotes.OPTION;
        int256 price = int256(uint256(t.price)) - (isOption ? int256(0) : t.cumulative);
        a.trade(p, t.lots, price, isOption);
        return (a.word(), p.word());
    }

    function quorumOne(bytes32 digest, bytes calldata signatures) external view {
        _set.check(digest, signatures);
    }
}
