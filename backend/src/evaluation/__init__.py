"""The evaluation child: one process that evaluates one model with an engine.

Only this package imports engines, torch and transformers. The worker starts it as a process.
"""
