"""The spec language: YAML to a checked `Spec`, and a `Spec` to the `Plan` that a runtime works on."""
