"""The way out: guarded, bounded, and every reply an outcome."""
