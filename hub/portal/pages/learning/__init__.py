"""The pages of the Learning Hub: programs, events, subscriptions and syncs."""
