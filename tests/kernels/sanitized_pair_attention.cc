// Drives every form of the kernels over random sizes, in memory of exactly the size they ask for.
//
// Compiled with the sanitizers by test_sanitizers.py. Also checks, to the bit, that backward does
// the same with what forward kept as without, and that draws are those of Philox 4x32-10.
#include <cstdio>

#include "memory.h"
#include "pair_attention.h"

namespace {

using tfrs_afm::Backward;
using tfrs_afm::Form;
using tfrs_afm::Forward;
using tfrs_afm::Inputs;
using tfrs_afm::Sizes;

struct Gradients {
  explicit Gradients(const Sizes& s)
      : vectors(s.batch * s.n * s.dim), kernel(s.dim * s.units), bias(s.units), projection(s.units) {}
  Memory<float> vectors, kernel, bias, projection;
};

void check(const Form& form, const Sizes& s, float dropout, bool grouped, std::mt19937& random) {
  Memory<float> vectors(s.batch * s.n * s.dim), kernel(s.dim * s.units), bias(s.units);
  Memory<float> projection(s.units), gradient(s.batch * s.dim);
  for (auto* part : {&vectors, &kernel, &bias, &projection, &gradient}) part->fill(random, -1.0f, 1.0f);
  Memory<bool> mask(s.batch * s.n);
  Memory<int32_t> groups(s.n);
  for (int64_t i = 0; i < s.batch * s.n; ++i) mask.get()[i] = random() % 4 != 0;
  for (int64_t i = 0; i < s.n; ++i) groups.get()[i] = static_cast<int32_t>(random() % 3);
  // Room for two threads, one behind the other as in the operation.
  Memory<float> packed(form.packed(s)), scratch(2 * form.scratch(s));
  form.pack(s, kernel.get(), bias.get(), projection.get(), packed.get());
  const int64_t count = (s.batch + form.lanes - 1) / form.lanes;
  Memory<unsigned char> kept(count * static_cast<int64_t>(form.kept(s)));
  const Inputs inputs = {s,       vectors.get(), mask.get(), grouped ? groups.get() : nullptr,
                         packed.get(), dropout,       {7, 9}};
  Memory<float> pooled(s.batch * s.dim), log_sums(s.batch), again(s.batch * s.dim);
  form.forward({inputs, pooled.get(), log_sums.get(), kept.get()}, 0, count, scratch.get());
  form.forward({inputs, again.get(), log_sums.get(), nullptr}, 0, count, scratch.get());
  bool same = pooled.same(again);
  Gradients one(s), other(s);
  const int64_t shards = count ? 1 + static_cast<int64_t>(random() % count) : 0;
  for (Gradients* to : {&one, &other}) {
    Memory<float> sums(shards * form.sums(s));
    const unsigned char* from = to == &one ? kept.get() : nullptr;
    const Backward call = {inputs,         gradient.get(), pooled.get(),
                           log_sums.get(), from,           to->vectors.get()};
    for (int64_t i = 0; i < shards; ++i) {
      form.backward(call, i * count / shards, (i + 1) * count / shards,
                    scratch.get() + (i + 1) % 2 * form.scratch(s), sums.get() + i * form.sums(s));
    }
    form.finish(s, kernel.get(), bias.get(), projection.get(), sums.get(), shards,
                to->kernel.get(), to->bias.get(), to->projection.get());
  }
  same = same && one.vectors.same(other.vectors) && one.kernel.same(other.kernel) &&
         one.bias.same(other.bias) && one.projection.same(other.projection);
  bool finite = true;
  for (int64_t i = 0; i < s.batch * s.n * s.dim; ++i) {
    finite = finite && one.vectors.get()[i] - one.vectors.get()[i] == 0.0f;
  }
  if (!same || !finite) {
    std::printf("%s: batch %ld, n %ld, dim %ld, units %ld: %s\n", form.name, (long)s.batch,
                (long)s.n, (long)s.dim, (long)s.units, same ? "not finite" : "differs");
    std::exit(1);
  }
}

}  // namespace

int main() {
  std::mt19937 random(5);
  int cases = 0;
  for (const Form* const* form = tfrs_afm::forms(); *form; ++form) {
    std::printf("%s\n", (*form)->name);
    for (int i = 0; i < 150; ++i, ++cases) {
      const Sizes sizes = {static_cast<int64_t>(random() % 40), static_cast<int64_t>(random() % 14),
                           1 + static_cast<int64_t>(random() % 37),
                           1 + static_cast<int64_t>(random() % 37)};
      check(**form, sizes, i % 3 ? 0.0f : 0.4f, i % 2, random);
    }
    check(**form, {17, 40, 130, 70}, 0.0f, false, random);
    check(**form, {3, 150, 5, 6}, 0.5f, true, random);
  }
  std::printf("%d cases\n", cases);
  return 0;
}
