"""What systemd hands over: listening sockets by name, address or order; and what it is told."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from abi_engine.core.errors import InvalidConfig
from abi_engine.core.inherited import InheritedSockets, host_and_port
from abi_engine.service.activation import Notifier, inherited_sockets


@pytest.fixture
def opened() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def listener(opened: ExitStack) -> socket.socket:
    return opened.enter_context(socket.create_server(("127.0.0.1", 0)))


def ports(sockets: list[socket.socket], opened: ExitStack) -> list[int]:
    return [host_and_port(opened.enter_context(one))[1] for one in sockets]


def test_a_socket_is_found_by_its_name(opened: ExitStack) -> None:
    gateway, admin = listener(opened), listener(opened)
    sockets = InheritedSockets([("admin", admin), ("gateway", gateway)])
    found = sockets.take("gateway", "127.0.0.1", 1, first=True)
    assert ports(found, opened) == [host_and_port(gateway)[1]]
    assert sockets.left() == (f"127.0.0.1:{host_and_port(admin)[1]} (named 'admin')",)
    assert ports(sockets.take("admin", "h", 1), opened) == [host_and_port(admin)[1]]
    assert sockets.left() == ()


def test_several_of_one_name_all_belong_to_it(opened: ExitStack) -> None:
    both = [listener(opened), listener(opened)]
    sockets = InheritedSockets([("gateway", one) for one in both])
    found = ports(sockets.take("gateway", "h", 1), opened)
    assert found == [host_and_port(one)[1] for one in both]


def test_without_names_the_address_tells_and_then_the_order(opened: ExitStack) -> None:
    first, second = listener(opened), listener(opened)
    sockets = InheritedSockets([("abi.socket", first), ("", second)])
    host, port = host_and_port(second)
    assert ports(sockets.take("admin", host, port), opened) == [port]
    assert ports(sockets.take("gateway", host, port, first=True), opened) == [port]
    assert ports(sockets.take("gateway", host, 1, first=True), opened) == [host_and_port(first)[1]]
    assert sockets.take("admin", host, 1) == []
    assert InheritedSockets().take("gateway", host, port, first=True) == []


def test_it_may_be_taken_again_after_its_listener_has_closed(opened: ExitStack) -> None:
    sockets = InheritedSockets([("gateway", listener(opened))])
    for one in sockets.take("gateway", "h", 1):
        one.close()
    assert len(ports(sockets.take("gateway", "h", 1), opened)) == 1


def variables(count: int, names: str = "", pid: int | None = None) -> dict[str, str]:
    named = {"LISTEN_FDNAMES": names} if names else {}
    return {"LISTEN_FDS": str(count), "LISTEN_PID": str(pid or os.getpid()), **named}


def two_descriptors(opened: ExitStack) -> tuple[int, list[socket.socket]]:
    """Sockets on descriptors that follow each other, as systemd passes them."""
    sockets = [listener(opened), listener(opened)]
    # The numbers are free: they are the highest that were given out a moment ago.
    base = max(os.open("/dev/null", os.O_RDONLY) for _ in range(2)) + 10
    for offset, one in enumerate(sockets):
        os.dup2(one.fileno(), base + offset)
    for number in (base - 10, base - 11):
        os.close(number)
    return base, sockets


def test_the_environment_names_descriptors_and_does_so_no_longer(opened: ExitStack) -> None:
    base, sockets = two_descriptors(opened)
    environ = variables(2, "gateway:admin") | {"HOME": "/"}
    found = inherited_sockets(environ, first=base)
    assert environ == {"HOME": "/"}
    for name, one in zip(("gateway", "admin"), sockets):
        assert ports(found.take(name, "h", 1), opened) == [host_and_port(one)[1]]
    assert not os.get_inheritable(base)
    for _, held in found._named:
        held.close()


@pytest.mark.parametrize(
    "environ", [{}, variables(2, pid=1), {"LISTEN_FDS": "x"}, {"LISTEN_FDS": "2"}]
)
def test_descriptors_for_another_process_are_left_alone(environ: dict[str, str]) -> None:
    assert inherited_sockets(dict(environ), first=10_000).left() == ()


def test_a_descriptor_that_is_no_listening_socket_is_refused(opened: ExitStack) -> None:
    with pytest.raises(InvalidConfig, match=r"descriptor 9999 \(LISTEN_FDNAMES: 'gateway'\)"):
        inherited_sockets(variables(1, "gateway"), first=9999)
    for kind in (socket.socket(), socket.socket(socket.AF_UNIX)):
        with kind:
            with pytest.raises(InvalidConfig, match="does not listen") as caught:
                inherited_sockets(variables(1), first=kind.fileno())
            assert "ListenStream" in caught.value.hint


def test_the_service_manager_is_told(opened: ExitStack, tmp_path: Path) -> None:
    path = tmp_path / "notify"
    ear = opened.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
    ear.bind(str(path))
    environ = {"NOTIFY_SOCKET": str(path)}
    notifier = Notifier.take(environ)
    assert environ == {}
    notifier.ready("serving")
    notifier.reloading()
    notifier.stopping("SIGTERM")
    said = [ear.recv(1000).decode() for _ in range(3)]
    assert said[0] == "READY=1\nSTATUS=serving"
    assert re.fullmatch(r"RELOADING=1\nMONOTONIC_USEC=\d+\nSTATUS=.*", said[1])
    assert said[2] == "STOPPING=1\nSTATUS=stopping: SIGTERM"


def test_an_abstract_name_is_one(opened: ExitStack) -> None:
    name = f"abi-test-{os.getpid()}"
    ear = opened.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
    ear.bind("\0" + name)
    Notifier("@" + name).ready("x")
    assert ear.recv(100) == b"READY=1\nSTATUS=x"


def test_where_nobody_listens_the_service_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    Notifier("").ready("x")
    assert not caplog.records
    Notifier(str(tmp_path / "nobody")).ready("x")
    assert "was not told READY=1" in caplog.text


ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("unit", ["abi.service", "abi.socket"])
def test_what_the_guide_shows_of_a_unit_is_in_the_unit(unit: str) -> None:
    lines = (ROOT / "examples" / "systemd" / unit).read_text().splitlines()
    section = "[Service]" if unit.endswith("service") else "[Socket]"
    guide = (ROOT / "docs" / "operating.md").read_text()
    (block,) = re.findall(rf"```ini\n{re.escape(section)}\n(.*?)```", guide, re.DOTALL)
    assert block.splitlines()
    assert set(block.splitlines()) <= set(lines)
