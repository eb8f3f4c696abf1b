"""What the pages say, in plain words. Pure."""
