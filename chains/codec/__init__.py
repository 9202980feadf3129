"""Bytes <-> vocabulary, exactly as the contracts lay them out. Pure: no I/O, no clock.

One idea a module; import what you need from where it stands:

======================== ==================================================================
:mod:`~.fields`          range checks; :class:`~.fields.FieldOutOfRange`
:mod:`~.words`           account, position, instrument, mark and funding words <-> columns
:mod:`~.leg_words`       leg words <-> :data:`chains.legs.Leg`, chunks of words
:mod:`~.merkle`          chunk leaves, roots, proofs; plan root, edge id, group id
:mod:`~.typed_data`      EIP-712 digests that verifiers and oracles sign
:mod:`~.quorum`          packed signatures of a quorum
:mod:`~.abi`             calldata and results by function signature
:mod:`~.gate`            calls and results of DeleverageGate
:mod:`~.venue`           calls and results of OptionsVenue (and token, price feed)
:mod:`~.reserve`         calls and results of Reserve
======================== ==================================================================
"""
