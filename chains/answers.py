"""JSON-RPC answers as values; one that has another form is garbage: ChainUnavailable."""

from chains.errors import ChainUnavailable
from chains.model import BlockRef
from chains.rpc import JsonRpc

__all__ = ["block_by_number", "block_ref", "hex_data", "hexed", "quantity"]


def hexed(value: bytes | int) -> str:
    """Bytes as data, integers as quantity."""
    return "0x" + value.hex() if isinstance(value, bytes) else hex(value)


def quantity(where: str, answer: object) -> int:
    """An integer answer such as ``"0x1b4"``; raises ChainUnavailable."""
    try:
        return int(str(answer), 16)
    except ValueError:
        raise ChainUnavailable(f"{where}: {str(answer)[:80]!r} is no quantity") from None


def hex_data(where: str, answer: object) -> bytes:
    """A bytes answer such as ``"0x00ff"``; raises ChainUnavailable."""
    if not isinstance(answer, str) or not answer.startswith("0x"):
        raise ChainUnavailable(f"{where}: {str(answer)[:80]!r} is no data")
    try:
        return bytes.fromhex(answer[2:])
    except ValueError:
        raise ChainUnavailable(f"{where}: {answer[:80]!r} is no data") from None


def block_ref(where: str, answer: object) -> BlockRef:
    """Number, hash and time of a block or receipt object; raises ChainUnavailable."""
    if not isinstance(answer, dict):
        raise ChainUnavailable(f"{where}: {str(answer)[:80]!r} is no block")
    block_hash = hex_data(where, answer.get("hash"))
    if len(block_hash) != 32:
        raise ChainUnavailable(f"{where}: a block hash of {len(block_hash)} bytes")
    number = quantity(where, answer.get("number"))
    return BlockRef(number, block_hash, quantity(where, answer.get("timestamp")))


async def block_by_number(rpc: JsonRpc, number: int) -> BlockRef:
    """The canonical block of a height; raises ChainUnavailable where there is none."""
    answer = await rpc.ask("eth_getBlockByNumber", hex(number), False)
    return block_ref(f"{rpc.name}: block {number}", answer)
