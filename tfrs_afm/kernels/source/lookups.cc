// Lookups in tables, pooled, and their gradients, for one instruction set.
//
// Compiled once for each form, as pair_attention.cc. Both go over a few examples at a time, field by
// field: what they read and write of these, (examples, fields, width), stays in the first cache.
#include "lookups.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include <cmath>

namespace tfrs_afm {
namespace TFRS_AFM_FORM {
namespace {

#include "vectors.h"

constexpr int64_t kExamples = 16;
// Ids whose rows are asked for ahead of their turn: they are anywhere in a large table.
constexpr int64_t kAhead = 12;

TFRS_AFM_INLINE void add(const float* row, int64_t width, bool first, float* sum) {
  int64_t i = 0;
  for (; i + kLanes <= width; i += kLanes) {
    store_any(sum + i, first ? load_any(row + i) : load_any(sum + i) + load_any(row + i));
  }
  if (const int64_t rest = width - i; rest > 0) {
    const Floats more = load_some(row + i, rest);
    store_some(sum + i, first ? more : load_some(sum + i, rest) + more, rest);
  }
}

TFRS_AFM_INLINE void multiplied(const float* from, int64_t width, float by, float* to) {
  int64_t i = 0;
  for (; i + kLanes <= width; i += kLanes) store_any(to + i, load_any(from + i) * by);
  if (const int64_t rest = width - i; rest > 0) {
    store_some(to + i, load_some(from + i, rest) * by, rest);
  }
}

TFRS_AFM_INLINE int64_t segment_of(const LookupIds& all, int64_t place) {
  return all.one_each ? place : all.segments[place];
}

int64_t pool(const LookupTable* tables, const LookupIds& all, int64_t width, int64_t first,
             int64_t last, int64_t* places, float* vectors, float* weights, float* scale) {
  for (int64_t field = 0; field < all.fields; ++field) {
    places[field] = first_of(all, field * all.batch + first);
  }
  for (int64_t start = first; start < last; start += kExamples) {
    const int64_t stop = start + kExamples < last ? start + kExamples : last;
    for (int64_t field = 0; field < all.fields; ++field) {
      const LookupTable& table = tables[field];
      int64_t place = places[field];
      for (int64_t example = start; example < stop; ++example) {
        const int64_t segment = field * all.batch + example, at = example * all.fields + field;
        float* sum = vectors + at * width;
        float weight = 0.0f;
        int64_t members = 0;
        for (; place < all.count && segment_of(all, place) == segment; ++place) {
          const int64_t ahead = place + kAhead;
          // Of another field it may be; what is asked for in vain costs next to nothing.
          if (ahead < all.count && all.ids[ahead] >= 0 && all.ids[ahead] < table.rows) {
            __builtin_prefetch(table.vectors + all.ids[ahead] * width);
          }
          const int64_t id = all.ids[place];
          if (id < 0) continue;
          if (id >= table.rows) return place;
          add(table.vectors + id * width, width, members++ == 0, sum);
          if (table.weights) weight += table.weights[id];
        }
        float by = members > 0;
        if (members == 0) {
          for (int64_t i = 0; i < width; ++i) sum[i] = 0.0f;
        } else if (members > 1 && table.combiner != kSum) {
          const float number = static_cast<float>(members);
          by = 1.0f / (table.combiner == kMean ? number : std::sqrt(number));
          multiplied(sum, width, by, sum);
          weight *= by;
        }
        scale[at] = by;
        if (weights) weights[at] = weight;
      }
      places[field] = place;
    }
  }
  return -1;
}

void spread(const LookupIds& all, int64_t width, int64_t first, int64_t last, int64_t* places,
            const float* vectors, const float* weights, const float* scale, int64_t* const* ids,
            float* const* rows, float* const* row_weights, int64_t* members) {
  for (int64_t field = 0; field < all.fields; ++field) {
    places[field] = first_of(all, field * all.batch + first);
  }
  for (int64_t start = first; start < last; start += kExamples) {
    const int64_t stop = start + kExamples < last ? start + kExamples : last;
    for (int64_t field = 0; field < all.fields; ++field) {
      const int64_t end = field * all.batch + stop;
      int64_t place = places[field], member = members[field];
      for (; place < all.count && segment_of(all, place) < end; ++place) {
        if (all.ids[place] < 0) continue;
        const int64_t example = segment_of(all, place) - field * all.batch;
        const int64_t at = example * all.fields + field;
        multiplied(vectors + at * width, width, scale[at], rows[field] + member * width);
        ids[field][member] = all.ids[place];
        if (row_weights) row_weights[field][member] = weights[at] * scale[at];
        ++member;
      }
      places[field] = place;
      members[field] = member;
    }
  }
}

}  // namespace

extern const LookupForm kLookupForm;
const LookupForm kLookupForm = {TFRS_AFM_STRING(TFRS_AFM_FORM), pool, spread};

}  // namespace TFRS_AFM_FORM
}  // namespace tfrs_afm
