"""API keys are known by their digests, last, and are told once."""

from __future__ import annotations

import random
import stat
from base64 import urlsafe_b64decode
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from abi_engine.core.clock import ManualClock
from abi_engine.core.errors import DataDirectoryError, InvalidArguments, InvalidConfig
from abi_engine.core.events import EventLog
from abi_engine.features.gateway.api import KeyExists, KeyOrigin, NewApiKey, RouteAuth
from abi_engine.features.gateway.config import ApiKey
from abi_engine.features.gateway.key_file import KeyFile
from abi_engine.features.gateway.keys import KEY_SIZE_MAX, KeyRing
from abi_engine.measure.metrics import prometheus_text
from tests.engine.features.gateway.made_gateway import MadeGateway, route, together
from tests.scale import scaled


class Ring:
    """A key ring, with what it was made of."""

    def __init__(self, directory: Path | None = None) -> None:
        self.clock = ManualClock()
        self.events = EventLog(self.clock)
        self.file = KeyFile(directory) if directory is not None else None
        self.random = random.Random(1)
        self.ring = KeyRing(self.clock, self.events, self.file, self.random.randbytes)

    def everything_told(self) -> str:
        return repr([msgspec.to_builtins(event) for event in self.events.latest(4096)])


def digest_of(key: str) -> str:
    return sha256(key.encode()).hexdigest()


def configured(name: str, key: str, **rest: Any) -> ApiKey:
    return ApiKey(name, digest_of(key), **rest)


def test_a_new_key_has_32_random_bytes_and_is_known_from_then_on() -> None:
    made = Ring()
    new = made.ring.add("ci")
    assert new.key.startswith("abi_")
    assert len(urlsafe_b64decode(new.key.removeprefix("abi_") + "=")) == 32
    found = made.ring.find(new.key)
    assert found is not None
    assert (found.name, found.origin, found.enabled) == ("ci", KeyOrigin.RUNTIME, True)
    assert made.ring.add("other").key != new.key


def test_the_gateway_takes_its_keys_from_the_systems_randomness() -> None:
    one, other = MadeGateway().gateway.add_api_key("a"), MadeGateway().gateway.add_api_key("a")
    assert one.key != other.key


def test_a_key_is_in_no_event_no_report_no_file_and_no_repr(tmp_path: Path) -> None:
    made = Ring(tmp_path)
    new = made.ring.add("ci")
    made.ring.find(new.key)
    assert made.file is not None
    shown = [
        made.everything_told(),
        repr(new),
        str(new),
        repr([key.stats() for key in made.ring.all()]),
        made.file.path.read_text(),
    ]
    for text in shown:
        assert new.key not in text
        assert new.key.removeprefix("abi_") not in text
    assert digest_of(new.key) not in "".join((*shown[:-1],))


def test_only_the_whole_key_is_known() -> None:
    made = Ring()
    key = made.ring.add("ci").key
    for other in (key[:-1], key + "=", key.upper(), "", digest_of(key), " " + key, key + "\xe9"):
        assert made.ring.find(other) is None


def test_text_that_is_too_long_for_a_key_is_not_even_hashed() -> None:
    made = Ring()
    long = "x" * (KEY_SIZE_MAX + 1)
    made.ring.configure((configured("long", long),))
    assert made.ring.find(long) is None


@given(st.text(st.characters(codec="latin-1"), max_size=600))
def test_no_text_from_outside_is_too_much_for_a_look_up(text: str) -> None:
    assert Ring().ring.find(text) is None


def test_keys_last(tmp_path: Path) -> None:
    made = Ring(tmp_path)
    one, other = made.ring.add("one"), made.ring.add("other")
    made.ring.remove("other")
    again = Ring(tmp_path)
    again.ring.load(())
    assert [key.stats() for key in again.ring.all()] == [key.stats() for key in made.ring.all()]
    assert again.ring.find(one.key) is not None
    assert again.ring.find(other.key) is None


def test_the_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    made = Ring(tmp_path)
    made.ring.add("ci")
    assert made.file is not None
    assert stat.S_IMODE(made.file.path.stat().st_mode) == 0o600


