from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from abi_engine.config import EngineConfig, load
from abi_engine.core.errors import InvalidConfig
from abi_engine.core.secret import HIDDEN, is_called_secret
from abi_engine.features.gateway.api import HeaderRules, Route
from abi_engine.features.gateway.config import ApiKey, GatewayConfig
from abi_engine.hidden import hides_at, secrets_in, without_secrets

SECRET = "s3cr3t"
ROUTE = Route(
    "/a",
    ("http://127.0.0.1:1",),
    request_headers=HeaderRules(set={"X-Upstream": SECRET}, add={"X-Also": SECRET}),
    response_headers=HeaderRules(add={"X-Answer": SECRET}),
)
words = st.text("abc", max_size=3)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=8,
)


def plain(value: object) -> Any:
    return msgspec.json.decode(msgspec.json.encode(value))


def test_values_of_header_rules_and_digests_are_hidden_and_nothing_else() -> None:
    config = GatewayConfig(routes=(ROUTE,), keys=(ApiKey("me", "ab" * 32),))
    told = without_secrets(plain(config), GatewayConfig)
    expected = plain(config)
    expected["routes"][0]["request_headers"] |= {
        "set": {"X-Upstream": HIDDEN},
        "add": {"X-Also": HIDDEN},
    }
    expected["routes"][0]["response_headers"]["add"] = {"X-Answer": HIDDEN}
    expected["keys"][0]["sha256"] = HIDDEN
    assert told == expected
    assert secrets_in(plain(config), GatewayConfig) == {SECRET, "ab" * 32}


def test_settings_are_told_without_secrets() -> None:
    keys = (ApiKey("me", "ab" * 32),)
    config = EngineConfig(sections={"gateway": GatewayConfig(routes=(ROUTE,), keys=keys)})
    told = repr(config.settings())
    assert SECRET not in told
    assert "ab" * 32 not in told
    assert HIDDEN in told
    assert "X-Upstream" in told


@given(anything)
def test_a_text_where_header_rules_should_be_is_hidden_whatever_its_form(value: Any) -> None:
    def texts(found: Any) -> set[str]:
        if isinstance(found, dict):
            return set().union(*map(texts, found.values()))
        if isinstance(found, list):
            return set().union(*map(texts, found))
        return {found} if isinstance(found, str) else set()

    route = {"path": "/a", "request_headers": {"set": {"X-Upstream": value}}}
    assert texts(without_secrets(route, Route)) <= {"/a", "", HIDDEN}


@pytest.mark.parametrize(
    "name",
    ["Authorization", "cookie", "password", "client_secret", "sha256", "api_key", "X-API-Key",
     "token", "bot-token"],
)  # fmt: skip
def test_what_is_called_like_a_secret_is_hidden_whatever_its_type(name: str) -> None:
    assert without_secrets([{name: SECRET}], None) == [{name: HIDDEN}]
    assert without_secrets(SECRET, str, name) == HIDDEN
    assert hides_at(("a", name), str)


@pytest.mark.parametrize("name", ["token_file", "key", "keys", "header", "tokens"])
def test_what_only_sounds_like_a_secret_is_told(name: str) -> None:
    assert not is_called_secret(name)
    assert without_secrets({name: "visible"}, None) == {name: "visible"}


def test_a_secret_that_is_not_set_is_seen_to_be_not_set() -> None:
    assert without_secrets({"password": ""}, None) == {"password": ""}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("ABI_GATEWAY__KEYS", f'[{{"name": "me", "sha256": "{SECRET}"}}]'),
        ("ABI_GATEWAY__ROUTES", f'[{{"request_headers": {{"set": {{"X-U": "{SECRET}"}}}}}}]'),
        ("ABI_GATEWAY__ROUTES", f'[{{"request_headers": "{SECRET}"'),
    ],
)
def test_a_mistake_beside_a_secret_does_not_tell_it(name: str, text: str) -> None:
    with pytest.raises(InvalidConfig) as caught:
        load(environ={name: text}, content=b"")
    assert SECRET not in caught.value.message + caught.value.hint


@pytest.mark.parametrize(
    "text",
    [
        f'[[gateway.keys]]\nname = "me"\nsha256 = "{SECRET}"\n',
        f'[[gateway.routes]]\nrequest_headers.set = {{X-U = "{SECRET}"}}\n',
        f'[[gateway.routes]]\npath = 3\nrequest_headers.set = {{X-U = "{SECRET}"}}\n',
        f'[[gateway.routes]]\nrequest_headers.set = {{X-U = ["{SECRET}"]}}\n',
        f'[[gateway.routes]]\nrequest_headers = "{SECRET}"\n',
    ],
)
def test_a_mistake_in_a_file_does_not_tell_the_secret_in_its_place(text: str) -> None:
    with pytest.raises(InvalidConfig) as caught:
        load("abi.toml", environ={}, content=text.encode())
    assert SECRET not in caught.value.message + caught.value.hint
