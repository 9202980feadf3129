"""A refusal of the settings in the user's own words: which file or variable, which key, why."""

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from coordinator.settings.layers import Layers
from coordinator.settings.spelling import did_you_mean

__all__ = ["line", "lines_of"]

_UNKNOWN = frozenset({"extra_forbidden", "unexpected_keyword_argument"})
_SECRETS = frozenset(
    {"password", "passphrase", "private_key", "secret", "mnemonic", "seed", "token", "api_key"}
)


def line(layers: Layers, file: str, key: str, reason: str) -> str:
    """``adl.toml: chains.arbitrum.chain_id: reason``, or ``ADL_CHAINS__...: reason``."""
    source = layers.source(key) or file
    return f"{source}: {reason}" if source.startswith("ADL_") else f"{source}: {key}: {reason}"


def lines_of(
    error: ValidationError, layers: Layers, file: str, kind: type[BaseModel]
) -> Iterator[str]:
    """One line for each refusal, in the order of the tables."""
    schema = kind.model_json_schema()
    for detail in error.errors(include_url=False, include_input=False):
        path = _visible(detail["loc"], layers.tables)
        yield line(layers, file, ".".join(path), _reason(detail, path, schema))


def _visible(loc: tuple[int | str, ...], tables: object) -> list[str]:
    """The location without what pydantic adds for unions and keys: only what the user wrote.

    The last part stays where nothing was written, because a missing key is not there either.
    """
    path: list[str] = []
    for place, part in enumerate(loc):
        inside = _step(tables, part)
        if inside is not None:
            tables = inside
            path.append(str(part))
        elif place == len(loc) - 1 and part != "[key]":
            path.append(str(part))
    return path


def _step(tables: object, part: int | str) -> object:
    if isinstance(tables, dict):
        return tables.get(part)
    if isinstance(tables, list) and isinstance(part, int):
        return tables[part]
    return None


def _reason(detail: ErrorDetails, path: list[str], schema: dict[str, Any]) -> str:
    name = path[-1] if path else ""
    if detail["type"] in _UNKNOWN:
        if name.lower() in _SECRETS:
            return "a secret may not stand in settings; put it in a file (see password_file)"
        names = _names_at(schema, schema, path[:-1])
        return f"unknown key{did_you_mean(name, names)}"
    if detail["type"] == "missing":
        return "missing"
    if detail["loc"][-1] == "[key]":
        return "not a name; lower-case words and digits (underlyings in upper case)"
    return detail["msg"]


def _names_at(node: dict[str, Any], root: dict[str, Any], path: list[str]) -> set[str]:
    """The keys that a JSON schema allows at a path, over all members of a union."""
    if "$ref" in node:
        return _names_at(root["$defs"][node["$ref"].rpartition("/")[2]], root, path)
    members = [*node.get("anyOf", ()), *node.get("oneOf", ())]
    if members:
        return set().union(*(_names_at(member, root, path) for member in members))
    if not path:
        return set(node.get("properties", ()))
    named = node.get("properties", {}).get(path[0])
    below = [named] if named else list(node.get("patternProperties", {}).values())
    return set().union(*(_names_at(one, root, path[1:]) for one in below))
