// ---- What is done with vectors. No result depends on how wide they are: each sum is made in one order, and every
// product that something is added to is one madd.

// Rows of weights and all scratch arrays have a multiple of 16 floats, so that any width fits.
PYTMVA_RNN_INLINE constexpr std::size_t padded(std::size_t n) { return (n + 15) / 16 * 16; }
PYTMVA_RNN_INLINE constexpr std::size_t vectors(std::size_t n) { return (n + lanes - 1) / lanes; }

PYTMVA_RNN_INLINE Vector load(const float* p)
{
  Vector v;
  std::memcpy(&v, p, sizeof v);
  return v;
}

PYTMVA_RNN_INLINE void store(Vector v, float* p) { std::memcpy(p, &v, sizeof v); }

PYTMVA_RNN_INLINE Vector all(float s) { return s - Vector{}; }

// What adds nothing to any number, not even to -0.
PYTMVA_RNN_INLINE Vector nothing(std::size_t) { return all(-0.0f); }

// Negative where there is a NaN: by its bits, which -ffast-math does not optimise away.
PYTMVA_RNN_INLINE Bits nan_signs(const float* p)
{
  Bits bits;
  std::memcpy(&bits, p, sizeof bits);
  return 0x7f800000 - (bits & 0x7fffffff);
}

// The minimax rational function of degrees 13 and 6; error at most 4e-7. The comparisons let a NaN pass.
PYTMVA_RNN_INLINE Vector tanh(Vector x)
{
  const Vector top = all(7.90531110763549805f), bottom = all(-7.90531110763549805f);
  x = x > top ? top : x;
  x = x < bottom ? bottom : x;
  const Vector s = x * x;
  Vector p = madd(s, all(-2.76076847742355e-16f), all(2.00018790482477e-13f));
  p = madd(p, s, all(-8.60467152213735e-11f));
  p = madd(p, s, all(5.12229709037114e-08f));
  p = madd(p, s, all(1.48572235717979e-05f));
  p = madd(p, s, all(6.37261928875436e-04f));
  p = madd(p, s, all(4.89352455891786e-03f));
  Vector q = madd(s, all(1.19825839466702e-06f), all(1.18534705686654e-04f));
  q = madd(q, s, all(2.26843463243900e-03f));
  q = madd(q, s, all(4.89352518554385e-03f));
  return x * p / q;
}

PYTMVA_RNN_INLINE Vector sigmoid(Vector x) { return madd(tanh(x * 0.5f), all(0.5f), all(0.5f)); }
