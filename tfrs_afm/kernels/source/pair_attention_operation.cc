// Pair attention as operations of TensorFlow. Only the operations include its headers.
#include <cstring>
#include <limits>
#include <string>

#include "pair_attention.h"
#include "tensorflow/core/framework/op.h"
#include "tensorflow/core/framework/op_kernel.h"
#include "tensorflow/core/framework/shape_inference.h"
#include "threads.h"

namespace tfrs_afm {
namespace {

using tensorflow::OpKernel;
using tensorflow::OpKernelConstruction;
using tensorflow::OpKernelContext;
using tensorflow::Tensor;
using tensorflow::TensorShape;
using tensorflow::errors::InvalidArgument;
using tensorflow::errors::ResourceExhausted;
using tensorflow::shape_inference::InferenceContext;
using tensorflow::shape_inference::ShapeHandle;

// Parts that the work is split into, whatever the number of threads: sums over parts are made in
// their order, so results do not depend on it. Fewer where their sums would take more memory.
constexpr int64_t kMostShards = 32;
constexpr int64_t kSumsFloats = int64_t{1} << 23;  // 32 MB

absl::Status Shapes(InferenceContext* c, ShapeHandle* vectors, ShapeHandle* kernel) {
  ShapeHandle unused;
  TF_RETURN_IF_ERROR(c->WithRank(c->input(0), 3, vectors));
  TF_RETURN_IF_ERROR(c->WithRank(c->input(1), 2, &unused));
  return c->WithRank(c->input(2), 2, kernel);
}

REGISTER_OP("TfrsAfmAttendPairs")
    .Input("vectors: float32")
    .Input("mask: bool")
    .Input("kernel: float32")
    .Input("bias: float32")
    .Input("projection: float32")
    .Input("groups: int32")
    .Input("seed: int32")
    .Output("pooled: float32")
    .Output("log_sums: float32")
    .Output("kept: uint8")
    .Attr("form: string")
    .Attr("dropout: float = 0.0")
    .Attr("most_kept: int = 67108864")
    .SetShapeFn([](InferenceContext* c) {
      ShapeHandle vectors, kernel;
      TF_RETURN_IF_ERROR(Shapes(c, &vectors, &kernel));
      c->set_output(0, c->Matrix(c->Dim(vectors, 0), c->Dim(vectors, 2)));
      c->set_output(1, c->Vector(c->Dim(vectors, 0)));
      c->set_output(2, c->Vector(InferenceContext::kUnknownDim));
      return absl::OkStatus();
    });

REGISTER_OP("TfrsAfmAttendPairsGrad")
    .Input("vectors: float32")
    .Input("mask: bool")
    .Input("kernel: float32")
    .Input("bias: float32")
    .Input("projection: float32")
    .Input("groups: int32")
    .Input("seed: int32")
    .Input("pooled: float32")
    .Input("log_sums: float32")
    .Input("kept: uint8")
    .Input("gradient: float32")
    .Output("vectors_gradient: float32")
    .Output("kernel_gradient: float32")
    .Output("bias_gradient: float32")
    .Output("projection_gradient: float32")
    .Attr("form: string")
    .Attr("dropout: float = 0.0")
    .SetShapeFn([](InferenceContext* c) {
      ShapeHandle vectors, kernel;
      TF_RETURN_IF_ERROR(Shapes(c, &vectors, &kernel));
      c->set_output(0, vectors);
      c->set_output(1, kernel);
      c->set_output(2, c->input(3));
      c->set_output(3, c->input(4));
      return absl::OkStatus();
    });

const float* floats(const Tensor& tensor) { return tensor.flat<float>().data(); }

// What both operations share: attributes, checks, and threads that work through shards.
class AttendPairs : public OpKernel {
 public:
  explicit AttendPairs(OpKernelConstruction* construction) : OpKernel(construction) {
    std::string name;
    OP_REQUIRES_OK(construction, construction->GetAttr("form", &name));
    OP_REQUIRES_OK(construction, construction->GetAttr("dropout", &dropout_));
    for (const Form* const* one = forms(); *one; ++one) {
      if (name == (*one)->name) form_ = *one;
    }
    OP_REQUIRES(construction, form_, InvalidArgument("This processor has no form '", name, "'."));
    OP_REQUIRES(construction, dropout_ >= 0 && dropout_ < 1,
                InvalidArgument("`dropout` must be in [0, 1). Received: dropout=", dropout_, "."));
  }

