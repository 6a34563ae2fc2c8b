// Lookups in many tables at once, pooled by example, as operations of TensorFlow.
#include <algorithm>
#include <atomic>
#include <string>
#include <vector>

#include "lookups.h"
#include "tensorflow/core/framework/op.h"
#include "tensorflow/core/framework/op_kernel.h"
#include "tensorflow/core/framework/resource_mgr.h"
#include "tensorflow/core/framework/resource_var.h"
#include "tensorflow/core/framework/shape_inference.h"
#include "threads.h"

namespace tfrs_afm {
namespace {

using tensorflow::OpKernel;
using tensorflow::OpKernelConstruction;
using tensorflow::OpKernelContext;
using tensorflow::Tensor;
using tensorflow::TensorShape;
using tensorflow::Var;
using tensorflow::errors::FailedPrecondition;
using tensorflow::errors::InvalidArgument;
using tensorflow::shape_inference::DimensionHandle;
using tensorflow::shape_inference::InferenceContext;

// Examples that a thread takes at once, and ids below which a second thread is not worth its start.
constexpr int64_t kTaskExamples = 64;
constexpr int64_t kAloneIds = int64_t{1} << 11;

REGISTER_OP("TfrsAfmLookUp")
    .Input("vectors: N * resource")
    .Input("weights: M * resource")  // as many, or none
    .Input("ids: int64")
    .Input("segments: int64")  // empty: one id a segment
    .Input("batch: int64")
    .Output("pooled: float32")
    .Output("linear: float32")
    .Output("scale: float32")
    .Attr("N: int >= 1")
    .Attr("M: int >= 0")
    .Attr("width: int >= 1")
    .Attr("combiners: list(int)")
    .Attr("rows: list(int)")  // of each table, for its gradient
    .Attr("form: string")
    .SetIsStateful()
    .SetShapeFn([](InferenceContext* context) {
      int64_t fields, weights, width;
      TF_RETURN_IF_ERROR(context->GetAttr("N", &fields));
      TF_RETURN_IF_ERROR(context->GetAttr("M", &weights));
      TF_RETURN_IF_ERROR(context->GetAttr("width", &width));
      const DimensionHandle batch = context->UnknownDim();
      context->set_output(0, context->MakeShape({batch, context->MakeDim(fields),
                                                 context->MakeDim(width)}));
      context->set_output(1, context->MakeShape({batch, context->MakeDim(weights)}));
      context->set_output(2, context->MakeShape({batch, context->MakeDim(fields)}));
      return absl::OkStatus();
    });

REGISTER_OP("TfrsAfmLookUpGrad")
    .Input("ids: int64")
    .Input("segments: int64")
    .Input("batch: int64")
    .Input("scale: float32")
    .Input("pooled: float32")
    .Input("linear: float32")
    .Output("of_ids: N * int64")
    .Output("rows: N * float32")
    .Output("row_weights: M * float32")
    .Attr("N: int >= 1")
    .Attr("M: int >= 0")
    .Attr("width: int >= 1")
    .Attr("form: string")
    .SetShapeFn([](InferenceContext* context) {
      int fields, weights;
      int64_t width;
      TF_RETURN_IF_ERROR(context->GetAttr("N", &fields));
      TF_RETURN_IF_ERROR(context->GetAttr("M", &weights));
      TF_RETURN_IF_ERROR(context->GetAttr("width", &width));
      for (int i = 0; i < fields; ++i) {
        const DimensionHandle count = context->UnknownDim();
        context->set_output(i, context->MakeShape({count}));
        context->set_output(fields + i, context->MakeShape({count, context->MakeDim(width)}));
        if (weights) {
          context->set_output(2 * fields + i, context->MakeShape({count, context->MakeDim(1)}));
        }
      }
      return absl::OkStatus();
    });

const LookupForm* form_of(OpKernelConstruction* construction) {
  std::string name;
  if (!construction->GetAttr("form", &name).ok()) return nullptr;
  for (const LookupForm* const* one = lookup_forms(); *one; ++one) {
    if (name == (*one)->name) return *one;
  }
  return nullptr;
}

// What both operations are given of ids; `first` is the input that holds them.
absl::Status ids_of(OpKernelContext* context, int first, int64_t fields, LookupIds* all) {
  const Tensor &ids = context->input(first), &segments = context->input(first + 1);
  const Tensor& batch = context->input(first + 2);
  if (batch.NumElements() != 1 || ids.dims() != 1 || segments.dims() != 1) {
    return InvalidArgument("`ids` and `segments` must be (count,) and `batch` one number.");
  }
  *all = {ids.flat<tensorflow::int64>().data(), nullptr, ids.NumElements(),
          batch.flat<tensorflow::int64>()(0), fields, false};
  if (all->batch < 0 || all->batch > INT64_MAX / fields) {
    return InvalidArgument("`batch` must be a number of examples. Received: ", all->batch, ".");
  }
  all->one_each = segments.NumElements() == 0 && all->count == all->batch * fields;
  if (all->one_each) return absl::OkStatus();
  if (segments.NumElements() != all->count) {
    return InvalidArgument("`segments` must be one an id. Received: ", segments.NumElements(),
                           " for ", all->count, " ids.");
  }
  all->segments = segments.flat<tensorflow::int64>().data();
  for (int64_t i = 0; i < all->count; ++i) {
    const int64_t before = i ? all->segments[i - 1] : 0;
    if (all->segments[i] < before || all->segments[i] >= all->batch * fields) {
      return InvalidArgument("`segments` must ascend, up to the number of segments.");
    }
  }
  return absl::OkStatus();
}

// Variables that no one writes while this lives; each is locked once, in the order of addresses.
class Read {
 public:
  Read() = default;
  Read(const Read&) = delete;
  ~Read() {
    for (auto* mutex : locked_) mutex->unlock_shared();
  }

