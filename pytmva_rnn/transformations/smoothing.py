"""The smoothing of histograms that ROOT calls `TH1::Smooth`: "353QH, twice".

J. H. Friedman, Data analysis techniques for high energy particle physics, CERN School of Computing 1974 (CERN 74-23).
Running medians of 3, 5 and 3, a parabola for what they left flat (Q), running means (H), all of it once for the
contents and once for the residuals.
"""

from __future__ import annotations

import numpy as np

from pytmva_rnn.transformations.transformer import Values

__all__ = ["smooth"]


def smooth(contents: Values) -> Values:
    """Smoothed contents, shape (n,); fewer than three stay as they are.

    Contents without negative values give none.
    """
    if len(contents) < 3:
        return contents
    first = _smooth_once(contents)
    result = first + _smooth_once(contents - first)
    return result if contents.min() < 0 else np.maximum(result, 0)


def _smooth_once(contents: Values) -> Values:
    values = _median_of_three(contents)
    values[0] = np.median([values[0], values[1], 3 * values[1] - 2 * values[2]])
    values[-1] = np.median([values[-1], values[-2], 3 * values[-2] - 2 * values[-3]])
    values = _median_of_three(_median_of_five(values))
    curved = _fill_flats(values)
    curved[1:-1] = 0.25 * curved[:-2] + 0.5 * curved[1:-1] + 0.25 * curved[2:]
    return curved


def _median_of_three(values: Values) -> Values:
    """Running medians; the ends stay."""
    result = values.copy()
    result[1:-1] = np.median(np.lib.stride_tricks.sliding_window_view(values, 3), axis=1)
    return result


def _median_of_five(values: Values) -> Values:
    """Running medians of five, of three next to the ends."""
    result = _median_of_three(values)
    if len(values) >= 5:
        result[2:-2] = np.median(np.lib.stride_tricks.sliding_window_view(values, 5), axis=1)
    return result


def _fill_flats(values: Values) -> Values:
    """A parabola instead of three equal values that are a peak or a valley."""
    result = values.copy()
    middle = values[2:-2]
    left, right = values[:-4] - middle, values[4:] - middle
    flat = (values[1:-3] == middle) & (middle == values[3:-1]) & (left * right > 0)
    for place in np.flatnonzero(flat) + 2:
        # the side that is nearer in height is where the extremum is put
        side = -1 if abs(right[place - 2]) > abs(left[place - 2]) else 1
        far, near = values[place - 2 * side], values[place + 2 * side]
        result[place] = -0.5 * far + values[place] / 0.75 + near / 6
        result[place + side] = 0.5 * (near - far) + values[place]
    return result
