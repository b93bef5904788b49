"""Asks a server for a model's answers, in place of computing them here."""