def test_a_key_that_cannot_be_written_is_not_made(tmp_path: Path) -> None:
    directory = tmp_path / "gone"
    directory.mkdir()
    made = Ring(directory)
    made.ring.add("one")
    for file in directory.iterdir():
        file.unlink()
    directory.rmdir()
    with pytest.raises(DataDirectoryError):
        made.ring.add("two")
    with pytest.raises(DataDirectoryError):
        made.ring.remove("one")
    assert made.ring.names() == {"one"}


def test_a_name_is_there_once(tmp_path: Path) -> None:
    made = Ring(tmp_path)
    made.ring.load((configured("ours", "k"),))
    made.ring.add("ci")
    for name in ("ours", "ci"):
        with pytest.raises(KeyExists, match=name):
            made.ring.add(name)


@pytest.mark.parametrize("name", ["", "a b", "a" * 65, "\x1b[2J", "é", "a/b", 5, None])
def test_a_name_that_no_key_may_have_is_refused(name: Any) -> None:
    made = MadeGateway()
    with pytest.raises(InvalidArguments) as caught:
        made.gateway.add_api_key(name)
    assert caught.value.message.isprintable()
    with pytest.raises(InvalidArguments):
        made.gateway.remove_api_key(name)


def test_removing_tells_whether_there_was_one() -> None:
    made = MadeGateway()
    assert not made.gateway.remove_api_key("ci")
    made.gateway.add_api_key("ci")
    assert made.gateway.remove_api_key("ci")
    assert not made.gateway.remove_api_key("ci")
    assert made.gateway.api_keys() == ()
    kinds = [event.kind for event in made.events.latest(10) if event.kind.startswith("key_")]
    assert kinds == ["key_removed", "key_added"]


def test_a_key_of_the_configuration_goes_until_the_next_start() -> None:
    made = Ring()
    ours = (configured("ours", "k"),)
    made.ring.load(ours)
    assert made.ring.remove("ours")
    assert made.ring.find("k") is None
    made.ring.configure(ours)
    assert made.ring.find("k") is not None


def test_the_configuration_wins_over_the_file_which_keeps_its_own(tmp_path: Path) -> None:
    made = Ring(tmp_path)
    own = made.ring.add("ci").key
    again = Ring(tmp_path)
    again.ring.load((configured("ci", "theirs"),))
    assert again.ring.find(own) is None
    assert again.ring.find("theirs") is not None
    (told,) = [event for event in again.events.latest(10) if event.kind == "key_shadowed"]
    assert told.subject == "ci"
    again.ring.configure(())
    assert again.ring.find(own) is not None


def test_a_new_configuration_keeps_what_was_counted() -> None:
    made = Ring()
    made.ring.load((configured("a", "1"), configured("b", "2")))
    for key in ("1", "2"):
        known = made.ring.find(key)
        assert known is not None
        known.count()
    made.ring.configure((configured("a", "1", enabled=False), configured("c", "3")))
    stats = {key.name: key.stats() for key in made.ring.all()}
    assert stats.keys() == {"a", "c"}
    assert (stats["a"].requests_total, stats["a"].enabled) == (1, False)
    assert stats["a"].last_used_at is not None
    assert (stats["c"].requests_total, stats["c"].last_used_at) == (0, None)


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ((configured("a", "1"), configured("a", "2")), "gateway.keys[1]: another key has the name"),
        (
            (configured("a", "1"), configured("b", "1")),
            "gateway.keys[1]: another key has the sha256",
        ),
    ],
)
def test_keys_that_cannot_be_told_apart_are_refused_and_change_nothing(
    keys: tuple[ApiKey, ...], words: str
) -> None:
    made = Ring()
    made.ring.load((configured("old", "0"),))
    for take in (made.ring.configure, made.ring.load):
        with pytest.raises(InvalidConfig) as caught:
            take(keys)
        assert words in caught.value.message
    assert made.ring.names() == {"old"}
    with pytest.raises(InvalidConfig):
        MadeGateway(keys=keys)


