#!/bin/bash
# Scores the files of files.txt (one path or URL a line) with 50 jobs of Slurm: sbatch slurm.sh
#
# A job that is requeued passes over what is done, and so does this file, submitted a second time. When all have ended,
# the same command without --shard scores what is left, if anything, and says how many files there are.
#SBATCH --job-name=scores
#SBATCH --array=1-50
#SBATCH --cpus-per-task=2
#SBATCH --mem=2G
#SBATCH --time=01:00:00
#SBATCH --signal=B:TERM@60
#SBATCH --requeue
#SBATCH --output=%x_%A_%a.log

set -euo pipefail

jobs=50 # as --array says
weights=${1:-lstm.weights.xml}
folder=${2:-scores}

# the code of a network is compiled once for all jobs, and each takes the cores that it has asked for
export NUMBA_CACHE_DIR="${NUMBA_CACHE_DIR:-$PWD/numba}"
export PYTMVA_RNN_THREADS="${SLURM_CPUS_PER_TASK:-1}"

# exec, so that signals reach it
exec pytmva-rnn evaluate "$weights" @files.txt --folder "$folder" --shard "$SLURM_ARRAY_TASK_ID/$jobs" --keep run event
