"""Servers that answer for models: Inference Endpoints, rented for one evaluation each, or a server that is
there.

Only this room makes, finds and deletes endpoints.
"""
