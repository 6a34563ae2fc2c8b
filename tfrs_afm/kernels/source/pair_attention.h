// What the operation knows of the kernels: one `Form` for each instruction set.
//
// Nothing of TensorFlow is included here, nor in the files that implement it: they compile in
// seconds, and tests drive them without TensorFlow, under the sanitizers.
#ifndef TFRS_AFM_KERNELS_PAIR_ATTENTION_H_
#define TFRS_AFM_KERNELS_PAIR_ATTENTION_H_

#include <cstdint>

namespace tfrs_afm {

// Sizes of a call. Each of n, dim and units is in [0, kMost] ([1, kMost] for dim and units), so
// that no product of three of them leaves an int64.
constexpr int64_t kMost = int64_t{1} << 20;

struct Sizes {
  int64_t batch, n, dim, units;
};

// What forward and backward are given alike. `vectors` is (batch, n, dim), `mask` (batch, n).
struct Inputs {
  Sizes sizes;
  const float* vectors;
  const bool* mask;
  const int32_t* groups;  // (n,), or null: no two members share a group
  const float* weights;   // what `Form::pack` wrote
  float dropout;          // share of the attention weights to drop, in [0, 1)
  uint32_t seed[2];
};

struct Forward : Inputs {
  float* pooled;    // (batch, dim)
  float* log_sums;  // (batch,), logarithms of the softmax's denominators
  unsigned char* kept;  // `Form::kept` bytes for each group of examples, or null: keep nothing
};

struct Backward : Inputs {
  const float* gradient;  // (batch, dim), of `pooled`
  const float* pooled;
  const float* log_sums;
  const unsigned char* kept;  // what forward wrote, or null: its part is computed again
  float* vectors_gradient;    // (batch, n, dim)
};

// The kernels compiled for one instruction set. They compute groups of `lanes` examples, one
// example to a lane of a vector; a group's results depend on nothing but its own examples.
// Scratch memory and `kept` must be aligned to 64 bytes.
struct Form {
  const char* name;
  int64_t lanes;
  int64_t (*packed)(const Sizes&);   // floats of the packed weights
  int64_t (*scratch)(const Sizes&);  // floats that a thread works in, a multiple of 16
  int64_t (*sums)(const Sizes&);     // floats of a shard's sums
  double (*kept)(const Sizes&);      // bytes that forward keeps of a group, maybe beyond int64
  // W (dim, units), b (units,) and h (units,) in the order that they are read in.
  void (*pack)(const Sizes&, const float* kernel, const float* bias, const float* projection,
               float* packed);
  // Groups `first` to `last` of the batch.
  void (*forward)(const Forward&, int64_t first, int64_t last, float* scratch);
  // The same; writes sum over pairs of (v_i * v_j) ds r to `sums`, from which `finish` makes the
  // gradients of the weights.
  void (*backward)(const Backward&, int64_t first, int64_t last, float* scratch, float* sums);
  // Adds up the shards' sums, in their order.
  void (*finish)(const Sizes&, const float* kernel, const float* bias, const float* projection,
                 const float* sums, int64_t shards, float* kernel_gradient, float* bias_gradient,
                 float* projection_gradient);
};

// The forms that were compiled and that this processor runs, the fastest first; ends with null.
const Form* const* forms();

}  // namespace tfrs_afm

#endif  // TFRS_AFM_KERNELS_PAIR_ATTENTION_H_
