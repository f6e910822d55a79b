"""nginx as it would do the same: one worker, kept connections to the upstream, an access log."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from string import Template
from typing import Final

from abi_engine.benches.hop.child import Child, free_port, program

_CONFIG: Final = Template("""\
daemon off;
master_process off;
pid $directory/nginx.pid;
error_log $directory/error.log;
events { worker_connections 4096; }
http {
    access_log $directory/access.log combined;
    client_body_temp_path $directory/body;
    proxy_temp_path $directory/proxy;
    fastcgi_temp_path $directory/fastcgi;
    uwsgi_temp_path $directory/uwsgi;
    scgi_temp_path $directory/scgi;
    keepalive_requests 1000000000;
    upstream origin {
        server $upstream;
        keepalive 128;
        keepalive_requests 1000000000;
    }
    server {
        listen 127.0.0.1:$port;
        location / {
            proxy_pass http://origin;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header X-Forwarded-For $$proxy_add_x_forwarded_for;
            proxy_set_header X-Request-ID $$request_id;
        }
    }
}
""")


@contextmanager
def nginx(found: str, upstream: Child, directory: Path) -> Iterator[Child]:
    """One that runs, and keeps everything in a directory.

    Args:
        found: where the program is.
        upstream: what it stands before.
        directory: for its configuration and logs.
    """
    port = free_port()
    authority = upstream.url.removeprefix("http://")
    config = directory / "nginx.conf"
    config.write_text(_CONFIG.substitute(directory=directory, upstream=authority, port=port))
    with program([found, "-e", str(directory / "start.log"), "-c", str(config)], port) as child:
        yield child
