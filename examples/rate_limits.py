"""Four ways to keep clients in bounds: by address, by a header, by API key, and by turns."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http.client import HTTPConnection
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Barrier, Event, Lock, Thread

from abi_engine import Engine, EngineConfig, GatewayConfig, Route, RouteLimit, ServiceSection
from abi_engine.features.gateway.api import Concurrency, LimitBy, RouteAuth

SLOW = Event()
working: set[int] = set()
most = [0]
lock = Lock()


class Upstream(StreamRequestHandler):
    """Answers at once; for `/reports` it waits, and counts how many do so together."""

    def handle(self) -> None:
        """Read the head of a request, and answer."""
        request = self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        if b"/reports" in request:
            with lock:
                working.add(id(self))
                most[0] = max(most[0], len(working))
            SLOW.wait(10)
            with lock:
                working.discard(id(self))
        with suppress(OSError):
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")


class Server(ThreadingTCPServer):
    """Takes many connections at once."""

    daemon_threads = True
    request_queue_size = 64


def ask(path: str, **headers: str) -> str:
    """The status of an answer, with when to come back where it says so."""
    connection = HTTPConnection(*address, timeout=10)
    try:
        connection.request("GET", path, headers={"X-" + name: headers[name] for name in headers})
        answer = connection.getresponse()
        answer.read()
        after = answer.getheader("Retry-After")
        return f"{answer.status} (again in {after} s)" if after else str(answer.status)
    finally:
        connection.close()


def tell(what: str, answers: list[str]) -> None:
    """Print a line of answers."""
    print(f"{what:15}", *answers, sep="  ")


upstream = Server(("127.0.0.1", 0), Upstream)
Thread(target=upstream.serve_forever, daemon=True).start()
url = "http://{}:{}".format(*upstream.server_address)

config = EngineConfig(
    sections={"gateway": GatewayConfig(port=0), "service": ServiceSection(admin=False)}
)
with Engine(config, control=True) as engine:
    gateway = engine.gateway
    host, _, port = gateway.report().listening.removeprefix("http://").rpartition(":")
    address = host, int(port)

    # One request every ten seconds, two at once: counted for each client address.
    gateway.add_route(Route("/by-address", (url,), limit=RouteLimit(rate=0.1, burst=2)))
    tell("by address", [ask("/by-address") for _ in range(3)])

    # For each value of a header: whoever shares an address has an allowance of its own.
    by_user = RouteLimit(rate=0.1, burst=2, by=LimitBy.HEADER, header="X-User")
    gateway.add_route(Route("/by-header", (url,), limit=by_user))
    for user in ("ada", "bob"):
        tell(f"by header, {user}", [ask("/by-header", User=user) for _ in range(3)])

    # For each API key; without one there is no way in, and guesses count by address.
    by_key = RouteLimit(rate=0.1, burst=2, by=LimitBy.KEY)
    gateway.add_route(Route("/by-key", (url,), limit=by_key, auth=RouteAuth()))
    for name in ("ci", "app"):
        key = gateway.add_api_key(name).key
        tell(f"by key, {name}", [ask("/by-key", **{"API-Key": key}) for _ in range(3)])
    tell("guesses", [ask("/by-key", **{"API-Key": "guess"}) for _ in range(3)])
    for stats in gateway.api_keys():
        print(f"the key {stats.name} came with {stats.requests_total} requests")

    # Two at once, three wait their turn, and the rest is told to come back.
    turns = Concurrency(limit=2, queue=3, queue_timeout=10.0)
    gateway.add_route(Route("/reports", (url,), limit=None, concurrency=turns))
    together = Barrier(8)

    def report(_: int) -> str:
        """Ask with all the others."""
        together.wait(10)
        return ask("/reports")

    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(report, number) for number in range(8)]
        while (
            sum(one.done() for one in asked) < 3
            or gateway.route_detail("/reports").stats.queued < 3
            or len(working) < 2
        ):
            Event().wait(0.01)
        print("3 wait, 2 are worked on, 3 were refused")
        SLOW.set()
    tell("in turn", sorted(one.result() for one in asked))
    print(f"at once: never more than {most[0]}")

upstream.shutdown()
upstream.server_close()