GOOD = "name = 'a'\nsha256 = '" + "0" * 64 + "'\ncreated_at = 2026-01-01T00:00:00Z\n"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("[[keys]]\nname = 'a'\n", ":1:"),
        ("[[keys]]\n" + GOOD + "[[keys]]\n" + GOOD, ":5:"),
        ("[[keys]]\n" + GOOD + "key = 'secret'\n", ":1:"),
        ("[[keys]]\n" + GOOD.replace("00Z", "00"), ":1:"),
        ("[[keys]]\n" + GOOD.replace("'a'", "'a b'"), ":1:"),
        ("[[keys]]\n" + GOOD.replace("0" * 64, "0" * 63), ":1:"),
        ("[[routes]]\n", ":1:"),
        ("keys = 5\n", ":1:"),
        ("[[keys]]\nname =\n", ":2:"),
        ("\n\xff", ":"),
    ],
)
def test_a_file_that_cannot_be_used_is_an_error_with_its_line_and_stays(
    tmp_path: Path, text: str, place: str
) -> None:
    (tmp_path / "keys.toml").write_text(text, encoding="latin-1")
    with pytest.raises(InvalidConfig) as caught:
        Ring(tmp_path).ring.load(())
    assert f"keys.toml{place}" in caught.value.message
    assert (tmp_path / "keys.toml").read_text(encoding="latin-1") == text


@settings(max_examples=scaled(100, 3000), deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["add", "remove", "again"]), st.sampled_from("abcd")), max_size=25
    )
)
def test_any_changes_leave_what_a_dictionary_would_have(steps: list[tuple[str, str]]) -> None:
    made, model = Ring(), dict[str, str]()
    stored = made.ring
    for verb, name in steps:
        if verb == "add" and name in model:
            with pytest.raises(KeyExists):
                stored.add(name)
        elif verb == "add":
            model[name] = stored.add(name).key
        elif verb == "remove":
            assert stored.remove(name) == (model.pop(name, None) is not None)
        else:
            stored.configure(())
        assert {key.name for key in stored.all()} == model.keys()
        for kept, key in model.items():
            found = stored.find(key)
            assert found is not None
            assert found.name == kept


def test_many_threads_make_keys_and_none_is_lost(tmp_path: Path) -> None:
    made = MadeGateway(data_dir=tmp_path)
    keys: list[NewApiKey] = []

    def work(number: int) -> None:
        keys.extend(made.gateway.add_api_key(f"{number}-{turn}") for turn in range(5))

    together(4, work)
    again = Ring(tmp_path)
    again.ring.load(())
    assert again.ring.names() == {new.name for new in keys}
    assert all(again.ring.find(new.key) for new in keys)


def test_a_route_that_names_a_key_that_is_not_there_is_added_with_a_warning() -> None:
    auth = RouteAuth(keys=("ci", "later"))
    made = MadeGateway(route("/b", auth=auth), keys=(configured("ci", "k"),))
    made.gateway.add_route(route("/a", auth=auth))
    assert [event.message for event in made.told("key_missing")] == [
        "/b: no API key is called later",
        "/a: no API key is called later",
    ]


def test_what_a_key_was_used_for_is_counted() -> None:
    made = MadeGateway(route("/a", auth=RouteAuth()), keys=(configured("ci", "k"),))
    for key in ("k", "k", "wrong"):
        made.admit("/a", x_api_key=key)
    made.clock.advance(5)
    (stats,) = made.gateway.api_keys()
    assert (stats.name, stats.origin, stats.requests_total) == ("ci", KeyOrigin.CONFIG, 2)
    assert stats.created_at is None
    assert stats.last_used_at is not None


def test_a_scraper_reads_how_often_each_key_was_used() -> None:
    made = MadeGateway(route("/a", auth=RouteAuth()), keys=(configured("ci", "k"),))
    made.gateway.add_api_key("other")
    made.admitted("/a", x_api_key="k")
    lines = prometheus_text(made.gateway.metrics()).splitlines()
    assert 'abi_gateway_key_requests_total{key="ci"} 1' in lines
    assert 'abi_gateway_key_requests_total{key="other"} 0' in lines
