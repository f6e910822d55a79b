from __future__ import annotations

import asyncio
import hashlib
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from io import BytesIO
from pathlib import Path
from random import Random

import aiohttp
import httpx2
import pytest

from tests.engine.features.gateway.proxy.stage import Stage
from tests.engine.features.gateway.proxy.upstream import Visit, echoing, fields_of
from tests.scale import scaled

BODY = Random(7).randbytes(scaled(3_000_000, 100_000_000))
DIGEST = hashlib.blake2b(BODY).hexdigest()


def url(stage: Stage, target: str = "/") -> str:
    assert stage.proxy.address is not None
    return f"http://127.0.0.1:{stage.proxy.address[1]}{target}"


def endless(visit: Visit) -> None:
    """Answers with the body of the request, and ends it with the connection."""
    body = visit.read_body(visit.read_head())
    visit.send(b"HTTP/1.1 200 OK\r\n\r\n" + body)


def pieces() -> Iterator[bytes]:
    for start in range(0, len(BODY), 100_001):
        yield BODY[start : start + 100_001]


async def pieces_later() -> AsyncIterator[bytes]:
    for piece in pieces():
        yield piece


@pytest.fixture
def curl() -> str:
    path = shutil.which("curl")
    assert path, "apt-get install curl"
    return path


@pytest.mark.parametrize("script", [echoing, endless])
@pytest.mark.parametrize(
    "options",
    [[], ["--http1.0"], ["-H", "Transfer-Encoding: chunked"], ["-H", "Expect: 100-continue"]],
    ids=["length", "1.0", "chunked", "expect"],
)
def test_curl_gets_back_what_it_sends(
    stage: Stage, curl: str, tmp_path: Path, script: object, options: list[str]
) -> None:
    stage.serve(script)
    sent, got = tmp_path / "sent", tmp_path / "got"
    sent.write_bytes(BODY)
    command = [curl, "-sS", "--fail", "--max-time", "60", "-o", str(got), *options]
    command += ["-X", "POST", "--data-binary", f"@{sent}", url(stage, "/up?x=1")]
    done = subprocess.run(command, capture_output=True, timeout=90, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert hashlib.blake2b(got.read_bytes()).hexdigest() == DIGEST


def test_curl_reuses_its_connection_and_sees_errors(stage: Stage, curl: str) -> None:
    upstream = stage.serve(echoing)
    command = [curl, "-sS", "--max-time", "20", "-w", "%{http_code} %{num_connects}\n"]
    for target in ("/a", "/b", "/a/../c"):
        command += ["-o", "/dev/null", url(stage, target)]
    done = subprocess.run(command, capture_output=True, timeout=30, check=True)
    assert done.stdout == b"200 1\n200 0\n200 0\n"
    assert [head.split()[1] for head in upstream.heads] == [b"/a", b"/b", b"/c"]
    stage.admitter.closed_to_attempts = True
    done = subprocess.run(
        [curl, "-sS", "-I", url(stage)], capture_output=True, timeout=30, check=True
    )
    assert done.stdout.startswith(b"HTTP/1.1 503 ")


def test_curl_sees_that_an_answer_was_cut_short(stage: Stage, curl: str) -> None:
    def script(visit: Visit) -> None:
        visit.read_head()
        visit.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nsome\r\n")

    stage.serve(script)
    for option in ("--http1.1", "--http1.0"):
        command = [curl, "-sS", "--max-time", "20", option, url(stage)]
        done = subprocess.run(command, capture_output=True, timeout=30, check=False)
        assert done.returncode in (18, 56)  # partial file, failure in receiving


@pytest.mark.parametrize("script", [echoing, endless])
def test_httpx2_gets_back_what_it_sends(stage: Stage, script: object) -> None:
    upstream = stage.serve(script)
    with httpx2.Client(base_url=url(stage), timeout=60) as client:
        for content in (BODY, pieces()):
            answer = client.post("up", content=content, headers={"X-Mine": "1"})
            assert hashlib.blake2b(answer.content).hexdigest() == DIGEST
        assert client.head("up").status_code == 200
        assert client.get("nothing").content == b""
    assert all(fields_of(head)[b"accept-encoding"] for head in upstream.heads)


@pytest.mark.parametrize("script", [echoing, endless])
def test_aiohttp_gets_back_what_it_sends(stage: Stage, script: object) -> None:
    async def main() -> None:
        timeout = aiohttp.ClientTimeout(60)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            for data in (BytesIO(BODY), pieces_later(), b"", b"x"):
                expected = data if isinstance(data, bytes) else BODY
                async with session.post(url(stage, "/up"), data=data) as answer:
                    assert answer.status == 200
                    assert await answer.read() == expected

    stage.serve(script)
    asyncio.run(main())


def test_many_requests_at_once_get_each_its_own_answer(stage: Stage) -> None:
    def script(visit: Visit) -> None:
        while head := visit.read_head():
            target = head.split()[1]
            visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(target), target))

    async def main() -> None:
        connector = aiohttp.TCPConnector(limit=50)
        async with aiohttp.ClientSession(connector=connector) as session:

            async def ask(number: int) -> None:
                async with session.get(url(stage, f"/{number}")) as answer:
                    assert await answer.text() == f"/{number}"

            await asyncio.gather(*(ask(number) for number in range(scaled(500, 20_000))))

    upstream = stage.serve(script)
    asyncio.run(main())
    assert upstream.visits <= 50
