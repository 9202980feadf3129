"""Calls LedgerProbe, the contract that shows the libraries' pure functions, many cases at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from struct import Struct
from typing import Any

from eth_abi.abi import decode

from chains.answers import hex_data, hexed
from chains.artifacts import artifact
from chains.codec.abi import EDGE_TUPLE, HEADER_TUPLE, Function
from chains.devnet import DevChain
from chains.devnet.sender import Sender
from chains.ledger import Account, Position
from chains.rpc import JsonRpc
from tests.chains.devnet_world import dev_signer

ACCOUNT_WORD = Struct(">qqqIBBH")
POSITION_WORD = Struct(">IIqqQ")

ROLL = Function("roll", ("uint256[]", "uint32[]"))
TRADE = Function("trade", ("(uint256,uint256,uint256,int64,uint64,int64)[]",))
LIMITS = Function("limits", ("uint256[]", "(uint256,uint256,uint256,int64)[]"))
REMOVED = Function("removedCosts", ("int64[]", "int64[]", "int64[]"))
EDGE_IDS = Function("edgeIds", (f"{EDGE_TUPLE}[]",))
QUORUM = Function("quorum", ("bytes32[]", "bytes[]"))
LEAF = Function("leaf", ("uint32", "bytes32[]"))
SLICE_LEAF = Function("sliceLeaf", ("uint64", "address", "bytes32"))
ROOT = Function("root", ("bytes32[]",))
ROOT_FROM = Function("rootFrom", ("bytes32", "bytes32[]"))
HEADER_DIGEST = Function("headerDigest", (HEADER_TUPLE, "uint64", "address"))
WORDS_DIGEST = Function("wordsDigest", ("bytes32[]", "bool", "uint64", "address"))
DECISION_DIGEST = Function("decisionDigest", ("bytes32", "uint64"))


@dataclass(frozen=True)
class Probe:
    rpc: JsonRpc
    address: bytes

    async def ask(self, function: Function, outputs: Sequence[str], *arguments: object) -> Any:
        call = function.call(self.address, *arguments)
        request = {"to": hexed(call.to), "data": hexed(call.data)}
        answer = hex_data("probe", await self.rpc.ask("eth_call", request, "latest"))
        return decode(outputs, answer)

    async def ask_one(self, function: Function, *arguments: object) -> bytes:
        """The single bytes32 result."""
        return (await self.ask(function, ["bytes32"], *arguments))[0]


async def deploy_probe(chain: DevChain, members: Sequence[bytes], *, threshold: int) -> Probe:
    built = artifact("LedgerProbe")
    arguments = Function("constructor", built.constructor).encode(members, threshold)
    sender = Sender(chain.rpc, dev_signer(0), chain_id=chain.chain_id)
    return Probe(chain.rpc, await sender.create(built.bytecode + arguments))


def account_word(account: Account) -> int:
    stored = account.cash, account.realised_now, account.realised_prev, account.window
    return int.from_bytes(ACCOUNT_WORD.pack(*stored, len(account.positions), 0, 0), "big")


def position_word(position: Position) -> int:
    packed = POSITION_WORD.pack(0, position.instrument, position.lots, position.cost, 0)
    return int.from_bytes(packed, "big")


def money_of(word: int) -> tuple[int, ...]:
    """cash, realised now, realised before, window of an account word."""
    return ACCOUNT_WORD.unpack(word.to_bytes(32, "big"))[:4]


def holding_of(word: int) -> tuple[int, int]:
    """lots and cost of a position word."""
    return POSITION_WORD.unpack(word.to_bytes(32, "big"))[2:4]
