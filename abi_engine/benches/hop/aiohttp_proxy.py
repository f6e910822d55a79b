"""The proxy that one writes with aiohttp in a page; without limiter, breaker or access log."""

from __future__ import annotations

import asyncio
import sys

from aiohttp import ClientSession, TCPConnector, web

_HOP = frozenset(("connection", "keep-alive", "transfer-encoding", "content-length", "host"))


async def main(upstream: str) -> None:
    """Serve until stdin ends."""
    async with ClientSession(connector=TCPConnector(limit=0), auto_decompress=False) as session:

        async def forward(request: web.Request) -> web.StreamResponse:
            headers = {key: value for key, value in request.headers.items() if _goes_on(key)}
            body = request.content if request.can_read_body else None
            url = upstream + request.path_qs
            async with session.request(request.method, url, headers=headers, data=body) as answer:
                kept = {key: value for key, value in answer.headers.items() if _goes_on(key)}
                response = web.StreamResponse(status=answer.status, headers=kept)
                response.content_length = answer.content_length
                await response.prepare(request)
                async for piece in answer.content.iter_any():
                    await response.write(piece)
                await response.write_eof()
                return response

        application = web.Application()
        application.router.add_route("*", "/{path:.*}", forward)
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        sys.stdout.write(f"{runner.addresses[0][1]}\n")
        sys.stdout.flush()
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
        await runner.cleanup()


def _goes_on(name: str) -> bool:
    return name.lower() not in _HOP


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
