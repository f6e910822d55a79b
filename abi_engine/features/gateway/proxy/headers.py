"""The headers that go on: always rebuilt from parsed fields, in both directions.

Hop-by-hop fields are dropped, forwarding fields set, a route's rules applied last; framing is
written by the gateway alone, and no rule can touch it. Pure.
"""

from __future__ import annotations

from http import HTTPStatus
from ipaddress import ip_address
from typing import Final

from abi_engine.core.secret import HIDDEN
from abi_engine.features.gateway.api import HeaderRules
from abi_engine.features.gateway.proxy.head import HOP_BY_HOP, OWN, RequestHead, ResponseHead

_NAME: Final = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_UNTOUCHABLE: Final = frozenset(name.decode() for name in HOP_BY_HOP | OWN)
_ID_TEXT: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~:+/="
_ID_SIZE: Final = 128
_VALUE: Final = frozenset(map(chr, (0x09, *range(0x20, 0x7F), *range(0xA0, 0x100))))
_CORS: Final = b"access-control-"
_NODE_TEXT: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_"

STATUS_LINES: Final = {
    status.value: f"HTTP/1.1 {status.value} {status.phrase}".encode() for status in HTTPStatus
}


def status_line(status: int) -> bytes:
    """The first line of an answer; a number nobody registered has no phrase."""
    return STATUS_LINES.get(status) or b"HTTP/1.1 %d " % status


def rule_problem(rules: HeaderRules) -> str | None:
    """What is wrong with the rules of a route, or None.

    A rule names a header by its token, sets Latin-1 text without control characters, and leaves
    framing, hop-by-hop headers and the request id alone.
    """
    for name in (*rules.remove, *rules.set, *rules.add):
        if not name or name.strip(_NAME):
            return f"{name!r} is no header name"
        key = name.lower().replace("_", "-")  # one and the same name behind CGI or WSGI
        if key in _UNTOUCHABLE or (key == "host" and name not in rules.set):
            return f"no rule may touch {name}"
    for name, value in (*rules.set.items(), *rules.add.items()):
        if value == HIDDEN:
            return f"the value for {name} is {HIDDEN}, as routes are told: give the value itself"
        if not _VALUE.issuperset(value):
            return f"the value for {name} has a character that a header may not have"
    return None


def _apply(lines: list[bytes], rules: HeaderRules) -> list[bytes]:
    gone = {_as_cgi_has_it(name.encode()) for name in (*rules.remove, *rules.set)}
    kept = [line for line in lines if _as_cgi_has_it(line.partition(b":")[0]) not in gone]
    new = (*rules.set.items(), *rules.add.items())
    return kept + [f"{name}: {value}".encode("latin-1") for name, value in new]


def _as_cgi_has_it(name: bytes) -> bytes:
    """One name for all that are one behind CGI or WSGI, where `X_User` passes for `X-User`."""
    return name.lower().replace(b"_", b"-")


def forwarding(head: RequestHead, address: str, *, trusted: bool, secure: bool = False) -> bytes:
    """The lines that tell the upstream who asked, and for what.

    Args:
        head: the request.
        address: of the client's end of the connection.
        trusted: the client is a proxy of ours: what it says is kept, and ours appended.
        secure: the client speaks TLS.
    """
    host = head.host
    node = f'"[{address}]"' if ":" in address else address
    proto = b"https" if secure else b"http"
    forwarded = b"for=%b;proto=%b" % (node.encode(), proto)
    if host:
        quoted = host if not host.translate(None, _NODE_TEXT) else b'"%b"' % host
        forwarded += b";host=" + quoted
    origin = address.encode()
    if trusted:
        special = head.special
        origin = _appended(special.get(b"x-forwarded-for"), origin)
        forwarded = _appended(special.get(b"forwarded"), forwarded)
        host = special.get(b"x-forwarded-host") or host
        if special.get(b"x-forwarded-proto") == b"https":
            proto = b"https"
    lines = [b"X-Forwarded-For: " + origin, b"X-Forwarded-Proto: " + proto]
    if host:
        lines.append(b"X-Forwarded-Host: " + host)
    lines.append(b"Forwarded: " + forwarded)
    return b"\r\n".join(lines)