  absl::Status Add(OpKernelContext* context, int input) {
    variables_.emplace_back();
    return LookupResource(context, HandleFromInput(context, input), &variables_.back());
  }

  void Lock() {
    for (const auto& variable : variables_) locked_.push_back(variable->mu());
    std::sort(locked_.begin(), locked_.end());
    locked_.erase(std::unique(locked_.begin(), locked_.end()), locked_.end());
    for (auto* mutex : locked_) mutex->lock_shared();
  }

  Var* operator[](int64_t at) const { return variables_[at].get(); }

 private:
  std::vector<tensorflow::core::RefCountPtr<Var>> variables_;
  std::vector<tensorflow::mutex*> locked_;
};

class LookUp : public OpKernel {
 public:
  explicit LookUp(OpKernelConstruction* construction) : OpKernel(construction) {
    OP_REQUIRES_OK(construction, construction->GetAttr("N", &fields_));
    OP_REQUIRES_OK(construction, construction->GetAttr("M", &weights_));
    OP_REQUIRES_OK(construction, construction->GetAttr("width", &width_));
    OP_REQUIRES_OK(construction, construction->GetAttr("combiners", &combiners_));
    OP_REQUIRES(construction, weights_ == 0 || weights_ == fields_,
                InvalidArgument("`weights` must be as many as `vectors`, or none."));
    OP_REQUIRES(construction, static_cast<int>(combiners_.size()) == fields_,
                InvalidArgument("`combiners` must be one a field."));
    for (const int one : combiners_) {
      OP_REQUIRES(construction, one >= kSum && one <= kSqrtN,
                  InvalidArgument("There is no combiner ", one, "."));
    }
    form_ = form_of(construction);
    OP_REQUIRES(construction, form_, InvalidArgument("This processor has no such form."));
  }

  void Compute(OpKernelContext* context) override {
    LookupIds all;
    OP_REQUIRES_OK(context, ids_of(context, fields_ + weights_, fields_, &all));
    Read read;
    for (int i = 0; i < fields_ + weights_; ++i) OP_REQUIRES_OK(context, read.Add(context, i));
    read.Lock();
    std::vector<LookupTable> tables(fields_);
    for (int i = 0; i < fields_; ++i) {
      OP_REQUIRES_OK(context, Table(read[i], width_, &tables[i].vectors, &tables[i].rows));
      if (weights_) {
        int64_t rows;
        OP_REQUIRES_OK(context, Table(read[fields_ + i], 1, &tables[i].weights, &rows));
        tables[i].rows = std::min(tables[i].rows, rows);
      }
      tables[i].combiner = static_cast<Combiner>(combiners_[i]);
    }
    Tensor *pooled, *linear, *scale;
    OP_REQUIRES_OK(context, Output(context, 0, {all.batch, fields_, width_}, &pooled));
    OP_REQUIRES_OK(context, Output(context, 1, {all.batch, weights_}, &linear));
    OP_REQUIRES_OK(context, Output(context, 2, {all.batch, fields_}, &scale));
    const int64_t tasks = (all.batch + kTaskExamples - 1) / kTaskExamples;
    std::atomic<int64_t> wrong{-1};
    run_tasks(context, tasks, workers_for(context, tasks, all.count < kAloneIds),
              [&](int64_t task, int64_t) {
                const int64_t first = task * kTaskExamples;
                std::vector<int64_t> places(fields_);
                const int64_t found = form_->pool(
                    tables.data(), all, width_, first, std::min(first + kTaskExamples, all.batch),
                    places.data(), pooled->flat<float>().data(),
                    weights_ ? linear->flat<float>().data() : nullptr,
                    scale->flat<float>().data());
                if (found >= 0) wrong = found;
              });
    const int64_t place = wrong;
    OP_REQUIRES(context, place < 0,
                InvalidArgument("`ids` must be in their table. Received: id ",
                                place < 0 ? 0 : all.ids[place], "."));
  }

