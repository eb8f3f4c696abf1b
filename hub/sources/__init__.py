"""Sources: where raw records come from, as facts; who may send them, and how they are asked for."""
