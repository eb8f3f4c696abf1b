"""Events of programs become completions, and these statements."""
