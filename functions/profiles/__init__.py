"""Where profiles, consent, state, decisions and the outbox live: the protocol and its stores."""
