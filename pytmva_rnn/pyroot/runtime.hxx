// What the C++ of an expression over columns is made of: numbers, which are double or bool, and lists of them.
// Each operation does what NumPy and awkward do in pytmva_rnn.data.expressions.
#ifndef PYTMVA_RNN_RUNTIME_HXX
#define PYTMVA_RNN_RUNTIME_HXX

#include <ROOT/RDF/RSampleInfo.hxx>
#include <ROOT/RVec.hxx>
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <map>
#include <mutex>
#include <numeric>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

namespace pytmva_rnn_runtime {

template <class T>
using List = ROOT::VecOps::RVec<T>;
template <class T>
struct IsList : std::false_type {};
template <class T>
struct IsList<List<T>> : std::true_type {};
template <class T>
using Number = std::conditional_t<std::is_same_v<T, bool>, bool, double>;

// A column as a number or a list of numbers.
template <class T>
auto column(const T &value) {
  if constexpr (std::is_arithmetic_v<T>) {
    return static_cast<Number<T>>(value);
  } else {
    using Element = std::decay_t<decltype(*value.begin())>;
    static_assert(std::is_arithmetic_v<Element>, "a column must hold numbers, or one list of numbers per event");
    List<Number<Element>> list(value.size());
    std::copy(value.begin(), value.end(), list.begin());
    return list;
  }
}

// A member of an object, or of each object of a list, which has the type Member and lies `offset` bytes into it.
template <class Member, class T>
double member_of(const T &object, std::size_t offset) {
  return static_cast<double>(*reinterpret_cast<const Member *>(reinterpret_cast<const char *>(&object) + offset));
}
template <class Member, class T>
double member(const T &object, std::size_t offset) {
  return member_of<Member>(object, offset);
}
template <class Member, class T>
List<double> member(const List<T> &objects, std::size_t offset) {
  List<double> list(objects.size());
  std::transform(objects.begin(), objects.end(), list.begin(),
                 [offset](const T &object) { return member_of<Member>(object, offset); });
  return list;
}

template <class T>
T at(const T &value, std::size_t) {
  return value;
}
template <class T>
T at(const List<T> &list, std::size_t i) {
  return list[i];
}

constexpr std::size_t kNoList = std::numeric_limits<std::size_t>::max();

template <class T>
void join_length(const char *text, std::size_t &length, const T &value) {
  if constexpr (IsList<T>::value) {
    if (length != kNoList && length != value.size())
      throw std::runtime_error(std::string("expression '") + text + "': different numbers of elements in an event: " +
                               std::to_string(length) + " and " + std::to_string(value.size()));
    length = value.size();
  }
}

// The number of elements that all lists have; kNoList without lists.
template <class... A>
std::size_t length_of(const char *text, const A &...values) {
  std::size_t length = kNoList;
  (join_length(text, length, values), ...);
  return length;
}

// `f` of numbers, or of the elements of lists one by one; a number goes with every element.
template <class F, class... A>
auto map(const char *text, F f, const A &...values) {
  if constexpr ((IsList<A>::value || ...)) {
    const std::size_t length = length_of(text, values...);
    List<decltype(f(at(values, 0)...))> result(length);
    for (std::size_t i = 0; i < length; ++i)
      result[i] = f(at(values, i)...);
    return result;
  } else {
    return f(values...);
  }
}

inline double modulo(double x, double y) {
  const double rest = std::fmod(x, y);
  if (rest == 0)
    return std::copysign(0., y);
  return (rest < 0) != (y < 0) ? rest + y : rest;
}
inline double floor_divide(double x, double y) { return y == 0 ? x / y : std::round((x - modulo(x, y)) / y); }
inline double minimum(double x, double y) { return std::isnan(x) || x < y ? x : y; }
inline double maximum(double x, double y) { return std::isnan(x) || x > y ? x : y; }
inline double sign(double x) { return std::isnan(x) ? x : double((x > 0) - (x < 0)); }
inline double delta_phi(double a, double b) {
  constexpr double pi = 3.14159265358979323846;
  return modulo(a - b + pi, 2 * pi) - pi;
}
inline bool bit_and(bool x, bool y) { return x && y; }
inline double bit_and(double x, double y) { return double((long long)x & (long long)y); }
inline bool bit_or(bool x, bool y) { return x || y; }
inline double bit_or(double x, double y) { return double((long long)x | (long long)y); }
inline bool invert(bool x) { return !x; }
inline double invert(double x) { return double(~(long long)x); }
inline double select(bool condition, double x, double y) { return condition ? x : y; }

template <class T>
double sum(const List<T> &list) {
  return std::accumulate(list.begin(), list.end(), 0.);
}
template <class T>
double mean(const List<T> &list) {
  return sum(list) / double(list.size());
}
template <class T>
bool any(const List<T> &list) {
  return std::any_of(list.begin(), list.end(), [](T x) { return x != 0; });
}
template <class T>
bool all(const List<T> &list) {
  return std::all_of(list.begin(), list.end(), [](T x) { return x != 0; });
}
template <class T>
double num(const List<T> &list) {
  return double(list.size());
}
template <class T>
double smallest(const List<T> &list) {
  return std::accumulate(list.begin(), list.end(), std::numeric_limits<double>::infinity(), minimum);
}
template <class T>
double largest(const List<T> &list) {
  return std::accumulate(list.begin(), list.end(), -std::numeric_limits<double>::infinity(), maximum);
}

template <class T>
T element(const char *text, const List<T> &list, long index) {
  const long size = long(list.size());
  if (index >= size || index < -size)
    throw std::runtime_error(std::string("expression '") + text + "': an event has " + std::to_string(size) +
                             " element(s), so [" + std::to_string(index) + "] does not exist");
  return list[index < 0 ? index + size : index];
}
// Those elements where `chosen` is true, or the elements with these numbers.
template <class T, class C>
List<T> elements(const char *text, const List<T> &list, const List<C> &chosen) {
  List<T> result;
  if constexpr (std::is_same_v<C, bool>) {
    const std::size_t length = length_of(text, list, chosen);
    for (std::size_t i = 0; i < length; ++i)
      if (chosen[i])
        result.push_back(list[i]);
  } else {
    for (const double index : chosen)
      result.push_back(element(text, list, long(index)));
  }
  return result;
}

// The order of the elements as awkward has it: NaN first, equal ones as they stand.
template <class T>
std::vector<std::size_t> order_of(const List<T> &key, bool descending) {
  std::vector<std::size_t> order(key.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&key, descending](std::size_t i, std::size_t j) {
    const double x = key[i], y = key[j];
    return !std::isnan(y) && (std::isnan(x) || (descending ? x > y : x < y));
  });
  return order;
}

