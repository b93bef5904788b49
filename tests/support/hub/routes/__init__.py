"""What the Hub answers, each module one part of its API, with a table ROUTES at its end."""
