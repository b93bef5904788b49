"""Running evaluations: the suite and the job, child processes, their limits and logs."""
