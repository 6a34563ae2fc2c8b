// Pair attention, forward and backward, for one instruction set.
//
// Compiled once for each form, with its name in TFRS_AFM_FORM and its compiler flags:
//     output = sum_{i<j} a_ij (v_i * v_j),    a = softmax of h . relu(W (v_i * v_j) + b)
// Pairs are made, scored and summed a few at a time and never held. Of forward, backward needs the
// scores and one bit a hidden unit; where these are too many it computes them again.
#include "pair_attention.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace tfrs_afm {
namespace TFRS_AFM_FORM {
namespace {

#include "vectors.h"
#include "layout.h"
#include "pairs.h"
#include "products.h"

// The score of a masked pair, and where the running maximum starts.
constexpr float kMasked = -1e30f, kLowest = -5e29f;
// Pairs that are scored together: W is read once for all of them.
constexpr int64_t kScored = 16;
// Pairs whose gradients are computed together, and bytes of those that wait for their outer
// product: a long sum is cheaper to take over the lanes.
constexpr int64_t kTogether = 8;
constexpr int64_t kWaitingBytes = 3 << 18, kMostWaiting = 128;

int64_t waiting_pairs(const Sizes& sizes) {
  const int64_t units = padded_units(sizes) * static_cast<int64_t>(sizeof(Active));
  const int64_t room = kWaitingBytes / (sum_rows(sizes) * kLanes * 4 + units);
  return round_up(larger_of(smaller(room, kMostWaiting), kTogether), kTogether);
}

// What forward keeps of a group, or backward computes again: the scores of all pairs, then bits.
int64_t score_bytes() { return 4 * kLanes; }
double kept_size(const Sizes& sizes) {
  const double bytes = static_cast<double>(pairs_of(sizes.n)) *
                       static_cast<double>(score_bytes() + sizeof(Bits) * padded_units(sizes));
  return __builtin_ceil(bytes / 64) * 64;
}

struct Kept {
  float* scores;
  Bits* active;
};

Kept kept_of(const Sizes& sizes, const unsigned char* kept, int64_t group) {
  unsigned char* own = const_cast<unsigned char*>(kept) +
                       group * static_cast<int64_t>(kept_size(sizes));
  return {reinterpret_cast<float*>(own),
          reinterpret_cast<Bits*>(own + pairs_of(sizes.n) * score_bytes())};
}

// Parts of a thread's scratch memory, each aligned.
class Scratch {
 public:
  explicit Scratch(float* start) : at_(start) {}
  float* take(int64_t floats) {
    float* part = at_;
    at_ += round_up(floats, 16);
    return part;
  }

