"""The hop: real proxies in processes of their own. Nothing here is timed."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from abi_engine.benches.case import Workbench
from abi_engine.benches.catalogue import find_program
from abi_engine.benches.hop.case import HOP, requests_in, side_of
from abi_engine.benches.hop.child import Child, free_port, program, python
from abi_engine.benches.hop.nginx import nginx
from abi_engine.benches.hop.upstream import BODY
from abi_engine.core.errors import Unavailable

(CASE,) = HOP
PATH = "/some/path?q=1"


@pytest.mark.parametrize("module", ["ours", "aiohttp_proxy"])
def test_each_proxy_hands_on_what_the_upstream_says(module: str, tmp_path: Path) -> None:
    with python("upstream") as upstream:
        arguments = (str(tmp_path),) if module == "ours" else ()
        assert upstream.get(PATH) == (200, BODY)
        with python(module, upstream.url, *arguments) as proxy:
            assert proxy.get(PATH) == (200, BODY)
            assert proxy.cpu() > 0.0


def test_nginx_does_it_as_well_where_it_is_installed(tmp_path: Path) -> None:
    found = find_program("nginx")
    if found is None:
        return  # then the case names it as missing: that has a test of its own
    with python("upstream") as upstream, nginx(found, upstream, tmp_path) as proxy:
        assert proxy.get(PATH) == (200, BODY)
    assert "/some/path" in (tmp_path / "access.log").read_text()


def test_the_time_of_a_request_is_the_cpu_time_of_the_process_shared_by_all_requests() -> None:
    class Busy(Child):
        def __init__(self) -> None:
            self.seconds = iter([10.0, 12.0])

        def cpu(self) -> float:
            return next(self.seconds)

    assert side_of("x", Busy(), lambda child: 4).measure() == 0.5


def test_without_wrk_the_case_says_what_brings_it() -> None:
    with pytest.raises(Exception, match="wrk is missing: apt-get install wrk"):  # noqa: SIM117
        with CASE.open(Workbench(True, lambda: 0.0, lambda _: None)):
            pass


def test_what_wrk_says_is_read() -> None:
    said = "  2 threads and 10 connections\n  1234 requests in 2.00s, 1.2MB read\nRequests/sec: 5\n"
    assert requests_in(said) == 1234
    for bad in (
        "",
        "0 requests in 2.00s",
        said + "  Non-2xx or 3xx responses: 5\n",
        said + "  Socket errors: connect 3\n",
    ):
        with pytest.raises(Unavailable):
            requests_in(bad)


def test_a_child_that_does_not_start_says_why() -> None:
    with pytest.raises(Unavailable, match="ours did not start"), python("ours"):
        pass
    with pytest.raises(Unavailable, match="No module named"), python("no_such_module"):
        pass
    false = shutil.which("false")
    assert false is not None
    with pytest.raises(Unavailable, match="ended at once"), program([false], free_port()):
        pass


def test_a_child_that_lacks_a_library_says_which(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = tmp_path / "python"
    last_words = "ModuleNotFoundError: No module named 'aiohttp'"
    bare.write_text(f'#!/bin/sh\necho "{last_words}" >&2\nexit 1\n')
    bare.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(bare))
    with pytest.raises(ModuleNotFoundError) as raised, python("aiohttp_proxy", "http://x"):
        pass
    assert raised.value.name == "aiohttp"
