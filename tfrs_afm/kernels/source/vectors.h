// Vectors of the instruction set that this file is compiled for: one example to a lane.
//
// Included by pair_attention.cc and row_updates.cc inside a namespace of the form's own, and nothing here is of
// external linkage: a function compiled for AVX-512 must never be merged with another form's.
// So no templates of the standard library either.

#if defined(__AVX512F__)
constexpr int kLanes = 16;
constexpr int kTile = 16;    // accumulators of a product: with 32 registers
constexpr int kOuterRows = 4;  // times 4 columns: accumulators of an outer product
typedef uint16_t Bits;       // one for each lane
#elif defined(__AVX2__)
constexpr int kLanes = 8;
constexpr int kTile = 12;  // with 16 registers
constexpr int kOuterRows = 2;
typedef uint8_t Bits;
#else  // SSE2, NEON and whatever else the compiler makes of four floats
constexpr int kLanes = 4;
constexpr int kTile = 8;
constexpr int kOuterRows = 2;
typedef uint8_t Bits;
#endif

typedef float Floats __attribute__((vector_size(4 * kLanes), aligned(4 * kLanes)));
typedef int32_t Ints __attribute__((vector_size(4 * kLanes), aligned(4 * kLanes)));
typedef uint32_t Words __attribute__((vector_size(4 * kLanes), aligned(4 * kLanes)));

#define TFRS_AFM_INLINE static inline __attribute__((always_inline))
#define TFRS_AFM_ALONE static __attribute__((noinline))  // inlined, its registers would be spilled

#define TFRS_AFM_NAME(x) #x
#define TFRS_AFM_STRING(x) TFRS_AFM_NAME(x)

TFRS_AFM_INLINE int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

TFRS_AFM_INLINE Floats all(float x) { return x - Floats{}; }

TFRS_AFM_INLINE Floats load(const float* from) {
  return *reinterpret_cast<const Floats*>(__builtin_assume_aligned(from, 4 * kLanes));
}

TFRS_AFM_INLINE void store(float* to, Floats x) {
  *reinterpret_cast<Floats*>(__builtin_assume_aligned(to, 4 * kLanes)) = x;
}

TFRS_AFM_INLINE Floats load_any(const float* from) {
  Floats x;
  __builtin_memcpy(&x, from, sizeof(x));
  return x;
}

TFRS_AFM_INLINE void store_any(float* to, Floats x) { __builtin_memcpy(to, &x, sizeof(x)); }

// The first `count` of a vector; the others are zeros, or are not written.
TFRS_AFM_INLINE Floats load_some(const float* from, int64_t count) {
#if defined(__AVX512F__)
  return (Floats)_mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << count) - 1), from);
#else
  float all[kLanes] = {};
  for (int64_t l = 0; l < count; ++l) all[l] = from[l];
  return load_any(all);
#endif
}

TFRS_AFM_INLINE void store_some(float* to, Floats x, int64_t count) {
#if defined(__AVX512F__)
  _mm512_mask_storeu_ps(to, static_cast<__mmask16>((1u << count) - 1), (__m512)x);
#else
  float all[kLanes];
  store_any(all, x);
  for (int64_t l = 0; l < count; ++l) to[l] = all[l];
#endif
}

// NaN where a is NaN: a step must not hide it from the check of its loss.
TFRS_AFM_INLINE Floats larger(Floats a, Floats b) { return a < b ? b : a; }

TFRS_AFM_INLINE Floats square_root(Floats a) {
#if defined(__AVX512F__)
  return (Floats)_mm512_sqrt_ps((__m512)a);
#elif defined(__AVX2__)
  return (Floats)_mm256_sqrt_ps((__m256)a);
#elif defined(__SSE2__)
  return (Floats)_mm_sqrt_ps((__m128)a);
#else
  for (int l = 0; l < kLanes; ++l) a[l] = __builtin_sqrtf(a[l]);
  return a;
#endif
}

TFRS_AFM_INLINE Floats relu(Floats a) {
#if defined(__AVX512F__)
  return (Floats)_mm512_max_ps(_mm512_setzero_ps(), (__m512)a);  // the second where one is NaN
#else
  return a < 0.0f ? Floats{} : a;
#endif
}

#if !defined(__AVX512F__)
// All ones in the lanes whose bit is set.
TFRS_AFM_INLINE Ints spread_bits(Bits bits) {
  Ints lane;
  for (int l = 0; l < kLanes; ++l) lane[l] = 1 << l;
  return ((Ints{} + static_cast<int32_t>(bits)) & lane) != 0;
}
#endif

TFRS_AFM_INLINE Floats select(Bits bits, Floats x, Floats otherwise) {
#if defined(__AVX512F__)
  return (Floats)_mm512_mask_blend_ps(bits, (__m512)otherwise, (__m512)x);
#else
  return spread_bits(bits) ? x : otherwise;
#endif
}

TFRS_AFM_INLINE Bits positive(Floats a) {
#if defined(__AVX512F__)
  return _mm512_cmp_ps_mask((__m512)a, _mm512_setzero_ps(), _CMP_GT_OQ);
#elif defined(__AVX2__)
  return static_cast<Bits>(_mm256_movemask_ps((__m256)(a > 0.0f)));
#else
  const Ints set = a > 0.0f;
  Bits bits = 0;
  for (int l = 0; l < kLanes; ++l) bits |= static_cast<Bits>((set[l] & 1) << l);
  return bits;
#endif
}

