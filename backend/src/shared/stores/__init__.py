"""Where the datasets lie: a store in a folder or on the Hub, and what keeps their contents in memory."""
