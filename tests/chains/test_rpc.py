"""The JSON-RPC client against a real server on loopback that misbehaves on purpose."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import orjson
import pytest
from aiohttp import web
from web3 import AsyncWeb3

from chains.errors import ChainUnavailable
from chains.rpc import JsonRpc, RpcRefused
from chains.web3_provider import JsonRpcProvider

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
SECRET = "k3y-in-the-path"


@asynccontextmanager
async def node(handler: Handler) -> AsyncIterator[str]:
    application = web.Application()
    application.router.add_post("/{anything:.*}", handler)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    try:
        yield f"http://user:{SECRET}@127.0.0.1:{port}/v3/{SECRET}?key={SECRET}"
    finally:
        await runner.cleanup()


def rpc_to(url: str, *, timeout_s: float = 5.0, attempts: int = 1) -> JsonRpc:
    return JsonRpc(url, chain="testnet", timeout_s=timeout_s, attempts=attempts, pause_s=0.01)


async def reply(request: web.Request, **fields: object) -> web.Response:
    asked = orjson.loads(await request.read())
    return web.json_response({"jsonrpc": "2.0", "id": asked["id"], **fields})


async def good(request: web.Request) -> web.Response:
    return web.json_response({"jsonrpc": "2.0", "id": 1, "result": "0x7a69"})


async def slow(request: web.Request) -> web.Response:
    await asyncio.sleep(0.02)
    return await reply(request, result="0x7a69")


async def never(_: web.Request) -> web.Response:
    await asyncio.sleep(30)
    return web.Response()


def status(code: int) -> Handler:
    async def handler(_: web.Request) -> web.Response:
        return web.Response(status=code, text=f"try {SECRET} later")

    return handler


def body(text: str) -> Handler:
    async def handler(_: web.Request) -> web.Response:
        return web.Response(text=text)

    return handler


def error(code: int, message: str, data: object = None) -> Handler:
    async def handler(request: web.Request) -> web.Response:
        return await reply(request, error={"code": code, "message": message, "data": data})

    return handler


async def foreign_id(_: web.Request) -> web.Response:
    return web.json_response({"jsonrpc": "2.0", "id": 999, "result": "0x1"})


async def no_result(request: web.Request) -> web.Response:
    return await reply(request)


async def hang_up(request: web.Request) -> web.Response:
    assert request.transport is not None
    request.transport.close()
    return web.Response()


@pytest.mark.parametrize(
    ("handler", "complaint"),
    [
        (status(429), "HTTP status 429"),
        (status(500), "HTTP status 500"),
        (status(404), "HTTP status 404"),
        (body("<html>"), "no JSON-RPC answer"),
        (body("[]"), "no JSON-RPC answer"),
        (foreign_id, "no JSON-RPC answer"),
        (no_result, "without a result"),
        (hang_up, "ServerDisconnectedError"),
        (error(-32005, "limit exceeded"), "limit exceeded"),
        (never, "no answer within 0.2 s"),
    ],
)
async def test_no_usable_answer_is_unavailable_and_shows_only_the_host(
    handler: Handler, complaint: str
) -> None:
    async with node(handler) as url, rpc_to(url, timeout_s=0.2) as rpc:
        with pytest.raises(ChainUnavailable, match=complaint) as caught:
            await rpc.ask("eth_chainId")
    assert "testnet at 127.0.0.1:" in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.parametrize("handler", [status(429), body("<html>"), hang_up, never])
async def test_a_key_in_the_address_is_never_shown(handler: Handler) -> None:
    async with node(handler) as url, rpc_to(url, timeout_s=0.2) as rpc:
        with pytest.raises(ChainUnavailable) as caught:
            await rpc.ask("eth_chainId")
        assert SECRET not in f"{caught.value!r} {rpc!r} {rpc.name}"


async def test_a_refused_connection_is_unavailable() -> None:
    async with rpc_to(f"http://127.0.0.1:9/{SECRET}") as rpc:
        with pytest.raises(ChainUnavailable, match=r"testnet at .*:9: eth_chainId") as caught:
            await rpc.ask("eth_chainId")
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    "data",
    ["0x8baa579f", "Reverted 0x8baa579f", {"data": "0x8baa579f"}, {"data": {"data": "0x8baa579f"}}],
)
async def test_an_error_of_the_node_is_kept_with_its_revert_data(data: object) -> None:
    async with node(error(3, "execution reverted", data)) as url, rpc_to(url) as rpc:
        with pytest.raises(RpcRefused, match="error 3: execution reverted") as caught:
            await rpc.ask("eth_call")
    assert (caught.value.code, caught.value.data.hex()) == (3, "8baa579f")


@pytest.mark.parametrize("data", [None, "not hex", 7])
async def test_an_error_without_revert_data_has_none(data: object) -> None:
    async with node(error(-32000, "no", data)) as url, rpc_to(url) as rpc:
        with pytest.raises(RpcRefused) as caught:
            await rpc.ask("eth_call")
    assert caught.value.data == b""


class Flaky:
    """Answers well from the ``good_from``-th request on."""

    def __init__(self, good_from: int) -> None:
        self.requests = 0
        self._good_from = good_from

    async def handle(self, request: web.Request) -> web.Response:
        self.requests += 1
        if self.requests < self._good_from:
            return web.Response(status=503)
        return await reply(request, result="0x1")


async def test_a_read_is_tried_again_a_few_times() -> None:
    flaky = Flaky(good_from=3)
    async with node(flaky.handle) as url, rpc_to(url, attempts=3) as rpc:
        assert await rpc.ask("eth_blockNumber") == "0x1"
    assert flaky.requests == 3


async def test_a_read_is_not_tried_for_ever() -> None:
    flaky = Flaky(good_from=9)
    async with node(flaky.handle) as url, rpc_to(url, attempts=3) as rpc:
        with pytest.raises(ChainUnavailable):
            await rpc.ask("eth_blockNumber")
    assert flaky.requests == 3


async def test_a_transaction_is_never_published_twice() -> None:
    flaky = Flaky(good_from=2)
    async with node(flaky.handle) as url, rpc_to(url, attempts=3) as rpc:
        with pytest.raises(ChainUnavailable):
            await rpc.ask("eth_sendRawTransaction", b"\x02")
    assert flaky.requests == 1


async def test_cancelled_concurrent_requests_leave_the_client_usable() -> None:
    """web3's own provider deadlocks here: a lock of the class is never given back."""
    async with node(slow) as url, rpc_to(url) as rpc:
        web3 = AsyncWeb3(JsonRpcProvider(rpc))
        for _ in range(30):
            raw = [asyncio.create_task(rpc.ask("eth_chainId")) for _ in range(10)]
            through = [asyncio.create_task(web3.provider.make_request("eth_chainId", []))]  # type: ignore[arg-type]
            await asyncio.sleep(0.005)
            for task in [*raw, *through]:
                task.cancel()
            await asyncio.gather(*raw, *through, return_exceptions=True)
        async with asyncio.timeout(5):
            assert await rpc.ask("eth_chainId") == "0x7a69"
            assert await web3.eth.chain_id == 0x7A69