def _appended(list_: bytes | None, item: bytes) -> bytes:
    return list_ + b", " + item if list_ else item


def forwarded_address(head: RequestHead, address: str) -> str:
    """The client's address as the proxy before us saw it: the last in `X-Forwarded-For`."""
    value = head.special.get(b"x-forwarded-for", b"").decode("latin-1")
    last = value.rpartition(",")[2].strip()
    try:
        return str(ip_address(last.removeprefix("[").removesuffix("]")))
    except ValueError:
        return address


def forwarded_request_id(head: RequestHead) -> str | None:
    """The request id that the client sent, where it is well formed."""
    value = head.special.get(b"x-request-id")
    if not value or len(value) > _ID_SIZE or value.translate(None, _ID_TEXT):
        return None
    return value.decode("ascii")


def went_through(head: RequestHead, pseudonym: bytes) -> bool:
    """Whether `Via` says that the request passed the proxy of that name."""
    via = head.special.get(b"via")
    return via is not None and any(pseudonym in hop.split() for hop in via.split(b","))


def request_line(head: RequestHead, target: str) -> bytes:
    """The first line of the request to the upstream."""
    return f"{head.method} {target} HTTP/1.1".encode("latin-1")


def request_fields(
    head: RequestHead,
    *,
    host: bytes,
    added: tuple[bytes, ...],
    via: bytes,
    rules: HeaderRules,
    protocol: bytes = b"",
) -> bytes:
    """The fields of the request to the upstream, without line end at the end.

    Nothing of the client's request counts here but its fields.

    Args:
        head: the client's request.
        host: for `Host`.
        added: further lines, without line ends.
        via: this proxy's name in `Via`.
        rules: of the route.
        protocol: that the connection may change to; empty for none.
    """
    hop = b"1.1 " + via if head.http11 else b"1.0 " + via
    lines = [
        b"Host: " + host,
        *head.lines,
        b"Via: " + _appended(head.special.get(b"via"), hop),
        *added,
    ]
    if rules.remove or rules.set or rules.add:
        lines = _apply(b"\r\n".join(lines).split(b"\r\n"), rules)
    if head.chunked:
        lines.append(b"Transfer-Encoding: chunked")
    elif head.length is not None:
        lines.append(b"Content-Length: %d" % head.length)
    elif protocol:
        lines += upgrade_lines(protocol)
    return b"\r\n".join(lines)


def response_head(
    head: ResponseHead,
    *,
    added: tuple[bytes, ...],
    framing: tuple[bytes, ...],
    rules: HeaderRules,
    cors: tuple[tuple[str, str], ...] | None = None,
) -> bytes:
    """The head of the answer to the client.

    Args:
        head: the upstream's response.
        added: further lines, without line ends.
        framing: the lines for length, coding and connection, which no rule touches.
        rules: of the route.
        cors: what the route tells browsers, whatever the upstream or a rule says of it; None where
            it leaves that to them.
    """
    lines = [*head.lines, *added]
    if rules.remove or rules.set or rules.add:
        lines = _apply(lines, rules)
    if cors is not None:
        lines = [line for line in lines if not line.lower().startswith(_CORS)]
        lines += [f"{name}: {value}".encode("latin-1") for name, value in cors]
    return b"\r\n".join((status_line(head.status), *lines, *framing, b"\r\n"))


def upgrade_lines(protocol: bytes) -> tuple[bytes, bytes]:
    """The lines by which a connection changes to another protocol."""
    return b"Connection: Upgrade", b"Upgrade: " + protocol


def interim_head(head: ResponseHead) -> bytes:
    """The head of an interim response to the client."""
    return b"\r\n".join((status_line(head.status), *head.lines, b"\r\n"))
