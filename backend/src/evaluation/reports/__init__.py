"""What an evaluation leaves: its report, reports of single tasks kept for a retry, standard errors."""
