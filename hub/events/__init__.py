"""What an event of the clearing-house is, how it is read and how it is written; pure."""
