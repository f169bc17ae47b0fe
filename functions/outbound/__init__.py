"""Calls that leave this process: bounded in time and size, to addresses that may be called.

The one place that knows httpx. Models and channels translate its failures into their own errors.
"""
