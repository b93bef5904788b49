"""The dataset cards of the two datasets, as a Space writes them when it creates what is missing."""

from __future__ import annotations

REQUESTS_CARD = """---
pretty_name: Leaderboard requests
viewer: false
tags:
- leaderboard
---

# Requests

One JSON file per submission to a leaderboard, with its status: `{org}/{model}_eval_request_….json`. The
frontend adds them, the backend claims and finishes them, and an owner may edit them by hand.
"""

RESULTS_CARD = """---
pretty_name: Leaderboard results
viewer: false
tags:
- leaderboard
---

# Results

One JSON file per finished evaluation: `{org}/{model}/results_….json`, lm_eval's whole report. Logs lie in
`logs/`, and what the Spaces keep for themselves in `index/`.
"""
