"""What arrives over HTTP: routes take in, call one thing, and give out."""
