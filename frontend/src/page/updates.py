"""What a function of the page returns."""

from typing import Any

Updates = dict[Any, Any]
"""New values or properties by component; a component that is not named stays as it is."""
