"""Entry module of the Lambda function for EventBridge events; importing it builds the handler."""

import os

from functions.handlers.factory import build_handler

handler = build_handler("eventbridge", os.environ)
