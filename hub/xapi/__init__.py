"""What an xAPI statement must look like, and how one is made: pure, no wire, no store."""
