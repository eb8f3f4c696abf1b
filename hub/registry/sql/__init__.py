"""The database: its tables, how they came to be, and what every query is made with."""
