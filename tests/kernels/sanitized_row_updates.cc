// Drives every form of the updates of rows over random sizes, in memory of exactly their size.
//
// Compiled with the sanitizers by test_sanitizers.py. Also checks that rows that no id names stay
// to the bit, that it does not matter how the rows are split, and plain SGD against its sum.
#include <cmath>
#include <cstdio>
#include <vector>

#include "memory.h"
#include "row_updates.h"

namespace {

using tfrs_afm::Distinct;
using tfrs_afm::RowForm;
using tfrs_afm::RowUpdate;
using tfrs_afm::RuleKind;

void fail(const RowForm& form, const RuleKind& kind, int64_t rows, int64_t width, int64_t count,
          const char* what) {
  std::printf("%s, %s: rows %ld, width %ld, ids %ld: %s\n", form.name, kind.name, (long)rows,
              (long)width, (long)count, what);
  std::exit(1);
}

// A gradient of all rows by their ids is the same gradient of all of the variable.
void check_all(const RowForm& form, const RuleKind& kind, int64_t size, std::mt19937& random) {
  Memory<int64_t> ids(size);
  for (int64_t i = 0; i < size; ++i) ids.get()[i] = i;
  Memory<float> gradient(size), numbers(kind.numbers);
  gradient.fill(random, -1.0f, 1.0f);
  numbers.fill(random, 0.1f, 0.9f);
  std::vector<Memory<float>> by_ids;
  for (int i = 0; i <= kind.slots; ++i) {
    by_ids.emplace_back(size);
    by_ids.back().fill(random, 0.1f, 1.0f);
  }
  std::vector<Memory<float>> whole(by_ids);
  Memory<int32_t> scratch(form.scratch(size));
  for (auto* to : {&by_ids, &whole}) {
    RowUpdate call = {};
    call.rows = gradient.get();
    call.table = (*to)[0].get();
    for (int s = 0; s < kind.slots; ++s) call.slots[s] = (*to)[s + 1].get();
    call.numbers = numbers.get();
    if (to == &by_ids) {
      call.ids = ids.get();
      call.width = 1;
      form.find(ids.get(), size, scratch.get(), &call.distinct);
      form.update(kind.rule, call, 0, size);
    } else {
      call.width = size;
      const int64_t middle = size / 32 * 16;
      form.update_all(kind.rule, call, 0, middle);
      form.update_all(kind.rule, call, middle, size);
    }
  }
  for (int i = 0; i <= kind.slots; ++i) {
    for (int64_t at = 0; at < size; ++at) {
      const float one = by_ids[i].get()[at], other = whole[i].get()[at];
      if (!(std::fabs(one - other) <= 1e-5f * (1.0f + std::fabs(one)))) {
        fail(form, kind, size, 1, size, "dense differs");
      }
    }
  }
}

void check(const RowForm& form, const RuleKind& kind, int64_t rows, int64_t width, int64_t count,
           std::mt19937& random) {
  Memory<int64_t> ids(count);
  for (int64_t i = 0; i < count; ++i) {
    ids.get()[i] = static_cast<int64_t>(random() % rows);
    if (random() % 2) ids.get()[i] /= 7;  // the first rows come again and again
  }
  Memory<float> gradient(count * width), numbers(kind.numbers);
  gradient.fill(random, -1.0f, 1.0f);
  numbers.fill(random, 0.1f, 0.9f);
  if (random() % 2) numbers.get()[2 < kind.numbers ? 2 : 1] = 0.5f;  // the root of Ftrl
  std::vector<Memory<float>> before;
  for (int i = 0; i <= kind.slots; ++i) {
    before.emplace_back(rows * width);
    before.back().fill(random, 0.1f, 1.0f);
  }
  Memory<int32_t> scratch(form.scratch(count));
  Distinct distinct;
  form.find(ids.get(), count, scratch.get(), &distinct);
  std::vector<bool> named(rows);
  for (int64_t i = 0; i < count; ++i) named[ids.get()[i]] = true;
  int64_t many = 0;
  for (const bool one : named) many += one;
  if (distinct.count != many) fail(form, kind, rows, width, count, "ids were miscounted");
  Memory<int64_t> summed(many);
  Memory<float> sums_of_rows(many * width);
  form.sum({ids.get(), gradient.get(), width, distinct}, 0, many, summed.get(), sums_of_rows.get());

  std::vector<Memory<float>> whole(before), parts(before);
  const bool decays = random() % 2;
  for (auto* to : {&whole, &parts}) {
    RowUpdate call = {};
    call.ids = ids.get();
    call.rows = gradient.get();
    call.width = width;
    call.distinct = distinct;
    call.table = (*to)[0].get();
    for (int s = 0; s < kind.slots; ++s) call.slots[s] = (*to)[s + 1].get();
    call.numbers = numbers.get();
    call.decays = decays;
    const int64_t step = to == &whole ? many + 1 : 1 + static_cast<int64_t>(random() % 9);
    for (int64_t first = 0; first < many; first += step) {
      form.update(kind.rule, call, first, first + step < many ? first + step : many);
    }
  }
  for (int i = 0; i <= kind.slots; ++i) {
    if (!whole[i].same(parts[i])) fail(form, kind, rows, width, count, "parts differ");
    for (int64_t at = 0; at < rows * width; ++at) {
      const float now = whole[i].get()[at], was = before[i].get()[at];
      if (!named[at / width] && now != was) fail(form, kind, rows, width, count, "a row moved");
      if (!std::isfinite(now)) fail(form, kind, rows, width, count, "not finite");
    }
  }
  if (kind.rule != tfrs_afm::Rule::kSGD) return;
  std::vector<double> sums(rows * width);
  for (int64_t i = 0; i < count; ++i) {
    for (int64_t d = 0; d < width; ++d) sums[ids.get()[i] * width + d] += gradient.get()[i * width + d];
  }
  for (int64_t at = 0; at < many * width; ++at) {
    const double expected = sums[summed.get()[at / width] * width + at % width];
    if (std::fabs(sums_of_rows.get()[at] - expected) > 1e-4) {
      fail(form, kind, rows, width, count, "sums differ");
    }
  }
  for (int64_t at = 0; at < rows * width; ++at) {
    const double kept = decays && named[at / width] ? 1.0 - numbers.get()[0] : 1.0;
    const double expected = kept * before[0].get()[at] - numbers.get()[1] * sums[at];
    if (std::fabs(whole[0].get()[at] - expected) > 1e-4) {
      fail(form, kind, rows, width, count, "SGD differs");
    }
  }
}

}  // namespace

int main() {
  std::mt19937 random(5);
  int cases = 0;
  for (const RowForm* const* form = tfrs_afm::row_forms(); *form; ++form) {
    std::printf("%s\n", (*form)->name);
    for (const RuleKind& kind : tfrs_afm::kRules) {
      for (int i = 0; i < 80; ++i, ++cases) {
        check(**form, kind, 1 + static_cast<int64_t>(random() % 60),
              1 + static_cast<int64_t>(random() % 40), static_cast<int64_t>(random() % 90), random);
      }
      for (int64_t size = 0; size < 70; ++size, ++cases) check_all(**form, kind, size, random);
      check(**form, kind, 5000, 1, 9000, random);
      check(**form, kind, 700, 130, 900, random);
    }
  }
  std::printf("%d cases\n", cases);
  return 0;
}
