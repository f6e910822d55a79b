from __future__ import annotations

import json
import os
import tomllib
from pathlib import Path
from typing import Any

import pytest

from abi_engine.config import load
from abi_engine.engine import Engine
from abi_engine.features.gateway.config import GatewayConfig
from abi_tui.cli import session
from abi_tui.cli.exits import Exit
from tests.tui.cli.conftest import Call

FILE = """\
# Mine.
[gateway]  # here
host = "0.0.0.0"   # everywhere

port = 8081
"""


def _rows(said: object) -> dict[str, object]:
    return {row["key"]: row["value"] for row in said.data}  # type: ignore[attr-defined]


def test_every_setting_is_shown_with_its_origin(abi: Call, config_file: Path) -> None:
    config_file.write_text(FILE)
    said = abi("config", "show", "--origin", "--set", "engine.log_level=debug")
    assert "gateway.host " in said.out
    line = next(text for text in said.out.splitlines() if text.startswith("gateway.host "))
    assert line.endswith(f"file {config_file}:3")
    line = next(text for text in said.out.splitlines() if text.startswith("engine.log_level "))
    assert line.endswith("flag engine.log_level")
    assert "default" in said.out


def test_the_origin_is_a_column_only_where_it_was_asked_for(abi: Call) -> None:
    assert "from" not in abi("config", "show").out.splitlines()[0]


def test_only_what_somebody_set_is_shown(abi: Call, config_file: Path) -> None:
    config_file.write_text(FILE)
    said = abi("config", "show", "--changed", "--json")
    assert _rows(said) == {"gateway.host": "0.0.0.0", "gateway.port": 8081}


def test_a_part_of_the_settings_is_shown_by_whole_words(abi: Call) -> None:
    keys = _rows(abi("config", "show", "gateway.limits", "--json"))
    assert keys
    assert all(key.startswith("gateway.limits.") for key in keys)
    assert abi("config", "show", "gate").code == Exit.NOT_FOUND


def test_the_settings_of_the_running_engine_are_its_own(
    abi: Call, engine: Engine, config_file: Path
) -> None:
    config_file.write_text(FILE)
    assert _rows(abi("config", "show", "gateway.port", "--running", "--json")) == {
        "gateway.port": 0
    }
    assert _rows(abi("config", "show", "gateway.port", "--json")) == {"gateway.port": 8081}


def test_a_setting_of_the_dashboard_is_a_setting(abi: Call, config_file: Path) -> None:
    config_file.write_text('[dashboard]\ntheme = "light"\n')
    assert abi("config", "get", "dashboard.theme").out == '"light"\n'


def test_a_value_is_printed_as_toml_has_it(abi: Call, config_file: Path) -> None:
    config_file.write_text(FILE)
    assert abi("config", "get", "gateway.port").out == "8081\n"
    assert abi("config", "get", "gateway.host").out == '"0.0.0.0"\n'
    assert abi("config", "get", "gateway.port", "--json").data["origin"] == f"file {config_file}:5"


def test_a_setting_that_is_not_there_gets_the_nearest_one(abi: Call) -> None:
    said = abi("config", "get", "gateway.prt")
    assert said.code == Exit.NOT_FOUND
    assert "no setting named 'gateway.prt'. did you mean 'gateway.port'?" in said.err


def test_writing_a_setting_keeps_comments_order_and_the_rest(abi: Call, config_file: Path) -> None:
    config_file.write_text(FILE)
    config_file.chmod(0o640)
    said = abi("config", "set", "gateway.port", "8088")
    assert said.code == Exit.DONE
    assert said.err == "abi: undo: abi config set gateway.port 8081\n"
    assert config_file.read_text() == FILE.replace("8081", "8088")
    assert config_file.stat().st_mode & 0o777 == 0o640


def test_writing_a_setting_leaves_the_file_to_the_group_it_had(
    abi: Call, config_file: Path
) -> None:
    config_file.write_text(FILE)
    group = 12_345 if os.geteuid() == 0 else os.getgroups()[-1]
    os.chown(config_file, -1, group)
    assert abi("config", "set", "gateway.port", "8088").code == 0
    assert config_file.stat().st_gid == group


def test_a_setting_of_a_new_section_is_written_and_read_back(abi: Call, config_file: Path) -> None:
    config_file.write_text(FILE)
    assert abi("config", "set", "gateway.limits.header_timeout", "5").code == 0
    assert abi("config", "set", "features.gateway", "false").code == 0
    found = tomllib.loads(config_file.read_text())
    assert found["gateway"]["limits"] == {"header_timeout": 5.0}
    assert found["features"] == {"gateway": False}
    assert config_file.read_text().startswith("# Mine.")


