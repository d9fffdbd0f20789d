// What the C++ of a formula over columns is made of: numbers, numbers that may not be there, and lists of them.
// Each operation does what pytmva_rnn.formula does with arrays.
#ifndef PYTMVA_RNN_RUNTIME_HXX
#define PYTMVA_RNN_RUNTIME_HXX

#include <ROOT/RDF/RSampleInfo.hxx>
#include <ROOT/RDataFrame.hxx>
#include <ROOT/RVec.hxx>
#if __has_include(<ROOT/RTTreeDS.hxx>)
#include <ROOT/RTTreeDS.hxx>
#endif
#include <TLeaf.h>
#include <TMath.h>
#include <TTree.h>
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
struct Depth : std::integral_constant<int, 0> {};
template <class T>
struct Depth<List<T>> : std::integral_constant<int, 1 + Depth<T>::value> {};
template <class T>
constexpr bool kIsList = (Depth<T>::value > 0);

// A number that may not be there. `problem`: 0, or 1 an element of the event that does not exist, which sums pass over,
// 2 one in a list of elements, 3 an operation that has no value.
struct Maybe {
  double value = 0;
  int problem = 0;
};
inline Maybe maybe(Maybe x) { return x; }
inline Maybe maybe(double x) { return {x, 0}; }
template <class T>
constexpr bool kIsMaybe = std::is_same_v<std::decay_t<T>, Maybe>;

// A column's numbers: integers keep their digits.
template <class T>
using Number = std::conditional_t<std::is_floating_point_v<T>, double,
                                  std::conditional_t<std::is_unsigned_v<T> && sizeof(T) == 8, unsigned long long, long long>>;

// A column as a number, or lists of numbers.
template <class T>
auto column(const T &value) {
  if constexpr (std::is_arithmetic_v<T>) {
    return static_cast<Number<T>>(value);
  } else {
    using Element = std::decay_t<decltype(*value.begin())>;
    List<decltype(column(std::declval<Element>()))> list;
    list.reserve(value.size());
    for (const Element element : value)
      list.push_back(column(element));
    return list;
  }
}

// A list of lists of `width` elements each, of what RDataFrame hands over flat: an array m[2][3].
template <class T>
List<List<T>> folded(const List<T> &flat, std::size_t width) {
  List<List<T>> lists;
  for (std::size_t i = 0; i + width <= flat.size(); i += width)
    lists.emplace_back(flat.begin() + i, flat.begin() + i + width);
  return lists;
}

// A member of an object, or of each object of a list, which has the type Member and lies `offset` bytes into it.
template <class Member, class T>
auto member_of(const T &object, std::size_t offset) {
  return column(*reinterpret_cast<const Member *>(reinterpret_cast<const char *>(&object) + offset));
}
template <class Member, class T>
auto member(const T &object, std::size_t offset) {
  return member_of<Member>(object, offset);
}
template <class Member, class T>
auto member(const List<T> &objects, std::size_t offset) {
  List<Number<Member>> list(objects.size());
  std::transform(objects.begin(), objects.end(), list.begin(),
                 [offset](const T &object) { return member_of<Member>(object, offset); });
  return list;
}

// What a method gives for an object, or for each of a list.
template <class T, class F>
auto each_object(const T &object, F f) {
  return f(object);
}
template <class T, class F>
List<double> each_object(const List<T> &objects, F f) {
  List<double> list(objects.size());
  std::transform(objects.begin(), objects.end(), list.begin(), f);
  return list;
}

inline double same_text(const std::string &value, const std::string &text, bool same) { return (value == text) == same; }
inline double same_text(const List<char> &value, const std::string &text, bool same) {
  return same_text(std::string(value.begin(), std::find(value.begin(), value.end(), char(0))), text, same);
}
template <class T>
List<double> same_text(const List<T> &values, const std::string &text, bool same) {
  List<double> list;
  for (const T &value : values)
    list.push_back(same_text(value, text, same));
  return list;
}

template <bool outer, class T>
double size_of(const T &values) {
  static_assert(!std::is_same_v<T, std::string>, "a text has no size here");
  static_assert(outer || std::is_arithmetic_v<std::decay_t<decltype(*values.begin())>> ||
                    std::is_class_v<std::decay_t<decltype(*values.begin())>>,
                "a list of lists could have one size or many: write @v.size() or Length$(v)");
  return double(values.size());
}

// The value of a key.
template <class M, class K>
Maybe entry(const M &map, const K &key) {
  const auto found = map.find(typename M::key_type(key));
  return found == map.end() ? Maybe{0, 1} : Maybe{double(found->second), 0};
}

