"""The functions that expressions have beyond JMESPath's own: time, numbers, encodings, windows, text.

One rule holds for all of them: an argument that is null or of the wrong type makes the result null, and
no result is ever NaN or infinite. They never raise, keep no state and read no clock.
"""