// Where a hidden unit is active, as the products read it: bits where instructions take masks,
// otherwise ones and zeros.
#if defined(__AVX512F__)
typedef Bits Active;
TFRS_AFM_INLINE __mmask16 read(const Active* active) {
  __mmask16 mask;  // straight to a mask register; GCC goes round by another
  asm("kmovw %1, %0" : "=k"(mask) : "m"(*active));
  return mask;
}
// Adders and multipliers are units of their own on some processors: odd sums go to the latter.
template <bool kMultiply>
TFRS_AFM_INLINE Floats add_where(Floats sum, __mmask16 active, Floats x) {
  if constexpr (kMultiply) {
    return (Floats)_mm512_mask3_fmadd_ps(_mm512_set1_ps(1.0f), (__m512)x, (__m512)sum, active);
  } else {
    return (Floats)_mm512_mask_add_ps((__m512)sum, active, (__m512)sum, (__m512)x);
  }
}
// The same with a scalar in memory, which GCC would bring to a register first.
template <bool kMultiply>
TFRS_AFM_INLINE Floats add_scalar_where(Floats sum, __mmask16 active, const float* x) {
  if constexpr (kMultiply) {
    const Floats one = all(1.0f);
    asm("vfmadd231ps %2%{1to16%}, %1, %0%{%3%}" : "+v"(sum) : "v"(one), "m"(*x), "Yk"(active));
    return sum;
  } else {
    return add_where<false>(sum, active, all(*x));
  }
}
#else
typedef Floats Active;
TFRS_AFM_INLINE Floats read(const Active* active) { return *active; }
template <bool>
TFRS_AFM_INLINE Floats add_where(Floats sum, Floats active, Floats x) {
  return sum + active * x;
}
template <bool>
TFRS_AFM_INLINE Floats add_scalar_where(Floats sum, Floats active, const float* x) {
  return sum + active * *x;
}
TFRS_AFM_INLINE Active expand(Bits bits) {
  return (Floats)(spread_bits(bits) & (Ints)all(1.0f));
}
#endif

// exp of x <= 0; relative error below 1e-7 times the size of x; 0 is not reached: 4e-38 is least.
TFRS_AFM_INLINE Floats exp_negative(Floats x) {
  const Floats low = x < -86.0f ? all(-86.0f) : x;
  // x = k ln 2 + r with |r| <= ln 2 / 2; adding 1.5 * 2^23 rounds to a whole k.
  const Floats shifted = low * 1.44269504f + 12582912.0f;
  const Floats k = shifted - 12582912.0f;
  const Floats r = (low - k * 0x1.62e4p-1f) - k * 1.42860677e-6f;
  Floats p = r * (1.0f / 5040) + 1.0f / 720;  // Taylor's series: r^8 / 8! < 6e-9
  p = p * r + 1.0f / 120;
  p = p * r + 1.0f / 24;
  p = p * r + 1.0f / 6;
  p = p * r + 0.5f;
  p = p * r + 1.0f;
  p = p * r + 1.0f;
  const Ints power = ((Ints)shifted - (Ints)all(12582912.0f)) << 23;
  const Floats result = (Floats)((Ints)p + power);
  return x != x ? x : result;
}

// Exchanges, of two rows kStep apart in a square, the blocks that a transposition exchanges.
template <int kStep>
TFRS_AFM_INLINE void exchange(Floats& a, Floats& b) {
  Ints from_a, from_b;
  for (int l = 0; l < kLanes; ++l) {
    from_a[l] = l & kStep ? kLanes + l - kStep : l;
    from_b[l] = l & kStep ? kLanes + l : l + kStep;
  }
#if defined(__clang__)
  Floats new_a, new_b;
  for (int l = 0; l < kLanes; ++l) {
    new_a[l] = l & kStep ? b[l - kStep] : a[l];
    new_b[l] = l & kStep ? b[l] : a[l + kStep];
  }
#else
  const Floats new_a = __builtin_shuffle(a, b, from_a), new_b = __builtin_shuffle(a, b, from_b);
#endif
  a = new_a;
  b = new_b;
}

template <int kStep>
TFRS_AFM_INLINE void transpose_step(Floats* rows) {
  if constexpr (kStep < kLanes) {
#pragma GCC unroll 16
    for (int i = 0; i < kLanes; ++i) {
      if (!(i & kStep)) exchange<kStep>(rows[i], rows[i + kStep]);
    }
    transpose_step<2 * kStep>(rows);
  }
}

// Transposes a square of kLanes rows.
TFRS_AFM_INLINE void transpose(Floats* rows) { transpose_step<1>(rows); }

template <int kStep>
TFRS_AFM_INLINE void sum_step(Floats* rows) {
  if constexpr (kStep < kLanes) {
#pragma GCC unroll 16
    for (int i = 0; i < kLanes; i += 2 * kStep) {
      exchange<kStep>(rows[i], rows[i + kStep]);
      rows[i] += rows[i + kStep];
    }
    sum_step<2 * kStep>(rows);
  }
}

// The sums of kLanes rows, one to a lane: by pairs, always in the same order.
TFRS_AFM_INLINE Floats sums_of_rows(Floats* rows) {
  sum_step<1>(rows);
  return rows[0];
}
