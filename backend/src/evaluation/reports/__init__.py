"""What an evaluation leaves: its report, and reports of single tasks kept for a retry."""
