"""Access tokens: fetched once for all workers, and what they are fetched with."""