def test_what_is_deeper_is_given_as_json(abi: Call, config_file: Path) -> None:
    routes = [{"path": "/x", "upstreams": ["http://127.0.0.1:1"]}]
    assert abi("config", "set", "gateway.routes", json.dumps(routes)).code == 0
    config = load(config_file, environ={}, sections=session.sections())
    assert [route.path for route in config.sections["gateway"].routes] == ["/x"]  # type: ignore[attr-defined]


def test_writing_makes_the_file_where_there_is_none(abi: Call, config_file: Path) -> None:
    assert abi("config", "set", "gateway.port", "8088").code == 0
    assert tomllib.loads(config_file.read_text()) == {"gateway": {"port": 8088}}
    assert config_file.stat().st_mode & 0o777 == 0o600


def test_a_setting_is_taken_out_again(abi: Call, config_file: Path) -> None:
    config_file.write_text(FILE)
    said = abi("config", "set", "gateway.port", "--remove")
    assert said.err == "abi: undo: abi config set gateway.port 8081\n"
    assert config_file.read_text() == FILE.replace("port = 8081\n", "")
    assert abi("config", "set", "gateway.pool_size", "--remove").code == 0


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("gateway.port", "99999"), Exit.USAGE, "gateway.port = 99999"),
        (("gateway.prt", "1"), Exit.NOT_FOUND, "did you mean 'gateway.port'?"),
        (("gatway.port", "1"), Exit.NOT_FOUND, "did you mean 'gateway.port'?"),
        (("gateway.port", "eighty"), Exit.USAGE, "gateway.port = eighty"),
        (("gateway", "1"), Exit.USAGE, "gateway"),
        (("gateway.port",), Exit.USAGE, "VALUE is missing"),
        (("gateway.port", "1", "--remove"), Exit.USAGE, "--remove takes no VALUE"),
        (("features.gatway", "true"), Exit.NOT_FOUND, "did you mean 'features.gateway'?"),
        (("gateway.prt", "--remove"), Exit.NOT_FOUND, "did you mean 'gateway.port'?"),
    ],
)
def test_what_would_not_load_is_refused_and_the_file_stays(
    abi: Call, config_file: Path, words: tuple[str, ...], code: Exit, message: str
) -> None:
    config_file.write_text(FILE)
    said = abi("config", "set", *words)
    assert said.code == code
    assert message in said.err
    assert said.err.count("\n") == 1
    assert config_file.read_text() == FILE


def test_a_dry_run_writes_nothing(abi: Call, config_file: Path) -> None:
    said = abi("config", "set", "gateway.port", "8088", "--dry-run")
    assert said.out.splitlines() == [
        f"would  set gateway.port = 8088 in {config_file}",
        f"       --- {config_file}",
        f"       +++ {config_file}",
        "       @@ -0,0 +1,2 @@",
        "       +[gateway]",
        "       +port = 8088",
    ]
    assert abi("config", "init", "--dry-run").code == 0
    assert not config_file.exists()


def test_a_file_that_does_not_load_is_no_and_its_place_is_said(
    abi: Call, config_file: Path
) -> None:
    config_file.write_text("[gateway]\nprot = 1\n")
    said = abi("config", "validate")
    assert said.code == Exit.FAILED
    assert f"{config_file}:2" in said.out
    assert "did you mean 'port'?" in said.out
    data = abi("config", "validate", "--json").data
    assert data["valid"] is False


def test_a_file_that_loads_is_yes(abi: Call, config_file: Path, tmp_path: Path) -> None:
    config_file.write_text(FILE)
    assert abi("config", "validate", "--json").data == {
        "file": str(config_file),
        "valid": True,
        "problem": "",
        "hint": "",
    }
    other = tmp_path / "other.toml"
    other.write_text("x = 1")
    assert abi("config", "validate", str(other)).code == Exit.FAILED
    assert abi("config", "validate", str(tmp_path / "absent.toml")).code == Exit.NOT_FOUND


def test_a_broken_file_keeps_no_command_from_a_running_engine(
    abi: Call, engine: Engine, config_file: Path
) -> None:
    config_file.write_text("nonsense")
    assert abi("gateway", "stats").code == 0


def test_a_broken_file_is_one_clear_line(abi: Call, config_file: Path) -> None:
    config_file.write_text("nonsense")
    said = abi("gateway", "stats")
    assert said.code == Exit.USAGE
    assert said.err.count("\n") == 1
    assert str(config_file) in said.err


def test_the_path_is_that_of_the_file_that_would_be_read(abi: Call, config_file: Path) -> None:
    said = abi("config", "path")
    assert said.out == f"{config_file}\n"
    assert "(abi config init)" in said.err
    assert abi("config", "path", "--json").data == {
        "file": str(config_file),
        "found": False,
        "data_dir": os.environ["ABI_DATA_DIR"],
    }


