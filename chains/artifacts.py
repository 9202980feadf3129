"""Compiled contracts as shipped in chains/abi: bytecode to deploy, error selectors to read."""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import orjson

from chains.codec.fields import keccak256

__all__ = ["Artifact", "artifact", "error_names"]

_SPEAKING = ("OptionsVenue", "Reserve", "SettlementToken", "PriceFeed")
"""Contracts whose errors a call of ours may meet."""


@dataclass(frozen=True, slots=True)
class Artifact:
    """One contract: creation code, and the types of its constructor's arguments."""

    name: str
    bytecode: bytes
    constructor: tuple[str, ...]
    errors: tuple[str, ...]


@cache
def artifact(name: str) -> Artifact:
    """The shipped build of one contract."""
    built = orjson.loads((files("chains") / "abi" / f"{name}.json").read_bytes())
    inputs = [_types(entry["inputs"]) for entry in built["abi"] if entry["type"] == "constructor"]
    errors = [
        f"{entry['name']}({','.join(_types(entry['inputs']))})"
        for entry in built["abi"]
        if entry["type"] == "error"
    ]
    code = bytes.fromhex(built["bytecode"].removeprefix("0x"))
    return Artifact(name, code, inputs[0] if inputs else (), tuple(errors))


@cache
def error_names() -> dict[bytes, str]:
    """Selector -> name of every error of the shipped contracts."""
    signatures = {error for name in _SPEAKING for error in artifact(name).errors}
    return {keccak256(text.encode())[:4]: text.partition("(")[0] for text in signatures}


def _types(parameters: list[dict[str, object]]) -> tuple[str, ...]:
    return tuple(_type(parameter) for parameter in parameters)


def _type(parameter: dict[str, object]) -> str:
    kind, parts = str(parameter["type"]), parameter.get("components")
    if not isinstance(parts, list):
        return kind
    return f"({','.join(_type(part) for part in parts)}){kind.removeprefix('tuple')}"
