"""Events, who has read how far, and what was made of them: batches and completions."""