template <int level, class T>
const T &levels(const T &value) {
  static_assert(Depth<T>::value >= level, "there are no such levels of lists");
  return value;
}

constexpr std::size_t kNoList = std::numeric_limits<std::size_t>::max();

template <class T>
void join_length(const char *text, std::size_t &length, const T &value) {
  if constexpr (kIsList<T>) {
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

template <class T>
const T &at(const T &value, std::size_t) {
  return value;
}
template <class T>
const T &at(const List<T> &list, std::size_t i) {
  return list[i];
}

// `f` of numbers, or of the elements of lists one by one; a number goes with every element.
template <class F, class... A>
auto zip(const char *text, F f, const A &...values) {
  if constexpr ((kIsList<A> || ...)) {
    const std::size_t length = length_of(text, values...);
    List<decltype(zip(text, f, at(values, 0)...))> result;
    result.reserve(length);
    for (std::size_t i = 0; i < length; ++i)
      result.push_back(zip(text, f, at(values, i)...));
    return result;
  } else {
    return f(values...);
  }
}

template <class T>
T raw(T x) {
  return x;
}
inline double raw(Maybe x) { return x.value; }
template <class T>
int problem_of(T) {
  return 0;
}
inline int problem_of(Maybe x) { return x.problem; }
inline int first_problem() { return 0; }
template <class T, class... Others>
int first_problem(T x, Others... others) {
  return problem_of(x) ? problem_of(x) : first_problem(others...);
}
inline Maybe result_of(Maybe x, int problem) { return problem ? Maybe{0, problem} : x; }
template <class T>
Maybe result_of(T x, int problem) {
  return {double(x), problem};
}
// Of what may not be there, nothing is computed.
template <class F, class... A>
auto lifted(F f, A... values) {
  if constexpr ((kIsMaybe<A> || ...)) {
    const int problem = first_problem(values...);
    return problem ? Maybe{0, problem} : result_of(f(raw(values)...), 0);
  } else {
    return f(values...);
  }
}
template <class F, class... A>
auto map(const char *text, F f, const A &...values) {
  return zip(text, [&f](auto... x) {
    auto result = lifted(f, x...);
    if constexpr (std::is_same_v<decltype(result), bool>)
      return double(result);
    else
      return result;
  }, values...);
}

inline double divide(double x, double y) { return y == 0 ? 0 : x / y; }
template <class T>
auto integer(T x) {
  if constexpr (std::is_floating_point_v<T>)
    return std::trunc(x);
  else
    return x;
}
// As a 64-bit integer.
template <class T>
long long whole(T x) {
  if constexpr (std::is_floating_point_v<T>)
    return x >= -9223372036854775808. && x < 9223372036854775808. ? (long long)x : std::numeric_limits<long long>::min();
  else
    return (long long)x;
}
inline Maybe remainder(long long x, long long y) { return y == 0 ? Maybe{0, 3} : Maybe{double(y == -1 ? 0 : x % y), 0}; }
inline Maybe shift_left(long long x, long long y) {
  return y < 0 || y > 63 ? Maybe{0, 3} : Maybe{double((unsigned long long)x << y), 0};
}
inline Maybe shift_right(long long x, long long y) {
  return y < 0 || y > 63 ? Maybe{0, 3} : Maybe{double((unsigned long long)x >> y), 0};
}
// -1, 0 or 1 as x is less than, equal to or greater than y, with all digits of integers; 2 with NaN.
template <class X, class Y>
int ordering(X x, Y y) {
  if constexpr (std::is_integral_v<X> && std::is_integral_v<Y>) {
    if constexpr (std::is_unsigned_v<X> && !std::is_unsigned_v<Y>) {
      if (y < 0)
        return 1;
    }
    if constexpr (!std::is_unsigned_v<X> && std::is_unsigned_v<Y>) {
      if (x < 0)
        return -1;
    }
    using Common = std::common_type_t<X, Y>;
    return Common(x) < Common(y) ? -1 : Common(x) > Common(y);
  } else {
    const double a = double(x), b = double(y);
    return a < b ? -1 : a > b ? 1 : a == b ? 0 : 2;
  }
}

// && and || do not look at what is not needed.
template <class X, class Y>
auto both(X x, Y y) {
  if constexpr (kIsMaybe<X> || kIsMaybe<Y>) {
    if (problem_of(x) || raw(x) == 0)
      return Maybe{0, problem_of(x)};
    return Maybe{double(raw(y) != 0), problem_of(y)};
  } else {
    return double(x != 0 && y != 0);
  }
}
template <class X, class Y>
auto either(X x, Y y) {
  if constexpr (kIsMaybe<X> || kIsMaybe<Y>) {
    if (problem_of(x) || raw(x) != 0)
      return Maybe{1, problem_of(x)};
    return Maybe{double(raw(y) != 0), problem_of(y)};
  } else {
    return double(x != 0 || y != 0);
  }
}
template <class C, class X, class Y>
auto choose(C c, X x, Y y) {
  if constexpr (kIsMaybe<C> || kIsMaybe<X> || kIsMaybe<Y>) {
    if (problem_of(c))
      return Maybe{0, problem_of(c)};
    return raw(c) != 0 ? Maybe{double(raw(x)), problem_of(x)} : Maybe{double(raw(y)), problem_of(y)};
  } else if constexpr (std::is_integral_v<X> && std::is_same_v<X, Y>) {
    return c != 0 ? x : y;
  } else {
    return c != 0 ? double(x) : double(y);
  }
}
template <class X, class Y>
auto alternative(X x, Y y) {
  if constexpr (!kIsMaybe<X>)
    return x;
  else if constexpr (kIsMaybe<Y>)
    return x.problem == 1 || x.problem == 2 ? y : x;
  else
    return x.problem == 1 || x.problem == 2 ? Maybe{double(y), 0} : x;
}

inline double modulo(double x, double y) {
  const double rest = std::fmod(x, y);
  if (rest == 0)
    return std::copysign(0., y);
  return (rest < 0) != (y < 0) ? rest + y : rest;
}
inline double minimum(double x, double y) { return std::isnan(x) || x < y ? x : y; }
inline double maximum(double x, double y) { return std::isnan(x) || x > y ? x : y; }
constexpr double kPi = 3.14159265358979323846;
inline double delta_phi(double a, double b) { return modulo(a - b + kPi, 2 * kPi) - kPi; }

// Reductions of plain numbers.
using Doubles = std::vector<double>;
struct Num {
  double operator()(const Doubles &x) const { return double(x.size()); }
};
struct Sum {
  double operator()(const Doubles &x) const { return std::accumulate(x.begin(), x.end(), 0.); }
};
struct Mean {
  double operator()(const Doubles &x) const { return Sum{}(x) / double(x.size()); }
};
struct Any {
  double operator()(const Doubles &x) const { return std::any_of(x.begin(), x.end(), [](double v) { return v != 0; }); }
};
struct All {
  double operator()(const Doubles &x) const { return std::all_of(x.begin(), x.end(), [](double v) { return v != 0; }); }
};
struct Least {
  double operator()(const Doubles &x) const {
    return std::accumulate(x.begin(), x.end(), std::numeric_limits<double>::infinity(), minimum);
  }
};
struct Most {
  double operator()(const Doubles &x) const {
    return std::accumulate(x.begin(), x.end(), -std::numeric_limits<double>::infinity(), maximum);
  }
};
// As loops find them that begin with the first element: NaN only if that is.
struct Smallest {
  double operator()(const Doubles &x) const {
    return x.empty() ? 0 : std::accumulate(x.begin(), x.end(), x[0], [](double a, double b) { return b < a ? b : a; });
  }
};
struct Largest {
  double operator()(const Doubles &x) const {
    return x.empty() ? 0 : std::accumulate(x.begin(), x.end(), x[0], [](double a, double b) { return b > a ? b : a; });
  }
};

template <class T>
void gather(const T &value, Doubles &numbers, int &problem) {
  if constexpr (kIsList<T>) {
    for (const auto &element : value)
      gather(element, numbers, problem);
  } else if (problem_of(value) > 1) {
    problem = std::max(problem, problem_of(value));
  } else if (problem_of(value) == 0) {
    numbers.push_back(double(raw(value)));
  }
}
template <class T>
struct Leaf {
  using type = T;
};
template <class T>
struct Leaf<List<T>> : Leaf<T> {};
// Over all elements of an event.
template <class R, class T>
auto total(R reduce, const T &value) {
  Doubles numbers;
  int problem = 0;
  gather(value, numbers, problem);
  if constexpr (kIsMaybe<typename Leaf<T>::type>)
    return Maybe{problem ? 0 : reduce(numbers), problem};
  else
    return reduce(numbers);
}
// Over the elements of the innermost lists.
template <class R, class T>
auto over_lists(R reduce, const T &value) {
  static_assert(kIsList<T>, "there is one value per event, so there are no elements to go over");
  if constexpr (Depth<T>::value > 1) {
    List<decltype(over_lists(reduce, value[0]))> result;
    for (const auto &list : value)
      result.push_back(over_lists(reduce, list));
    return result;
  } else {
    return total(reduce, value);
  }
}

struct Kept {
  Maybe value, condition;
};
inline List<Maybe> kept(const Kept &pair) {
  if (pair.condition.problem)
    return {Maybe{0, pair.condition.problem}};
  return pair.condition.value != 0 ? List<Maybe>{pair.value} : List<Maybe>{};
}
template <class T>
List<Maybe> kept(const List<T> &pairs) {
  List<Maybe> result;
  for (const auto &pair : pairs)
    for (const Maybe value : kept(pair))
      result.push_back(value);
  return result;
}

// The elements of the innermost lists for which the condition is true.
template <class T, class C>
auto selected(const char *text, const List<T> &list, const C &condition) {
  const std::size_t length = length_of(text, list, condition);
  if constexpr (kIsList<T>) {
    List<decltype(selected(text, list[0], at(condition, 0)))> result;
    for (std::size_t i = 0; i < length; ++i)
      result.push_back(selected(text, list[i], at(condition, i)));
    return result;
  } else if constexpr (kIsMaybe<T> || kIsMaybe<typename Leaf<C>::type>) {
    List<Maybe> result;
    for (std::size_t i = 0; i < length; ++i)
      for (const Maybe value : kept(Kept{maybe(list[i]), maybe(at(condition, i))}))
        result.push_back(value);
    return result;
  } else {
    List<T> result;
    for (std::size_t i = 0; i < length; ++i)
      if (at(condition, i) != 0)
        result.push_back(list[i]);
    return result;
  }
}

// Numbers of any kind as such that may not be there; `missing<T>(p)`: one, or a list of one, that has a problem.
template <class T>
auto all_maybe(const T &value) {
  if constexpr (kIsList<T>) {
    List<decltype(all_maybe(value[0]))> result;
    for (const auto &element : value)
      result.push_back(all_maybe(element));
    return result;
  } else {
    return maybe(value);
  }
}
template <class T>
T missing(int problem) {
  if constexpr (kIsList<T>)
    return T{missing<typename T::value_type>(problem)};
  else
    return Maybe{0, problem};
}

template <class T>
auto one_element(const List<T> &list, Maybe index, int problem) {
  using Result = decltype(all_maybe(std::declval<T>()));
  if (index.problem)
    return missing<Result>(index.problem);
  const long long i = whole(index.value);
  if (i < 0 || i >= (long long)list.size())
    return missing<Result>(problem);
  return all_maybe(list[i]);
}
// Of each list at a level the element with a number.
template <int level, class T, class I>
auto element(const char *text, const List<T> &list, const I &index) {
  if constexpr (level > 0) {
    static_assert(kIsList<T> && !kIsList<I>, "there are no such levels of lists");
    List<decltype(element<level - 1>(text, list[0], index))> result;
    for (const auto &inner : list)
      result.push_back(element<level - 1>(text, inner, index));
    return result;
  } else if constexpr (kIsList<I>) {
    static_assert(Depth<I>::value == 1, "a list of elements is taken by one list of numbers");
    List<decltype(one_element(list, Maybe{}, 2))> result;
    for (const auto &number : index)
      result.push_back(one_element(list, maybe(number), 2));
    return result;
  } else {
    return one_element(list, maybe(index), 1);
  }
}

// Of lists that a loop goes over, the one with the most levels.
template <class T>
const T &deepest(const T &value) {
  return value;
}
template <class T, class U, class... Others>
decltype(auto) deepest(const T &first, const U &second, const Others &...others) {
  if constexpr (Depth<U>::value > Depth<T>::value)
    return deepest(second, others...);
  else
    return deepest(first, others...);
}
template <class T>
auto numbered(const T &value, long long &next) {
  if constexpr (kIsList<T>) {
    List<decltype(numbered(value[0], next))> result;
    for (const auto &element : value)
      result.push_back(numbered(element, next));
    return result;
  } else {
    return next++;
  }
}
template <class T>
auto iteration(const T &scope) {
  long long next = 0;
  if constexpr (kIsList<T>)
    return numbered(scope, next);
  else
    return next;
}
// A list with as many elements as the lists that the loop goes over, or its first element.
template <class T>
auto stretched(const T &value) {
  if constexpr (kIsList<T>)
    return element<0>("", value, 0ll);
  else
    return value;
}
template <class T, class S>
auto stretched(const T &value, const S &scope) {
  if constexpr (!kIsList<T>) {
    return value;
  } else if constexpr (!kIsList<S>) {
    return stretched(value);
  } else if constexpr (Depth<T>::value == 1 && Depth<S>::value == 1) {
    List<Maybe> result;
    for (std::size_t i = 0; i < scope.size(); ++i)
      result.push_back(one_element(value, Maybe{double(i), 0}, 1));
    return result;
  } else {
    static_assert(Depth<T>::value == Depth<S>::value, "a list in Alt$ does not go with the other lists");
    return value;
  }
}

// The order of the elements as awkward has it: NaN first, equal ones as they stand.
template <class T>
std::vector<std::size_t> order_of(const List<T> &key, bool descending) {
  std::vector<std::size_t> order(key.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&key, descending](std::size_t i, std::size_t j) {
    const double x = double(raw(key[i])), y = double(raw(key[j]));
    return !std::isnan(y) && (std::isnan(x) || (descending ? x > y : x < y));
  });
  return order;
}

// What goes into the network: a problem ends the event loop.
template <class F, class T>
F number(const char *text, T value) {
  if (problem_of(value) == 3)
    throw std::runtime_error(std::string("expression '") + text + "': a remainder by 0, or a shift by other than 0 to 63 bits");
  if (problem_of(value) != 0)
    throw std::runtime_error(std::string("expression '") + text + "': an event lacks an element; see Alt$");
  if constexpr (std::is_integral_v<T> && sizeof(T) == 8 && std::is_same_v<F, double>) {
    constexpr T kLargest = T(1) << 53;
    if (value > kLargest || (std::is_signed_v<T> && value < -kLargest))
      throw std::runtime_error(std::string("expression '") + text + "': an integer beyond 2^53, which has too many digits");
  }
  return static_cast<F>(raw(value));
}

// Input d of every step of a sequence of T steps with D inputs each: cut, or left as it is where there are no more.
template <class F, class T>
void place(F *x, const char *text, std::size_t steps, std::size_t inputs, const T &value, std::size_t length,
           const std::vector<std::size_t> &order, bool at_end) {
  const std::size_t taken = std::min(length, steps), free = at_end ? 0 : steps - taken;
  for (std::size_t t = 0; t < taken; ++t)
    x[(free + t) * inputs] = number<F>(text, at(value, order.empty() ? t : order[t]));
}

// One variable.
template <class F, class T>
F *put(F *x, const char *text, const T &value) {
  static_assert(!kIsList<T>, "a variable must give one value per event; for lists give a size or a sequence");
  *x = number<F>(text, value);
  return x + 1;
}
// An array of variables.
template <class F, class T>
F *put(F *x, const char *text, std::size_t size, const List<T> &list) {
  if (list.size() != size)
    throw std::runtime_error(std::string("variable ") + text + "[" + std::to_string(size) + "]: an event has " +
                             std::to_string(list.size()) + " elements");
  return std::transform(list.begin(), list.end(), x, [text](T value) { return number<F>(text, value); });
}

// The lengths of the array that a leaf of the tree behind an RDataFrame holds, "mat[2][3]"; only the name if it has none.
struct Node : ROOT::RDF::RNode {
  using ROOT::RDF::RNode::GetDataSource;
  using ROOT::RDF::RNode::GetLoopManager;
  using ROOT::RDF::RNode::fColRegister;
};
inline std::string leaf_title(ROOT::RDF::RNode node, const std::string &column) {
#if __has_include(<ROOT/RTTreeDS.hxx>)
  auto *source = dynamic_cast<ROOT::Internal::RDF::RTTreeDS *>((node.*&Node::GetDataSource)());
  TTree *tree = source ? source->GetTree() : nullptr;
#else
  TTree *tree = (node.*&Node::GetLoopManager)()->GetTree();
#endif
  const std::string name((node.*&Node::fColRegister).ResolveAlias(column));
  TLeaf *leaf = tree ? tree->GetLeaf(name.c_str()) : nullptr;
  return leaf ? leaf->GetTitle() : "";
}

// A column with one number of a column that has several.
inline ROOT::RDF::RNode define_output(ROOT::RDF::RNode node, const std::string &name, const std::string &column,
                                      std::size_t number) {
  return node.Define(name, [number](const List<float> &all) { return all[number]; }, {column});
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
inline void flatten(const std::vector<List<double>> &rows, unsigned long long address) {
  double *to = reinterpret_cast<double *>(address);
  for (const auto &row : rows)
    to = std::copy(row.begin(), row.end(), to);
}

} // namespace pytmva_rnn_runtime

#endif
