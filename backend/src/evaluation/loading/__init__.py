"""Loads a submitted model, and refuses files and settings that make it unfit."""