 private:
  float* at_;
};

// What `forward` and `BackwardPass` take; a mistake here is found by the sanitizers.
int64_t scratch_size(const Sizes& sizes) {
  const int64_t dims = padded_dim(sizes), units = padded_units(sizes);
  const int64_t waiting = waiting_pairs(sizes), members = sizes.n * dims * kLanes;
  int64_t bits = waiting * units * static_cast<int64_t>(sizeof(Bits)) / 4;
#if !defined(__AVX512F__)
  bits += waiting * units * static_cast<int64_t>(sizeof(Active)) / 4;
#endif
  const int64_t forward = members + (kScored * (dims + 1) + dims) * kLanes + kScored * units;
  const int64_t backward =
      2 * members + (waiting * sum_rows(sizes) + 3 * dims + kTogether) * kLanes + bits;
  constexpr int64_t kParts = 9;  // each is rounded up to 16 floats
  // A multiple of 16 itself: the next thread's follows.
  return round_up(larger_of(forward, backward) + sizes.n + 16 * kParts, 16);
}

// Scores `count` pairs: their products to `x`, the rest to `kept`.
void score(const Sizes& sizes, const Weights& weights, const Member* members, const Pair* pairs,
           int64_t count, float* x, int64_t stride, Kept kept) {
  const int64_t units = padded_units(sizes);
  for (int64_t u = 0; u < units; u += kTile) {
    const int64_t columns = smaller(kTile, units - u);
    by_columns(columns, HiddenTile{members, count, sizes.dim, stride,
                                   weights.kernel + u * sizes.dim, weights.bias + u,
                                   weights.projection + u, x, kept.scores, kept.active + u, units,
                                   u == 0});
  }
  for (int64_t p = 0; p < count; ++p) {
    float* own = kept.scores + p * kLanes;
    store(own, select(pairs[p].real, load(own), all(kMasked)));
  }
}

void forward(const Forward& call, int64_t first_group, int64_t last_group, float* memory) {
  const Sizes& sizes = call.sizes;
  const int64_t n = sizes.n, dims = padded_dim(sizes), units = padded_units(sizes);
  const Weights weights = unpacked(sizes, call.weights);
  Scratch scratch(memory);
  float* members = scratch.take(n * dims * kLanes);
  Bits* real = reinterpret_cast<Bits*>(scratch.take(n));
  float* x = scratch.take(kScored * dims * kLanes);
  float* pooled = scratch.take(dims * kLanes);
  Kept own = {scratch.take(kScored * kLanes),
              reinterpret_cast<Bits*>(scratch.take(kScored * units))};
  for (int64_t group = first_group; group < last_group; ++group) {
    const int64_t example = group * kLanes, rows = smaller(kLanes, sizes.batch - example);
    to_lanes(call.vectors + example * n * sizes.dim, rows, n, sizes.dim, dims, members);
    real_members(call.mask + example * n, rows, n, real);
    Kept kept = call.kept ? kept_of(sizes, call.kept, group) : own;
    Pairs rest(n, real, call.groups);
    Draws draws(call, example);
    Floats top = all(kLowest), total = {};
    for (int64_t d = 0; d < dims; ++d) store(pooled + d * kLanes, Floats{});
    Pair pairs[kScored];
    Member ends[kScored];
    while (const int64_t count = rest.next(pairs, kScored)) {
      for (int64_t p = 0; p < count; ++p) {
        ends[p] = {members + pairs[p].first * dims * kLanes,
                   members + pairs[p].second * dims * kLanes, nullptr, nullptr};
      }
      score(sizes, weights, ends, pairs, count, x, dims * kLanes, kept);
      // The softmax is a running one: a maximum and a sum, corrected as the maximum grows.
      Floats highest = top;
      for (int64_t p = 0; p < count; ++p) {
        highest = larger(highest, load(kept.scores + p * kLanes));
      }
      const Floats shrink = exp_negative(top - highest);
      top = highest;
      // Sums of a few pairs are added to the long ones: far less rounding than pair by pair.
      Floats share[kScored], some = {};
      for (int64_t p = 0; p < count; ++p) {
        const Floats weight = exp_negative(load(kept.scores + p * kLanes) - top);
        share[p] = select(pairs[p].real, weight, Floats{});
        some += share[p];
        if (call.dropout > 0) share[p] *= draws.factors(pairs[p].number);
      }
      total = total * shrink + some;
      for (int64_t d = 0; d < dims; d += 2) {
        Floats even = {}, odd = {};
        for (int64_t p = 0; p < count; ++p) {
          even += share[p] * load(x + (p * dims + d) * kLanes);
          odd += share[p] * load(x + (p * dims + d + 1) * kLanes);
        }
        store(pooled + d * kLanes, load(pooled + d * kLanes) * shrink + even);
        store(pooled + (d + 1) * kLanes, load(pooled + (d + 1) * kLanes) * shrink + odd);
      }
      if (call.kept) kept = {kept.scores + count * kLanes, kept.active + count * units};
    }
    Floats inverse;
    for (int64_t l = 0; l < rows; ++l) {
      call.log_sums[example + l] = top[l] + __builtin_logf(total[l] < 1e-30f ? 1e-30f : total[l]);
    }
    for (int l = 0; l < kLanes; ++l) inverse[l] = total[l] == 0.0f ? 0.0f : 1.0f / total[l];
    for (int64_t d = 0; d < dims; ++d) {
      store(pooled + d * kLanes, load(pooled + d * kLanes) * inverse);
    }
    from_lanes(pooled, rows, 1, sizes.dim, dims, call.pooled + example * sizes.dim);
  }
}

// Backward over the groups of one shard.
class BackwardPass {
 public:
  BackwardPass(const Backward& call, float* memory, float* sums)
      : call_(call),
        sizes_(call.sizes),
        dims_(padded_dim(sizes_)),
        units_(padded_units(sizes_)),
        rows_(sum_rows(sizes_)),
        most_(waiting_pairs(sizes_)),
        weights_(unpacked(sizes_, call.weights)),
        sums_(sums) {
    Scratch scratch(memory);
    members_ = scratch.take(sizes_.n * dims_ * kLanes);
    member_sums_ = scratch.take(sizes_.n * dims_ * kLanes);
    real_ = reinterpret_cast<Bits*>(scratch.take(sizes_.n));
    waiting_ = scratch.take(most_ * rows_ * kLanes);
    gradient_ = scratch.take(dims_ * kLanes);
    pooled_ = scratch.take(dims_ * kLanes);
    sized_ = scratch.take(dims_ * kLanes);
    again_.scores = scratch.take(kTogether * kLanes);
    again_.active = reinterpret_cast<Bits*>(
        scratch.take(most_ * units_ * static_cast<int64_t>(sizeof(Bits)) / 4));
#if !defined(__AVX512F__)
    expanded_ = reinterpret_cast<Active*>(
        scratch.take(most_ * units_ * static_cast<int64_t>(sizeof(Active)) / 4));
#endif
  }