 private:
  static absl::Status Table(Var* variable, int64_t width, const float** data, int64_t* rows) {
    const Tensor& tensor = *variable->tensor();
    if (!variable->is_initialized || tensor.dtype() != tensorflow::DT_FLOAT || tensor.dims() != 2 ||
        tensor.dim_size(1) != width) {
      return FailedPrecondition("A table must be float32, initialized and of ", width,
                                " columns. Received: ", tensor.shape().DebugString(), ".");
    }
    *data = tensor.flat<float>().data();
    *rows = tensor.dim_size(0);
    return absl::OkStatus();
  }

  static absl::Status Output(OpKernelContext* context, int at, std::vector<int64_t> sizes,
                             Tensor** output) {
    TensorShape shape;
    TF_RETURN_IF_ERROR(TensorShape::BuildTensorShape(sizes, &shape));
    return context->allocate_output(at, shape, output);
  }

  int fields_ = 0, weights_ = 0;
  int64_t width_ = 0;
  std::vector<int> combiners_;
  const LookupForm* form_ = nullptr;
};

class LookUpGrad : public OpKernel {
 public:
  explicit LookUpGrad(OpKernelConstruction* construction) : OpKernel(construction) {
    OP_REQUIRES_OK(construction, construction->GetAttr("N", &fields_));
    OP_REQUIRES_OK(construction, construction->GetAttr("M", &weights_));
    OP_REQUIRES_OK(construction, construction->GetAttr("width", &width_));
    OP_REQUIRES(construction, weights_ == 0 || weights_ == fields_,
                InvalidArgument("`row_weights` must be as many as `rows`, or none."));
    form_ = form_of(construction);
    OP_REQUIRES(construction, form_, InvalidArgument("This processor has no such form."));
  }

  void Compute(OpKernelContext* context) override {
    LookupIds all;
    OP_REQUIRES_OK(context, ids_of(context, 0, fields_, &all));
    const Tensor &scale = context->input(3), &pooled = context->input(4);
    const Tensor& linear = context->input(5);
    const int64_t segments = all.batch * fields_;
    OP_REQUIRES(context,
                scale.NumElements() == segments && pooled.dims() == 3 &&
                    pooled.NumElements() == segments * width_ && pooled.dim_size(2) == width_ &&
                    (weights_ == 0 || linear.NumElements() == segments),
                InvalidArgument("Gradients must be of the shapes of what was pooled."));
    const int64_t tasks = (all.batch + kTaskExamples - 1) / kTaskExamples;
    // Of each task and field, the members of earlier examples; at the end, of all.
    std::vector<int64_t> members((tasks + 1) * fields_);
    for (int i = 0; i < fields_; ++i) {
      int64_t place = first_of(all, i * all.batch), count = 0;
      for (int64_t task = 0; task < tasks; ++task) {
        members[task * fields_ + i] = count;
        const int64_t stop = std::min((task + 1) * kTaskExamples, all.batch);
        for (const int64_t last = first_of(all, i * all.batch + stop); place < last; ++place) {
          count += all.ids[place] >= 0;
        }
      }
      members[tasks * fields_ + i] = count;
    }
    std::vector<int64_t*> ids(fields_);
    std::vector<float*> rows(fields_), weights(fields_);
    for (int i = 0; i < fields_; ++i) {
      const int64_t count = members[tasks * fields_ + i];
      Tensor* output;
      OP_REQUIRES_OK(context, context->allocate_output(i, {count}, &output));
      ids[i] = reinterpret_cast<int64_t*>(output->flat<tensorflow::int64>().data());
      OP_REQUIRES_OK(context, context->allocate_output(fields_ + i, {count, width_}, &output));
      rows[i] = output->flat<float>().data();
      if (weights_) {
        OP_REQUIRES_OK(context, context->allocate_output(2 * fields_ + i, {count, 1}, &output));
        weights[i] = output->flat<float>().data();
      }
    }
    run_tasks(context, tasks, workers_for(context, tasks, all.count < kAloneIds),
              [&](int64_t task, int64_t) {
                const int64_t first = task * kTaskExamples;
                std::vector<int64_t> places(fields_);
                form_->spread(all, width_, first, std::min(first + kTaskExamples, all.batch),
                              places.data(), pooled.flat<float>().data(),
                              weights_ ? linear.flat<float>().data() : nullptr,
                              scale.flat<float>().data(), ids.data(), rows.data(),
                              weights_ ? weights.data() : nullptr, &members[task * fields_]);
              });
  }

 private:
  int fields_ = 0, weights_ = 0;
  int64_t width_ = 0;
  const LookupForm* form_ = nullptr;
};

REGISTER_KERNEL_BUILDER(Name("TfrsAfmLookUp").Device(tensorflow::DEVICE_CPU), LookUp);
REGISTER_KERNEL_BUILDER(Name("TfrsAfmLookUpGrad").Device(tensorflow::DEVICE_CPU), LookUpGrad);

}  // namespace
}  // namespace tfrs_afm
