"""The evaluation child: one process that evaluates one model with lm_eval.

Only this package imports lm_eval, torch and transformers. The worker starts it as a process.
"""
