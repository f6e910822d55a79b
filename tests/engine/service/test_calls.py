"""Calls through the control socket: the same as in Python, from any thread, whoever else calls."""

from __future__ import annotations

import inspect
import threading
from typing import Any

import pytest

from abi_engine.core.errors import (
    FeatureDisabled,
    FeaturePlanned,
    InternalError,
    InvalidArguments,
    NotFound,
    TimedOut,
)
from abi_engine.service.client import Client
from abi_engine.service.frames import MAX_FRAME, FrameTooLarge
from abi_engine.service.server import Server
from tests.engine.service.conftest import CATALOGUE, TICKER, InThread
from tests.engine.service.ticker.api import TickerApi, TickerTaken


def test_a_call_gives_what_it_gives_in_python(client: Any, ticker: Any) -> None:
    assert client.ticker.echo("ab", times=3) == ticker.echo("ab", times=3) == "ababab"
    assert client.system.status().pid == client.check().pid


def test_calls_one_after_another_use_one_connection(client: Any, server: Server) -> None:
    for number in range(20):
        assert client.ticker.count() == number + 1
    assert server.clients == 1


def test_a_slow_call_keeps_no_other_waiting(client: Any, ticker: Any) -> None:
    slow = [InThread(lambda n=n: client.ticker.wait(str(n))) for n in range(10)]
    ticker.await_waiting(*map(str, range(10)))
    assert client.ticker.echo("quick") == "quick"
    for number in range(10):
        ticker.release(str(number))
    assert [one.result() for one in slow] == [str(number) for number in range(10)]


def test_many_threads_share_a_client_and_get_their_own_answers(client: Any) -> None:
    def work(number: int) -> bool:
        return all(client.ticker.echo(f"{number}.{n}") == f"{number}.{n}" for n in range(50))

    assert all(one.result() for one in [InThread(lambda n=n: work(n)) for n in range(16)])


def test_a_hundred_clients_at_once_are_all_answered(server: Server, ticker: Any) -> None:
    def work() -> int:
        with Client(server.path, timeout=60.0, catalogue=CATALOGUE) as client:
            return int(client.ticker.count())

    numbers = [one.result(60) for one in [InThread(work) for _ in range(100)]]
    assert len(numbers) == 100
    assert ticker.echo("alive") == "alive"


def test_an_error_comes_back_as_the_class_it_was_with_its_values(client: Any) -> None:
    with pytest.raises(TickerTaken) as caught:
        client.ticker.fail("ours")
    assert caught.value.details == {"seat": 3, "row": "b", "price": 1.5}
    assert (str(caught.value), caught.value.hint) == ("seat 3 is taken", "take another")


