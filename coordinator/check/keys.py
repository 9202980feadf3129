"""Keys, gas money and the journal: what sending needs."""

from chains.answers import hexed
from chains.base import TransactionPort
from coordinator.act.journal import open_journal
from coordinator.check.finding import Finding, fail, ok, warn

__all__ = ["check_balance", "check_journal"]

_WEI = 10**18


async def check_balance(name: str, port: TransactionPort, address: bytes) -> Finding:
    """The executor can pay for gas on one chain; raises ChainError."""
    looked_at = f"executor on {name}"
    balance_wei = await port.balance_wei(address)
    if balance_wei == 0:
        return fail(looked_at, f"{hexed(address)} holds no gas money", "send it some")
    return ok(looked_at, f"{hexed(address)} holds {balance_wei / _WEI:.6f} for gas")


async def check_journal(url: str) -> Finding:
    """The journal can be opened and its records follow from each other; raises JournalError."""
    async with open_journal(url) as journal:
        if journal.torn is not None:
            found = f"record {journal.torn.sequence} was torn by a crash and is cut off"
            return warn("journal", found, "nothing: it was never sent")
        return ok("journal", f"{len(journal.book.plans)} plans, all records fit")
