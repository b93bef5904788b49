"""Which of the Hub's licences are open: anybody may use, change and share the model for any purpose.

These are the Hub's identifiers (https://huggingface.co/docs/hub/repositories-licenses) of licences that the
Open Source Initiative has approved (https://opensource.org/licenses), or that conform to the Open Definition
(https://opendefinition.org/licenses). Licences with rules of use, such as OpenRAIL and Llama's, are not open.
"""

from __future__ import annotations

OPEN = frozenset(
    {
        *(
            "afl-3.0",
            "agpl-3.0",
            "apache-2.0",
            "artistic-2.0",
            "bsd",
            "bsd-2-clause",
            "bsd-3-clause",
            "bsl-1.0",
        ),
        *("cc-by-2.0", "cc-by-2.5", "cc-by-3.0", "cc-by-4.0", "cc-by-sa-3.0", "cc-by-sa-4.0", "cc0-1.0"),
        *(
            "cdla-permissive-2.0",
            "ecl-2.0",
            "epl-1.0",
            "epl-2.0",
            "etalab-2.0",
            "eupl-1.1",
            "eupl-1.2",
            "gfdl",
        ),
        *("gpl", "gpl-2.0", "gpl-3.0", "isc", "lgpl", "lgpl-2.1", "lgpl-3.0", "lgpl-lr", "lppl-1.3c", "mit"),
        *("mpl-2.0", "ms-pl", "ncsa", "odbl", "odc-by", "ofl-1.1", "openmdw-1.0", "osl-3.0", "pddl"),
        *("postgresql", "unlicense", "wtfpl", "zlib"),
    }
)


UNKNOWN = frozenset({"", "?", "unknown"})
"""What the Hub and old request files have in place of a licence."""


def is_open(license: str | None) -> bool | None:
    """Return whether a model's licence is open, or all of several; None if it states none."""
    names = {name.strip().casefold() for name in (license or "").split(",")} - UNKNOWN
    return names <= OPEN if names else None
