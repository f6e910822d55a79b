"""The process that serves an engine: starts it, waits for the word to stop, drains, ends.

What ends it: `system.stop` from a client, SIGTERM, SIGINT, and the end of the pipe that its owner
holds; a second signal ends it at once. SIGHUP has it read its configuration again, unless the
terminal it was started from went away: then it drains. Refuses to be run in a thread.
"""

from __future__ import annotations

import argparse
import logging
import os
import resource
import sys
import time
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from contextlib import ExitStack
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

import msgspec

from abi_engine.config import EngineConfig, load
from abi_engine.core.errors import AbiError, DataDirectoryError, EngineBusy
from abi_engine.core.feature import State
from abi_engine.engine import Engine
from abi_engine.runtime.logs import JsonFormatter
from abi_engine.runtime.unraised import Unraised
from abi_engine.service.activation import Notifier, inherited_sockets
from abi_engine.service.connect import joined
from abi_engine.service.descriptors import raise_descriptor_limit
from abi_engine.service.inbox import Inbox
from abi_engine.service.launch import Handed, Launched, Ready, detach
from abi_engine.service.reload import Loader, reload
from abi_engine.service.terminal import Terminal
from abi_engine.service.words import Word, Words
from abi_engine.system import ReloadReport

__all__ = ["Launched", "Ready", "detach", "serve"]

LOG_NAME = "engine.log"
LOG_SIZE = 8 << 20
ORPHAN_POLL_S = 0.2
RETRY = 0.05
JOIN_TIMEOUT = 5.0
FAILED = 1
HURRIED = 130

logger = logging.getLogger("abi_engine.service")


def serve(
    config: EngineConfig,
    *,
    strict: bool = True,
    read: Loader | None = None,
    on_ready: Callable[[Ready], None] = lambda _: None,
    environ: MutableMapping[str, str] | None = None,
    leave: Callable[[int], Any] = os._exit,
) -> int:
    """Serve an engine in this process until it is told to stop; from the main thread only.

    Args:
        config: of the engine.
        strict: whether an address in use fails the start; if not, it is said and the rest runs.
        read: gives the configuration anew, for a reload; None where there is none to read.
        on_ready: called once it listens.
        environ: names what the starting process handed over (see `detach` and `activation`),
            which is taken out of it; None means this process's.
        leave: ends the process at a second signal.

    Returns:
        0 when it stopped in order, else 1.

    Raises:
        AbiError: what kept the engine from starting.
    """
    environ = os.environ if environ is None else environ
    handed = Handed.take(environ)
    notifier = Notifier.take(environ)
    terminal = Terminal()
    with Words() as words, ExitStack() as stack:
        try:
            engine = _begun(config, strict, environ, _reloader(read, notifier), stack)
            _open_log(config, stack, detached=handed.detached)
        except AbiError as error:
            handed.failed(error)
            raise
        _tell_begun(engine)
        ready = Ready(os.getpid(), engine.socket, engine.admin, engine.trouble)
        handed.ready(ready)
        notifier.ready("serving")
        on_ready(ready)
        return _until_stopped(engine, Inbox(engine, words, terminal), notifier, handed.owner, leave)


def _reloader(read: Loader | None, notifier: Notifier) -> Callable[[Engine], ReloadReport] | None:
    if read is None:
        return None

    def reload_and_tell(engine: Engine) -> ReloadReport:
        notifier.reloading()
        try:
            return reload(engine, read)
        finally:
            notifier.ready("serving")

    return reload_and_tell


def _begun(
    config: EngineConfig,
    strict: bool,
    environ: MutableMapping[str, str],
    reloader: Callable[[Engine], ReloadReport] | None,
    stack: ExitStack,
) -> Engine:
    """An engine that runs in a process made ready for it; the stack undoes both."""
    _set_level(config, stack)
    raise_descriptor_limit()
    _catch_unraised(stack)
    engine = _started(config, strict, environ, reloader)
    stack.callback(engine.stop, 0.0)  # whatever happens; does nothing in one that stopped
    return engine


