"""A serverless runtime for model decisions on customer profiles.

An event fires a function; the profile is loaded, consent is checked, a declarative spec strips the
profile to a micro-payload, a model scores it, an action is chosen and committed with the score in one
transaction, and the action is sent. Importing this package has no effect: no environment is read, no
client is made.
"""
