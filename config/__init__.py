"""Wires the house together. The only package that reads the environment and the clock."""