def test_a_defect_is_an_internal_error_and_the_log_has_its_traceback(
    client: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(InternalError, match=r"ticker\.fail: ZeroDivisionError: defect"):
        client.ticker.fail("defect")
    assert "Traceback" in caplog.text
    assert client.ticker.echo("still good") == "still good"


def test_an_error_that_cannot_be_sent_is_told_all_the_same(
    client: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(InternalError, match="ticker_taken"):
        client.ticker.fail("unsendable")
    assert client.ticker.echo("still good") == "still good"


@pytest.mark.parametrize(
    ("call", "word"),
    [
        (lambda ticker: ticker.echo(3), "text"),
        (lambda ticker: ticker.echo("a", times=0), "times"),
        (lambda ticker: ticker.echo("a", times=1.5), "times"),
        (lambda ticker: ticker.blob("many"), "size"),
        (lambda ticker: ticker.echo("\ud800"), "echo"),
        (lambda ticker: ticker.echo(object()), "echo"),
        (lambda ticker: ticker.blob(1 << 80), "blob"),
    ],
)
def test_a_bad_argument_is_refused_by_name(client: Any, call: Any, word: str) -> None:
    with pytest.raises(InvalidArguments, match=word) as caught:
        call(client.ticker)
    assert type(caught.value) is InvalidArguments
    assert client.ticker.echo("still good") == "still good"


def test_a_missing_argument_is_a_type_error_as_in_python(client: Any, ticker: Any) -> None:
    for feature in (client.ticker, ticker):
        with pytest.raises(TypeError):
            feature.echo()
        with pytest.raises(TypeError):
            feature.echo("a", 3)  # `times` is by keyword only


def test_a_result_that_is_too_large_is_said_and_the_connection_stays_good(
    client: Any, server: Server
) -> None:
    with pytest.raises(FrameTooLarge, match=r"ticker\.blob") as caught:
        client.ticker.blob(MAX_FRAME)
    assert "stream" in caught.value.hint
    assert len(client.ticker.blob(MAX_FRAME - 100)) == MAX_FRAME - 100
    assert server.clients == 1


def test_an_argument_that_is_too_large_is_refused_before_it_is_sent(
    client: Any, server: Server
) -> None:
    with pytest.raises(FrameTooLarge):
        client.ticker.echo("x" * MAX_FRAME)
    assert server.clients == 0


def test_a_feature_that_is_switched_off_while_clients_are_there_names_its_flag(
    client: Any, engine: Any
) -> None:
    assert client.ticker.count() == 1
    client.system.set_feature("ticker", False)
    with pytest.raises(FeatureDisabled) as caught:
        client.ticker.count()
    assert caught.value.details["flag"] == TICKER.flag
    client.system.set_feature("ticker", True)
    assert client.ticker.count() == 1  # a new one


def test_a_name_that_is_no_operation_cannot_be_called(client: Any, server: Server) -> None:
    for feature, member in (("ticker", "release"), ("ticker", "_finish"), ("nothing", "x")):
        lookalike = TICKER._replace(name=feature)
        other = Client(server.path, catalogue=(lookalike,))
        op = next(op for op in _operations() if op.name == "echo")
        with other, pytest.raises(NotFound, match=f"{feature}.{member}"):
            other._perform(feature, op._replace(name=member), op.arguments("x"))
    op = next(op for op in _operations() if op.name == "count")
    with pytest.raises(FeaturePlanned):
        client._perform("later", op, op.arguments())


def test_an_attribute_that_is_no_feature_is_an_attribute_error(client: Any) -> None:
    with pytest.raises(AttributeError, match="tickr"):
        client.tickr  # noqa: B018 - the reading is the test
    with pytest.raises(AttributeError):
        client.ticker.release  # noqa: B018 - Python-only


def test_a_call_that_takes_longer_than_the_clients_timeout_ends_its_connection(
    server: Server, ticker: Any
) -> None:
    with Client(server.path, timeout=0.2, catalogue=CATALOGUE) as client:
        with pytest.raises(TimedOut, match=r"0\.2 s"):
            client.ticker.wait("long")
        assert client.ticker.echo("next") == "next"  # and not the answer of the call before
        ticker.release("long")


def test_a_clients_method_shows_the_signature_and_the_words_of_the_contract(client: Any) -> None:
    assert inspect.signature(client.ticker.echo) == inspect.signature(TickerApi.echo).replace(
        parameters=list(inspect.signature(TickerApi.echo).parameters.values())[1:]
    )
    assert inspect.getdoc(client.ticker.echo) == inspect.getdoc(TickerApi.echo)


def test_a_closed_client_keeps_no_connection(client: Any, server: Server) -> None:
    client.ticker.count()
    client.close()
    assert client.ticker.count() == 2  # it may still be used; nothing is kept
    assert client._idle == []


def _operations() -> tuple[Any, ...]:
    from abi_engine.core.operation import operations

    return operations(TickerApi)


def test_threads_of_clients_end_with_them(client: Any, server: Server) -> None:
    client.ticker.count()
    client.close()
    server.stop(10.0)
    assert not [t for t in threading.enumerate() if t.name in ("abi-client", "abi-accept")]
