"""The pure middle: Snapshot -> Assessment -> Plan. No I/O, no clock, no randomness, no logging."""
