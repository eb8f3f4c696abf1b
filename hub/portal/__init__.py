"""The portal: pages for customers and operators, made on the server, over the same HTTP API."""
