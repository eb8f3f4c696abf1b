"""Bytes become records: encodings, CSV, JSON, forms; bounded, and told by line where it fails."""
