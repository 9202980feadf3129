"""Where settings come from, later over earlier: defaults, one TOML file, ADL_A__B__C variables.

Every value remembers its source, so that errors and ``adl config`` can name it.
"""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from coordinator.errors import SettingsError
from coordinator.settings.spelling import did_you_mean

__all__ = ["PREFIX", "Layers", "find_file", "read_layers"]

PREFIX = "ADL_"
OTHER_VARIABLES = frozenset({"ADL_ANVIL", "ADL_CONFIG", "ADL_PYTHON", "ADL_SET_UP_WITH"})
"""Variables that are no settings; the launcher and the devnet read them."""
_UPPER_CASE_TABLES = frozenset({"underlyings", "feeds"})

Table = dict[str, Any]


@dataclass(slots=True)
class Layers:
    """The merged tables and, by dotted key, the source of what does not come from a default."""

    tables: Table
    sources: dict[str, str] = field(default_factory=dict)

    def source(self, key: str) -> str:
        """Source of a value, or of the nearest table around it; empty for a default."""
        while key:
            if key in self.sources:
                return self.sources[key]
            key = key.rpartition(".")[0]
        return ""


def find_file(option: Path | None, environment: Mapping[str, str]) -> Path | None:
    """--config, else $ADL_CONFIG, else ./adl.toml, else /etc/adl/adl.toml, else none.

    Raises SettingsError where a file that was asked for is not there.
    """
    asked = option or (Path(environment["ADL_CONFIG"]) if environment.get("ADL_CONFIG") else None)
    if asked is not None:
        if not asked.is_file():
            raise SettingsError(f"{asked}: no such file; start one: adl config --default > {asked}")
        return asked
    usual = (Path("adl.toml"), Path("/etc/adl/adl.toml"))
    return next((path for path in usual if path.is_file()), None)


def read_layers(file: Path | None, environment: Mapping[str, str], known: frozenset[str]) -> Layers:
    """Both outer layers merged; ``known`` are the names of the top tables.

    Raises SettingsError for a file that is no TOML and for a variable that is no setting.
    """
    layers = Layers(_read_toml(file) if file else {})
    _remember(layers, layers.tables, prefix="", source=str(file))
    for name, text in sorted(environment.items()):
        if name.startswith(PREFIX) and name not in OTHER_VARIABLES:
            _override(layers, name, text, known)
    return layers


def _read_toml(file: Path) -> Table:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"{file}: cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file}: not a TOML file: {error}") from None


def _remember(layers: Layers, table: Table, *, prefix: str, source: str) -> None:
    """The empty table counts as a value: ``[underlyings.BTC]`` says something."""
    for name, value in table.items():
        if isinstance(value, dict) and value:
            _remember(layers, value, prefix=f"{prefix}{name}.", source=source)
        else:
            layers.sources[prefix + name] = source


def _override(layers: Layers, name: str, text: str, known: frozenset[str]) -> None:
    segments = name.removeprefix(PREFIX).lower().split("__")
    if segments[0] not in known:
        names = OTHER_VARIABLES | {PREFIX + table.upper() for table in known}
        whole = PREFIX + segments[0].upper()
        raise SettingsError(f"{name}: unknown variable{did_you_mean(whole, names)}")
    table, path = layers.tables, ""
    for segment in segments[:-1]:
        key = _spelled(table, segment, path)
        table = table.setdefault(key, {})
        path += key + "."
        if not isinstance(table, dict):
            raise SettingsError(f"{name}: {path[:-1]} is a value, not a table; shorten the name")
    key = _spelled(table, segments[-1], path)
    table[key] = _value(text)
    layers.sources[path + key] = name


def _spelled(table: Table, segment: str, path: str) -> str:
    """Names of variables have no case; the file's spelling wins."""
    parent = path[:-1].rpartition(".")[2]
    usual = segment.upper() if parent in _UPPER_CASE_TABLES else segment
    return next((key for key in table if key.lower() == segment), usual)


def _value(text: str) -> object:
    """JSON where it is JSON (numbers, lists), else the text itself."""
    try:
        return json.loads(text)
    except ValueError:
        return text