def _tell_begun(engine: Engine) -> None:
    logger.info("listening on %s", engine.socket)
    logger.info("%d files may be open at once", resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    for socket in engine.sockets.left():
        logger.warning("nobody listens on the socket %s that was handed over", socket)


def _started(
    config: EngineConfig,
    strict: bool,
    environ: MutableMapping[str, str],
    reloader: Callable[[Engine], ReloadReport] | None,
) -> Engine:
    """An engine that runs; where another is served there already, that is said at once."""
    deadline = time.monotonic() + config.engine.lock_timeout
    sockets = inherited_sockets(environ)
    while True:
        engine = Engine(config, control=True, strict=strict, sockets=sockets, reloader=reloader)
        try:
            engine.start(lock_timeout=0.0)
        except EngineBusy:
            _refuse_to_be_second(config, environ)
            if time.monotonic() >= deadline:
                raise
        else:
            return engine
        time.sleep(RETRY)


def _refuse_to_be_second(config: EngineConfig, environ: Mapping[str, str]) -> None:
    other = None if config.data_dir is None else joined(config.data_dir, environ, JOIN_TIMEOUT)
    if other is not None:
        with other:
            pid = other.check().pid
        raise EngineBusy(
            f"{config.data_dir}: served by process {pid} already",
            hint="abi status shows it; abi stop stops it",
            pid=pid,
        )


def _until_stopped(
    engine: Engine,
    words: Inbox,
    notifier: Notifier,
    owner: int | None,
    leave: Callable[[int], Any],
) -> int:
    words.say_when(engine.stop_asked.wait, Word.ASKED)
    word = words.wait(owner)
    if word is Word.OWNER_GONE:
        word = _orphaned(engine, words)
    logger.info("stopping: %s", _CAUSES[word])
    notifier.stopping(_CAUSES[word])
    asked = word is Word.ASKED
    deadline = engine.stop_deadline if asked else engine.config.engine.stop_timeout
    words.say_when(lambda: engine.stop(deadline), Word.DONE)
    while (word := words.wait()) is not Word.DONE:
        if word.by_signal and word is not Word.HANGUP:  # a dying terminal may send several
            logger.warning("stopping at once: a second signal")
            logging.shutdown()
            leave(HURRIED)
            return HURRIED
    logger.info("stopped")
    return 0 if engine.state is State.STOPPED else FAILED


def _orphaned(engine: Engine, words: Inbox) -> Word:
    """The owner is gone: wait until nobody else uses the engine."""
    logger.info("the owner has ended; waiting for %d other clients", engine.clients)
    while engine.clients:
        word = words.wait(timeout=ORPHAN_POLL_S)
        if word is not Word.NOTHING:
            return word
    return Word.OWNER_GONE


_CAUSES = {
    Word.ASKED: "a client asked for it",
    Word.TERMINATE: "SIGTERM",
    Word.INTERRUPT: "SIGINT",
    Word.HANGUP: "the terminal went away",
    Word.OWNER_GONE: "the owner has ended",
}


def _set_level(config: EngineConfig, stack: ExitStack) -> None:
    ours = logging.getLogger("abi_engine")
    stack.callback(ours.setLevel, ours.level)
    ours.setLevel(config.engine.log_level.upper())


def _catch_unraised(stack: ExitStack) -> None:
    stack.callback(setattr, sys, "unraisablehook", sys.unraisablehook)
    sys.unraisablehook = Unraised(logger)


def _open_log(config: EngineConfig, stack: ExitStack, *, detached: bool) -> None:
    """Write the log into the data directory, and what a detached process says otherwise too."""
    root = logging.getLogger()
    handler = None if config.data_dir is None else _file_handler(config.data_dir / LOG_NAME)
    if handler is not None:
        stack.callback(handler.close)
        stack.callback(root.removeHandler, handler)
        root.addHandler(handler)
    if detached:
        _redirect(handler)


def _file_handler(path: Path) -> RotatingFileHandler:
    try:
        handler = RotatingFileHandler(path, maxBytes=LOG_SIZE, backupCount=1, encoding="ascii")
        path.chmod(0o600)
    except OSError as error:
        raise DataDirectoryError(
            f"cannot write {path}: {error.strerror}", hint="make it writable for this user"
        ) from error
    handler.setFormatter(JsonFormatter())
    return handler


def _redirect(handler: RotatingFileHandler | None) -> None:
    sys.stderr.flush()
    with Path(os.devnull if handler is None else handler.baseFilename).open("ab") as target:
        os.dup2(target.fileno(), 1)
        os.dup2(target.fileno(), 2)


def main(arguments: Sequence[str] | None = None) -> int:
    """`python -m abi_engine.service.serve`: the same without the command line's package."""
    parser = argparse.ArgumentParser(prog="abi-engine", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--config", metavar="FILE")
    parser.add_argument("--data-dir", metavar="DIR")
    parser.add_argument("--set", metavar="KEY=VALUE", action="append", default=[])
    parser.add_argument("--lenient", action="store_true", help="say addresses in use, run on")
    parser.add_argument("--ignore", metavar="SECTION", action="append", default=["dashboard"])
    found = parser.parse_args(arguments)
    try:
        return serve(_config(found), strict=not found.lenient, read=lambda: _config(found))
    except AbiError as error:
        hint = f" ({error.hint})" if error.hint else ""
        sys.stderr.write(f"abi-engine: error: {error}{hint}\n")
        return 1


class _Ignored(msgspec.Struct, frozen=True):
    """A section that another program reads."""


def _config(found: argparse.Namespace) -> EngineConfig:
    others = tuple(f"ABI_{section.upper()}__" for section in found.ignore)
    return load(
        found.config,
        environ={name: text for name, text in os.environ.items() if not name.startswith(others)},
        flags=dict(pair.partition("=")[::2] for pair in found.set),
        data_dir=found.data_dir,
        sections=dict.fromkeys(found.ignore, _Ignored),
    )


if __name__ == "__main__":
    sys.exit(main())
