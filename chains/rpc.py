"""JSON-RPC over one keep-alive HTTP session, safe to cancel.

Own client because web3's AsyncHTTPProvider deadlocks a process whose concurrent requests are
cancelled, and because raw requests are ten times faster; :mod:`chains.web3_provider` offers the
same connection to AsyncWeb3. Keys often stand in an endpoint's path, query or user info, so
nothing but its host is ever shown, and foreign exceptions (which quote the URL) are not chained.
"""

import asyncio
import itertools
import random
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self

import aiohttp
import orjson
from yarl import URL

from chains.errors import ChainError, ChainUnavailable

__all__ = ["JsonRpc", "RpcRefused"]

_IDEMPOTENT = frozenset(
    {
        "eth_blockNumber",
        "eth_call",
        "eth_chainId",
        "eth_estimateGas",
        "eth_feeHistory",
        "eth_getBalance",
        "eth_getBlockByNumber",
        "eth_getCode",
        "eth_getTransactionCount",
        "eth_getTransactionReceipt",
        "eth_maxPriorityFeePerGas",
    }
)
_BUSY_CODES = frozenset({-32005, -32016, -32029, 429})
"""Rate limits that providers report as JSON-RPC errors with HTTP 200."""
_JITTER = random.SystemRandom()
_RESPONSE_BYTES_MAX = 64 << 20
_CONNECTIONS_MAX = 16


class RpcRefused(ChainError):
    """The node answered with a JSON-RPC error; the caller knows what it means."""

    def __init__(self, where: str, *, code: int, message: str, data: bytes) -> None:
        super().__init__(f"{where}: error {code}: {message}")
        self.code = code
        self.message = message
        self.data = data


class JsonRpc:
    """One endpoint of one chain. Use as an async context manager, or close it."""

    def __init__(
        self,
        url: str,
        *,
        chain: str,
        timeout_s: float = 10.0,
        attempts: int = 3,
        pause_s: float = 0.1,
    ) -> None:
        self._url = URL(url)
        self._chain = chain
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._attempts = attempts
        self._pause_s = pause_s
        self._ids = itertools.count(1)
        self._session: aiohttp.ClientSession | None = None
        self._is_closed = False

    def __repr__(self) -> str:
        return f"JsonRpc({self.name})"

    @property
    def name(self) -> str:
        """Chain and host: all of an endpoint that may be shown."""
        port = f":{self._url.port}" if self._url.port not in (None, 80, 443) else ""
        return f"{self._chain} at {self._url.host}{port}"

    async def ask(self, method: str, *params: object) -> object:
        """The result of one request. Idempotent reads are tried again with jitter.

        Raises ChainUnavailable (no answer, or no usable one) and RpcRefused (JSON-RPC error).
        """
        attempts = self._attempts if method in _IDEMPOTENT else 1
        for attempt in range(1, attempts):
            try:
                return self._result(method, await self.exchange(method, params))
            except ChainUnavailable:
                await asyncio.sleep(self._pause_s * 2**attempt * _JITTER.uniform(0.5, 1.0))
        return self._result(method, await self.exchange(method, params))

    async def ask_all(self, method: str, batch: Sequence[Sequence[object]]) -> list[object]:
        """The results of one method for many parameter lists, in one exchange, tried once.

        Raises ChainUnavailable, and RpcRefused for the first that the node refuses.
        """
        if not batch:
            return []
        requests = [self._request(method, params) for params in batch]
        status, answer = await self._post(method, requests)
        responses = answer if isinstance(answer, list) else []
        by_id = {item.get("id"): item for item in responses if isinstance(item, dict)}
        if any(request["id"] not in by_id for request in requests):
            raise self._no_answer(method, status)
        return [self._result(method, by_id[request["id"]]) for request in requests]

    async def exchange(self, method: str, params: object) -> dict[str, object]:
        """The response object of one request, error or result; raises ChainUnavailable."""
        request = self._request(method, params)
        status, response = await self._post(method, request)
        if not isinstance(response, dict) or response.get("id") != request["id"]:
            raise self._no_answer(method, status)
        return response

    async def close(self) -> None:
        """Close for good: a request afterwards raises ChainUnavailable."""
        self._is_closed = True
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    def _request(self, method: str, params: object) -> dict[str, object]:
        return {"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": params}

    def _no_answer(self, method: str, status: int) -> ChainUnavailable:
        what = "no JSON-RPC answer" if status == 200 else f"HTTP status {status}"
        return ChainUnavailable(f"{self.name}: {method}: {what}; check the endpoint's address")

    async def _post(self, method: str, question: object) -> tuple[int, object]:
        body = orjson.dumps(question, default=_plain)
        try:
            async with self._opened().post(self._url, data=body) as response:
                return response.status, _parsed(await self._bounded(response))
        except TimeoutError:
            reason = f"no answer within {self._timeout.total} s"
        except (aiohttp.ClientError, OSError, ValueError) as error:
            reason = type(error).__name__
        raise ChainUnavailable(f"{self.name}: {method}: {reason}; is the node up and reachable?")

    async def _bounded(self, response: aiohttp.ClientResponse) -> bytes:
        parts, size = [], 0
        async for part in response.content.iter_any():
            parts.append(part)
            size += len(part)
            if size > _RESPONSE_BYTES_MAX:
                raise ValueError("answer too long")
        return b"".join(parts)

    def _opened(self) -> aiohttp.ClientSession:
        if self._is_closed:
            raise ChainUnavailable(f"{self.name}: the client has been closed")
        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=self._timeout,
                connector=aiohttp.TCPConnector(limit=_CONNECTIONS_MAX),
                headers={"Content-Type": "application/json"},
            )
        return self._session

    def _result(self, method: str, response: Mapping[str, object]) -> object:
        error = response.get("error")
        if error is None:
            if "result" not in response:
                raise ChainUnavailable(f"{self.name}: {method}: an answer without a result")
            return response["result"]
        refused = _refusal(f"{self.name}: {method}", error)
        if refused.code in _BUSY_CODES:
            raise ChainUnavailable(str(refused))
        raise refused


def _parsed(body: bytes) -> object:
    """None for what is not JSON."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None


def _refusal(where: str, error: object) -> RpcRefused:
    fields = error if isinstance(error, dict) else {}
    code, data = fields.get("code"), fields.get("data")
    message = str(fields.get("message", error))
    code = code if isinstance(code, int) else 0
    return RpcRefused(where, code=code, message=message[:500], data=_revert_data(data))


def _revert_data(data: object) -> bytes:
    """Nodes put it as 0x.., as "Reverted 0x..", or inside another object."""
    if isinstance(data, dict):
        return _revert_data(data.get("data"))
    if not isinstance(data, str):
        return b""
    try:
        return bytes.fromhex(data.rpartition("0x")[2])
    except ValueError:
        return b""


def _plain(value: object) -> object:
    """What orjson cannot write: bytes as hex, mappings of other types as objects."""
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is no JSON-RPC parameter")
