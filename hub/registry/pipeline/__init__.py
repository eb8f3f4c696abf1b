"""Sources, the files that landed, and what is still to be done with them."""
