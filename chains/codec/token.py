"""Calls of the settlement token and of a devnet's price feed."""

from chains.base import Call
from chains.codec.abi import Function
from chains.codec.fields import address

__all__ = ["approve_call", "balance_of_call", "mint_call", "post_price_call"]

_APPROVE = Function("approve", ("address", "uint256"))
_BALANCE_OF = Function("balanceOf", ("address",))
_MINT = Function("mint", ("address", "uint256"))
_POST = Function("post", ("int256", "uint256"))


def approve_call(token: bytes, *, spender: bytes, amount_micro: int) -> Call:
    """Let a contract take tokens of the sender."""
    return _APPROVE.call(token, address("spender", spender), amount_micro)


def balance_of_call(token: bytes, owner: bytes) -> Call:
    """Read a balance."""
    return _BALANCE_OF.call(token, address("owner", owner))


def mint_call(token: bytes, *, to: bytes, amount_micro: int) -> Call:
    """Owner of a devnet token: make money."""
    return _MINT.call(token, address("to", to), amount_micro)


def post_price_call(feed: bytes, *, answer: int, updated_at_s: int) -> Call:
    """Owner of a devnet feed: post a price with the feed's own 8 decimals."""
    return _POST.call(feed, answer, updated_at_s)
