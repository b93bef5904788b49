#!/bin/bash
# What a member of the fleet runs on a node of the cluster. Edit it for your cluster: load modules, say where models
# are kept. What sbatch is told stands in FLEET_MACHINES. It gets as variables:
#   LEADERBOARD_PYTHON   the Python that runs the fleet, with the packages of requirements.txt
#   LEADERBOARD_MEMBER   the name of this member
#   HF_TOKEN             the token of members, if the data is on the Hub
# and as arguments which models to claim. It runs in the folder of the backend.
set -eu

# module load cuda

# Each member has a folder of its own on the node, for the models that it downloads. It keeps the folder locked, so
# what is not locked was left by a member that has ended. That is moved away at once, and removed in the background
# without the token: evaluations of other members can read it in the environment of this shell as long as that is there.
folders="${TMPDIR:-/tmp}/leaderboard-members-$(id -u)"
mkdir -p -m 700 "$folders"
[ -O "$folders" ] || { echo "$folders belongs to another user: remove it, or set TMPDIR in this script."; exit 1; }
exec 8< "$folders"
flock 8
for left in "$folders"/*/; do
    gone="$folders/.left-$SLURM_JOB_ID-$(basename "$left")"
    if [ -d "$left" ]; then flock --nonblock "$left" mv "$left" "$gone" || true; fi
done
export TMPDIR="$folders/$SLURM_JOB_ID"
mkdir -p "$TMPDIR"
exec 9< "$TMPDIR"
flock 9
exec 8<&-
(env -u HF_TOKEN -u HF_READ_TOKEN rm -rf "$folders"/.left-* 9<&- &)

# No two workers may have the same name.
export WORKER_ID="$LEADERBOARD_MEMBER.$SLURM_JOB_ID"

# `exec` is needed: otherwise this shell stays, and evaluations can read the token in its environment.
exec "$LEADERBOARD_PYTHON" -u -m src.worker --drain "$@"
