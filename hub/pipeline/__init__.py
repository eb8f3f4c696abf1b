"""The pipeline: what lands becomes records, records become statements, delivery takes them."""
