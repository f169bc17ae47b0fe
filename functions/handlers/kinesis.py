"""Entry module of the Lambda function for records of Kinesis; importing it builds the handler."""

import os

from functions.handlers.factory import build_handler

handler = build_handler("kinesis", os.environ)
