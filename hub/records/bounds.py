"""How much of anything is taken. What is beyond is told with its place, and never read."""

LONGEST_RECORD = 1024 * 1024
"""Bytes of one row or one line."""
LONGEST_FIELD = 128 * 1024
MOST_COLUMNS = 1000
LONGEST_NAME = 200
LARGEST_DOCUMENT = 8 * 1024 * 1024
"""A JSON document is read whole; what is larger can come as JSON Lines."""
DEEPEST = 40
MOST_UNREADABLE = 1000
"""So many rows with a quote that is never closed, and a file is given up."""
SAMPLE = 64 * 1024
"""How much of a file is looked at to find out what it is."""
CHUNK_BYTES, CHUNK_ROWS = 512 * 1024, 2000
"""A chunk is what a worker takes at once."""
