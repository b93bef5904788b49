"""The commands of owners and maintainers: import, evaluate again, back up, restore, remove, retire."""
