"""The dataset cards of the two datasets, as a Space writes them when it creates what is missing.

`configs` names the index, so that `datasets.load_dataset` and the Hub's viewer show a row for each file.
"""

from __future__ import annotations

REQUESTS_CARD = """---
pretty_name: Leaderboard requests
configs:
- config_name: default
  data_files:
  - split: train
    path: .leaderboard/requests.parquet
tags:
- leaderboard
---

# Requests

One JSON file per submission to a leaderboard, with its status: `{org}/{model}_eval_request_….json`. The
frontend adds them, the backend claims and finishes them, and an owner may edit them by hand. The viewer shows
`.leaderboard/requests.parquet`, a table of them that the Spaces renew within half an hour.
"""

SAMPLES_CARD = """---
pretty_name: Leaderboard samples
viewer: false
tags:
- leaderboard
---

# Samples

Every prompt of every evaluation with the model's answers, as the backend adds them:
`.samples/{model}/{run}_{attempt}/{task}.parquet`. Read one with `pandas.read_parquet("hf://datasets/…")`.
"""

RESULTS_CARD = """---
pretty_name: Leaderboard results
configs:
- config_name: default
  data_files:
  - split: train
    path: .leaderboard/results.parquet
tags:
- leaderboard
---

# Results

One JSON file per finished evaluation: `{org}/{model}/results_….json`, lm_eval's whole report. Logs lie in
`.logs/`, and what the Spaces keep for themselves in `.leaderboard/`. The viewer shows
`.leaderboard/results.parquet`, a table of the results that the Spaces renew within half an hour.
"""
