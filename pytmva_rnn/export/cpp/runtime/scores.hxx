// ---- From a network's outputs to scores.

// By its bits, which -ffast-math does not optimise away.
inline bool is_nan(float x)
{
  std::uint32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  return (bits & 0x7fffffffu) > 0x7f800000u;
}

// The output function: 'S' sigmoid, 'M' softmax, 'I' identity.
inline void finish(char function, float* out, std::size_t n)
{
  if (function == 'S') {
    for (std::size_t i = 0; i < n; ++i)
      out[i] = static_cast<float>(0.5 * std::tanh(0.5 * out[i]) + 0.5);
  } else if (function == 'M') {
    double sum = 0;
    const double top = *std::max_element(out, out + n);
    for (std::size_t i = 0; i < n; ++i)
      sum += std::exp(out[i] - top);
    for (std::size_t i = 0; i < n; ++i)
      out[i] = static_cast<float>(std::exp(out[i] - top) / sum);
  }
}
