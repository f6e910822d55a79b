"""The head of a message, read strictly: one meaning, or refused.

Raw bytes are checked first, llhttp parses them, and what it is lenient about (versions, several
spaces, line ends in front, lists of codings, the host) is checked after it. Pure; refuses to guess.
"""

from __future__ import annotations

from typing import Final

import httptools

HEAD_END: Final = b"\r\n\r\n"
HOP_BY_HOP: Final = frozenset(
    (
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authentication-info",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    )
)
OWN: Final = frozenset((b"content-length", b"x-request-id"))
"""What the gateway writes itself, in either direction."""
FORWARDING: Final = frozenset(
    (
        b"expect",
        b"forwarded",
        b"host",
        b"http2-settings",
        b"traceparent",
        b"tracestate",
        b"via",
        b"x-forwarded-for",
        b"x-forwarded-host",
        b"x-forwarded-port",
        b"x-forwarded-prefix",
        b"x-forwarded-proto",
        b"x-forwarded-server",
        b"x-real-ip",
    )
)
"""What the gateway rewrites or takes off a request."""

_TEXT: Final = bytes((0x09, *range(0x20, 0x7F), *range(0x80, 0x100)))
_TARGET: Final = bytes(byte for byte in range(0x21, 0x7F) if byte not in b'"#<>')
_HOST: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~%!$&'()*+;="
_IPV6: Final = b"0123456789abcdefABCDEF:."
_PROTOCOL: Final = b"!#$%&'*+-./^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_EVENT_STREAM: Final = "text/event-stream"
_LENGTH_DIGITS: Final = 18
_PERSISTENCE: Final = {b"keep-alive": True, b"close": False}
_STANDARD_OPTIONS: Final = frozenset((b"", b"close", b"keep-alive", b"upgrade", b"te"))


class BadMessage(Exception):
    """A message that has no single meaning, or is larger than it may be.

    Args:
        status: what a client that sent it is answered.
        reason: one line without text from outside.
    """

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


class Head:
    """What both kinds of head have; llhttp calls the methods that begin with `on_`.

    Attributes:
        special: fields that the gateway reads or writes, by lower-case name; repeated ones joined
            with a comma.
        lines: all other fields, rebuilt as `Name: value`, in the order they came.
        http11: version 1.1, else 1.0.
        keep_alive: the sender lets the connection live on.
        length: of the body, as `Content-Length` says; None where there is none.
        chunked: the body comes in chunks.
        has_body: a body of at least a byte is announced.
    """

    special_names: frozenset[bytes]

    def __init__(self) -> None:
        self.special: dict[bytes, bytes] = {}
        self.lines: list[bytes] = []
        self.complete = False
        self.http11 = True
        self.keep_alive = True
        self.length: int | None = None
        self.chunked = False
        self.has_body = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """Note a field; not one that behind CGI or WSGI would pass for a special one."""
        key = name.lower()
        if key not in self.special_names:
            if b"_" not in key or key.replace(b"_", b"-") not in self.special_names:
                self.lines.append(b": ".join((name, value)))
        elif key in self.special:
            self.special[key] += b", " + value.rstrip(b" \t")
        else:
            self.special[key] = value.rstrip(b" \t")

    def on_headers_complete(self) -> None:
        """Note that all fields are there."""
        self.complete = True

    def header(self, name: str) -> str | None:
        """The value of a field by its lower-case name, or None; repeated ones joined."""
        key = name.encode("latin-1", "replace")
        if key in self.special_names:
            value = self.special.get(key)
            return None if value is None else value.decode("latin-1")
        found = [line.partition(b": ") for line in self.lines]
        values = [value.strip(b" \t") for field, _, value in found if field.lower() == key]
        return b", ".join(values).decode("latin-1") if values else None

    def read_options(self) -> None:
        """See what `Connection` says; the fields that it lists go no further."""
        value = self.special.get(b"connection", b"").lower()
        keep = _PERSISTENCE.get(value) if value else self.http11
        if keep is None:
            options = frozenset(option.strip(b" \t") for option in value.split(b","))
            self._drop(options - _STANDARD_OPTIONS)
            keep = b"close" not in options and (self.http11 or b"keep-alive" in options)
        self.keep_alive = keep

    def _drop(self, names: frozenset[bytes]) -> None:
        if names:
            self.lines = [
                line for line in self.lines if line.partition(b":")[0].lower() not in names
            ]

    def protocol(self) -> bytes:
        """The one protocol, in lower case, that the connection is to change to; empty for none.

        `Connection` and `Upgrade` must agree on it, and nothing may speak of an end.
        """
        protocol = self.special.get(b"upgrade", b"").lower()
        options = self.special.get(b"connection", b"").lower().split(b",")
        agreed = any(option.strip(b" \t") == b"upgrade" for option in options)
        whole = self.http11 and self.keep_alive and not self.has_body
        return protocol if agreed and whole and not protocol.translate(None, _PROTOCOL) else b""

    def read_framing(self) -> None:
        """See how long the body is; refuse everything that two readers could read differently."""
        length = self.special.get(b"content-length")
        coding = self.special.get(b"transfer-encoding")
        if length is not None:
            if coding is not None:
                raise BadMessage(400, "both Content-Length and Transfer-Encoding")
            if not length.isdigit() or len(length) > _LENGTH_DIGITS:
                raise BadMessage(400, "Content-Length is not one number")
            self.length = int(length)
            self.has_body = self.length > 0
        elif coding is not None:
            if coding.lower() != b"chunked" or not self.http11:
                raise BadMessage(400, "Transfer-Encoding is other than chunked")
            self.chunked = self.has_body = True


class RequestHead(Head):
    """The head of a request.

    Attributes:
        method: upper case.
        target: in origin form, as sent (`/path?query`); `*` or `host:port` where the method has it.
        host: whom the client asked, from an absolute target or `Host`; empty in HTTP/1.0 without.
        expects_continue: the client waits for `100 Continue` before it sends the body.
        upgrade: the one protocol, in lower case, that the client would change to; empty for none.
            It is of meaning with GET alone.
        plain: version 1.1, and the target is a path.
    """

    special_names = HOP_BY_HOP | OWN | FORWARDING

    def __init__(self) -> None:
        super().__init__()
        self.url = b""
        self.method = ""
        self.target = ""
        self.host = b""
        self.expects_continue = False
        self.upgrade = b""
        self.plain = False

    def on_url(self, url: bytes) -> None:
        """Note the target."""
        self.url += url

    def without(self, names: frozenset[bytes]) -> RequestHead:
        """The same without the fields of these names, which are in lower case."""
        if not names:
            return self
        other = RequestHead.__new__(RequestHead)
        other.__dict__.update(self.__dict__)
        other.lines = [line for line in self.lines if line.partition(b":")[0].lower() not in names]
        return other

    def with_line(self, method: str, target: bytes) -> RequestHead:
        """The same fields under another request line that is plain, as this one is."""
        other = RequestHead.__new__(RequestHead)
        other.special, other.lines = self.special, self.lines
        other.keep_alive, other.length = self.keep_alive, self.length
        other.chunked, other.has_body = self.chunked, self.has_body
        other.expects_continue, other.upgrade = self.expects_continue, self.upgrade
        other.host = self.host
        other.plain = other.http11 = other.complete = True
        other.method = method
        other.url = target
        other.target = target.decode("ascii")
        return other


class ResponseHead(Head):
    """The head of a response.

    Attributes:
        status: its number.
        is_event_stream: its body is a stream of events, which may go on for ever.
    """

    special_names = HOP_BY_HOP | OWN | {b"date"}

    def __init__(self) -> None:
        super().__init__()
        self.status = 0
        self.is_event_stream = False

    def date_line(self) -> bytes | None:
        """The line for `Date`, where the upstream sent one."""
        value = self.special.get(b"date")
        return None if value is None else b"Date: " + value


def parse_request(raw: bytes, *, url_size: int, header_count: int) -> RequestHead:
    """The request whose head is `raw`, with the empty line at its end.

    Args:
        raw: the bytes.
        url_size: the longest target.
        header_count: the most fields.

    Raises:
        BadMessage: 400, 414 or 431.
    """
    head = RequestHead()
    parser = httptools.HttpRequestParser(head)
    _feed(parser, head, raw)
    method = parser.get_method()
    _read_request_line(head, raw, method)
    if len(head.url) > url_size:
        raise BadMessage(414, "the target is too long")
    if raw.count(b"\r\n") - 2 > header_count:
        raise BadMessage(431, "too many header fields")
    head.method = method.decode("ascii")
    head.read_options()
    head.read_framing()
    _read_target(head)
    if b"expect" in head.special:
        continued = head.special[b"expect"].lower() == b"100-continue"
        head.expects_continue = continued and head.http11 and head.has_body
    if b"upgrade" in head.special and head.length is None:
        head.upgrade = head.protocol()
    return head


def parse_response(raw: bytes) -> ResponseHead:
    """The response whose head is `raw`, with the empty line at its end.

    Raises:
        BadMessage: it is malformed or ambiguous; its status is of no meaning.
    """
    head = ResponseHead()
    parser = httptools.HttpResponseParser(head)
    _feed(parser, head, raw)
    if not raw.startswith(b"HTTP/1.1 "):
        if not raw.startswith(b"HTTP/1.0 "):
            raise BadMessage(502, "the version is neither HTTP/1.1 nor HTTP/1.0")
        head.http11 = False
    head.status = parser.get_status_code()
    if not 100 <= head.status <= 599:
        raise BadMessage(502, "the status is out of range")
    head.read_options()
    head.read_framing()
    if b"event-stream" in raw.lower():
        media_type = (head.header("content-type") or "").partition(";")[0]
        head.is_event_stream = media_type.strip().lower() == _EVENT_STREAM
    return head


def _feed(
    parser: httptools.HttpRequestParser | httptools.HttpResponseParser, head: Head, raw: bytes
) -> None:
    text = raw.replace(b"\r\n", b"")
    if not text.decode("latin-1").isprintable() and text.translate(None, _TEXT):
        raise BadMessage(400, "a bare CR or LF, or a control character")
    try:
        parser.feed_data(raw)
    except httptools.HttpParserUpgrade:
        pass  # the whole head was read; nothing is upgraded
    except httptools.HttpParserError:
        raise BadMessage(400, "the head is malformed") from None
    if not head.complete:
        raise BadMessage(400, "the head is malformed")


def _read_request_line(head: RequestHead, raw: bytes, method: bytes) -> None:
    if raw.startswith(b"%b %b HTTP/1.1\r\n" % (method, head.url)):
        return
    if not raw.startswith(b"%b %b HTTP/1.0\r\n" % (method, head.url)):
        raise BadMessage(400, "the request line is malformed")
    head.http11 = False


def is_target_text(url: bytes) -> bool:
    """Whether a target has only characters that one may have."""
    return not url.translate(None, _TARGET)


def _read_target(head: RequestHead) -> None:
    url = head.url
    if not is_target_text(url):
        raise BadMessage(400, "a character that a target may not have")
    host = head.special.get(b"host")
    if host is not None:
        check_host(host)
        head.host = host
    elif head.http11:
        raise BadMessage(400, "HTTP/1.1 without Host")
    if url.startswith(b"/"):
        head.plain = head.http11
    else:
        url = _other_form(head, url)
    head.target = url.decode("ascii")


def _other_form(head: RequestHead, url: bytes) -> bytes:
    """What an absolute target asks for; the other two forms stay as they are."""
    if head.method == "CONNECT" or (url == b"*" and head.method == "OPTIONS"):
        return url
    scheme, separator, rest = url.partition(b"://")
    if not separator or scheme.lower() not in (b"http", b"https"):
        raise BadMessage(400, "the target is neither a path nor a URL")
    ends = [at for mark in (b"/", b"?") if (at := rest.find(mark)) >= 0]
    end = min(ends, default=len(rest))
    check_host(rest[:end])
    head.host = rest[:end]
    path = rest[end:]
    return path if path.startswith(b"/") else b"/" + path


def check_host(host: bytes) -> None:
    """Refuse what is no `host` or `host:port`.

    Raises:
        BadMessage: 400.
    """
    if host.startswith(b"["):
        name, bracket, port = host[1:].partition(b"]")
        fits = bool(bracket and name) and not name.translate(None, _IPV6)
    else:
        name, colon, port = host.partition(b":")
        port = colon + port
        fits = bool(name) and not name.translate(None, _HOST)
    if not fits or not _is_port(port):
        raise BadMessage(400, "Host is malformed")


def _is_port(port: bytes) -> bool:
    digits = port[1:]
    return not port or (port[:1] == b":" and (not digits or digits.isdigit()) and len(digits) < 6)
