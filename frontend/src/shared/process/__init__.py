"""The process itself: signals, background loops, a clock that does not leap, protection from inspection."""
