// What the operations know of lookups: one `LookupForm` for each instruction set.
//
// As pair_attention.h: nothing of TensorFlow here, nor in the files that implement it.
#ifndef TFRS_AFM_KERNELS_LOOKUPS_H_
#define TFRS_AFM_KERNELS_LOOKUPS_H_

#include <cstdint>

namespace tfrs_afm {

enum Combiner { kSum, kMean, kSqrtN };

// The tables of one field: vectors, and linear weights or null.
struct LookupTable {
  const float* vectors;
  const float* weights;
  int64_t rows;
  Combiner combiner;
};

// The ids of `fields` fields over `batch` examples, field after field. An id below 0 is no member.
struct LookupIds {
  const int64_t* ids;
  const int64_t* segments;  // `field * batch + example` of each, ascending
  int64_t count;
  int64_t batch;
  int64_t fields;
  bool one_each;  // each segment has one id, and `segments` is not looked at
};

// The kernels compiled for one instruction set. A segment is summed by one thread, in order:
// results do not depend on how examples are split. Both work in `places`, one a field.
struct LookupForm {
  const char* name;
  // Pools the examples `first` to `last` into vectors (batch, fields, width), weights (batch,
  // fields) or null, and what the sums were multiplied by (batch, fields), 0 for no members.
  // Returns the place of an id that its table does not have, or -1.
  int64_t (*pool)(const LookupTable* tables, const LookupIds&, int64_t width, int64_t first,
                  int64_t last, int64_t* places, float* vectors, float* weights, float* scale);
  // Hands the gradients of the vectors and weights of examples `first` to `last` on to their
  // members, a row each: of each field `ids` (members,), `rows` (members, width), `row_weights`
  // (members,) or null for all. `members` are those of earlier examples, and are counted on.
  void (*spread)(const LookupIds&, int64_t width, int64_t first, int64_t last, int64_t* places,
                 const float* vectors, const float* weights, const float* scale,
                 int64_t* const* ids, float* const* rows, float* const* row_weights,
                 int64_t* members);
};

// The first place of a segment's ids, or of what comes after it.
inline int64_t first_of(const LookupIds& all, int64_t segment) {
  if (all.one_each) return segment;
  int64_t low = 0, high = all.count;
  while (low < high) {
    const int64_t middle = low + (high - low) / 2;
    all.segments[middle] < segment ? low = middle + 1 : high = middle;
  }
  return low;
}

// The forms that were compiled and that this processor runs, the fastest first; ends with null.
const LookupForm* const* lookup_forms();

}  // namespace tfrs_afm

#endif  // TFRS_AFM_KERNELS_LOOKUPS_H_
