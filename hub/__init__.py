"""Everything that arrives, and the people who look after it. This package owns SQL."""
