"""A rehearsal ground: an LRS, an OAuth server, a mailbox and a LearningBuilder that obey."""