def test_the_file_that_init_writes_loads_and_says_every_default(
    abi: Call, config_file: Path
) -> None:
    assert abi("config", "init").code == 0
    text = config_file.read_text()
    config = load(config_file, environ={}, sections=session.sections())
    assert {one.origin for one in config.settings()} == {"default"}
    assert "# port = 8080" in text
    assert "[gateway.limits]" in text
    assert '# theme = ""' in text


def test_every_setting_of_the_file_that_init_writes_can_be_put_into_force(
    abi: Call, config_file: Path
) -> None:
    abi("config", "init")
    lines = config_file.read_text().partition("# [[gateway.routes]]")[0].splitlines()
    live = [text.removeprefix("# ") if " = " in text else text for text in lines]
    config_file.write_text("\n".join(text for text in live if "(not set)" not in text))
    assert abi("config", "validate").code == 0
    found = abi("config", "show", "--changed", "--json").data
    assert len(found) > 30
    assert all(row["value"] == row["default"] for row in found)


def test_routes_certificates_and_keys_of_the_file_that_init_writes_hold(
    abi: Call, config_file: Path
) -> None:
    abi("config", "init")
    tables = config_file.read_text().partition("# [[gateway.routes]]")[2].splitlines()
    text = "\n".join(line.removeprefix("# ") for line in tables)
    config_file.write_text("[[gateway.routes]]" + text)
    gateway = load(config_file, environ={}, sections=session.sections()).section(
        "gateway", GatewayConfig
    )
    assert (len(gateway.routes), len(gateway.keys), len(gateway.tls.certificates)) == (1, 1, 1)


def test_a_certificate_that_is_not_there_does_not_hold(abi: Call, config_file: Path) -> None:
    config_file.write_text(
        '[[gateway.tls.certificates]]\ncertificate = "/none.pem"\nkey = "/none.key"\n'
    )
    said = abi("config", "validate", "--json")
    assert said.code == Exit.FAILED
    assert "/none.pem" in said.data["problem"]
    config_file.write_text("[gateway]\nlisten = false\n" + config_file.read_text())
    assert abi("config", "validate").code == Exit.DONE


def test_init_never_overwrites(abi: Call, config_file: Path) -> None:
    config_file.write_text(FILE)
    said = abi("config", "init")
    assert said.code == Exit.FAILED
    assert "is there already" in said.err
    assert config_file.read_text() == FILE


def test_a_file_that_cannot_be_written_is_said_and_nothing_is_left(
    abi: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "plain").write_text("")
    monkeypatch.setenv("ABI_CONFIG", str(tmp_path / "plain" / "abi.toml"))
    said = abi("config", "init")
    assert said.code == Exit.FAILED
    assert f"cannot write {tmp_path}/plain/abi.toml" in said.err
    assert [path.name for path in tmp_path.iterdir()] == ["plain"]


def test_every_setting_has_a_variable_that_sets_it(
    abi: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = abi("config", "env", "--json").data
    by_key = {row["key"]: row["name"] for row in rows}
    assert by_key["gateway.limits.url_size"] == "ABI_GATEWAY__LIMITS__URL_SIZE"
    monkeypatch.setenv(by_key["gateway.port"], "8090")
    assert abi("config", "get", "gateway.port").out == "8090\n"
    said = abi("config", "env", "--set-only", "--json")
    assert {row["name"] for row in said.data} == {"ABI_DATA_DIR", "ABI_GATEWAY__PORT"}


def test_the_schema_describes_every_section_and_switch(abi: Call) -> None:
    schema = json.loads(abi("config", "schema").out)
    assert {"engine", "service", "gateway", "dashboard", "features"} == set(schema["properties"])
    assert schema["additionalProperties"] is False
    assert "GatewayConfig" in schema["$defs"]
    assert abi("config", "schema", "--json").data == schema


def test_the_schema_knows_every_setting_there_is(abi: Call) -> None:
    schema = abi("config", "schema", "--json").data

    def resolved(node: Any) -> Any:
        if "$ref" in node:
            return schema["$defs"][node["$ref"].rpartition("/")[2]]
        kinds = [one for one in node.get("anyOf", ()) if "$ref" in one]
        return resolved(kinds[0]) if kinds else node

    for setting in abi("config", "show", "--json").data:
        node: Any = schema
        for word in setting["key"].split("."):
            node = resolved(resolved(node)["properties"][word])
        assert node, setting["key"]
    route = schema["$defs"]["Route"]
    assert route["required"] == ["path", "upstreams"]
    assert route["additionalProperties"] is False
    assert {"health_check", "retries", "upstream_tls", "auth", "cors"} <= route["properties"].keys()
