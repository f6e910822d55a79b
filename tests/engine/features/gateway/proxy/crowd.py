"""Many bad clients in a process of their own: `python crowd.py KIND HOST PORT COUNT`.

Kinds: `head` and `body` send theirs a byte at a time until they are answered, `idle` sends half a
head or nothing. Says `here` when all are connected; what became of them, as JSON, when they are
answered, or for `idle` when the input ends.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
from collections import Counter

OPENINGS = {
    "head": b"GET / HTTP/1.1\r\nHost: h\r\nX: ",
    "body": b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n",
    "half": b"GET / HTTP/1.1\r\nHo",
    "silent": b"",
}
PAUSE = 0.2
AT_ONCE = 100

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def raise_limit(count: int) -> None:
    """Let the process have so many connections, and some files."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(count + 500, hard), hard))


async def drip(connection: Connection) -> str:
    """Send a byte now and then until the answer is there; its status."""
    reader, writer = connection
    try:
        while True:
            try:
                answer = await asyncio.wait_for(reader.read(1000), PAUSE)
            except TimeoutError:
                writer.write(b"y")
            else:
                return answer[9:12].decode()
    except ConnectionError:
        return "reset"
    finally:
        writer.close()


async def finish_head(connection: Connection, sent: bytes) -> str:
    """Send the rest of a request at last; the status of its answer."""
    reader, writer = connection
    whole = b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
    writer.write(whole.removeprefix(sent))
    answer = await reader.read()
    writer.close()
    return answer[9:12].decode()


async def main(kind: str, host: str, port: int, count: int) -> None:
    gate = asyncio.Semaphore(AT_ONCE)
    kinds = ("half", "silent") if kind == "idle" else (kind,)

    async def enter(number: int) -> Connection:
        async with gate:
            reader, writer = await asyncio.open_connection(host, port)
        writer.write(OPENINGS[kinds[number % len(kinds)]])
        return reader, writer

    async def speak(number: int, connection: Connection) -> str:
        async with gate:
            return await finish_head(connection, OPENINGS[kinds[number % len(kinds)]])

    everybody = await asyncio.gather(*(enter(number) for number in range(count)))
    print("here", flush=True)
    if kind == "idle":
        await asyncio.to_thread(sys.stdin.read)
        ends = [speak(number, one) for number, one in enumerate(everybody)]
    else:
        ends = [drip(one) for one in everybody]
    print(json.dumps(Counter(await asyncio.gather(*ends))), flush=True)


if __name__ == "__main__":
    raise_limit(int(sys.argv[4]))
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
