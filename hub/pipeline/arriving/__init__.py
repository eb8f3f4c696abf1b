"""How raw bytes come in: sent, asked for, or found in a bucket."""
