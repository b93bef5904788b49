"""What owners and maintainers do with commands: import, evaluate again, back up, restore, remove, retire."""
