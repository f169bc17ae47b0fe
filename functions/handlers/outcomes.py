"""Entry module of the Lambda function that records what customers did; importing it builds the handler."""

import os

from functions.handlers.factory import build_handler

handler = build_handler("outcomes", os.environ)