async def test_bytes_travel_as_hex_and_other_objects_are_refused() -> None:
    async def echo(request: web.Request) -> web.Response:
        asked = orjson.loads(await request.read())
        return web.json_response({"id": asked["id"], "result": asked["params"]})

    async with node(echo) as url, rpc_to(url) as rpc:
        assert await rpc.ask("eth_call", b"\x01\x02", {"a": b""}) == ["0x0102", {"a": "0x"}]
        with pytest.raises(TypeError, match="not JSON serializable"):
            await rpc.ask("eth_call", object())


async def in_reverse(request: web.Request) -> web.Response:
    asked = orjson.loads(await request.read())
    answers = [{"id": one["id"], "result": one["params"][0]} for one in asked]
    return web.json_response(answers[::-1])


async def some_refused(request: web.Request) -> web.Response:
    asked = orjson.loads(await request.read())
    refused = [{"id": one["id"], "error": {"code": 3, "message": "no"}} for one in asked[1:]]
    return web.json_response([{"id": asked[0]["id"], "result": 1}, *refused])


async def all_but_one(request: web.Request) -> web.Response:
    asked = orjson.loads(await request.read())
    return web.json_response([{"id": one["id"], "result": 1} for one in asked[1:]])


async def test_a_batch_is_answered_in_the_order_of_its_questions() -> None:
    async with node(in_reverse) as url, rpc_to(url) as rpc:
        assert await rpc.ask_all("eth_x", [[number] for number in range(5)]) == [0, 1, 2, 3, 4]
        assert await rpc.ask_all("eth_x", []) == []


async def test_a_batch_with_a_refused_or_missing_answer_is_refused() -> None:
    async with node(some_refused) as url, rpc_to(url) as rpc:
        with pytest.raises(RpcRefused, match="error 3: no"):
            await rpc.ask_all("eth_x", [[1], [2]])
    for handler in (all_but_one, good, body("<html>")):
        async with node(handler) as url, rpc_to(url) as rpc:
            with pytest.raises(ChainUnavailable, match="no JSON-RPC answer"):
                await rpc.ask_all("eth_x", [[1], [2]])


async def test_an_endless_answer_is_cut_off() -> None:
    async def flood(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(80):
            await response.write(bytes(1 << 20))
        return response

    start = time.monotonic()
    async with node(flood) as url, rpc_to(url, timeout_s=20) as rpc:
        with pytest.raises(ChainUnavailable, match="ValueError"):
            await rpc.ask("eth_chainId")
    assert time.monotonic() - start < 20