 protected:
  // Checks the seven inputs that both operations begin with.
  absl::Status Read(OpKernelContext* context, Inputs* inputs) const {
    const Tensor &vectors = context->input(0), &mask = context->input(1);
    const Tensor &kernel = context->input(2), &bias = context->input(3);
    const Tensor &projection = context->input(4), &groups = context->input(5);
    const Tensor& seed = context->input(6);
    if (vectors.dims() != 3 || kernel.dims() != 2) {
      return Bad("vectors", "be (batch, n, dim) and `kernel` (dim, units)", vectors);
    }
    const Sizes sizes = {vectors.dim_size(0), vectors.dim_size(1), kernel.dim_size(0),
                         kernel.dim_size(1)};
    if (vectors.dim_size(2) != sizes.dim) return Bad("kernel", "have dim rows", kernel);
    if (mask.dims() != 2 || mask.dim_size(0) != sizes.batch || mask.dim_size(1) != sizes.n) {
      return Bad("mask", "be (batch, n)", mask);
    }
    if (bias.NumElements() != sizes.units) return Bad("bias", "have one element a unit", bias);
    if (projection.NumElements() != sizes.units) {
      return Bad("projection", "have one element a unit", projection);
    }
    if (groups.NumElements() != 0 && groups.NumElements() != sizes.n) {
      return Bad("groups", "have one element a member, or none", groups);
    }
    if (seed.NumElements() != 2) return Bad("seed", "have two elements", seed);
    if (sizes.dim < 1 || sizes.units < 1 || sizes.n > kMost || sizes.dim > kMost ||
        sizes.units > kMost) {
      return InvalidArgument("n, dim and units must be at most ", kMost, ", the last two at ",
                             "least 1. Received: n=", sizes.n, ", dim=", sizes.dim, ", units=",
                             sizes.units, ".");
    }
    inputs->sizes = sizes;
    inputs->vectors = floats(vectors);
    inputs->mask = mask.flat<bool>().data();
    inputs->groups = groups.NumElements() ? groups.flat<tensorflow::int32>().data() : nullptr;
    inputs->dropout = dropout_;
    for (int i = 0; i < 2; ++i) {
      inputs->seed[i] = static_cast<uint32_t>(seed.flat<tensorflow::int32>()(i));
    }
    return absl::OkStatus();
  }

  // A tensor of `count` floats to work in.
  static absl::Status Room(OpKernelContext* context, int64_t count, Tensor* room, float** start) {
    TensorShape shape;
    TF_RETURN_IF_ERROR(TensorShape::BuildTensorShape({count}, &shape));
    TF_RETURN_IF_ERROR(context->allocate_temp(tensorflow::DT_FLOAT, shape, room));
    *start = room->flat<float>().data();
    return absl::OkStatus();
  }

  absl::Status Pack(OpKernelContext* context, Inputs* inputs, Tensor* room) const {
    float* packed;
    TF_RETURN_IF_ERROR(Room(context, form_->packed(inputs->sizes), room, &packed));
    form_->pack(inputs->sizes, floats(context->input(2)), floats(context->input(3)),
                floats(context->input(4)), packed);
    inputs->weights = packed;
    return absl::OkStatus();
  }

  int64_t Groups(const Sizes& sizes) const {
    return (sizes.batch + form_->lanes - 1) / form_->lanes;
  }

  int64_t Shards(const Sizes& sizes) const {
    const int64_t room = std::max<int64_t>(kSumsFloats / form_->sums(sizes), 1);
    return std::min({Groups(sizes), kMostShards, room});
  }

  // Runs `work(shard, first group, last group, scratch)` for all shards, in as many threads as
  // there are; whichever is free takes the next.
  template <typename Work>
  absl::Status ForEachShard(OpKernelContext* context, const Sizes& sizes, const Work& work) const {
    const int64_t groups = Groups(sizes), shards = Shards(sizes);
    // In int64: kMost bounds the factors.
    const int64_t pairs = std::max<int64_t>(sizes.n * (sizes.n - 1) / 2, 1);
    const double cost = static_cast<double>(pairs) * static_cast<double>(sizes.dim) *
                        static_cast<double>(sizes.units + 16) * static_cast<double>(groups);
    const int64_t workers = workers_for(context, shards, cost < 1e4);
    const int64_t size = form_->scratch(sizes);
    Tensor room;
    float* scratch;
    TF_RETURN_IF_ERROR(Room(context, size * workers, &room, &scratch));
    run_tasks(context, shards, workers, [&](int64_t shard, int64_t worker) {
      work(shard, shard * groups / shards, (shard + 1) * groups / shards, scratch + worker * size);
    });
    return absl::OkStatus();
  }

  const Form* form_ = nullptr;

 private:
  static absl::Status Bad(const char* name, const char* rule, const Tensor& tensor) {
    return InvalidArgument("`", name, "` must ", rule, ". Received: shape ",
                           tensor.shape().DebugString(), ".");
  }

  float dropout_ = 0;
};

class AttendPairsForward : public AttendPairs {
 public:
  explicit AttendPairsForward(OpKernelConstruction* construction) : AttendPairs(construction) {
    OP_REQUIRES_OK(construction, construction->GetAttr("most_kept", &most_kept_));
  }

