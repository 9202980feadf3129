"""Bytes <-> vocabulary, exactly as the contracts lay them out. Pure: no I/O, no clock.

One idea a module; import what you need from where it stands:

======================== ==================================================================
:mod:`~.fields`          range checks; :class:`~.fields.FieldOutOfRange`
:mod:`~.columns`         tables of words, int64 columns that fit their field
:mod:`~.slots`           account and position words <-> columns
:mod:`~.instruments`     instrument, mark and funding words <-> model
:mod:`~.leg_words`       leg words <-> :data:`chains.legs.Leg`, chunks of words
:mod:`~.merkle`          chunk leaves, roots, proofs; plan root, edge id, group id
:mod:`~.typed_data`      EIP-712 digests that verifiers and oracles sign
:mod:`~.quorum`          packed signatures of a quorum
:mod:`~.transaction`     type-2 transactions: what is signed, published, found
:mod:`~.abi`             calldata and results by function signature
:mod:`~.gate`            calls and results of DeleverageGate
:mod:`~.venue`           calls of OptionsVenue
:mod:`~.reserve`         calls and results of Reserve
:mod:`~.token`           calls of the settlement token and of a devnet's price feed
:mod:`~.reverts`         revert data in words
======================== ==================================================================
"""
