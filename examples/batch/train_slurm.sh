#!/bin/bash
# A training that is longer than the time limit of a job of Slurm: sbatch train_slurm.sh CONFIG.toml FOLDER
#
# Two minutes before its end Slurm sends SIGTERM; pytmva-rnn keeps the state of the training, ends with code 143, and the
# job is put into the queue again, where the same command goes on. On a node that fails it loses the time since the last
# checkpoint, ten minutes unless [checkpoint] in the configuration says otherwise.
#SBATCH --job-name=train
#SBATCH --cpus-per-task=2
#SBATCH --mem=4G
#SBATCH --time=04:00:00
#SBATCH --signal=B:TERM@120
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=%x_%j.log

set -euo pipefail

config=${1:-config.toml}
folder=${2:-results}

# the code of a network is compiled once for all jobs; a training goes on with the threads that it began with
export NUMBA_CACHE_DIR="${NUMBA_CACHE_DIR:-$PWD/numba}"
export PYTMVA_RNN_THREADS="${SLURM_CPUS_PER_TASK:-1}"

pytmva-rnn train "$config" --output "$folder" --resume &
training=$!
trap 'kill -TERM "$training"' TERM

code=0
wait "$training" || code=$?
if kill -0 "$training" 2>/dev/null; then # the signal has ended the first wait
    code=0
    wait "$training" || code=$?
fi
if [[ $code == 143 ]]; then
    scontrol requeue "$SLURM_JOB_ID"
fi
exit "$code"
