"""A tree of path segments with `{param}` and `*`.

Refuses to normalise: patterns and paths are taken as they come.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, TypeVar

import msgspec

from abi_engine.core.errors import AlreadyExists, InvalidArguments
from abi_engine.core.text import safe

V = TypeVar("V")

TAIL = "*"


class Found(msgspec.Struct, Generic[V], frozen=True):
    """A value whose pattern matches; `params` by name, `tail` is what `*` stands for."""

    value: V
    params: dict[str, str]
    tail: str


class _Leaf(Generic[V]):
    """A value, and where in a path its params and its tail are, counted in segments."""

    __slots__ = ("params", "tail", "value")

    def __init__(self, segments: list[str], value: V) -> None:
        self.value = value
        self.params = [
            (text[1:-1], place) for place, text in enumerate(segments) if _is_param(text)
        ]
        self.tail = len(segments) - 1 if segments[-1] == TAIL else 0

    def found(self, segments: list[str]) -> Found[V]:
        """The value with what the segments of a path that matches say."""
        params = {}
        for name, place in self.params:
            params[name] = segments[place]
        return Found(self.value, params, "/".join(segments[self.tail :]) if self.tail else "")


class _Node(Generic[V]):
    """What may follow some segments: a further segment, the end of the path, or any tail."""

    __slots__ = ("end", "param", "static", "tail")

    def __init__(self) -> None:
        self.static: dict[str, _Node[V]] = {}
        self.param: _Node[V] | None = None
        self.end: _Leaf[V] | None = None
        self.tail: _Leaf[V] | None = None

    def child(self, segment: str) -> _Node[V] | None:
        """Where a segment of a pattern leads."""
        return self.param if _is_param(segment) else self.static.get(segment)

    def link(self, segment: str, child: _Node[V]) -> None:
        """Have a segment of a pattern lead to `child`."""
        if _is_param(segment):
            self.param = child
        else:
            self.static[segment] = child

    def unlink(self, segment: str) -> None:
        """Have a segment of a pattern lead nowhere."""
        if _is_param(segment):
            self.param = None
        else:
            del self.static[segment]

    def place(self, leaf: _Leaf[V]) -> bool:
        """Have a leaf here, unless there is one already."""
        if leaf.tail:
            if self.tail:
                return False
            self.tail = leaf
        else:
            if self.end:
                return False
            self.end = leaf
        return True

    def is_empty(self) -> bool:
        """Whether nothing matches from here on."""
        return not (self.static or self.param or self.end or self.tail)


class RadixTree(Generic[V]):
    """Values under patterns such as `/users/{id}/files/*`.

    Static segments win over `{param}`, which wins over `*`, segment by segment from the left, with
    backtracking. `*` is a whole last segment and matches one or more remaining segments
    (`/files/*` matches `/files/a/b` and `/files/` with an empty tail, not `/files`). A param
    matches one non-empty segment. Trailing slashes count.

    A pattern without params and tail is found in one dict, whatever else is there; the others take
    a walk of one step a segment, and what backtracking there is visits no node twice.

    One thread at a time may change or list it: the caller's lock. `match` and `get` need none: a
    change shows by a single store (of a leaf, or of the link to a new branch), so that they see it
    whole or not at all.
    """

    def __init__(self) -> None:
        self._static: dict[str, _Leaf[V]] = {}
        self._dynamic: dict[str, _Leaf[V]] = {}
        self._root: _Node[V] = _Node()

    def insert(self, pattern: str, value: V) -> None:
        """Put a value under a pattern.

        Raises:
            InvalidArguments: the pattern is malformed.
            AlreadyExists: the same pattern is there, whatever the names of its params.
        """
        segments = _segments(pattern)
        leaf = _Leaf(segments, value)
        if not (leaf.params or leaf.tail):
            if self._static.setdefault(pattern, leaf) is not leaf:
                raise _taken(pattern)
            return
        if not self._attach(segments, leaf):
            raise _taken(pattern)
        self._dynamic[pattern] = leaf

    def remove(self, pattern: str) -> V | None:
        """Take exactly this pattern out and return its value, None where there is none.

        Every other match stays as it is.
        """
        leaf = self._static.pop(pattern, None)
        if leaf is None:
            leaf = self._dynamic.pop(pattern, None)
            if leaf is None:
                return None
            self._detach(pattern.split("/"))
        return leaf.value

    def get(self, pattern: str) -> V | None:
        """The value under exactly this pattern, the names of its params included."""
        leaf = self._static.get(pattern) or self._dynamic.get(pattern)
        return leaf.value if leaf else None

    def match(self, path: str) -> Found[V] | None:
        """The first match in order of precedence."""
        leaf = self._static.get(path)
        if leaf is not None:
            return Found(leaf.value, {}, "")
        segments = path.split("/")
        node = self._root
        # Where every segment has its best branch, they lead to the first match.
        for segment in segments:
            child = node.static.get(segment)
            if child is None:
                child = node.param
                if child is None or not segment:
                    leaf = node.tail
                    break
            node = child
        else:
            leaf = node.end
        if leaf is None:
            leaf = next(self._walk(segments), None)
        return leaf.found(segments) if leaf else None

    def matches(self, path: str) -> Iterator[Found[V]]:
        """Every match in order of precedence, lazily."""
        leaf = self._static.get(path)
        if leaf is not None:
            yield Found(leaf.value, {}, "")
        segments = path.split("/")
        for leaf in self._walk(segments):
            yield leaf.found(segments)

    def __len__(self) -> int:
        return len(self._static) + len(self._dynamic)

    def items(self) -> Iterator[tuple[str, V]]:
        """(pattern, value), sorted by pattern."""
        leaves = self._static | self._dynamic
        for pattern in sorted(leaves):
            yield pattern, leaves[pattern].value

    def _walk(self, segments: list[str]) -> Iterator[_Leaf[V]]:
        """Every leaf that matches, in order; what is still to be tried waits on a stack."""
        waiting: list[tuple[_Node[V] | _Leaf[V], int]] = [(self._root, 0)]
        while waiting:
            here, place = waiting.pop()
            if isinstance(here, _Leaf):
                yield here
            elif place < len(segments):
                segment = segments[place]
                branches = here.tail, here.param if segment else None, here.static.get(segment)
                waiting.extend((branch, place + 1) for branch in branches if branch)
            elif here.end:
                yield here.end

    def _attach(self, segments: list[str], leaf: _Leaf[V]) -> bool:
        node = self._root
        steps = segments[: leaf.tail or None]
        for place, segment in enumerate(steps):
            child = node.child(segment)
            if child is None:
                node.link(segment, _branch(steps[place + 1 :], leaf))
                return True
            node = child
        return node.place(leaf)

    def _detach(self, segments: list[str]) -> None:
        tail = segments[-1] == TAIL
        passed: list[tuple[_Node[V], str]] = []
        node = self._root
        for segment in segments[:-1] if tail else segments:
            passed.append((node, segment))
            child = node.child(segment)
            assert child is not None, "a pattern that is listed is in the tree"
            node = child
        if tail:
            node.tail = None
        else:
            node.end = None
        while passed and node.is_empty():
            node, segment = passed.pop()
            node.unlink(segment)


def check_pattern(pattern: str) -> None:
    """See that a pattern could be put into a tree.

    Raises:
        InvalidArguments: it is malformed.
    """
    _segments(pattern)


def _branch(steps: list[str], leaf: _Leaf[V]) -> _Node[V]:
    """A new node from which `steps` lead to `leaf`."""
    node: _Node[V] = _Node()
    node.place(leaf)
    for segment in reversed(steps):
        parent: _Node[V] = _Node()
        parent.link(segment, node)
        node = parent
    return node


def _is_param(segment: str) -> bool:
    return segment[:1] == "{"


def _segments(pattern: str) -> list[str]:
    if pattern[:1] != "/":
        raise _malformed(pattern, "it must begin with /")
    segments = pattern.split("/")
    names = [segment[1:-1] for segment in segments if _is_param(segment)]
    for segment in segments:
        if _is_param(segment) and segment[-1] == "}" and segment[1:-1].isidentifier():
            continue
        if "{" in segment or "}" in segment:
            raise _malformed(pattern, "a param is a whole segment such as {id}")
        if TAIL in segment and segment != TAIL:
            raise _malformed(pattern, "* must be a whole segment")
    if TAIL in segments[:-1]:
        raise _malformed(pattern, "* must be the last segment")
    if len(set(names)) < len(names):
        raise _malformed(pattern, "two params have the same name")
    return segments


def _malformed(pattern: str, reason: str) -> InvalidArguments:
    shown = safe(pattern, limit=200)
    hint = "write /static, /users/{id} or /files/*"
    return InvalidArguments(f"pattern '{shown}': {reason}", hint=hint)


def _taken(pattern: str) -> AlreadyExists:
    shown = safe(pattern, limit=200)
    return AlreadyExists(f"pattern '{shown}': there already, perhaps with other names of params")
