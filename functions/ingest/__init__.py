"""What platforms send about customers becomes profiles, traits, consent and aliases; nothing is decided here."""
