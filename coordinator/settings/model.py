"""Every setting, with its meaning, its default and what is allowed. Field descriptions feed
``adl config --default`` and ``--schema``.

Tables are keyed by name so that one key of one table can be overridden from outside.
"""

import re
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, WrapValidator
from pydantic import ValidatorFunctionWrapHandler as Handler
from pydantic_core import PydanticCustomError, ValidationError

from chains.codec.fields import keccak256
from coordinator.decide.policy import Policy

__all__ = [
    "AttestationSettings",
    "ChainSettings",
    "ChainlinkSettings",
    "FeedSettings",
    "FixedSettings",
    "JournalSettings",
    "KeySettings",
    "LevelSettings",
    "OracleSettings",
    "Settings",
    "UnderlyingSettings",
    "VenueSettings",
    "VerifierSettings",
]

_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")
_KEY_LIKE = re.compile(r"(?=.*\d)(?=.*[A-Za-z])[\w-]{16,}")
_KEYLESS = "looks like it carries a key; put it in a file of its own and name that in url_file"


def _refusal(reason: str) -> PydanticCustomError:
    return PydanticCustomError("setting", "{reason}", {"reason": reason})


def _checked_address(text: str) -> str:
    if not _ADDRESS.fullmatch(text):
        raise _refusal("an address is 0x and 40 hexadecimal digits")
    digits = text[2:].lower()
    shades = keccak256(digits.encode()).hex()
    mixed = "0x" + "".join(
        digit.upper() if shade >= "8" else digit
        for digit, shade in zip(digits, shades, strict=False)
    )
    if text[2:] not in (digits, digits.upper()) and text != mixed:
        raise _refusal(f"wrong checksum: a letter was changed, or this is meant: {mixed}")
    return mixed


def _keyless_url(text: str) -> str:
    url = urlsplit(text)
    if url.scheme not in ("http", "https") or not url.hostname:
        raise _refusal("an RPC address is http://HOST or https://HOST")
    if url.username or url.query or any(map(_KEY_LIKE.fullmatch, url.path.split("/"))):
        raise _refusal(_KEYLESS)
    return text


def _tag_or_depth(value: object, handler: Handler) -> object:
    """One refusal instead of pydantic's one for each member of the union."""
    try:
        return handler(value)
    except ValidationError:
        raise _refusal('"latest", "safe", "finalized", or blocks below the head') from None


def _journal_url(text: str, info: ValidationInfo) -> str:
    """With the driver that this program uses."""
    file = text.removeprefix("sqlite:///")
    if file in (text, "", ":memory:"):
        raise _refusal("a journal is sqlite:///FILE")
    return f"sqlite+aiosqlite:///{_beside_settings(Path(file), info)}"


def _beside_settings(path: Path, info: ValidationInfo) -> Path:
    """Relative paths start at the settings file's folder, wherever the program is started."""
    return Path(info.context) / path if info.context else path


Address = Annotated[str, AfterValidator(_checked_address)]
Depth = Annotated[
    Literal["latest", "safe", "finalized"] | Annotated[int, Field(ge=0, le=100_000)],
    WrapValidator(_tag_or_depth),
]
FileName = Annotated[Path, AfterValidator(_beside_settings)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$", max_length=40)]
RpcUrl = Annotated[str, AfterValidator(_keyless_url)]
Underlying = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9]*$", max_length=31)]


class _Door(BaseModel):
    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, hide_input_in_errors=True, validate_default=False
    )


class LevelSettings(_Door):
    """How settled a block must be on this chain."""

    read: Depth = Field("safe", description="to plan on: a node's tag, or blocks below the head")
    final: Depth = Field("finalized", description="to call a thing done: a tag, or a depth")


class ChainSettings(_Door):
    """One chain and the nodes that are asked about it."""

    chain_id: int = Field(gt=0, lt=2**53, description="what eth_chainId must answer")
    rpc_urls: tuple[RpcUrl, ...] = Field((), description="nodes, most trusted first")
    url_file: FileName | None = Field(
        None, description="instead of rpc_urls: a file with one address a line, for those with keys"
    )
    rpc_quorum: int = Field(1, ge=1, le=16, description="how many nodes must say the same")
    levels: LevelSettings = LevelSettings()


