"""One canonical byte form for every value that is digested (RFC 8949 section 4.2, a subset).

A dataclass is the array of its fields in order, a tuple an array, an enum its value, an int64 or
uint8 column the pair [shape, big-endian bytes], a member of a union the pair [class name, value].
Only integers, bytes, text in NFC and arrays exist: no maps, floats, booleans or nulls. Decoding
follows the type hints back and refuses anything that does not re-encode to the same bytes.
"""

import hashlib
import types
import typing
import unicodedata
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from typing import Any, TypeVar

import cbor2
import numpy as np

from coordinator.errors import CoordinatorError
from oracles.errors import OracleError

__all__ = ["CanonicalError", "decode", "digest", "encode"]

Value = TypeVar("Value")


class CanonicalError(ValueError):
    """The bytes are not the canonical form of the wanted type; says where."""


def encode(value: object) -> bytes:
    """The canonical bytes of a dataclass (or of any value of the subset)."""
    return cbor2.dumps(_plain(value, "value"), canonical=True)


def digest(tag: str, value: object) -> bytes:
    """sha256(tag || canonical bytes)."""
    return hashlib.sha256(tag.encode() + encode(value)).digest()


def decode(kind: type[Value], data: bytes) -> Value:
    """The value of type ``kind`` whose canonical form is ``data``; raises CanonicalError."""
    try:
        plain = cbor2.loads(data)
    except (cbor2.CBORDecodeError, ValueError, RecursionError) as error:
        raise CanonicalError(f"not CBOR: {error}") from error
    value = _typed(kind, plain, kind.__name__)
    if encode(value) != data:
        raise CanonicalError(f"{kind.__name__}: bytes are not in canonical form")
    return typing.cast(Value, value)


def _plain(value: object, where: str) -> object:
    match value:
        case Enum():
            return _plain(value.value, where)
        case bool() | float() | None:
            raise CanonicalError(f"{where}: {value!r} has no canonical form")
        case int() | bytes():
            return value
        case str():
            return unicodedata.normalize("NFC", value)
        case np.ndarray():
            return [list(value.shape), value.astype(value.dtype.newbyteorder(">")).tobytes()]
        case tuple():
            return [_plain(item, f"{where}[{i}]") for i, item in enumerate(value)]
    if is_dataclass(value) and not isinstance(value, type):
        return _plain_fields(value, where)
    raise CanonicalError(f"{where}: {type(value).__name__} has no canonical form")


def _plain_fields(value: Any, where: str) -> list[object]:
    hints = _hints(value.__class__)
    out: list[object] = []
    for name, hint in hints.items():
        item = getattr(value, name)
        plain = _plain(item, f"{where}.{name}")
        if isinstance(item, tuple) and _is_union(_element(hint)):
            plain = [[type(one).__name__, _plain(one, f"{where}.{name}")] for one in item]
        out.append(plain)
    return out


def _typed(hint: Any, plain: Any, where: str) -> object:
    if _is_union(hint):
        return _union_member(hint, plain, where)
    origin = typing.get_origin(hint)
    if origin is np.ndarray:
        return _column(hint, plain, where)
    if origin is tuple:
        _require(isinstance(plain, list), where, "an array")
        element = _element(hint)
        return tuple(_typed(element, item, f"{where}[{i}]") for i, item in enumerate(plain))
    if is_dataclass(hint):
        return _dataclass(typing.cast(type, hint), plain, where)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _guard(lambda: hint(plain), where)
    _require(type(plain) is hint, where, hint.__name__)
    return plain


def _dataclass(kind: type, plain: Any, where: str) -> object:
    hints = _hints(kind)
    _require(isinstance(plain, list) and len(plain) == len(hints), where, f"{len(hints)} fields")
    values = {
        name: _typed(hint, item, f"{where}.{name}")
        for (name, hint), item in zip(hints.items(), plain, strict=True)
    }
    return _guard(lambda: kind(**values), where)


def _union_member(hint: Any, plain: Any, where: str) -> object:
    members = {member.__name__: member for member in typing.get_args(hint)}
    _require(isinstance(plain, list) and len(plain) == 2, where, "[name, value]")
    name, value = plain
    _require(name in members, where, " | ".join(members))
    return _typed(members[name], value, f"{where}:{name}")


def _column(hint: Any, plain: Any, where: str) -> np.ndarray[Any, Any]:
    dtype = np.dtype(typing.get_args(typing.get_args(hint)[1])[0])
    _require(isinstance(plain, list) and len(plain) == 2, where, "[shape, bytes]")
    shape, data = plain
    flat = _guard(lambda: np.frombuffer(data, dtype.newbyteorder(">")).reshape(shape), where)
    column = typing.cast("np.ndarray[Any, Any]", flat).astype(dtype)
    column.setflags(write=False)
    return column


@cache
def _hints(kind: type) -> dict[str, Any]:
    hints = typing.get_type_hints(kind)
    return {field.name: hints[field.name] for field in fields(kind)}


def _element(hint: Any) -> Any:
    return typing.get_args(hint)[0] if typing.get_origin(hint) is tuple else None


def _is_union(hint: Any) -> bool:
    return isinstance(hint, types.UnionType)


def _require(holds: bool, where: str, wanted: str) -> None:
    if not holds:
        raise CanonicalError(f"{where}: expected {wanted}")


def _guard(build: typing.Callable[[], object], where: str) -> object:
    """Whatever a constructor refuses is a fault of the bytes, not of this program."""
    try:
        return build()
    except CanonicalError:
        raise
    except (TypeError, ValueError, OracleError, CoordinatorError) as error:
        raise CanonicalError(f"{where}: {error}") from error