  void group(int64_t group) {
    const int64_t example = group * kLanes, rows = smaller(kLanes, sizes_.batch - example);
    const int64_t n = sizes_.n, dim = sizes_.dim;
    to_lanes(call_.vectors + example * n * dim, rows, n, dim, dims_, members_);
    to_lanes(call_.gradient + example * dim, rows, 1, dim, dims_, gradient_);
    to_lanes(call_.pooled + example * dim, rows, 1, dim, dims_, pooled_);
    real_members(call_.mask + example * n, rows, n, real_);
    for (int64_t i = 0; i < n * dims_; ++i) store(member_sums_ + i * kLanes, Floats{});
    mean_ = Floats{};
    for (int64_t d = 0; d < dims_; ++d) {
      mean_ += load(gradient_ + d * kLanes) * load(pooled_ + d * kLanes);
    }
    log_sum_ = Floats{};
    for (int64_t l = 0; l < rows; ++l) log_sum_[l] = call_.log_sums[example + l];
    Pairs rest(n, real_, call_.groups);
    Draws draws(call_, example);
    Kept kept = call_.kept ? kept_of(sizes_, call_.kept, group) : again_;
    sized_member_ = -1;
    int64_t held = 0;
    Pair pairs[kTogether];
    while (const int64_t count = rest.next(pairs, kTogether)) {
      if (held + count > most_) {
        add_up(held, kept);
        held = 0;
        if (!call_.kept) kept = again_;
      }
      some(pairs, count, held, kept, draws);
      held += count;
      kept.active += count * units_;
      if (call_.kept) kept.scores += count * kLanes;
    }
    if (held) add_up(held, kept);
    from_lanes(member_sums_, rows, n, dim, dims_, call_.vectors_gradient + example * n * dim);
  }

 private:
  // The gradients of `count` pairs; leaves what their outer product needs, after `held` others.
  void some(const Pair* pairs, int64_t count, int64_t held, Kept kept, Draws& draws) {
    const int64_t stride = rows_ * kLanes;
    float* x = waiting_ + held * stride;
    Member ends[kTogether];
    for (int64_t p = 0; p < count; ++p) {
      const int64_t first = pairs[p].first * dims_ * kLanes;
      const int64_t second = pairs[p].second * dims_ * kLanes;
      ends[p] = {members_ + first, members_ + second, member_sums_ + first, member_sums_ + second};
    }
    if (!call_.kept) score(sizes_, weights_, ends, pairs, count, x, stride, kept);
    Floats attention[kTogether], slope[kTogether];
    for (int64_t p = 0; p < count; ++p) {
      const Floats weight = exp_negative(load(kept.scores + p * kLanes) - log_sum_);
      attention[p] = select(pairs[p].real, weight, Floats{});
      if (pairs[p].first != sized_member_) size(pairs[p].first);
      Floats even = {}, odd = {};
      for (int64_t d = 0; d < dims_; d += 2) {
        even += load(sized_ + d * kLanes) * load(ends[p].second + d * kLanes);
        odd += load(sized_ + (d + 1) * kLanes) * load(ends[p].second + (d + 1) * kLanes);
      }
      Floats inner = even + odd;
      slope[p] = attention[p];
      if (call_.dropout > 0) {
        const Floats factor = draws.factors(pairs[p].number);
        inner *= factor;
        attention[p] *= factor;
      }
      slope[p] *= inner - mean_;
      store(x + p * stride + dims_ * kLanes, slope[p]);
    }
    const Active* active = activity(kept.active, count, held);
    for (int64_t d = 0; d < dims_; d += kTile) {
      const int64_t columns = smaller(kTile, dims_ - d);
      by_columns(columns, ThroughTile{ends, count, active, units_, weights_.back + d * units_,
                                      gradient_ + d * kLanes, attention, slope, x + d * kLanes,
                                      stride});
      for (int64_t p = 0; p < count; ++p) ends[p].advance(columns);
    }
  }

