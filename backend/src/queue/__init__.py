"""What a worker does with the queue: `plan.py` decides, `lifecycle.py` has the steps, `reconciler.py`
carries them out.
"""
