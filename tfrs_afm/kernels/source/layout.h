// How members and weights lie in memory while they are computed with.
//
// Members: (n, padded dim, lanes), so that a row is one element of kLanes examples. Weights: tiles
// of kTile columns, each (rows, columns), read from front to end by a product.

constexpr int64_t round_up(int64_t x, int64_t to) { return (x + to - 1) / to * to; }

// Tiles have an even number of columns, of hidden units a multiple of four.
TFRS_AFM_INLINE int64_t padded_dim(const Sizes& sizes) { return round_up(sizes.dim, 2); }
TFRS_AFM_INLINE int64_t padded_units(const Sizes& sizes) { return round_up(sizes.units, 4); }
// Rows of a pair in the sums for the weights: padded dim, and one of ones for the bias.
TFRS_AFM_INLINE int64_t sum_rows(const Sizes& sizes) { return padded_dim(sizes) + 1; }
TFRS_AFM_INLINE int64_t pairs_of(int64_t n) { return n * (n - 1) / 2; }
TFRS_AFM_INLINE int64_t larger_of(int64_t a, int64_t b) { return a < b ? b : a; }

struct Weights {
  const float *kernel, *bias, *projection, *back;
};

static int64_t packed_size(const Sizes& sizes) {
  const int64_t units = padded_units(sizes);
  return units * sizes.dim + 2 * units + units * padded_dim(sizes);
}

static Weights unpacked(const Sizes& sizes, const float* packed) {
  const int64_t units = padded_units(sizes);
  const float* bias = packed + units * sizes.dim;
  return {packed, bias, bias + units, bias + 2 * units};
}

static void pack(const Sizes& sizes, const float* kernel, const float* bias,
                 const float* projection, float* packed) {
  const int64_t units = padded_units(sizes), dims = padded_dim(sizes);
  float* to = packed;
  for (int64_t start = 0; start < units; start += kTile) {  // W, a tile of units after the other
    const int64_t stop = smaller(start + kTile, units);
    for (int64_t d = 0; d < sizes.dim; ++d) {
      for (int64_t u = start; u < stop; ++u) {
        *to++ = u < sizes.units ? kernel[d * sizes.units + u] : 0.0f;
      }
    }
  }
  for (int64_t u = 0; u < units; ++u) *to++ = u < sizes.units ? bias[u] : 0.0f;
  for (int64_t u = 0; u < units; ++u) *to++ = u < sizes.units ? projection[u] : 0.0f;
  for (int64_t start = 0; start < dims; start += kTile) {  // h W^T, a tile of dim after the other
    const int64_t stop = smaller(start + kTile, dims);
    for (int64_t u = 0; u < units; ++u) {
      for (int64_t d = start; d < stop; ++d) {
        const bool real = u < sizes.units && d < sizes.dim;
        *to++ = real ? kernel[d * sizes.units + u] * projection[u] : 0.0f;
      }
    }
  }
}

// Copies rows of a square; a whole one, the usual case, in registers.
template <typename Function>
TFRS_AFM_INLINE void for_each_row(int64_t count, const Function& copy) {
  if (count == kLanes) {
#pragma GCC unroll 16
    for (int64_t i = 0; i < kLanes; ++i) copy(i);
  } else {
    for (int64_t i = 0; i < count; ++i) copy(i);
  }
}

// Goes through the elements of members, over the padding of dim.
class Elements {
 public:
  Elements(int64_t dim, int64_t padded) : dim_(dim), padding_((padded - dim) * kLanes) {}

  // Where the next `count` elements are, each times kLanes floats.
  void next(int64_t count, int64_t* places) {
    for (int64_t c = 0; c < count; ++c) {
      places[c] = place_;
      place_ += kLanes;
      if (++element_ == dim_) {
        element_ = 0;
        place_ += padding_;
      }
    }
  }

 private:
  const int64_t dim_, padding_;
  int64_t element_ = 0, place_ = 0;
};

// Brings the first `rows` examples of `from`, each `count` members of `dim`, into the lanes;
// other lanes and the padding of dim are zeros.
static void to_lanes(const float* from, int64_t rows, int64_t count, int64_t dim, int64_t padded,
                     float* to) {
  const int64_t width = count * dim;
  if (padded != dim) {
    for (int64_t i = 0; i < count; ++i) store(to + ((i + 1) * padded - 1) * kLanes, Floats{});
  }
  Elements elements(dim, padded);
  int64_t places[kLanes];
  for (int64_t start = 0; start < width; start += kLanes) {
    const int64_t columns = smaller(kLanes, width - start);
    elements.next(columns, places);
    Floats square[kLanes] = {};
    if (columns == kLanes) {
      for_each_row(rows, [&](int64_t l) { square[l] = load_any(from + l * width + start); });
    } else {
      for_each_row(rows, [&](int64_t l) {
        square[l] = load_some(from + l * width + start, columns);
      });
    }
    transpose(square);
    for_each_row(columns, [&](int64_t c) { store(to + places[c], square[c]); });
  }
}

// The other way round.
static void from_lanes(const float* from, int64_t rows, int64_t count, int64_t dim,
                       int64_t padded, float* to) {
  const int64_t width = count * dim;
  Elements elements(dim, padded);
  int64_t places[kLanes];
  for (int64_t start = 0; start < width; start += kLanes) {
    const int64_t columns = smaller(kLanes, width - start);
    elements.next(columns, places);
    Floats square[kLanes] = {};
    for_each_row(columns, [&](int64_t c) { square[c] = load(from + places[c]); });
    transpose(square);
    if (columns == kLanes) {
      for_each_row(rows, [&](int64_t l) { store_any(to + l * width + start, square[l]); });
    } else {
      for_each_row(rows, [&](int64_t l) {
        store_some(to + l * width + start, square[l], columns);
      });
    }
  }
}
