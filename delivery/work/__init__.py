"""What workers do: drains, and what goes on beside them."""
