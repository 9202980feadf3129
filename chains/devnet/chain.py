"""One devnet chain with a venue on it: sends the arrays that make its world."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from chains.answers import block_ref
from chains.base import Call
from chains.codec.instruments import pack_instrument, pack_underlying
from chains.codec.quorum import pack_signatures
from chains.codec.reserve import fund_call, set_credit_line_call
from chains.codec.token import approve_call, mint_call, post_price_call
from chains.codec.typed_data import funding_digest, marks_digest
from chains.codec.venue import (
    add_underlying_call,
    deposit_call,
    fund_insurance_call,
    list_instrument_call,
    open_accounts_for_call,
    post_funding_call,
    post_marks_call,
    trade_call,
)
from chains.devnet.anvil import Anvil
from chains.devnet.deployment import Deployed, VenueSetup, deploy
from chains.devnet.sender import Sender
from chains.model import BlockRef, Columns, Instrument
from chains.rpc import JsonRpc
from chains.signer import DevSigner

__all__ = ["DevChain"]

_OWNERS_PER_CALL = 1_000
_MATCHES_PER_CALL = 400
_MARKS_PER_CALL = 500
_PLENTY = (1 << 255) - 1


class DevChain:
    """A deployed venue and the devnet key (number 0) that governs it."""

    def __init__(
        self,
        anvil: Anvil,
        sender: Sender,
        deployed: Deployed,
        *,
        oracles: Mapping[int, DevSigner],
    ) -> None:
        self._anvil = anvil
        self._sender = sender
        self._oracles = oracles
        self.deployed = deployed

    @classmethod
    async def make(cls, anvil: Anvil, setup: VenueSetup) -> "DevChain":
        """Deploy on a running anvil; raises DevnetError."""
        chain_id = anvil.options.chain_id
        here = frozenset({chain_id})
        sender = Sender(anvil.rpc, DevSigner(0, chain_ids=here), chain_id=chain_id)
        keys = [DevSigner(number, chain_ids=here) for number in setup.oracle_keys]
        oracles = tuple(key.address for key in keys)
        deployed = await deploy(sender, setup, oracles=oracles)
        signing = dict(enumerate(keys[: setup.oracle_threshold]))
        chain = cls(anvil, sender, deployed, oracles=signing)
        await chain._bring_money()
        return chain

    @property
    def chain_id(self) -> int:
        """The chain's id."""
        return self._anvil.options.chain_id

    @property
    def url(self) -> str:
        """Its endpoint."""
        return self._anvil.url

    @property
    def rpc(self) -> JsonRpc:
        """An open client of its endpoint."""
        return self._anvil.rpc

    async def head(self) -> BlockRef:
        """The newest block; marks must not be newer than it."""
        answer = await self.rpc.ask("eth_getBlockByNumber", "latest", False)
        return block_ref(f"{self.rpc.name}: latest", answer)

    async def list_instruments(
        self, underlyings: Sequence[str], instruments: Sequence[Instrument]
    ) -> None:
        """Add underlyings and instruments, numbered from 0 in this order."""
        gate = self.deployed.gate
        names = [add_underlying_call(gate, pack_underlying(name)) for name in underlyings]
        words = [pack_instrument(item, underlyings=underlyings) for item in instruments]
        await self._sender.send(*names, *(list_instrument_call(gate, word) for word in words))

    async def open_book(
        self, owners: Sequence[bytes], deposits_micro: Columns, matches: npt.NDArray[np.int64]
    ) -> None:
        """Open an account an owner, bring in its deposit, then trade.

        ``matches`` as in :func:`chains.codec.venue.trade_call`. Accounts count from 0 on a fresh
        venue. Marks must be posted before anybody can trade.
        """
        await self.open_accounts(owners)
        await self.deposit(np.arange(len(owners)), deposits_micro)
        await self.trade(matches)

    async def open_accounts(self, owners: Sequence[bytes]) -> None:
        """Open one account an owner."""
        pages = _pages(owners, _OWNERS_PER_CALL)
        await self._sender.send(
            *(open_accounts_for_call(self.deployed.gate, page) for page in pages)
        )

    async def deposit(self, accounts: Columns, amounts_micro: Columns) -> None:
        """Bring money into accounts; rows of zero are left out."""
        rows = np.flatnonzero(amounts_micro).tolist()
        await self._sender.send(*(self._deposit(accounts, amounts_micro, row=row) for row in rows))

    async def trade(self, matches: npt.NDArray[np.int64]) -> None:
        """Trade in the order of rows."""
        pages = [
            matches[first : first + _MATCHES_PER_CALL]
            for first in range(0, len(matches), _MATCHES_PER_CALL)
        ]
        await self._sender.send(*(trade_call(self.deployed.gate, page) for page in pages))

    async def post_marks(self, words: Sequence[bytes]) -> None:
        """Post mark words (:func:`chains.codec.instruments.pack_mark`) under the oracles' keys."""
        calls = []
        for page in _pages(words, _MARKS_PER_CALL):
            digest = marks_digest(page, chain_id=self.chain_id, gate=self.deployed.gate)
            calls.append(post_marks_call(self.deployed.gate, page, await self._quorum(digest)))
        await self._sender.send(*calls)

    async def post_funding(self, words: Sequence[bytes]) -> None:
        """Post funding words (:func:`chains.codec.instruments.pack_funding`) likewise."""
        digest = funding_digest(words, chain_id=self.chain_id, gate=self.deployed.gate)
        signatures = await self._quorum(digest)
        await self._sender.send(post_funding_call(self.deployed.gate, words, signatures))

    async def post_price(self, feed: str, *, answer: int, updated_at_s: int) -> None:
        """Post a price with 8 decimals to one of the feeds."""
        address = self.deployed.feeds[feed]
        await self._sender.send(post_price_call(address, answer=answer, updated_at_s=updated_at_s))

    async def fund_insurance(self, amount_micro: int) -> None:
        """Bring money into the insurance fund."""
        await self._sender.send(fund_insurance_call(self.deployed.gate, amount_micro))

    async def fund_reserve(self, amount_micro: int) -> None:
        """Bring money into the Reserve."""
        await self._sender.send(fund_call(self.deployed.reserve, amount_micro))

    async def set_credit_line(self, *, chain_id: int, gate: bytes, limit_micro: int) -> None:
        """Lend to the debtor gate on another chain."""
        await self._sender.send(
            set_credit_line_call(
                self.deployed.reserve, chain_id=chain_id, gate=gate, limit_micro=limit_micro
            )
        )

    async def send(self, *calls: Call) -> None:
        """Any other calls as governance, guardian, matcher and treasurer; raises DevnetError."""
        await self._sender.send(*calls)

    async def advance(self, seconds: int) -> None:
        """Move the chain's clock forward and mine a block there."""
        await self.rpc.ask("evm_increaseTime", seconds)
        await self.rpc.ask("evm_mine")

    async def _bring_money(self) -> None:
        token, owner = self.deployed.token, self._sender.address
        spenders = self.deployed.gate, self.deployed.reserve
        approvals = [approve_call(token, spender=to, amount_micro=_PLENTY) for to in spenders]
        await self._sender.send(mint_call(token, to=owner, amount_micro=_PLENTY), *approvals)

    def _deposit(self, accounts: Columns, amounts_micro: Columns, *, row: int) -> Call:
        account, amount = int(accounts[row]), int(amounts_micro[row])
        return deposit_call(self.deployed.gate, account=account, amount_micro=amount)

    async def _quorum(self, digest: bytes) -> bytes:
        signers = self._oracles.items()
        return pack_signatures({index: await key.sign_digest(digest) for index, key in signers})


def _pages(items: Sequence[bytes], size: int) -> list[Sequence[bytes]]:
    return [items[first : first + size] for first in range(0, len(items), size)]
