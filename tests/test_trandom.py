"""TRandom3 and the shuffle against numbers that ROOT 6.40 (libstdc++) gave."""

from __future__ import annotations

import numpy as np
import pytest

from pytmva_rnn.trandom import TRandom3, shuffle

ROOT_RNDM = {
    1: [0.4170219984371215, 0.99718480813317, 0.720324489288032, 0.9325573612004519],
    1234: [0.19151945016346872, 0.49766366626136005, 0.6221087663434446, 0.8178384427446872],
    4294967295: [0.09763202886097133, 0.11160666542127728, 0.9123828439041972, 0.5626933739986271],
}
ROOT_GAUS_111 = [  # TRandom3(111), Gaus(1, 2)
    -0.20559291943026814,
    -0.3237209729850292,
    0.744236072525382,
    1.7924692691116242,
    1.09284757028973,
    0.18130122683942318,
    -1.596651829779148,
    -1.0899133021011949,
]
ROOT_SHUFFLED_TWICE = {  # 0 ... n-1 shuffled twice with TRandom3(1235): the first six, and sum(i * v[i])
    7: ([0, 6, 4, 2, 1, 5], None),
    8: ([1, 5, 2, 3, 6, 4], None),
    12800: ([10954, 6134, 11145, 6946, 7907, 11346], 522930532023),
    65535: ([35051, 38217, 13805, 30756, 14393, 34713], 70295793853085),
    65536: ([514, 35152, 57460, 52869, 5181, 12553], 70212699511776),
    100000: ([10967, 46002, 78832, 92572, 94711, 97432], 250214262983234),
}


@pytest.mark.parametrize("seed", ROOT_RNDM)
def test_rndm_is_roots(seed: int) -> None:
    assert TRandom3(seed).rndm(4).tolist() == ROOT_RNDM[seed]


def test_the_stream_does_not_depend_on_how_it_is_asked() -> None:
    together, one_by_one = TRandom3(7), TRandom3(7)
    expected = together.rndm(9000)
    assert np.concatenate([one_by_one.rndm(n) for n in (1, 0, 4095, 4096, 808)]).tolist() == expected.tolist()
    np.testing.assert_array_equal(together.raw(5) * 2.0**-32, one_by_one.rndm(5))


def test_gaus_is_roots() -> None:
    random = TRandom3(111)
    numbers = random.gaus(100000, 1.0, 2.0)
    assert numbers[:8].tolist() == ROOT_GAUS_111
    assert numbers[-2:].tolist() == [-0.6931169983213303, 3.1113972002640367]
    assert numbers.sum() == pytest.approx(100218.38734953669, rel=1e-12)
    assert random.rndm(1)[0] == 0.0739394526463002


def test_gaus_in_pieces_is_the_same_stream() -> None:
    whole, pieces = TRandom3(3), TRandom3(3)
    assert [float(pieces.gaus(1)[0]) for _ in range(300)] == whole.gaus(300).tolist()


@pytest.mark.parametrize("n", ROOT_SHUFFLED_TWICE)
def test_shuffle_is_roots(n: int) -> None:
    order = np.arange(n)
    random = TRandom3(1235)
    shuffle(order, random)
    shuffle(order, random)
    first, checksum = ROOT_SHUFFLED_TWICE[n]
    assert order[:6].tolist() == first
    assert np.array_equal(np.sort(order), np.arange(n))
    if checksum is not None:
        assert int((order * np.arange(n)).sum()) == checksum


@pytest.mark.parametrize("n", [0, 1])
def test_nothing_to_shuffle_takes_no_number(n: int) -> None:
    random = TRandom3(1)
    shuffle(np.arange(n), random)
    assert random.rndm(1).tolist() == ROOT_RNDM[1][:1]


def test_seed_zero_differs_every_time() -> None:
    assert TRandom3(0).rndm(4).tolist() != TRandom3(0).rndm(4).tolist()


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_a_seed_that_does_not_fit_is_refused(seed: int) -> None:
    with pytest.raises(ValueError, match="seeds from 0 to 4294967295"):
        TRandom3(seed)
