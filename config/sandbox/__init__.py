"""A rehearsal ground: an LRS, an OAuth server and a mailbox that do as they are told."""
