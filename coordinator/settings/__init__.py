"""Settings: one TOML file, overridden by ADL_A__B__C variables, checked at the door."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from coordinator.errors import SettingsError
from coordinator.settings.crosscheck import faults_of
from coordinator.settings.explain import line, lines_of
from coordinator.settings.layers import Layers, find_file, read_layers
from coordinator.settings.model import Settings

__all__ = ["Loaded", "Settings", "load_settings"]

_NO_FILE = "no settings file"
_TOP = frozenset(Settings.model_fields)


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings that hold together, the file they come from, and the source of each value."""

    settings: Settings
    file: Path | None
    layers: Layers

    @property
    def name(self) -> str:
        """How messages call the place where these settings are changed."""
        return _shown(self.file)

    def source(self, key: str) -> str:
        """Where the value of a dotted key comes from."""
        return self.layers.source(key) or "default"


def load_settings(option: Path | None, environment: Mapping[str, str] = os.environ) -> Loaded:
    """Find, read, merge and check; raises SettingsError with one line for every fault."""
    file = find_file(option, environment)
    layers = read_layers(file, environment, _TOP)
    settings = _validated(layers, file)
    faults = faults_of(settings)
    if faults:
        raise SettingsError("\n".join(line(layers, _shown(file), *fault) for fault in faults))
    return Loaded(settings, file, layers)


def _validated(layers: Layers, file: Path | None) -> Settings:
    """By way of JSON: pydantic's strict rules for JSON are TOML's types (text as path, list as
    tuple), those for Python values are not."""
    folder = str(file.parent) if file else ""
    try:
        document = json.dumps(layers.tables, default=str)
        return Settings.model_validate_json(document, context=folder)
    except ValidationError as error:
        lines = lines_of(error, layers, _shown(file), Settings)
        raise SettingsError("\n".join(lines)) from None
    except SettingsError as error:  # raised by Policy itself
        key, _, reason = str(error).partition(": ")
        raise SettingsError(line(layers, _shown(file), key, reason)) from None


def _shown(file: Path | None) -> str:
    return str(file) if file else _NO_FILE
