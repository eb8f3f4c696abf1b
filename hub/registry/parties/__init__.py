"""Who takes part: programs, providers, integrations and callers, and what contacts are told."""
