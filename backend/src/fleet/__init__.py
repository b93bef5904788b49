"""Starting workers where the hardware is, of the size that waiting models need: what to start, and when."""
