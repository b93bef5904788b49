"""What the table says: rows, their scores and ranks, and what a visitor makes of them."""
