"""Configuration in layers: defaults, then a file, then the environment, then flags.

Every value knows where it came from. Refuses to ignore anything: an unknown key or a value out of
range is an error that names its place and the nearest valid name.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar, cast, get_args

import msgspec

from abi_engine.catalogue import BUILT_IN, Catalogue
from abi_engine.core.errors import InvalidConfig
from abi_engine.core.expectations import in_words
from abi_engine.core.secret import HIDDEN
from abi_engine.core.text import safe
from abi_engine.hidden import hides_at, without_secrets
from abi_engine.settings import EngineSection, ServiceSection, choices, field_type, leaves
from abi_engine.toml_lines import Key, dotted, line_of, lines_of_keys

FILE_NAME = "abi.toml"
DEFAULT = "default"
_UNKNOWN_FIELD = "Object contains unknown field `"

S = TypeVar("S", bound=msgspec.Struct)
Sections = Mapping[str, type[msgspec.Struct]]


class Setting(msgspec.Struct, frozen=True):
    """One value of the configuration.

    Attributes:
        key: `section.key`, deeper ones with more dots.
        value: as it is, with `<hidden>` for each secret in it.
        default: what it would be.
        origin: `default`, `file PATH:LINE`, `environment NAME` or `flag NAME`.
    """

    key: str
    value: Any
    default: Any
    origin: str


class EngineConfig(msgspec.Struct, frozen=True):
    """The configuration of one engine.

    Attributes:
        data_dir: where the engine keeps what lasts; None for an engine that lives in memory.
        file: the file that was read, if one was.
        features: the switches that are set, by feature; the catalogue has the other ones.
        sections: a struct for each section that is not all defaults.
        origins: where each value that is set came from, by dotted key.
    """

    data_dir: Path | None = None
    file: Path | None = None
    features: dict[str, bool] = {}
    sections: dict[str, msgspec.Struct] = {}
    origins: dict[str, str] = {}

    def section(self, name: str, kind: type[S]) -> S:
        """The section `name`; all defaults where nothing set it."""
        return cast("S", self.sections[name]) if name in self.sections else kind()

    @property
    def engine(self) -> EngineSection:
        """The section `[engine]`."""
        return self.section("engine", EngineSection)

    @property
    def service(self) -> ServiceSection:
        """The section `[service]`."""
        return self.section("service", ServiceSection)

    def settings(self, catalogue: Catalogue = BUILT_IN) -> tuple[Setting, ...]:
        """Every setting in force, by section and key, with its origin; secrets are `<hidden>`."""
        found = [
            self._setting(
                f"features.{row.name}", self.features.get(row.name, row.default), row.default
            )
            for row in catalogue
            if row.built
        ]
        kinds = known_sections(catalogue) | {name: type(s) for name, s in self.sections.items()}
        for name, kind in kinds.items():
            defaults = dict(leaves(kind(), (name,)))
            for key, value in leaves(self.section(name, kind), (name,)):
                told = without_secrets(value, field_type(kind, key[1:]).type, key[-1])
                found.append(self._setting(dotted(key), told, defaults.get(key)))
        return tuple(found)

    def _setting(self, key: str, value: object, default: object) -> Setting:
        origin = self.origins.get(key)
        if origin is None:  # set by something inside it (a table of a list), or not at all
            inside = [self.origins[k] for k in self.origins if k.startswith((f"{key}.", f"{key}["))]
            origin = inside[0] if inside else DEFAULT
        return Setting(key, value, default, origin)


def known_sections(catalogue: Catalogue = BUILT_IN) -> dict[str, type[msgspec.Struct]]:
    """The sections that the engine reads: its own and one for each built feature."""
    features = {row.name: row.config for row in catalogue if row.built}
    return {"engine": EngineSection, "service": ServiceSection, **features}


def default_data_dir(environ: Mapping[str, str]) -> Path:
    """`ABI_DATA_DIR`, else the user's data directory."""
    given = environ.get("ABI_DATA_DIR")
    if given:
        return Path(given)
    from platformdirs import user_data_path  # not needed where it is told

    return user_data_path("abi", appauthor=False)


def default_file() -> Path:
    """The file in the user's configuration directory, whether or not it is there."""
    from platformdirs import user_config_path  # not needed where it is told

    return user_config_path("abi", appauthor=False) / FILE_NAME


def find_file(path: Path | None, environ: Mapping[str, str], cwd: Path) -> Path | None:
    """The file to read: given, `ABI_CONFIG`, `./abi.toml`, the user's; None where there is none."""
    if path is not None:
        return path
    if given := environ.get("ABI_CONFIG"):
        return Path(given)
    return next((file for file in (cwd / FILE_NAME, default_file()) if file.is_file()), None)


