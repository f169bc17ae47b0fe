"""What may be used for which purpose: the data contract, consent, and the gate before a model."""
