"""Where models lie, in a folder or on the Hub, and the facts about them."""