def load(
    path: Path | str | None = None,
    *,
    environ: Mapping[str, str],
    flags: Mapping[str, str] | None = None,
    data_dir: Path | str | None = None,
    cwd: Path | None = None,
    catalogue: Catalogue = BUILT_IN,
    sections: Sections | None = None,
    content: bytes | None = None,
) -> EngineConfig:
    """Read every layer.

    Args:
        path: the file; without it `find_file` looks.
        environ: `ABI_<SECTION>__<KEY>` are settings, deeper keys with more `__`.
        flags: values by dotted key, as typed; they win.
        data_dir: else `default_data_dir`.
        cwd: where `./abi.toml` is looked for.
        catalogue: whose features have sections and switches.
        sections: further sections that the caller reads.
        content: what the file would hold; then it is not opened.

    Raises:
        InvalidConfig: a file that cannot be read, an unknown key, a value out of range.
    """
    kinds = known_sections(catalogue) | dict(sections or {})
    reader = _Reader(kinds, catalogue)
    file = find_file(Path(path) if path is not None else None, environ, cwd or Path.cwd())
    if file is not None:
        reader.read_file(file, content)
    for name, text in sorted(environ.items()):
        if name.startswith("ABI_") and "__" in name:
            key = tuple(name.removeprefix("ABI_").lower().split("__"))
            reader.set(key, text, f"environment {name}")
    for dotted_key, text in (flags or {}).items():
        reader.set(tuple(dotted_key.split(".")), text, f"flag {dotted_key}")
    where = Path(data_dir) if data_dir is not None else default_data_dir(environ)
    return reader.result(where.expanduser().absolute(), file)


class _Reader:
    """The layers read so far: one tree of plain values, and the origin of each."""

    def __init__(self, kinds: Sections, catalogue: Catalogue) -> None:
        self._kinds = kinds
        self._names = {row.name for row in catalogue}
        self._tree: dict[str, Any] = {}
        self._origins: dict[str, str] = {}

    def read_file(self, file: Path, content: bytes | None = None) -> None:
        """Take every value of a TOML file, or of what it would hold."""
        try:
            text = (file.read_bytes() if content is None else content).decode()
            tree = tomllib.loads(text)
        except OSError as error:
            refused = isinstance(error, PermissionError)
            hint = "let this user read it, or name" if refused else "name"
            raise InvalidConfig(
                f"cannot read {safe(str(file))}: {error.strerror}",
                hint=f"{hint} another file with --config",
            ) from error
        except (ValueError, RecursionError) as error:  # no text, no TOML, or a bomb
            raise InvalidConfig(
                f"{safe(str(file))}: {error}", hint="abi config validate"
            ) from error
        lines = lines_of_keys(text)
        for section, value in tree.items():
            place = f"{file}:{line_of(lines, (section,))}"
            self._check_section(section, f"file {place}")
            self._take_file_section(section, value, file, lines)

    def _take_file_section(
        self, section: str, value: object, file: Path, lines: Mapping[Key, int]
    ) -> None:
        def place(key: Key) -> str:
            return f"file {file}:{line_of(lines, (section, *key))}"

        if section == "features":
            for name, switch in cast("dict[str, Any]", value).items():
                self._check_feature(name, place((name,)))
                if not isinstance(switch, bool):
                    raise InvalidConfig(f"features.{name} is true or false ({place((name,))})")
        else:
            _convert(value, self._kinds[section], section, place)
        _merge(self._tree, {section: value})
        for key in _paths(value, (section,)):
            self._origins[dotted(key)] = place(key[1:])

    def set(self, key: Key, text: str, origin: str) -> None:
        """Take one value written as text."""
        section, rest = str(key[0]), key[1:]
        self._check_section(section, origin)
        if section == "features":
            self._check_feature(dotted(rest), origin)
        kind = bool if section == "features" else self._field_type(section, rest, origin)
        value = parse_value(text, kind, key, origin)
        tree: Any = value
        for word in reversed(key):
            tree = {word: tree}
        _merge(self._tree, tree)
        self._origins[dotted(key)] = origin

    def result(self, data_dir: Path, file: Path | None) -> EngineConfig:
        """The configuration that the layers add up to."""
        features = self._tree.pop("features", {})
        sections = {
            name: _convert(value, self._kinds[name], name, lambda _: "")
            for name, value in self._tree.items()
        }
        return EngineConfig(data_dir, file, features, sections, self._origins)

    def _field_type(self, section: str, key: Key, origin: str) -> Any:
        found = field_type(self._kinds[section], key)
        if found.type is None:
            raise _unknown(f"{section}.{dotted(key)}", str(found.word), found.known, origin)
        return found.type

    def _check_section(self, name: str, origin: str) -> None:
        if name not in self._kinds and name != "features":
            raise _unknown(name, name, (*self._kinds, "features"), origin)

    def _check_feature(self, name: str, origin: str) -> None:
        if name not in self._names:
            raise _unknown(f"features.{name}", name, tuple(self._names), origin)


