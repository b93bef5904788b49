"""What an evaluation leaves: the report, finished tasks kept for a restart, standard errors."""
