"""The sync: a program's new events become rows, and LearningBuilder takes them in batches."""