def _unknown(key: str, word: str, known: tuple[str, ...], origin: str) -> InvalidConfig:
    near = get_close_matches(word, known, n=1)
    hint = f"did you mean '{near[0]}'?" if near else f"known: {', '.join(sorted(known))}"
    return InvalidConfig(f"unknown setting '{safe(key)}' ({safe(origin)})", hint=hint)


def parse_value(text: str, kind: Any, key: Key, origin: str) -> object:
    """`text` as a plain value of the type `kind`: a word, a number, or JSON for what is deeper.

    Raises:
        InvalidConfig: it is none; the message has the key and the origin.
    """
    try:
        value = msgspec.convert(text, kind, strict=False)
    except msgspec.ValidationError as error:
        try:
            value = msgspec.json.decode(text, type=kind)
        except (msgspec.ValidationError, msgspec.DecodeError):
            what = _words_of(str(error).partition(" - at `$")[0], kind)
            shown = HIDDEN if hides_at(key, kind) else safe(text, limit=80)
            message = f"{dotted(key)} = {shown}: {what} ({safe(origin)})"
            raise InvalidConfig(message, hint=_choices(text, kind)) from error
    return msgspec.to_builtins(value)


def _convert(value: object, kind: type[S], section: str, place: Callable[[Key], str]) -> S:
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        what, _, path = str(error).partition(" - at `$")
        key = _path_key(path.rstrip("`"))
        full = dotted((section, *key))
        if what.startswith(_UNKNOWN_FIELD):
            unknown = what.removeprefix(_UNKNOWN_FIELD).rstrip("`")
            known = field_type(kind, (*key, unknown)).known
            raise _unknown(f"{full}.{unknown}", unknown, known, place((*key, unknown))) from error
        where = place(key)
        ending = f" ({safe(where)})" if where else ""
        wanted = field_type(kind, key).type
        given = without_secrets(_at(value, key), wanted, (section, *key)[-1])
        message = f"{full} = {safe(_shown(given), limit=60)}: {_words_of(what, wanted)}{ending}"
        hint = _brackets(what, full) or _choices(given, wanted)
        raise InvalidConfig(message, hint=hint) from error


def _words_of(what: str, wanted: Any) -> str:
    """What is wrong, by the description of the type where it has a pattern."""
    if "matching regex" in what:
        for meta in get_args(wanted):
            if isinstance(meta, msgspec.Meta) and meta.description:
                return f"expected {meta.description}"
    return in_words(what)


def _brackets(what: str, key: str) -> str:
    """The way out for who wrote a table where there may be several."""
    if what.startswith("Expected `array`, got `object`"):
        return f"begin each with [[{key}]], in two brackets"
    return ""


def _at(value: Any, key: Key) -> object:
    for word in key:
        value = value[word]
    return value


def _shown(value: object) -> str:
    """A value as TOML has it, nearly."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{name} = {_shown(one)}" for name, one in value.items()) + " }"
    if isinstance(value, list):
        return f"[{', '.join(map(_shown, value))}]"
    return repr(value) if isinstance(value, (str, int, float)) else str(value)


def _choices(given: object, kind: Any) -> str:
    """What may stand there instead, where that is one of a few words."""
    known = tuple(choices(kind))
    near = get_close_matches(str(given), known, n=1)
    if near and str(given) not in known:
        return f"did you mean '{near[0]}'?"
    return f"one of: {', '.join(known)}" if known else ""


def _path_key(path: str) -> Key:
    """`.routes[0].path` as a key; `[...]` stands for the key of a dict, which msgspec hides."""
    words: list[str | int] = []
    for word in path.replace("[", ".[").split("."):
        if word.startswith("[") and word[1:-1].isdigit():
            words.append(int(word[1:-1]))
        elif word and not word.startswith(("[", "]")):
            words.append(word)
    return tuple(words)


def _merge(into: dict[str, Any], tree: Mapping[str, Any]) -> None:
    for key, value in tree.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            _merge(into[key], value)
        else:
            into[key] = value


def _paths(value: object, key: Key) -> Iterator[Key]:
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            yield from _paths(inner, (*key, name))
    else:
        yield key