  void Compute(OpKernelContext* context) override {
    Forward call = {};
    OP_REQUIRES_OK(context, Read(context, &call));
    const Sizes& sizes = call.sizes;
    Tensor *pooled, *log_sums, *kept, weights;
    OP_REQUIRES_OK(context, context->allocate_output(0, {sizes.batch, sizes.dim}, &pooled));
    OP_REQUIRES_OK(context, context->allocate_output(1, {sizes.batch}, &log_sums));
    const double bytes = form_->kept(sizes) * static_cast<double>(Groups(sizes));
    const bool keep = bytes <= static_cast<double>(most_kept_);
    const int64_t size = keep ? static_cast<int64_t>(bytes) : 0;
    OP_REQUIRES_OK(context, context->allocate_output(2, {size}, &kept));
    OP_REQUIRES_OK(context, Pack(context, &call, &weights));
    call.pooled = pooled->flat<float>().data();
    call.log_sums = log_sums->flat<float>().data();
    call.kept = size ? kept->flat<tensorflow::uint8>().data() : nullptr;
    OP_REQUIRES_OK(context, ForEachShard(context, sizes, [&](int64_t, int64_t first, int64_t last,
                                                             float* scratch) {
      form_->forward(call, first, last, scratch);
    }));
  }

 private:
  tensorflow::int64 most_kept_ = 0;
};

class AttendPairsBackward : public AttendPairs {
 public:
  using AttendPairs::AttendPairs;

  void Compute(OpKernelContext* context) override {
    Backward call = {};
    OP_REQUIRES_OK(context, Read(context, &call));
    const Sizes& sizes = call.sizes;
    const Tensor &pooled = context->input(7), &log_sums = context->input(8);
    const Tensor &kept = context->input(9), &gradient = context->input(10);
    const double bytes = form_->kept(sizes) * static_cast<double>(Groups(sizes));
    const int64_t size = kept.NumElements();
    OP_REQUIRES(context,
                pooled.NumElements() == sizes.batch * sizes.dim &&
                    gradient.NumElements() == sizes.batch * sizes.dim &&
                    log_sums.NumElements() == sizes.batch &&
                    (size == 0 || static_cast<double>(size) == bytes),
                InvalidArgument("`pooled`, `log_sums` and `kept` must be what forward returned, "
                                "and `gradient` of the shape of `pooled`."));
    Tensor *vectors_gradient, *kernel_gradient, *bias_gradient, *projection_gradient;
    OP_REQUIRES_OK(context,
                   context->allocate_output(0, context->input(0).shape(), &vectors_gradient));
    OP_REQUIRES_OK(context,
                   context->allocate_output(1, context->input(2).shape(), &kernel_gradient));
    OP_REQUIRES_OK(context, context->allocate_output(2, context->input(3).shape(), &bias_gradient));
    OP_REQUIRES_OK(context,
                   context->allocate_output(3, context->input(4).shape(), &projection_gradient));
    Tensor weights, room;
    float* sums;
    const int64_t shards = Shards(sizes), cells = form_->sums(sizes);
    OP_REQUIRES_OK(context, Pack(context, &call, &weights));
    OP_REQUIRES_OK(context, Room(context, shards * cells, &room, &sums));
    call.gradient = floats(gradient);
    call.pooled = floats(pooled);
    call.log_sums = floats(log_sums);
    call.kept = size ? kept.flat<tensorflow::uint8>().data() : nullptr;
    call.vectors_gradient = vectors_gradient->flat<float>().data();
    OP_REQUIRES_OK(context, ForEachShard(context, sizes, [&](int64_t shard, int64_t first,
                                                             int64_t last, float* scratch) {
      form_->backward(call, first, last, scratch, sums + shard * cells);
    }));
    form_->finish(sizes, floats(context->input(2)), floats(context->input(3)),
                  floats(context->input(4)), sums, shards, kernel_gradient->flat<float>().data(),
                  bias_gradient->flat<float>().data(), projection_gradient->flat<float>().data());
  }
};

REGISTER_KERNEL_BUILDER(Name("TfrsAfmAttendPairs").Device(tensorflow::DEVICE_CPU),
                        AttendPairsForward);
REGISTER_KERNEL_BUILDER(Name("TfrsAfmAttendPairsGrad").Device(tensorflow::DEVICE_CPU),
                        AttendPairsBackward);

}  // namespace
}  // namespace tfrs_afm

// For Python, which names a form in each operation: those that run here, the fastest first.
extern "C" __attribute__((visibility("default"))) const char* tfrs_afm_kernel_forms() {
  static const std::string names = [] {
    std::string joined;
    for (const tfrs_afm::Form* const* one = tfrs_afm::forms(); *one; ++one) {
      joined += (joined.empty() ? "" : " ") + std::string((*one)->name);
    }
    return joined;
  }();
  return names.c_str();
}
