"""How long raw bytes are kept, and what nobody names any more."""