// Input d of every step of a sequence of T steps with D inputs each: cut, or left as it is where there are no more.
template <class T>
void place(float *x, std::size_t steps, std::size_t inputs, const T &value, std::size_t length,
           const std::vector<std::size_t> &order, bool at_end) {
  const std::size_t taken = std::min(length, steps), free = at_end ? 0 : steps - taken;
  for (std::size_t t = 0; t < taken; ++t)
    x[(free + t) * inputs] = static_cast<float>(at(value, order.empty() ? t : order[t]));
}

// One variable.
template <class T>
float *put(float *x, const char *text, const T &value) {
  static_assert(!IsList<T>::value, "a variable must give one value per event; for lists give a size or a sequence");
  *x = static_cast<float>(value);
  return x + 1;
}
// An array of variables.
template <class T>
float *put(float *x, const char *text, std::size_t size, const List<T> &list) {
  if (list.size() != size)
    throw std::runtime_error(std::string("variable ") + text + "[" + std::to_string(size) + "]: an event has " +
                             std::to_string(list.size()) + " elements");
  return std::transform(list.begin(), list.end(), x, [](T value) { return static_cast<float>(value); });
}

// Numbers of the samples (files with their trees) by name, in the order in which they were met.
class Samples {
public:
  unsigned number(const std::string &name) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = numbers_.emplace(name, unsigned(numbers_.size()));
    return found.first->second;
  }
  std::vector<std::string> names() const {
    std::vector<std::string> names(numbers_.size());
    for (const auto &[name, number] : numbers_)
      names[number] = name;
    return names;
  }

private:
  std::mutex mutex_;
  std::map<std::string, unsigned> numbers_;
};
inline Samples &samples() {
  static Samples all;
  return all;
}

// Rows of events in one block of memory.
inline void flatten(const std::vector<List<float>> &rows, unsigned long long address) {
  float *to = reinterpret_cast<float *>(address);
  for (const auto &row : rows)
    to = std::copy(row.begin(), row.end(), to);
}

} // namespace pytmva_rnn_runtime

#endif
