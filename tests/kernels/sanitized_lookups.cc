// Drives every form of the lookups over random sizes, in memory of exactly their size.
//
// Compiled with the sanitizers by test_sanitizers.py. Also checks each sum against its members, and
// that it does not matter how the segments are split.
#include <cmath>
#include <cstdio>
#include <vector>

#include "lookups.h"
#include "memory.h"

namespace {

using tfrs_afm::Combiner;
using tfrs_afm::LookupForm;
using tfrs_afm::LookupIds;
using tfrs_afm::LookupTable;

void fail(const LookupForm& form, int64_t fields, int64_t batch, int64_t width, const char* what) {
  std::printf("%s: fields %ld, batch %ld, width %ld: %s\n", form.name, (long)fields, (long)batch,
              (long)width, what);
  std::exit(1);
}

void check(const LookupForm& form, int64_t fields, int64_t batch, int64_t width, int64_t most,
           std::mt19937& random) {
  std::vector<Memory<float>> vectors, weights;
  std::vector<LookupTable> tables;
  std::vector<int64_t> of_ids, of_segments;
  for (int64_t field = 0; field < fields; ++field) {
    const int64_t rows = 1 + static_cast<int64_t>(random() % 9);
    vectors.emplace_back(rows * width);
    vectors.back().fill(random, -1.0f, 1.0f);
    weights.emplace_back(rows);
    weights.back().fill(random, -1.0f, 1.0f);
    tables.push_back({nullptr, nullptr, rows, static_cast<Combiner>(random() % 3)});
    for (int64_t example = 0; example < batch; ++example) {
      const int64_t members = most ? static_cast<int64_t>(random() % (most + 1)) : 1;
      for (int64_t i = 0; i < members; ++i) {
        of_ids.push_back(static_cast<int64_t>(random() % (rows + 1)) - 1);
        of_segments.push_back(field * batch + example);
      }
    }
  }
  for (int64_t field = 0; field < fields; ++field) {
    tables[field].vectors = vectors[field].get();
    tables[field].weights = weights[field].get();
  }
  const int64_t count = static_cast<int64_t>(of_ids.size()), segments = fields * batch;
  Memory<int64_t> ids(count), places(count);
  std::copy(of_ids.begin(), of_ids.end(), ids.get());
  std::copy(of_segments.begin(), of_segments.end(), places.get());
  const LookupIds all = {ids.get(), most ? places.get() : nullptr, count, batch, fields, !most};
  Memory<float> pooled(segments * width), linear(segments), scale(segments);
  Memory<float> split(segments * width), split_linear(segments), split_scale(segments);
  Memory<int64_t> scratch(fields);
  if (form.pool(tables.data(), all, width, 0, batch, scratch.get(), pooled.get(), linear.get(),
                scale.get()) >= 0) {
    fail(form, fields, batch, width, "an id was refused");
  }
  const int64_t middle = batch ? static_cast<int64_t>(random() % batch) : 0;
  for (const auto& [first, last] : {std::pair{int64_t{0}, middle}, std::pair{middle, batch}}) {
    form.pool(tables.data(), all, width, first, last, scratch.get(), split.get(),
              split_linear.get(), split_scale.get());
  }
  if (!pooled.same(split) || !linear.same(split_linear) || !scale.same(split_scale)) {
    fail(form, fields, batch, width, "a split differs");
  }
  std::vector<double> sums(segments * width), total(segments);
  std::vector<int64_t> members(segments);
  for (int64_t i = 0; i < count; ++i) {
    if (of_ids[i] < 0) continue;
    const int64_t field = of_segments[i] / batch;
    const int64_t at = of_segments[i] % batch * fields + field;
    for (int64_t k = 0; k < width; ++k) {
      sums[at * width + k] += vectors[field].get()[of_ids[i] * width + k];
    }
    total[at] += weights[field].get()[of_ids[i]];
    ++members[at];
  }
  for (int64_t at = 0; at < segments; ++at) {
    const double by = members[at] ? scale.get()[at] : 0.0;
    for (int64_t k = 0; k < width; ++k) {
      if (!(std::fabs(sums[at * width + k] * by - pooled.get()[at * width + k]) < 1e-4)) {
        fail(form, fields, batch, width, "a sum differs");
      }
    }
    if (!(std::fabs(total[at] * by - linear.get()[at]) < 1e-4)) {
      fail(form, fields, batch, width, "a weight differs");
    }
  }
  std::vector<Memory<int64_t>> found;
  std::vector<Memory<float>> rows, row_weights;
  std::vector<int64_t*> to_ids;
  std::vector<float*> to_rows, to_weights;
  for (int64_t field = 0; field < fields; ++field) {
    int64_t number = 0;
    for (int64_t i = 0; i < count; ++i) {
      number += of_segments[i] / (batch ? batch : 1) == field && of_ids[i] >= 0;
    }
    found.emplace_back(number);
    rows.emplace_back(number * width);
    row_weights.emplace_back(number);
  }
  for (int64_t field = 0; field < fields; ++field) {
    to_ids.push_back(found[field].get());
    to_rows.push_back(rows[field].get());
    to_weights.push_back(row_weights[field].get());
  }
  std::vector<int64_t> so_far(fields);
  for (const auto& [first, last] : {std::pair{int64_t{0}, middle}, std::pair{middle, batch}}) {
    form.spread(all, width, first, last, scratch.get(), pooled.get(), linear.get(), scale.get(),
                to_ids.data(), to_rows.data(), to_weights.data(), so_far.data());
  }
  std::vector<int64_t> next(fields);
  for (int64_t i = 0; i < count; ++i) {
    if (of_ids[i] < 0) continue;
    const int64_t field = of_segments[i] / batch;
    const int64_t at = of_segments[i] % batch * fields + field, member = next[field]++;
    if (to_ids[field][member] != of_ids[i] ||
        to_weights[field][member] != linear.get()[at] * scale.get()[at]) {
      fail(form, fields, batch, width, "a gradient is another's");
    }
    for (int64_t k = 0; k < width; ++k) {
      if (to_rows[field][member * width + k] != pooled.get()[at * width + k] * scale.get()[at]) {
        fail(form, fields, batch, width, "a row of a gradient is another's");
      }
    }
  }
}

}  // namespace

int main() {
  for (const LookupForm* const* form = tfrs_afm::lookup_forms(); *form; ++form) {
    std::mt19937 random(7);
    for (int round = 0; round < 300; ++round) {
      check(**form, 1 + random() % 6, random() % 20, 1 + random() % 40, random() % 5, random);
    }
    check(**form, 30, 700, 16, 0, random);
    check(**form, 3, 200, 130, 60, random);
    std::printf("%s\n", (*form)->name);
  }
  return 0;
}
