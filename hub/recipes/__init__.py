"""Recipes: one raw record becomes statements, or says why not. What authors import is in `kit`."""
