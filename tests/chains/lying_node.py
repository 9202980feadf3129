"""A node on loopback that passes requests on to a real one and may change what comes back."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import orjson
from aiohttp import ClientSession, web

Lie = Callable[[str, object], object]
"""(method, true result) -> the result that is told."""


@asynccontextmanager
async def lying_node(url: str, lie: Lie) -> AsyncIterator[str]:
    """The address of a node that lies about the node at ``url``."""

    async def handle(request: web.Request) -> web.Response:
        asked = await request.read()
        async with session.post(url, data=asked, headers=json) as truth:
            told = orjson.loads(await truth.read())
        if "result" in told:
            told["result"] = lie(orjson.loads(asked)["method"], told["result"])
        return web.Response(body=orjson.dumps(told), content_type="application/json")

    json = {"Content-Type": "application/json"}
    application = web.Application(client_max_size=1 << 26)
    application.router.add_post("/", handle)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    async with ClientSession() as session:
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        try:
            yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()
