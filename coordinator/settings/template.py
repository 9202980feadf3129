"""The commented settings file that ``adl config --default`` prints, made from the model itself."""

import json
from collections.abc import Iterator
from dataclasses import fields
from enum import StrEnum

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from coordinator.decide.policy import Policy
from coordinator.settings.model import (
    AttestationSettings,
    ChainlinkSettings,
    ChainSettings,
    FeedSettings,
    FixedSettings,
    JournalSettings,
    KeySettings,
    LevelSettings,
    Settings,
    UnderlyingSettings,
    VenueSettings,
    VerifierSettings,
)

__all__ = ["template"]

_TABLES: tuple[tuple[str, type[BaseModel]], ...] = (
    ("chains.arbitrum", ChainSettings),
    ("chains.arbitrum.levels", LevelSettings),
    ("venues.alpha", VenueSettings),
    ("oracles.market", FixedSettings),
    ("oracles.feeds", ChainlinkSettings),
    ("oracles.feeds.feeds.BTC", FeedSettings),
    ("underlyings.BTC", UnderlyingSettings),
    ("verifiers.one", VerifierSettings),
    ("attestation", AttestationSettings),
    ("executor", KeySettings),
    ("journal", JournalSettings),
)
_HEAD = """\
# Settings of adl. What is commented out shows its default, or ... where there is none.
# Variables override: ADL_CHAINS__ARBITRUM__RPC_QUORUM=2. Secrets stand in files of their own.
"""


def template() -> str:
    """TOML that is valid as it stands: shadow mode, nothing to read, the default policy."""
    mode = Settings.model_fields["mode"]
    lines = [_HEAD, f"# {mode.description}", f"mode = {_toml(mode.default)}"]
    for name, table in _TABLES:
        lines += ["", f"# [{name}]  # {_summary(table)}", *_commented(table)]
    lines += ["", "# [policy]  # The numbers of the risk committee. Gates pin their digest."]
    lines += [f"# {field.name} = {_toml(field.default)}" for field in fields(Policy)]
    return "\n".join(lines) + "\n"


def _summary(kind: type) -> str:
    return (kind.__doc__ or "").partition("\n")[0]


def _commented(table: type[BaseModel]) -> Iterator[str]:
    for name, info in table.model_fields.items():
        if info.description:
            yield f"# {name} = {_shown(info)}  # {info.description}"


def _shown(info: FieldInfo) -> str:
    return "..." if info.is_required() or info.default is None else _toml(info.default)


def _toml(value: object) -> str:
    """JSON writes numbers, text and lists as TOML does."""
    return json.dumps(value.value if isinstance(value, StrEnum) else value)
