"""What delivery keeps in Redis: every key, every atomic step, and the one door."""
