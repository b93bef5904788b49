"""The board: all values behind the page at one moment, and the keeper that brings them up to date."""
