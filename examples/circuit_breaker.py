"""A circuit breaker: it opens because a real upstream fails, lets a trial through, and closes."""

import time
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Thread

from abi_engine import (
    BreakerSettings,
    Engine,
    EngineConfig,
    GatewayConfig,
    Route,
    ServiceSection,
)


class Upstream(StreamRequestHandler):
    """Answers 200 while it is well, else 500."""

    well = True

    def handle(self) -> None:
        """Read the head of a request, and answer."""
        while self.rfile.readline().strip():
            pass
        status = "200 OK" if Upstream.well else "500 Internal Server Error"
        self.wfile.write(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode())


ThreadingTCPServer.daemon_threads = True
upstream = ThreadingTCPServer(("127.0.0.1", 0), Upstream)
Thread(target=upstream.serve_forever, daemon=True).start()
url = "http://{}:{}".format(*upstream.server_address)

# Without a data directory all of it lives in memory; port 0 takes a free one.
config = EngineConfig(
    sections={
        "gateway": GatewayConfig(
            port=0,
            breaker=BreakerSettings(failure_threshold=3, reset_timeout=2, half_open_max=1),
        ),
        "service": ServiceSection(admin=False),
    }
)
with Engine(config, control=True) as engine:  # served: the gateway listens
    gateway = engine.gateway
    gateway.add_route(Route("/orders", (url,)))

    def ask() -> None:
        """One real request, and how the breaker stands afterwards."""
        answer = gateway.send_test_request("/orders")
        who = "the upstream" if answer.upstream else "the gateway"
        print(f"{answer.status} by {who}, breaker {gateway.breaker_state(url)}")

    ask()
    print("the upstream falls ill")
    Upstream.well = False
    for _ in range(4):
        ask()
    print("it recovers, and after two seconds a trial may try")
    Upstream.well = True
    while gateway.breaker_state(url) == "open":
        time.sleep(0.05)
    ask()

    print("what happened, oldest first:")
    for event in reversed(engine.events.latest(source="gateway")):
        if event.subject == url:
            print(f"  {event.message.removeprefix(f'breaker {url} ')}")

upstream.shutdown()
upstream.server_close()
