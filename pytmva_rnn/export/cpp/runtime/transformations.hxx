// ---- Transformations of the variables, and of regression targets back, in double precision but for normalisation, which
// TMVA does in floats; what each makes is rounded to floats. `from` and `to` say which of the values are read and written.

template <std::size_t N>
inline void normalize(const std::size_t* from, const std::size_t* to, const float* low, const float* high, double* v)
{
  float made[N];
  for (std::size_t i = 0; i < N; ++i) {
    const float factor = static_cast<float>(1.0 / static_cast<double>(high[i] - low[i]));
    made[i] = (static_cast<float>(v[from[i]]) - low[i]) * factor * 2 - 1;
  }
  for (std::size_t i = 0; i < N; ++i)
    v[to[i]] = made[i];
}

template <std::size_t N>
inline void normalize_back(const std::size_t* from, const std::size_t* to, const float* low, const float* high, double* v)
{
  float made[N];
  for (std::size_t i = 0; i < N; ++i) {
    const float factor = static_cast<float>(1.0 / static_cast<double>(high[i] - low[i]));
    made[i] = low[i] + (static_cast<float>(v[from[i]]) + 1) / (factor * 2);
  }
  for (std::size_t i = 0; i < N; ++i)
    v[to[i]] = made[i];
}

// M (x - before) + after: decorrelation, principal components and their inverses
template <std::size_t N>
inline void rotate(const std::size_t* from, const std::size_t* to, const double* matrix, const double* before,
                   const double* after, double* v)
{
  double given[N];
  for (std::size_t i = 0; i < N; ++i)
    given[i] = v[from[i]] - before[i];
  for (std::size_t i = 0; i < N; ++i) {
    double sum = 0;
    for (std::size_t j = 0; j < N; ++j)
      sum += matrix[i * N + j] * given[j];
    v[to[i]] = static_cast<float>(sum + after[i]);
  }
}

// The cumulative distribution of a variable, as TMVA uses it: a table of 10000 points, each of them linear between the
// middles of the histogram's bins.
struct Distribution {
  static constexpr std::size_t points = 10000;
  const double* edges;
  const float* contents;
  std::size_t bins;

  double low() const { return edges[0]; }
  double width() const { return edges[bins] - edges[0]; }
  double middle(std::size_t i) const { return edges[i] + 0.5 * (edges[i + 1] - edges[i]); }

  double point(std::size_t i) const
  {
    const double x = low() + (static_cast<double>(i) + 0.5) * width() / points;
    double y = contents[0];
    if (bins > 1) {
      std::size_t left = 0, right = bins;
      while (left < right) {
        const std::size_t half = left + (right - left) / 2;
        if (middle(half) <= x)
          left = half + 1;
        else
          right = half;
      }
      left = left < 2 ? 0 : left - 1 > bins - 2 ? bins - 2 : left - 1;
      const double distance = middle(left + 1) - middle(left);
      const double slope = (static_cast<double>(contents[left + 1]) - contents[left]) / (distance > 0 ? distance : 1);
      y = contents[left] + (x - middle(left)) * slope;
    }
    if (y <= smallest) {
      const std::size_t bin = static_cast<std::size_t>(std::lower_bound(edges, edges + bins, x) - edges);
      y = contents[bin > 0 && edges[bin] != x ? bin - 1 : bin < bins ? bin : bins - 1];
    }
    return static_cast<float>(y < smallest ? smallest : y);
  }

  double fraction_below(double x) const
  {
    const double place = (x - low()) / width() * points - 0.5;
    const double floor = std::floor(place);
    const std::size_t left = !(floor > 0) ? 0 : floor > points - 2 ? points - 2 : static_cast<std::size_t>(floor);
    const double first = point(left);
    const double y = first + (place - static_cast<double>(left)) * (point(left + 1) - first);
    return is_nan(static_cast<float>(y)) || y < smallest ? smallest : y;
  }

  // TMVA's bisection between the underflow bin and the last, which both count as 0 until others have been looked at.
  double value_at(double fraction) const
  {
    if (is_nan(static_cast<float>(fraction)))
      return fraction;
    std::size_t below = 0, above = points;
    double first = 0, second = 0;
    for (std::size_t middle = points / 2; below < middle && middle < above; middle = below + (above - below) / 2) {
      const double at = point(middle - 1);
      if (fraction < at) {
        above = middle;
        second = at;
      } else {
        below = middle;
        first = at;
      }
    }
    const double height = second - first, part = height > 1e-10 ? (fraction - first) / height : first;
    return low() + (static_cast<double>(below) - 0.5 + static_cast<double>(above - below) * part) * width() / points;
  }

private:
  static constexpr double smallest = 1e-12;
};

// Winitzki's formula and three Halley steps
inline double erfinv(double y)
{
  const double size = std::abs(y);
  if (size == 0)
    return y;
  const double pi = 3.14159265358979323846, a = 0.147, tail = 1 - size;
  const double logarithm = std::log(tail * (1 + size)), half = 2 / (pi * a) + logarithm / 2;
  double x = std::sqrt(std::max(std::sqrt(half * half - logarithm / a) - half, 0.0));
  for (int i = 0; i < 3; ++i) {
    const double difference = size < 0.5 ? std::erf(x) - size : tail - std::erfc(x);
    const double step = difference * std::exp(x * x) * std::sqrt(pi) / 2;
    x -= step / (1 + x * step);
  }
  return std::copysign(x, y);
}

inline double clipped(double x, double low, double high) { return x < low ? low : x > high ? high : x; }

constexpr double root_two = 1.414213562;  // TMVA's digits

template <std::size_t N, bool Flat>
inline void gauss(const std::size_t* from, const std::size_t* to, const Distribution* distributions, double* v)
{
  double made[N];
  for (std::size_t i = 0; i < N; ++i) {
    made[i] = clipped(distributions[i].fraction_below(v[from[i]]), 1e-9, 1 - 1e-9);
    if (!Flat)
      made[i] = root_two * erfinv(clipped(2 * made[i] - 1, -0.99999999, 0.99999999));
  }
  for (std::size_t i = 0; i < N; ++i)
    v[to[i]] = static_cast<float>(made[i]);
}

template <std::size_t N, bool Flat>
inline void gauss_back(const std::size_t* from, const std::size_t* to, const Distribution* distributions, double* v)
{
  double made[N];
  for (std::size_t i = 0; i < N; ++i) {
    const double fraction = Flat ? v[from[i]] : (std::erf(v[from[i]] / root_two) + 1) / 2;
    made[i] = distributions[i].value_at(fraction);
  }
  for (std::size_t i = 0; i < N; ++i)
    v[to[i]] = made[i];
}
