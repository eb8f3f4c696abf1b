"""What technical contacts are told, and how it reaches them."""
