"""Configuration: layers, origins, and errors that name the place and the way out."""

from __future__ import annotations

from pathlib import Path

import pytest

from abi_engine.config import EngineConfig, find_file, load
from abi_engine.core.errors import InvalidConfig
from abi_engine.features.gateway.config import GatewayConfig


def write(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "abi.toml"
    file.write_text(text)
    return file


def gateway(config: EngineConfig) -> GatewayConfig:
    return config.section("gateway", GatewayConfig)


def refused(tmp_path: Path, text: str) -> InvalidConfig:
    with pytest.raises(InvalidConfig) as caught:
        load(write(tmp_path, text), environ={})
    return caught.value


def test_later_layers_win_and_each_value_knows_its_origin(tmp_path: Path) -> None:
    file = write(tmp_path, "[gateway]\nport = 1\nhost = 'a'\npool_size = 5\n")
    config = load(
        file,
        environ={"ABI_GATEWAY__PORT": "2", "ABI_GATEWAY__HOST": "b"},
        flags={"gateway.port": "3"},
    )
    assert (gateway(config).port, gateway(config).host, gateway(config).pool_size) == (3, "b", 5)
    origins = {setting.key: setting.origin for setting in config.settings()}
    assert origins["gateway.port"] == "flag gateway.port"
    assert origins["gateway.host"] == "environment ABI_GATEWAY__HOST"
    assert origins["gateway.pool_size"] == f"file {file}:4"
    assert origins["gateway.max_routes"] == "default"


def test_a_table_in_a_later_layer_keeps_the_keys_it_does_not_name(tmp_path: Path) -> None:
    file = write(tmp_path, "[gateway.breaker]\nfailure_threshold = 9\n")
    config = load(file, environ={"ABI_GATEWAY__BREAKER__RESET_TIMEOUT": "2.5"})
    breaker = gateway(config).breaker
    assert (breaker.failure_threshold, breaker.reset_timeout) == (9, 2.5)


def test_routes_are_read_with_their_tables(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        """
        [[gateway.routes]]
        path = "/a"
        upstreams = ["http://127.0.0.1:1"]
        [gateway.routes.limit]
        rate = 3
        [[gateway.routes]]
        path = "/b"
        upstreams = ["http://127.0.0.1:2"]
        """,
    )
    first, second = gateway(load(file, environ={})).routes
    assert first.limit is not None
    assert (first.path, first.limit.rate, second.path) == ("/a", 3, "/b")


def test_an_environment_variable_may_hold_json(tmp_path: Path) -> None:
    routes = '[{"path": "/x", "upstreams": ["http://a:1"]}]'
    config = load(write(tmp_path, ""), environ={"ABI_GATEWAY__ROUTES": routes})
    assert gateway(config).routes[0].path == "/x"


def test_names_without_a_double_underscore_are_not_settings(tmp_path: Path) -> None:
    load(write(tmp_path, ""), environ={"ABI_DEBUG": "1", "ABI_CONFIG": "x", "ABIX__Y": "z"})


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("[gatway]\nport=1", "unknown setting 'gatway' (file {}:1)", "did you mean 'gateway'?"),
        ("\n[gateway]\npurt=1", "unknown setting 'gateway.purt' (file {}:3)", "'port'"),
        (
            "[gateway]\nport=-1",
            "gateway.port = -1: expected a whole number of at least 0 (file {}:2)",
            "",
        ),
        (
            "[gateway]\nport='8'",
            "gateway.port = '8': expected a whole number, got text (file {}:2)",
            "",
        ),
        ("gateway=3", "gateway = 3: expected a table, got a whole number (file {}:1)", ""),
        ("[features]\ngatewayy=true", "unknown setting 'features.gatewayy' (file {}:2)", "gateway"),
        ("[features]\ngateway=1", "features.gateway is true or false (file {}:2)", ""),
        (
            "[[gateway.routes]]\npath='/'\nupstreams=[]\n[[gateway.routes]]\npth='/'",
            "unknown setting 'gateway.routes[1].pth' (file {}:5)",
            "did you mean 'path'?",
        ),
        (
            "[gateway]\nhost='a'\n[gateway.limits]\nheader_count=0",
            "gateway.limits.header_count = 0: expected a whole number of at least 1 (file {}:4)",
            "",
        ),
    ],
)
def test_a_mistake_in_a_file_names_its_line_and_the_nearest_name(
    tmp_path: Path, text: str, message: str, hint: str
) -> None:
    error = refused(tmp_path, text)
    assert str(error) == message.format(tmp_path / "abi.toml")
    assert hint in error.hint


