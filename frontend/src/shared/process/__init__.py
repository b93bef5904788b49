"""What concerns the process itself: signals, background loops, steady time, protection from inspection."""
