"""The landing store: raw bytes are kept before anybody reads them, in a folder or in S3."""