  // A member times the gradient: with its partners it gives what attention's gradient is made of.
  void size(int64_t member) {
    const float* own = members_ + member * dims_ * kLanes;
    for (int64_t d = 0; d < dims_; ++d) {
      store(sized_ + d * kLanes, load(gradient_ + d * kLanes) * load(own + d * kLanes));
    }
    sized_member_ = member;
  }

  const Active* activity(const Bits* bits, int64_t count, int64_t held) {
#if defined(__AVX512F__)
    (void)count, (void)held;
    return bits;
#else
    Active* own = expanded_ + held * units_;
    for (int64_t i = 0; i < count * units_; ++i) own[i] = expand(bits[i]);
    return own;
#endif
  }

  // Adds the pairs that wait to the sums for the weights; `kept` is behind the last of them.
  void add_up(int64_t held, Kept kept) {
#if defined(__AVX512F__)
    const Active* active = kept.active - held * units_;
#else
    (void)kept;
    const Active* active = expanded_;
#endif
    outer_product(waiting_, rows_ * kLanes, rows_, active, units_, held, sums_);
  }

  const Backward& call_;
  const Sizes& sizes_;
  const int64_t dims_, units_, rows_, most_;
  const Weights weights_;
  float* sums_;
  float *members_, *member_sums_, *waiting_, *gradient_, *pooled_, *sized_;
  Bits* real_;
  Kept again_;
#if !defined(__AVX512F__)
  Active* expanded_;
#endif
  Floats mean_, log_sum_;
  int64_t sized_member_ = -1;
};

int64_t sums_size(const Sizes& sizes) { return sum_rows(sizes) * padded_units(sizes); }

void backward(const Backward& call, int64_t first, int64_t last, float* scratch, float* sums) {
  for (int64_t i = 0; i < sums_size(call.sizes); ++i) sums[i] = 0.0f;
  BackwardPass pass(call, scratch, sums);
  for (int64_t group = first; group < last; ++group) pass.group(group);
}

void finish(const Sizes& sizes, const float* kernel, const float* bias, const float* projection,
            const float* sums, int64_t shards, float* kernel_gradient, float* bias_gradient,
            float* projection_gradient) {
  const int64_t units = padded_units(sizes), size = sums_size(sizes);
  for (int64_t u = 0; u < sizes.units; ++u) projection_gradient[u] = 0.0f;
  for (int64_t d = 0; d <= sizes.dim; ++d) {
    const bool last = d == sizes.dim;
    const float* weight = last ? bias : kernel + d * sizes.units;
    float* gradient = last ? bias_gradient : kernel_gradient + d * sizes.units;
    const float* row = sums + (last ? sum_rows(sizes) - 1 : d) * units;
    for (int64_t u = 0; u < sizes.units; ++u) gradient[u] = 0.0f;
    for (int64_t shard = 0; shard < shards; ++shard) {
      for (int64_t u = 0; u < sizes.units; ++u) gradient[u] += row[shard * size + u];
    }
    for (int64_t u = 0; u < sizes.units; ++u) {
      projection_gradient[u] += gradient[u] * weight[u];
      gradient[u] *= projection[u];
    }
  }
}

}  // namespace

extern const Form kForm;
const Form kForm = {TFRS_AFM_STRING(TFRS_AFM_FORM), kLanes, packed_size, scratch_size, sums_size,
                    kept_size, pack, forward, backward, finish};

}  // namespace TFRS_AFM_FORM
}  // namespace tfrs_afm
