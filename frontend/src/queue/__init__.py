"""The queue as the page shows it: every request, its position, and what each submission came to."""
