"""One anvil process: found, started on a free loopback port, and never left behind."""

import asyncio
import ctypes
import os
import shutil
import signal
import socket
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from chains.errors import ChainError, ChainUnavailable
from chains.rpc import JsonRpc

__all__ = ["Anvil", "AnvilOptions", "DevnetError", "find_anvil"]

_SHIPPED = "devchain/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil"
_ANSWER_WITHIN_S = 20.0
_POLL_S = 0.02
_PR_SET_PDEATHSIG = 1
_BLOCK_GAS = 30_000_000_000
"""So that seeding fills few blocks, and a view of a whole book is one call."""


class DevnetError(ChainError):
    """A devnet cannot start, or a transaction that makes its world failed."""


@dataclass(frozen=True, slots=True)
class AnvilOptions:
    """``slots_in_epoch``: safe lags the head by one epoch of blocks, finalized by two."""

    chain_id: int
    genesis_s: int
    block_time_s: float = 0.25
    slots_in_epoch: int = 4
    dev_accounts: int = 20


def find_anvil(environment: Mapping[str, str] = os.environ) -> Path:
    """$ADL_ANVIL, else PATH, else what npm put into devchain; raises DevnetError."""
    root = Path(__file__).resolve().parents[2]
    named = environment.get("ADL_ANVIL")
    places = (
        [named]
        if named
        else [shutil.which("anvil", path=environment.get("PATH")), str(root / _SHIPPED)]
    )
    for place in places:
        if place and os.access(place, os.X_OK) and Path(place).is_file():
            return Path(place)
    raise DevnetError(
        f"anvil is not to be found ({', '.join(str(place) for place in places)}): run "
        f"'npm ci' in {root / 'devchain'}, or put anvil on PATH, or name it in ADL_ANVIL"
    )


class Anvil:
    """A running anvil as an async context manager. ``rpc`` is open while it runs."""

    def __init__(self, options: AnvilOptions) -> None:
        self._options = options
        self._process: asyncio.subprocess.Process | None = None
        self._port = 0
        self.rpc = self._client()

    @property
    def options(self) -> AnvilOptions:
        """What it was started with."""
        return self._options

    @property
    def url(self) -> str:
        """Its endpoint on loopback."""
        return f"http://127.0.0.1:{self._port}"

    async def __aenter__(self) -> Self:
        binary = find_anvil()
        self._port = _free_port()
        self.rpc = self._client()
        process = await asyncio.create_subprocess_exec(
            str(binary),
            *_arguments(self._options, port=self._port),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            preexec_fn=_die_with_parent(),
        )
        self._process = process
        try:
            await self._answering(process)
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stop()

    def _client(self) -> JsonRpc:
        return JsonRpc(self.url, chain=f"devnet {self._options.chain_id}", timeout_s=60.0)

    async def _answering(self, process: asyncio.subprocess.Process) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _ANSWER_WITHIN_S
        async with JsonRpc(self.url, chain="a starting devnet", attempts=1) as probe:
            while not await _answers(probe):
                if process.returncode is not None:
                    raise DevnetError(await _last_words(process))
                if loop.time() > deadline:
                    raise DevnetError(f"anvil at {self.url} gave no answer")
                await asyncio.sleep(_POLL_S)

    async def _stop(self) -> None:
        """Killed at once, because a devnet has nothing to save; cancelled or not, none is left."""
        process = self._process
        if process is None:
            return
        self._process = None
        if process.returncode is None:
            process.kill()
        try:
            await process.wait()
        finally:
            await self.rpc.close()


async def _answers(probe: JsonRpc) -> bool:
    try:
        await probe.ask("eth_chainId")
    except ChainUnavailable:
        return False
    return True


async def _last_words(process: asyncio.subprocess.Process) -> str:
    words = await process.stderr.read() if process.stderr else b""
    reason = words.decode(errors="replace").strip()[-500:]
    return f"anvil stopped with status {process.returncode}: {reason or 'it gave no reason'}"


def _arguments(options: AnvilOptions, *, port: int) -> list[str]:
    flags: dict[str, object] = {
        "host": "127.0.0.1",
        "port": port,
        "chain-id": options.chain_id,
        "hardfork": "prague",
        "slots-in-an-epoch": options.slots_in_epoch,
        "block-time": options.block_time_s,
        "timestamp": options.genesis_s,
        "accounts": options.dev_accounts,
        "balance": 1_000_000,
        "gas-limit": _BLOCK_GAS,
    }
    pairs = [text for name, value in flags.items() for text in (f"--{name}", str(value))]
    return [*pairs, "--silent", "--no-request-size-limit", "--no-cors"]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _die_with_parent() -> Callable[[], object] | None:
    """A parent that is killed cannot stop its children: the kernel does, on Linux."""
    if sys.platform != "linux":
        return None
    set_death_signal = ctypes.CDLL(None).prctl
    return partial(set_death_signal, _PR_SET_PDEATHSIG, signal.SIGKILL)
