"""Keys of the settings as signers."""

from collections.abc import Sequence

from chains.base import TransactionSigner
from chains.signer import DevSigner, KeystoreSigner
from coordinator.errors import SettingsError
from coordinator.settings.model import KeySettings

__all__ = ["load_signer"]


async def load_signer(key: KeySettings, chain_ids: Sequence[int]) -> TransactionSigner:
    """The key of a keystore, or of a devnet; raises SignerError saying what to do."""
    if key.dev_key_index is not None:
        return DevSigner(key.dev_key_index, chain_ids=frozenset(chain_ids))
    if key.keystore is None or key.password_file is None:
        raise SettingsError("a key needs keystore and password_file")
    return await KeystoreSigner.load(key.keystore, password_file=key.password_file)
