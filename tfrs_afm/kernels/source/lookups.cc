// Lookups in tables, pooled, and their gradients, for one instruction set.
//
// Compiled once for each form, as pair_attention.cc: the loops over a row become its vectors.
#include "lookups.h"

#include <cmath>

namespace tfrs_afm {
namespace TFRS_AFM_FORM {
namespace {

#define TFRS_AFM_QUOTED(name) #name
#define TFRS_AFM_NAME(name) TFRS_AFM_QUOTED(name)

// Ids whose rows are asked for ahead of their turn: they are anywhere in a large table.
constexpr int64_t kAhead = 12;

void add(const float* __restrict row, int64_t width, bool first, float* __restrict sum) {
  if (first) {
    for (int64_t i = 0; i < width; ++i) sum[i] = row[i];
  } else {
    for (int64_t i = 0; i < width; ++i) sum[i] += row[i];
  }
}

void multiply(float* row, int64_t width, float by) {
  for (int64_t i = 0; i < width; ++i) row[i] *= by;
}

int64_t pool(const LookupTable* tables, const LookupIds& all, int64_t width, int64_t first,
             int64_t last, float* vectors, float* weights, float* scale) {
  int64_t place = first_of(all, first);
  for (int64_t segment = first; segment < last; ++segment) {
    const int64_t field = segment / all.batch, example = segment - field * all.batch;
    const LookupTable& table = tables[field];
    const int64_t at = example * all.fields + field;
    float* sum = vectors + at * width;
    float weight = 0.0f;
    int64_t members = 0;
    while (place < all.count && (all.one_each ? place : all.segments[place]) == segment) {
      const int64_t ahead = place + kAhead;
      // Of another field it may be; what is asked for in vain costs next to nothing.
      if (ahead < all.count && all.ids[ahead] >= 0 && all.ids[ahead] < table.rows) {
        __builtin_prefetch(table.vectors + all.ids[ahead] * width);
      }
      const int64_t id = all.ids[place++];
      if (id < 0) continue;
      if (id >= table.rows) return place - 1;
      add(table.vectors + id * width, width, members++ == 0, sum);
      if (table.weights) weight += table.weights[id];
    }
    float by = members > 0;
    if (members == 0) {
      for (int64_t i = 0; i < width; ++i) sum[i] = 0.0f;
    } else if (members > 1 && table.combiner != kSum) {
      const float number = static_cast<float>(members);
      by = 1.0f / (table.combiner == kMean ? number : std::sqrt(number));
      multiply(sum, width, by);
      weight *= by;
    }
    scale[at] = by;
    if (weights) weights[at] = weight;
  }
  return -1;
}

void spread(const LookupIds& all, int64_t width, int64_t field, const float* vectors,
            const float* weights, const float* scale, int64_t* ids, float* rows,
            float* row_weights) {
  const int64_t last = first_of(all, (field + 1) * all.batch);
  for (int64_t place = first_of(all, field * all.batch); place < last; ++place) {
    if (all.ids[place] < 0) continue;
    const int64_t segment = all.one_each ? place : all.segments[place];
    const int64_t at = (segment - field * all.batch) * all.fields + field;
    const float by = scale[at];
    const float* from = vectors + at * width;
    for (int64_t i = 0; i < width; ++i) rows[i] = from[i] * by;
    rows += width;
    *ids++ = all.ids[place];
    if (row_weights) *row_weights++ = weights[at] * by;
  }
}

}  // namespace

extern const LookupForm kLookupForm;
const LookupForm kLookupForm = {TFRS_AFM_NAME(TFRS_AFM_FORM), pool, spread};

}  // namespace TFRS_AFM_FORM
}  // namespace tfrs_afm
