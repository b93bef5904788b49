"""Running evaluations: the suite, the job, child processes, their limits (`watch.py`) and logs."""
