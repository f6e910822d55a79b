"""The gateway: routes, limits, and a real request through the proxy to a real upstream."""

from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Thread
from urllib.request import urlopen

from abi_engine import Engine, EngineConfig, GatewayConfig, Route, RouteLimit, ServiceSection


class Upstream(StreamRequestHandler):
    """Says hello to whoever asks over HTTP."""

    def handle(self) -> None:
        """Read the head of a request, and answer."""
        request = self.rfile.readline().decode()
        while self.rfile.readline().strip():
            pass
        body = f"hello, you asked for {request.split()[1]}".encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        self.wfile.write(head.encode() + body)


ThreadingTCPServer.daemon_threads = True
upstream = ThreadingTCPServer(("127.0.0.1", 0), Upstream)
Thread(target=upstream.serve_forever, daemon=True).start()
url = "http://{}:{}".format(*upstream.server_address)

# Without a data directory all of it lives in memory; port 0 takes a free one.
config = EngineConfig(
    sections={"gateway": GatewayConfig(port=0), "service": ServiceSection(admin=False)}
)
with Engine(config, control=True) as engine:  # served: the gateway listens
    gateway = engine.gateway
    gateway.add_route(Route("/users/{id}", (url,)))
    gateway.add_route(Route("/search", (url,), limit=RouteLimit(rate=1, burst=3)))

    # The library plane answers without any network.
    match = gateway.match_route("/users/42")
    assert match is not None
    print(f"/users/42 takes {match.route.path} with {match.params}")
    for _ in range(4):
        decision = gateway.check_rate_limit("/search", "192.0.2.7")
        print(f"/search for 192.0.2.7: allowed {decision.allowed}, {decision.remaining} left")

    # The data plane is a proxy: any HTTP client will do.
    listening = gateway.report().listening
    with urlopen(f"{listening}/users/42?full=yes") as answer:
        print(f"through {listening.rsplit(':', 1)[0]}: {answer.status} {answer.read().decode()}")

    # The gateway can try a route itself, and tells who answered.
    tried = gateway.send_test_request("/users/43")
    print(f"test request: {tried.status} by {tried.match}, upstream {tried.upstream == url}")

    for row in gateway.route_stats(filter="users").rows:
        traffic = row.traffic
        print(f"{row.path}: {traffic.requests_total} requests, p50 {traffic.latency.p50_ms:.1f} ms")

upstream.shutdown()
upstream.server_close()
