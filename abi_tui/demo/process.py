"""The process behind the demo: `python -m abi_tui.demo.process SEED`.

It starts upstreams, an engine of its own in front of them, and traffic; says on stdout where
everything is; then answers each line of stdin with its status. Refuses to outlive whoever holds the
other end of its stdin: at the end of file it stops all of it and removes the demo's directory.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import suppress
from enum import StrEnum
from typing import BinaryIO

import msgspec
import uvloop

from abi_engine import AbiError, SystemClock
from abi_engine.core.errors import WireError
from abi_tui.demo.engine import DemoEngine
from abi_tui.demo.scenery import Scenery, until_one_ends
from abi_tui.demo.steering import DemoStatus

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Order(StrEnum):
    """What the parent asks."""

    LOOK = "look"  # tell the status
    SETTLE = "settle"  # send nothing more, wait for what is in flight, then tell


class Opened(msgspec.Struct, frozen=True, tag="opened"):
    """Everything runs.

    Attributes:
        socket: the engine's control socket.
        gateway: `http://host:port`.
        directory: what is removed at the end.
    """

    socket: str
    gateway: str
    directory: str


class NotOpened(msgspec.Struct, frozen=True, tag="not_opened"):
    """It does not, and why."""

    error: WireError


class Told(msgspec.Struct, frozen=True, tag="told"):
    """The answer to an order."""

    status: DemoStatus


Answer = Opened | NotOpened | Told


async def play(seed: int, orders: BinaryIO, answers: BinaryIO) -> None:
    """Run the demo until `orders` ends, or a signal says so."""
    scenery = Scenery(seed, SystemClock())
    engine: DemoEngine | None = None
    try:
        lines = await _reader(orders)
        urls = await scenery.start()
        engine = await asyncio.to_thread(DemoEngine.start, urls, os.environ, SystemClock())
        gateway = await asyncio.to_thread(engine.gateway)
        scenery.begin(gateway)
        _say(answers, Opened(engine.socket, gateway, str(engine.directory)))
        await until_one_ends(scenery.play(), _obey(scenery, lines, answers))
    except AbiError as error:
        _say(answers, NotOpened(error.to_wire()))
    finally:
        await scenery.stop_traffic()
        if engine is not None:
            await asyncio.to_thread(engine.close)
        await scenery.close()


async def _obey(scenery: Scenery, lines: asyncio.StreamReader, answers: BinaryIO) -> None:
    while line := await lines.readline():
        if Order(line.decode("ascii").strip()) is Order.SETTLE:
            await scenery.settle()
        _say(answers, Told(scenery.status()))


async def _reader(orders: BinaryIO) -> asyncio.StreamReader:
    """The orders as a stream, which also ends when a signal says so."""
    lines = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    pipe, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), orders)
    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, pipe.close)
    return lines


def _say(answers: BinaryIO, answer: Answer) -> None:
    with suppress(BrokenPipeError):  # whoever asked is gone; the end of the orders follows
        answers.write(msgspec.json.encode(answer) + b"\n")
        answers.flush()


def main() -> None:
    """Run until the other end of stdin is closed."""
    uvloop.run(play(int(sys.argv[1]), sys.stdin.buffer, sys.stdout.buffer))


if __name__ == "__main__":
    main()
