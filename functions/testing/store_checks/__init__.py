"""The parts of the conformance suite of stores; use `functions.testing.stores`."""
