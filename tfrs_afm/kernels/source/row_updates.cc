// Updates of the rows of a table that a batch looked up, or of all, for one instruction set.
//
// Compiled once for each form, as pair_attention.cc. The gradients of an id that appears more than
// once are summed in registers, in order, just before its row is updated: no sum is ever stored.
#include "row_updates.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace tfrs_afm {
namespace TFRS_AFM_FORM {
namespace {

#include "vectors.h"

// Rows whose memory is asked for ahead of their turn: they are anywhere in a large table.
constexpr int64_t kAhead = 16;
constexpr int64_t kLine = 64 / sizeof(float), kMostLines = 4;
// Floats of rows that are narrower than a vector and computed together.
constexpr int64_t kStaged = 16 * kLanes;

// Twice the ids at least, so that places are found in one or two looks.
int bits_of(int64_t count) {
  int bits = 1;
  while ((int64_t{1} << bits) < 2 * count) ++bits;
  return bits;
}

int64_t scratch_size(int64_t count) { return 3 * count + (int64_t{1} << bits_of(count)); }

void find(const int64_t* ids, int64_t count, int32_t* scratch, Distinct* distinct) {
  int32_t *firsts = scratch, *next = firsts + count, *last = next + count, *table = last + count;
  const int bits = bits_of(count);
  const uint64_t mask = (uint64_t{1} << bits) - 1;
  __builtin_memset(table, 0xff, (mask + 1) * sizeof(*table));
  int64_t lowest = INT64_MAX, highest = INT64_MIN, found = 0;
  for (int64_t i = 0; i < count; ++i) {
    const int32_t place = static_cast<int32_t>(i);
    const int64_t id = ids[i];
    lowest = id < lowest ? id : lowest;
    highest = id > highest ? id : highest;
    next[i] = -1;
    // Fibonacci hashing: ids in a row, the usual case, fall far from each other.
    uint64_t hash = static_cast<uint64_t>(id) * 0x9e3779b97f4a7c15u >> (64 - bits);
    while (table[hash] >= 0 && ids[table[hash]] != id) hash = (hash + 1) & mask;
    if (table[hash] < 0) {
      table[hash] = firsts[found++] = place;
      last[i] = place;
    } else {
      int32_t& end = last[table[hash]];
      next[end] = place;
      end = place;
    }
  }
  *distinct = {found, lowest, highest, firsts, next};
}

void sum(const RowGradient& call, int64_t first, int64_t last, int64_t* ids, float* sums) {
  const int64_t width = call.width;
  for (int64_t at = first; at < last; ++at) {
    const int64_t place = call.distinct.firsts[at];
    float* to = sums + at * width;
    ids[at] = call.ids[place];
    for (int64_t d = 0; d < width; ++d) to[d] = call.rows[place * width + d];
    for (int64_t q = call.distinct.next[place]; q >= 0; q = call.distinct.next[q]) {
      for (int64_t d = 0; d < width; ++d) to[d] += call.rows[q * width + d];
    }
  }
}

// The rules: weights after a step, from weights, gradient and slots; these are changed. The names
// of the numbers are those of the optimizers in Python.

struct SGD {
  static constexpr int kSlots = 0;
  float rate;
  explicit SGD(const float* own) : rate(own[0]) {}
};

TFRS_AFM_INLINE Floats moved(const SGD& rule, Floats w, Floats g, Floats*) {
  return w - rule.rate * g;
}

template <bool kNesterov>
struct Momentum {
  static constexpr int kSlots = 1;
  float rate, momentum;
  explicit Momentum(const float* own) : rate(own[0]), momentum(own[1]) {}
};

template <bool kNesterov>
TFRS_AFM_INLINE Floats moved(const Momentum<kNesterov>& rule, Floats w, Floats g, Floats* slots) {
  const Floats downhill = -rule.rate * g;
  slots[0] = rule.momentum * slots[0] + downhill;
  return w + (kNesterov ? rule.momentum * slots[0] + downhill : slots[0]);
}

struct Adagrad {
  static constexpr int kSlots = 1;
  float rate, epsilon;
  explicit Adagrad(const float* own) : rate(own[0]), epsilon(own[1]) {}
};

TFRS_AFM_INLINE Floats moved(const Adagrad& rule, Floats w, Floats g, Floats* slots) {
  slots[0] += g * g;
  return w - rule.rate * g / square_root(slots[0] + rule.epsilon);
}

template <bool kLargest>
struct Adam {
  static constexpr int kSlots = kLargest ? 3 : 2;
  float rate, new_1, new_2, epsilon;
  explicit Adam(const float* own) : rate(own[0]), new_1(own[1]), new_2(own[2]), epsilon(own[3]) {}
};

template <bool kLargest>
TFRS_AFM_INLINE Floats moved(const Adam<kLargest>& rule, Floats w, Floats g, Floats* slots) {
  slots[0] += (g - slots[0]) * rule.new_1;
  slots[1] += (g * g - slots[1]) * rule.new_2;
  Floats v = slots[1];
  if constexpr (kLargest) v = slots[2] = larger(v, slots[2]);
  return w - rule.rate * slots[0] / (square_root(v) + rule.epsilon);
}

struct Ftrl {
  static constexpr int kSlots = 2;
  float rate, power, l1, l2, shrinkage;
  explicit Ftrl(const float* own)
      : rate(own[0]), power(own[1]), l1(own[2]), l2(own[3]), shrinkage(own[4]) {}
};

TFRS_AFM_INLINE Floats power_of(Floats x, float power) {
  if (power == 0.5f) return square_root(x);
  for (int l = 0; l < kLanes; ++l) x[l] = __builtin_powf(x[l], power);
  return x;
}

TFRS_AFM_INLINE Floats moved(const Ftrl& rule, Floats w, Floats g, Floats* slots) {
  const Floats n = slots[0] + g * g, root = power_of(n, rule.power);
  const Floats gained = (root - power_of(slots[0], rule.power)) / rule.rate;
  const Floats z = slots[1] + (g + 2.0f * rule.shrinkage * w) - gained * w;
  slots[0] = n;
  slots[1] = z;
  const Floats low = all(-rule.l1), high = all(rule.l1);
  const Floats clipped = z < low ? low : (z > high ? high : z);
  const Floats denominator = root / rule.rate + 2.0f * rule.l2;
  // A weight without any gradient so far has 0 over 0, and is 0.
  return denominator == 0.0f ? Floats{} : (clipped - z) / denominator;
}

template <typename Kind>
TFRS_AFM_INLINE Floats decayed_and_moved(const RowUpdate& call, const Kind& rule, Floats w,
                                         Floats g, Floats* slots) {
  if (call.decays) w -= call.numbers[0] * w;
  return moved(rule, w, g, slots);
}

template <int kSlots>
TFRS_AFM_INLINE void fetch(const RowUpdate& call, int64_t at, int64_t last) {
  if (at >= last) return;
  const int64_t place = call.distinct.firsts[at], row = call.ids[place] * call.width;
  const int64_t lines = smaller((call.width + kLine - 1) / kLine, kMostLines);
  for (int64_t line = 0; line < lines; ++line) {
    __builtin_prefetch(call.table + row + line * kLine, 1);
    for (int s = 0; s < kSlots; ++s) __builtin_prefetch(call.slots[s] + row + line * kLine, 1);
  }
}

// Rows of at least a vector: straight in the table.
template <typename Kind>
void update_wide(const RowUpdate& call, const Kind& rule, int64_t first, int64_t last) {
  constexpr int kSlots = Kind::kSlots;
  const int32_t* next = call.distinct.next;
  const int64_t width = call.width, whole = width / kLanes * kLanes;
  for (int64_t at = first; at < last; ++at) {
    fetch<kSlots>(call, at + kAhead, last);
    const int64_t place = call.distinct.firsts[at], row = call.ids[place] * width;
    Floats slots[kSlots + 1];
    for (int64_t d = 0; d < whole; d += kLanes) {
      Floats g = load_any(call.rows + place * width + d);
      for (int64_t q = next[place]; q >= 0; q = next[q]) g += load_any(call.rows + q * width + d);
      for (int s = 0; s < kSlots; ++s) slots[s] = load_any(call.slots[s] + row + d);
      float* w = call.table + row + d;
      store_any(w, decayed_and_moved(call, rule, load_any(w), g, slots));
      for (int s = 0; s < kSlots; ++s) store_any(call.slots[s] + row + d, slots[s]);
    }
    if (const int64_t rest = width - whole) {
      Floats g = load_some(call.rows + place * width + whole, rest);
      for (int64_t q = next[place]; q >= 0; q = next[q]) {
        g += load_some(call.rows + q * width + whole, rest);
      }
      for (int s = 0; s < kSlots; ++s) slots[s] = load_some(call.slots[s] + row + whole, rest);
      float* w = call.table + row + whole;
      store_some(w, decayed_and_moved(call, rule, load_some(w, rest), g, slots), rest);
      for (int s = 0; s < kSlots; ++s) store_some(call.slots[s] + row + whole, slots[s], rest);
    }
  }
}

// Narrower rows: some are brought together, computed as one, and put back.
template <typename Kind>
void update_narrow(const RowUpdate& call, const Kind& rule, int64_t first, int64_t last) {
  constexpr int kSlots = Kind::kSlots;
  const int32_t* next = call.distinct.next;
  const int64_t width = call.width, together = kStaged / width;
  alignas(64) float g[kStaged] = {}, w[kStaged] = {}, slots[kSlots + 1][kStaged] = {};
  for (int64_t start = first; start < last; start += together) {
    const int64_t rows = smaller(together, last - start);
    for (int64_t at = start, to = 0; at < start + rows; ++at, to += width) {
      fetch<kSlots>(call, at + kAhead, last);
      const int64_t place = call.distinct.firsts[at], row = call.ids[place] * width;
      for (int64_t d = 0; d < width; ++d) {
        float sum = call.rows[place * width + d];
        for (int64_t q = next[place]; q >= 0; q = next[q]) sum += call.rows[q * width + d];
        g[to + d] = sum;
        w[to + d] = call.table[row + d];
        for (int s = 0; s < kSlots; ++s) slots[s][to + d] = call.slots[s][row + d];
      }
    }
    for (int64_t i = 0; i < rows * width; i += kLanes) {
      Floats now[kSlots + 1];
      for (int s = 0; s < kSlots; ++s) now[s] = load(slots[s] + i);
      store(w + i, decayed_and_moved(call, rule, load(w + i), load(g + i), now));
      for (int s = 0; s < kSlots; ++s) store(slots[s] + i, now[s]);
    }
    for (int64_t at = start, from = 0; at < start + rows; ++at, from += width) {
      const int64_t row = call.ids[call.distinct.firsts[at]] * width;
      for (int64_t d = 0; d < width; ++d) {
        call.table[row + d] = w[from + d];
        for (int s = 0; s < kSlots; ++s) call.slots[s][row + d] = slots[s][from + d];
      }
    }
  }
}

struct Rows {
  template <typename Kind>
  static void run(const RowUpdate& call, int64_t first, int64_t last) {
    const Kind rule(call.numbers + 1);
    if (call.width < 1) return;
    call.width < kLanes ? update_narrow(call, rule, first, last)
                        : update_wide(call, rule, first, last);
  }
};

// All of a variable, from front to end.
struct All {
  template <typename Kind>
  static void run(const RowUpdate& call, int64_t first, int64_t last) {
    constexpr int kSlots = Kind::kSlots;
    const Kind rule(call.numbers + 1);
    Floats slots[kSlots + 1];
    int64_t i = first;
    for (; i + kLanes <= last; i += kLanes) {
      for (int s = 0; s < kSlots; ++s) slots[s] = load_any(call.slots[s] + i);
      float* w = call.table + i;
      store_any(w, decayed_and_moved(call, rule, load_any(w), load_any(call.rows + i), slots));
      for (int s = 0; s < kSlots; ++s) store_any(call.slots[s] + i, slots[s]);
    }
    if (const int64_t rest = last - i; rest > 0) {
      for (int s = 0; s < kSlots; ++s) slots[s] = load_some(call.slots[s] + i, rest);
      float* w = call.table + i;
      const Floats g = load_some(call.rows + i, rest);
      store_some(w, decayed_and_moved(call, rule, load_some(w, rest), g, slots), rest);
      for (int s = 0; s < kSlots; ++s) store_some(call.slots[s] + i, slots[s], rest);
    }
  }
};

template <typename What>
void by_rule(Rule rule, const RowUpdate& call, int64_t first, int64_t last) {
  switch (rule) {
    case Rule::kSGD: return What::template run<SGD>(call, first, last);
    case Rule::kMomentum: return What::template run<Momentum<false>>(call, first, last);
    case Rule::kNesterov: return What::template run<Momentum<true>>(call, first, last);
    case Rule::kAdagrad: return What::template run<Adagrad>(call, first, last);
    case Rule::kAdam: return What::template run<Adam<false>>(call, first, last);
    case Rule::kAMSGrad: return What::template run<Adam<true>>(call, first, last);
    case Rule::kFtrl: return What::template run<Ftrl>(call, first, last);
  }
}

}  // namespace

extern const RowForm kRowForm;
const RowForm kRowForm = {TFRS_AFM_STRING(TFRS_AFM_FORM), scratch_size, find, sum,
                          by_rule<Rows>, by_rule<All>};

}  // namespace TFRS_AFM_FORM
}  // namespace tfrs_afm
