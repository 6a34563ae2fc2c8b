// The three products of pair attention, each as a tile of sums that stays in registers.
//
// A product of matrices has its columns in the lanes: a row of the left side is read from memory,
// kLanes examples wide, and meets kTile scalars of the weights. That is the shape of a matrix
// product's inner loop, and runs at its rate.

// What `hidden_tile` and `through_tile` need of a pair.
struct Member {
  const float *first, *second;         // their vectors, (padded dim, lanes)
  float *first_sum, *second_sum;       // of their gradients; unused by `hidden_tile`

  void advance(int64_t elements) {
    const int64_t floats = elements * kLanes;
    first += floats, second += floats, first_sum += floats, second_sum += floats;
  }
};

// Scores += h . relu(W x + b) over kColumns hidden units, for each of `count` pairs.
//
// The first tile of units also makes the pairs' products, `x`; the others read them.
template <int kColumns, bool kFirst>
TFRS_AFM_ALONE void hidden_tile(const Member* members, int64_t count, int64_t dim, int64_t stride,
                        const float* kernel, const float* bias, const float* projection, float* x,
                        float* scores, Bits* active, int64_t units) {
  for (int64_t p = 0; p < count; ++p) {
    const float *left = members[p].first, *right = members[p].second;
    float* product = x + p * stride;
    Floats sums[kColumns];
#pragma GCC unroll 16
    for (int u = 0; u < kColumns; ++u) sums[u] = all(bias[u]);
    const float* row = kernel;
    for (int64_t d = 0; d < dim; ++d, row += kColumns) {
      Floats element;
      if constexpr (kFirst) {
        element = load(left + d * kLanes) * load(right + d * kLanes);
        store(product + d * kLanes, element);
      } else {
        element = load(product + d * kLanes);
      }
#pragma GCC unroll 16
      for (int u = 0; u < kColumns; ++u) sums[u] += element * row[u];
    }
    Floats score = kFirst ? Floats{} : load(scores + p * kLanes), other = {};
#pragma GCC unroll 16
    for (int u = 0; u < kColumns; ++u) {
      active[p * units + u] = positive(sums[u]);
      (u % 2 ? other : score) += relu(sums[u]) * projection[u];
    }
    store(scores + p * kLanes, score + other);
  }
}

// The gradients that reach members through `kColumns` elements of their pairs.
//
// With t = W (h * r), r being 1 where the hidden layer is active, an element of a pair has the
// gradient a g + ds t; each member gets it times the other's. Also leaves ds x in `x`, for the
// sums over pairs.
template <int kColumns>
TFRS_AFM_ALONE void through_tile(const Member* members, int64_t count, const Active* active,
                         int64_t units, const float* back, const float* gradient,
                         const Floats* attention, const Floats* slope, float* x,
                         int64_t stride) {
  for (int64_t p = 0; p < count; ++p) {
    Floats sums[kColumns];
#pragma GCC unroll 16
    for (int d = 0; d < kColumns; ++d) sums[d] = Floats{};
    const float* row = back;
    const Active* on = active + p * units;
    for (int64_t u = 0; u < units; ++u, row += kColumns) {
      const auto unit = read(on + u);
#pragma GCC unroll 16
      for (int d = 0; d < kColumns; d += 2) {
        sums[d] = add_scalar_where<false>(sums[d], unit, row + d);
        sums[d + 1] = add_scalar_where<true>(sums[d + 1], unit, row + d + 1);
      }
    }
    const Floats a = attention[p], ds = slope[p];
    const Member& pair = members[p];
    float* product = x + p * stride;
#pragma GCC unroll 16
    for (int d = 0; d < kColumns; ++d) {
      const int at = d * kLanes;
      const Floats through = a * load(gradient + at) + ds * sums[d];
      const Floats left = load(pair.first + at), right = load(pair.second + at);
      store(pair.first_sum + at, load(pair.first_sum + at) + through * right);
      store(pair.second_sum + at, load(pair.second_sum + at) + through * left);
      store(product + at, left * (right * ds));
    }
  }
}

