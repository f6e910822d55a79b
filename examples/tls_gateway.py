"""TLS towards clients: two names on one port, and a certificate replaced while it serves."""

import json
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
from http.client import HTTPConnection
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Thread

if shutil.which("openssl") is None:
    sys.exit("this example makes its own certificates: install the command openssl")

CONFIG = """
[gateway]
port = 0

[[gateway.tls.certificates]]        # the first is for clients that name no server
certificate = "{folder}/shop.test.pem"
key = "{folder}/shop.test.key"

[[gateway.tls.certificates]]
certificate = "{folder}/api.test.pem"
key = "{folder}/api.test.key"

[[gateway.routes]]
path = "/*"
upstreams = ["{upstream}"]
"""


class Upstream(StreamRequestHandler):
    """Tells how the client came to the gateway."""

    def handle(self) -> None:
        """Read the head of a request, and answer."""
        fields = {}
        while line := self.rfile.readline().decode().strip():
            name, _, value = line.partition(": ")
            fields[name] = value
        body = f"hello, you came by {fields['X-Forwarded-Proto']}".encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        self.wfile.write(head.encode() + body)


def make_certificate(folder: Path, name: str) -> None:
    """A self-signed certificate; a real one comes from an authority."""
    files = ["-keyout", str(folder / f"{name}.key"), "-out", str(folder / f"{name}.pem")]
    names = ["-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}"]
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    subprocess.run(["openssl", "req", "-x509", *curve, *names, *files], check=True,
                   capture_output=True)  # fmt: skip


def ask(port: int, folder: Path, name: str) -> tuple[str, str]:
    """The answer to a client that trusts one certificate, and the number of what it was shown."""
    context = ssl.create_default_context(cafile=str(folder / f"{name}.pem"))
    plain = socket.create_connection(("127.0.0.1", port), 10)
    with context.wrap_socket(plain, server_hostname=name) as secure:
        connection = HTTPConnection(name)
        connection.sock = secure
        connection.request("GET", "/")
        answer = connection.getresponse().read().decode()
        return answer, str((secure.getpeercert() or {})["serialNumber"])


def abi(folder: Path, *words: str) -> dict[str, object]:
    """What a command of `abi` answers."""
    command = [sys.executable, "-m", "abi_tui.cli", *words, "--data-dir", str(folder), "--json"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return dict(json.loads(done.stdout)["data"])


ThreadingTCPServer.daemon_threads = True
upstream = ThreadingTCPServer(("127.0.0.1", 0), Upstream)
Thread(target=upstream.serve_forever, daemon=True).start()
url = "http://{}:{}".format(*upstream.server_address)

with tempfile.TemporaryDirectory() as place:
    folder = Path(place)
    for name in ("shop.test", "api.test"):
        make_certificate(folder, name)
    file = folder / "abi.toml"
    file.write_text(CONFIG.format(folder=folder, upstream=url))

    options = ("--config", str(file), "--set", "service.admin=false")
    listening = str(abi(folder, "serve", "--detach", *options)["gateway"])
    port = int(listening.rpartition(":")[2])
    try:
        print(f"listening on {listening.rpartition(':')[0]}")

        # Each client is shown the certificate of the name that it asks for.
        answer, number = ask(port, folder, "shop.test")
        print(f"shop.test: {answer}")
        print(f"api.test: {ask(port, folder, 'api.test')[0]}")

        # A new certificate in the same files is shown after a reload, and no request is cut.
        make_certificate(folder, "shop.test")
        report = abi(folder, "reload")
        print(f"reloaded: changed {report['changed']}, needs a restart {report['needs_restart']}")
        print(f"another certificate: {ask(port, folder, 'shop.test')[1] != number}")

        # What cannot be used is refused, and the gateway serves on as before.
        (folder / "shop.test.key").write_text("no key")
        try:
            abi(folder, "reload")
        except subprocess.CalledProcessError as error:
            print(f"refused: {json.loads(error.stderr)['data']['message'].rpartition('/')[2]}")
        print(f"shop.test: {ask(port, folder, 'shop.test')[0]}")
    finally:
        abi(folder, "stop")

upstream.shutdown()
upstream.server_close()