class VenueSettings(_Door):
    """One venue whose contract inherits the gate."""

    chain: Name | None = Field(
        None, description="name of its chain; needed where there are several"
    )
    gate: Address = Field(description="address of the contract that inherits DeleverageGate")
    reserve: Address = Field(description="address of its settlement contract")


class FixedSettings(_Door):
    """A market document: for demos, replays and tests."""

    kind: Literal["fixed"] = Field(description='"fixed"')
    file: FileName = Field(description="an adl.market/1 document")


class FeedSettings(_Door):
    """One Chainlink feed."""

    address: Address = Field(description="the feed's proxy")
    heartbeat_s: int = Field(gt=0, le=7 * 86_400, description="longest time between two answers")
    half_width_ppm: int = Field(ge=0, lt=1_000_000, description="the feed's deviation threshold")


class ChainlinkSettings(_Door):
    """Index prices from Chainlink feeds of one chain."""

    kind: Literal["chainlink"] = Field(description='"chainlink"')
    chain: Name | None = Field(
        None, description="name of the chain; needed where there are several"
    )
    feeds: dict[Underlying, FeedSettings]
    sequencer: Address | None = Field(None, description="uptime feed; on a layer 2 only")


OracleSettings = Annotated[FixedSettings | ChainlinkSettings, Field(discriminator="kind")]


class UnderlyingSettings(_Door):
    """Where the price of one underlying comes from."""

    index: Name | None = Field(None, description="oracle of the index; needed if several could")
    surface: Name | None = Field(None, description="oracle of the surface; needed if several could")


class KeySettings(_Door):
    """A key: an encrypted file, or on devnets one of the keys that everybody knows."""

    keystore: FileName | None = Field(None, description="version 3 keystore file, mode 600")
    password_file: FileName | None = Field(None, description="its password on one line, mode 600")
    dev_key_index: int | None = Field(
        None, ge=0, lt=1_000, description="instead: a devnet's key, for chain ids 31337 to 31436"
    )


class VerifierSettings(KeySettings):
    """A verifier in this process."""

    index: int = Field(ge=0, le=255, description="its place in the gates' signer sets")


class AttestationSettings(_Door):
    """The quorum."""

    threshold: int | None = Field(
        None, ge=1, le=256, description="signatures a plan needs; default: the least above 2/3"
    )


class JournalSettings(_Door):
    """The durable record of what was signed."""

    url: Annotated[str, AfterValidator(_journal_url)] = Field(
        description="sqlite:///FILE, for one process at a time"
    )


class Settings(_Door):
    """All of it. ``mode`` alone never sends: ``adl run`` also wants --live."""

    mode: Literal["shadow", "live"] = Field(
        "shadow", description="shadow plans and never sends; live also needs `adl run --live`"
    )
    chains: dict[Name, ChainSettings] = Field(default_factory=dict)
    venues: dict[Name, VenueSettings] = Field(default_factory=dict)
    oracles: dict[Name, OracleSettings] = Field(default_factory=dict)
    underlyings: dict[Underlying, UnderlyingSettings] = Field(default_factory=dict)
    verifiers: dict[Name, VerifierSettings] = Field(default_factory=dict)
    attestation: AttestationSettings = AttestationSettings()
    executor: KeySettings | None = None
    journal: JournalSettings | None = None
    policy: Policy = Policy()

    def chain_name(self, wanted: str | None) -> str:
        """A named chain, or the only one; empty where that is not clear."""
        return wanted or _only(self.chains)

    def index_oracle(self, underlying: str) -> str:
        """Name of the index source of an underlying; empty where that is not clear."""
        able = [
            name
            for name, oracle in self.oracles.items()
            if isinstance(oracle, FixedSettings) or underlying in oracle.feeds
        ]
        return self.underlyings[underlying].index or _only(able)

    def surface_oracle(self, underlying: str) -> str:
        """Name of the surface source of an underlying; empty where that is not clear."""
        able = [name for name, o in self.oracles.items() if isinstance(o, FixedSettings)]
        return self.underlyings[underlying].surface or _only(able)

    @property
    def threshold(self) -> int:
        """Signatures a plan needs: as set, else the least number above 2/3 of the verifiers."""
        return self.attestation.threshold or 2 * len(self.verifiers) // 3 + 1


def _only(names: dict[str, ChainSettings] | list[str]) -> str:
    return next(iter(names)) if len(names) == 1 else ""
