// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IDeleverageVenue} from "../IDeleverageVenue.sol";

/// @title EIP-712 digests of everything that verifiers and oracles sign.
library TypedData {
    bytes32 internal constant HEADER_TYPE = keccak256(
        "Header(bytes32 snapshotRoot,bytes32 planRoot,bytes32 legsRoot,bytes32 policyDigest,"
        "uint64 epoch,uint64 notBefore,uint64 expiry,uint64 configVersion,uint64 legCount,"
        "uint64 insurance,uint64 haircutCap,uint64 remoteCap,uint64 closeCap,uint64 deficit,"
        "uint64 snapshotBlock,bytes32 snapshotHash)"
    );
    bytes32 internal constant MARKS_TYPE = keccak256("Marks(bytes32 words)");
    bytes32 internal constant FUNDING_TYPE = keccak256("Funding(bytes32 words)");
    bytes32 internal constant DECISION_TYPE = keccak256("Decision(bytes32 edge,uint64 amount)");

    uint256 private constant HEADER_BYTES = 512;

    /// @dev No chain id and no contract: the same signatures serve both sides of an edge.
    function decisionDomain() internal pure returns (bytes32) {
        return keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version)"),
                keccak256("AdlDecision"),
                keccak256("1")
            )
        );
    }

    function gateDomain(uint256 chainId, address gate) internal pure returns (bytes32) {
        return keccak256(
            abi.encode(
                keccak256(
                    "EIP712Domain(string name,string version,uint256 chainId,"
                    "address verifyingContract)"
                ),
                keccak256("AdlGate"),
                keccak256("1"),
                chainId,
                gate
            )
        );
    }

    function digest(bytes32 domain, bytes32 structHash) internal pure returns (bytes32 hash) {
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore(free, "\x19\x01")
            mstore(add(free, 2), domain)
            mstore(add(free, 34), structHash)
            hash := keccak256(free, 66)
        }
    }

    /// @dev Every field is one static word, so the struct is hashed as it stands in calldata.
    function headerHash(IDeleverageVenue.Header calldata header)
        internal
        pure
        returns (bytes32 hash)
    {
        bytes32 typeHash = HEADER_TYPE;
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore(free, typeHash)
            calldatacopy(add(free, 32), header, HEADER_BYTES)
            hash := keccak256(free, add(32, HEADER_BYTES))
        }
    }

    function wordsHash(bytes32 typeHash, bytes32[] calldata words)
        internal
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(typeHash, keccak256(abi.encodePacked(words))));
    }

    function decisionHash(bytes32 edge, uint64 amount) internal pure returns (bytes32) {
        return keccak256(abi.encode(DECISION_TYPE, edge, amount));
    }
}
