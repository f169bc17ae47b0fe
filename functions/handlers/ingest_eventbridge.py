"""Entry module of the Lambda function that takes in profiles from EventBridge; importing it builds the handler."""

import os

from functions.handlers.factory import build_handler

handler = build_handler("ingest_eventbridge", os.environ)
