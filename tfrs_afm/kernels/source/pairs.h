// The pairs of a group of examples, and what dropout draws for them.

// A pair of members. Where no example has both, or both are of one group, it is passed over.
struct Pair {
  int64_t number;  // of all n(n-1)/2, by first and then by second member
  int32_t first, second;
  Bits real;  // the examples that have both
};

// Hands the pairs out in order.
class Pairs {
 public:
  Pairs(int64_t n, const Bits* real, const int32_t* groups) : n_(n), real_(real), groups_(groups) {}

  // Writes the next pairs to `to`, at most `most`; returns how many. None is left after 0.
  int64_t next(Pair* to, int64_t most) {
    int64_t count = 0;
    for (; first_ + 1 < n_; ++first_, second_ = first_ + 1) {
      if (!real_[first_]) {
        number_ += n_ - second_;
        continue;
      }
      for (; second_ < n_; ++second_, ++number_) {
        const Bits real = real_[first_] & real_[second_];
        if (!real || (groups_ && groups_[first_] == groups_[second_])) continue;
        if (count == most) return count;
        to[count++] = {number_, static_cast<int32_t>(first_), static_cast<int32_t>(second_), real};
      }
    }
    return count;
  }

 private:
  const int64_t n_;
  const Bits* real_;
  const int32_t* groups_;
  int64_t first_ = 0, second_ = 1, number_ = 0;
};

// The examples that have a member, for each of n members.
static void real_members(const bool* mask, int64_t rows, int64_t n, Bits* real) {
  for (int64_t i = 0; i < n; ++i) {
    Bits bits = 0;
    for (int64_t l = 0; l < rows; ++l) bits |= static_cast<Bits>(mask[l * n + i] << l);
    real[i] = bits;
  }
}

// Draws the factors that dropout multiplies the attention of pairs by: 0 or 1 / (1 - share).
//
// Philox 4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3") with the seed
// as its key; example and pair are the counter. So a draw depends on nothing else: backward drops
// what forward dropped, whichever thread or instruction set either runs on.
class Draws {
 public:
  Draws(const Inputs& inputs, int64_t first_example)
      : seed_{inputs.seed[0], inputs.seed[1]},
        example_(static_cast<uint64_t>(first_example)),
        least_(static_cast<uint32_t>(inputs.dropout * 4294967296.0)),
        factor_(1.0f / (1.0f - inputs.dropout)) {}

  Floats factors(int64_t pair) {
    const uint64_t quadruple = static_cast<uint64_t>(pair) / 4;
    if (quadruple != drawn_) draw(quadruple);
    const Words word = words_[pair % 4];
    return word >= least_ ? all(factor_) : Floats{};
  }

 private:
  void draw(uint64_t quadruple) {
    uint32_t c0[kLanes], c1[kLanes], c2[kLanes], c3[kLanes];
    for (int l = 0; l < kLanes; ++l) {
      const uint64_t example = example_ + static_cast<uint64_t>(l);
      c0[l] = static_cast<uint32_t>(quadruple);
      c1[l] = static_cast<uint32_t>(quadruple >> 32);
      c2[l] = static_cast<uint32_t>(example);
      c3[l] = static_cast<uint32_t>(example >> 32);
    }
    uint32_t k0 = seed_[0], k1 = seed_[1];
    for (int round = 0; round < 10; ++round) {
      for (int l = 0; l < kLanes; ++l) {
        const uint64_t a = uint64_t{0xD2511F53} * c0[l], b = uint64_t{0xCD9E8D57} * c2[l];
        c0[l] = static_cast<uint32_t>(b >> 32) ^ c1[l] ^ k0;
        c1[l] = static_cast<uint32_t>(b);
        c2[l] = static_cast<uint32_t>(a >> 32) ^ c3[l] ^ k1;
        c3[l] = static_cast<uint32_t>(a);
      }
      k0 += 0x9E3779B9u;
      k1 += 0xBB67AE85u;
    }
    __builtin_memcpy(&words_[0], c0, sizeof(c0));
    __builtin_memcpy(&words_[1], c1, sizeof(c1));
    __builtin_memcpy(&words_[2], c2, sizeof(c2));
    __builtin_memcpy(&words_[3], c3, sizeof(c3));
    drawn_ = quadruple;
  }

  const uint32_t seed_[2];
  const uint64_t example_;
  const uint32_t least_;
  const float factor_;
  uint64_t drawn_ = ~uint64_t{0};
  Words words_[4];
};