def test_one_bracket_where_there_must_be_two_is_told(tmp_path: Path) -> None:
    error = refused(tmp_path, "[gateway.routes]\npath = '/'\n")
    assert "expected a list, got a table" in str(error)
    assert error.hint == "begin each with [[gateway.routes]], in two brackets"


def test_a_pattern_is_told_in_words(tmp_path: Path) -> None:
    words = "expected 1 to 64 letters, digits, dots, dashes and underscores"
    file = refused(tmp_path, "[gateway]\nserver_name = 'a b'\n")
    assert f"gateway.server_name = 'a b': {words} (file " in str(file)
    environ = {"ABI_GATEWAY__SERVER_NAME": "a b"}
    with pytest.raises(InvalidConfig, match=words):
        load(None, environ=environ, data_dir=tmp_path)


def test_a_file_that_is_no_toml_names_the_line(tmp_path: Path) -> None:
    assert "line 2" in str(refused(tmp_path, "a = 1\nb = ]"))


@pytest.mark.parametrize(
    "bomb", ["a = " + "[" * 100_000, "a = " + "9" * 5_000], ids=["deep", "long"]
)
def test_a_file_that_makes_the_parser_fall_over_is_an_error_with_its_name(
    tmp_path: Path, bomb: str
) -> None:
    assert str(tmp_path / "abi.toml") in str(refused(tmp_path, bomb))


def test_a_file_that_is_not_there_is_an_error_only_when_it_was_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfig, match="No such file"):
        load(tmp_path / "none.toml", environ={})
    assert load(environ={}, cwd=tmp_path).file is None


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("ABI_GATEWAY__PORT", "http", "gateway.port = http: expected a whole number, got text"),
        (
            "ABI_GATEWAY__PORT",
            "70000",
            "gateway.port = 70000: expected a whole number of at most 65535",
        ),
        ("ABI_GATEWAY__PRT", "1", "unknown setting 'gateway.prt'"),
        ("ABI_GATEWAY__BREAKER__X", "1", "unknown setting 'gateway.breaker.x'"),
        ("ABI_FEATURES__GATEWAY", "perhaps", "features.gateway = perhaps: expected true or false"),
        ("ABI_NOTHING__X", "1", "unknown setting 'nothing'"),
    ],
)
def test_a_mistake_in_the_environment_names_the_variable(
    tmp_path: Path, name: str, value: str, message: str
) -> None:
    with pytest.raises(InvalidConfig) as caught:
        load(write(tmp_path, ""), environ={name: value})
    assert message in str(caught.value)
    assert name in str(caught.value)


def test_hostile_text_in_a_file_is_shown_made_safe(tmp_path: Path) -> None:
    error = refused(tmp_path, '[gateway]\n"\\u001b[31m" = 1\n')
    assert "\x1b" not in str(error) + error.hint


def test_the_file_is_looked_for_where_the_documents_say(tmp_path: Path) -> None:
    here = write(tmp_path, "")
    other = tmp_path / "other.toml"
    assert find_file(None, {}, tmp_path) == here
    assert find_file(None, {"ABI_CONFIG": str(other)}, tmp_path) == other
    assert find_file(Path("given"), {"ABI_CONFIG": str(other)}, tmp_path) == Path("given")


def test_the_data_directory_is_given_or_from_the_environment(tmp_path: Path) -> None:
    environ = {"ABI_DATA_DIR": str(tmp_path / "env")}
    assert load(environ=environ, cwd=tmp_path).data_dir == tmp_path / "env"
    assert load(environ=environ, cwd=tmp_path, data_dir=tmp_path).data_dir == tmp_path
    assert EngineConfig().data_dir is None


def test_every_setting_is_listed_once_with_its_default() -> None:
    settings = EngineConfig().settings()
    keys = [setting.key for setting in settings]
    assert len(keys) == len(set(keys))
    assert all(setting.value == setting.default for setting in settings)
    assert {"features.gateway", "engine.history", "service.admin_port", "gateway.port"} <= set(keys)