TFRS_AFM_INLINE void add_four(float* sums, const float* more) {
  typedef float Four __attribute__((vector_size(16)));
  Four a, b;
  __builtin_memcpy(&a, sums, sizeof(a));
  __builtin_memcpy(&b, more, sizeof(b));
  a += b;
  __builtin_memcpy(sums, &a, sizeof(a));
}

// Adds, to kRows rows and 4 columns of `sums`, the sum over pairs and examples of x r.
template <int kRows>
TFRS_AFM_INLINE void outer_tile(const float* x, int64_t stride, const Active* active,
                                int64_t units, int64_t count, float* sums) {
  Floats total[kRows][4];
  for (int d = 0; d < kRows; ++d) {
    for (int u = 0; u < 4; ++u) total[d][u] = Floats{};
  }
  for (int64_t p = 0; p < count; ++p, x += stride, active += units) {
    Floats element[kRows];
#pragma GCC unroll 4
    for (int d = 0; d < kRows; ++d) element[d] = load(x + d * kLanes);
#pragma GCC unroll 4
    for (int u = 0; u < 4; ++u) {
      const auto unit = read(active + u);
#pragma GCC unroll 4
      for (int d = 0; d < kRows; ++d) {
        total[d][u] = d % 2 ? add_where<true>(total[d][u], unit, element[d])
                            : add_where<false>(total[d][u], unit, element[d]);
      }
    }
  }
  constexpr int kSums = (4 * kRows + kLanes - 1) / kLanes * kLanes;
  Floats rows[kSums];
#pragma GCC unroll 16
  for (int i = 0; i < kSums; ++i) rows[i] = i < 4 * kRows ? total[i / 4][i % 4] : Floats{};
#pragma GCC unroll 4
  for (int i = 0; i < kSums; i += kLanes) {
    const Floats cells = sums_of_rows(rows + i);
    for (int l = 0; l < kLanes && i + l < 4 * kRows; l += 4) {
      add_four(sums + (i + l) / 4 * units, reinterpret_cast<const float*>(&cells) + l);
    }
  }
}

template <int kRows>
TFRS_AFM_ALONE void outer_rows(const float* x, int64_t stride, const Active* active, int64_t units,
                       int64_t count, float* sums) {
  for (int64_t u = 0; u < units; u += 4) {
    outer_tile<kRows>(x, stride, active + u, units, count, sums + u);
  }
}

// sums (rows, units) += the sum over pairs and examples of x r; x is (count, rows, lanes).
template <int kRows = kOuterRows>
static void outer_product(const float* x, int64_t stride, int64_t rows, const Active* active,
                          int64_t units, int64_t count, float* sums) {
  for (; rows >= kRows; rows -= kRows, x += kRows * kLanes, sums += kRows * units) {
    outer_rows<kRows>(x, stride, active, units, count, sums);
  }
  if constexpr (kRows > 1) {
    outer_product<kRows - 1>(x, stride, rows, active, units, count, sums);
  }
}

// Calls `f.template operator()<columns>()` for a number of columns of a tile.
template <int kColumns = kTile, typename Function>
static void by_columns(int64_t columns, const Function& f) {
  if constexpr (kColumns == Function::kStep) {
    f.template run<kColumns>();
  } else {
    if (columns == kColumns) {
      f.template run<kColumns>();
    } else {
      by_columns<kColumns - Function::kStep>(columns, f);
    }
  }
}

struct HiddenTile {
  static constexpr int kStep = 4;
  const Member* members;
  int64_t count, dim, stride;
  const float *kernel, *bias, *projection;
  float *x, *scores;
  Bits* active;
  int64_t units;
  bool first;

  template <int kColumns>
  void run() const {
    auto tile = first ? hidden_tile<kColumns, true> : hidden_tile<kColumns, false>;
    tile(members, count, dim, stride, kernel, bias, projection, x, scores, active, units);
  }
};

struct ThroughTile {
  static constexpr int kStep = 2;
  const Member* members;
  int64_t count;
  const Active* active;
  int64_t units;
  const float *back, *gradient;
  const Floats *attention, *slope;
  float* x;
  int64_t stride;

  template <int kColumns>
  void run() const {
    through_tile<kColumns>(members, count, active, units, back, gradient, attention, slope, x,
                           stride);
  }
};
