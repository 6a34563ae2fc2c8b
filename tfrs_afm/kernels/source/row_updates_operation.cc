// Updates of many variables, by rows or as a whole, as one operation of TensorFlow.
#include <algorithm>
#include <string>
#include <vector>

#include "row_updates.h"
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

// Floats that a thread updates at once, and below which a second thread is not worth its start.
constexpr int64_t kTaskFloats = int64_t{1} << 13;
constexpr int64_t kAloneFloats = int64_t{1} << 14;

REGISTER_OP("TfrsAfmUpdateRows")
    .Input("tables: N * resource")
    .Input("slots: M * resource")  // those of the first table, then those of the second, ...
    .Input("ids: N * int64")  // not looked at where the gradient is dense
    .Input("gradients: N * float32")
    .Input("numbers: float32")
    .Attr("N: int >= 1")
    .Attr("M: int >= 0")
    .Attr("rule: string")
    .Attr("form: string")
    .Attr("names: list(string)")
    .Attr("decayed: list(bool)")
    .Attr("dense: list(bool)")
    .SetIsStateful()
    .SetShapeFn(tensorflow::shape_inference::NoOutputs);

REGISTER_OP("TfrsAfmSumRows")
    .Input("ids: N * int64")
    .Input("gradients: N * float32")
    .Output("distinct: N * int64")
    .Output("sums: N * float32")
    .Attr("N: int >= 1")
    .Attr("form: string")
    .SetShapeFn([](tensorflow::shape_inference::InferenceContext* c) {
      const int count = c->num_inputs() / 2;
      for (int i = 0; i < count; ++i) {
        tensorflow::shape_inference::ShapeHandle rows = c->input(count + i);
        if (c->RankKnown(rows)) {
          TF_RETURN_IF_ERROR(c->ReplaceDim(rows, 0, c->UnknownDim(), &rows));
        }
        c->set_output(i, c->Vector(c->UnknownDim()));
        c->set_output(count + i, rows);
      }
      return absl::OkStatus();
    });

// Variables of an operation, each held alone while this lives.
class Held {
 public:
  Held() = default;
  Held(const Held&) = delete;
  ~Held() {
    for (auto* mutex : locked_) mutex->unlock();
  }

  absl::Status Add(OpKernelContext* context, int input) {
    variables_.emplace_back();
    return LookupResource(context, HandleFromInput(context, input), &variables_.back());
  }

  // In the order of their addresses, as all of TensorFlow does: no two wait for each other.
  absl::Status Lock() {
    std::vector<tensorflow::mutex*> mutexes;
    for (const auto& variable : variables_) mutexes.push_back(variable->mu());
    std::sort(mutexes.begin(), mutexes.end());
    if (std::adjacent_find(mutexes.begin(), mutexes.end()) != mutexes.end()) {
      return InvalidArgument("`tables` and `slots` must each be another variable. Received: one "
                             "of them twice.");
    }
    locked_.reserve(mutexes.size());
    for (auto* mutex : mutexes) {
      mutex->lock();
      locked_.push_back(mutex);
    }
    return absl::OkStatus();
  }

  // Makes the memory of a locked variable its own, to be changed in place; `sparse`: from now on, so
  // that a read of the whole variable is a copy, as after any sparse update of TensorFlow.
  absl::Status Own(OpKernelContext* context, int64_t at, bool sparse) {
    Var* variable = variables_[at].get();
    if (variable->copy_on_read_mode.load()) return absl::OkStatus();
    Tensor* tensor = variable->tensor();
    if (!tensor->RefCountIsOne()) {
      Tensor copy;
      TF_RETURN_IF_ERROR(context->allocate_temp(tensor->dtype(), tensor->shape(), &copy));
      std::copy_n(tensor->flat<float>().data(), tensor->NumElements(), copy.flat<float>().data());
      *tensor = copy;
    }
    if (sparse) variable->copy_on_read_mode.store(true);
    return absl::OkStatus();
  }

  Var* operator[](int64_t at) const { return variables_[at].get(); }

 private:
  std::vector<tensorflow::core::RefCountPtr<Var>> variables_;
  std::vector<tensorflow::mutex*> locked_;
};

const RowForm* FormOf(OpKernelConstruction* construction) {
  std::string name;
  if (!construction->GetAttr("form", &name).ok()) return nullptr;
  for (const RowForm* const* one = row_forms(); *one; ++one) {
    if (name == (*one)->name) return *one;
  }
  return nullptr;
}

// Whether ids and rows are those of one gradient.
absl::Status CheckGradient(const Tensor& ids, const Tensor& rows, const std::string& name) {
  if (ids.dims() == 1 && rows.dims() >= 1 && rows.dim_size(0) == ids.dim_size(0) &&
      ids.dim_size(0) <= kMostIds) {
    return absl::OkStatus();
  }
  return InvalidArgument("`gradients` must be (ids, ...). Received: ids ",
                         ids.shape().DebugString(), " and gradient ", rows.shape().DebugString(),
                         " for ", name, ".");
}

// Finds the distinct ids of each table; once for tables that are given the same ids. Inputs from
// `first_ids` on are the ids; where a gradient is dense there are none.
absl::Status FindDistinct(OpKernelContext* context, const RowForm& form, int first_ids,
                          const std::vector<bool>& dense, std::vector<RowUpdate>* updates,
                          std::vector<Tensor>* rooms) {
  const int count = static_cast<int>(updates->size());
  std::vector<int> own, same(count);
  int64_t all = 0;
  for (int i = 0; i < count; ++i) {
    const int64_t number = context->input(first_ids + i).NumElements();
    same[i] = i;
    if (dense[i]) continue;
    for (const int j : own) {
      if ((*updates)[i].ids == (*updates)[j].ids &&
          number == context->input(first_ids + j).NumElements()) {
        same[i] = j;
        break;
      }
    }
    if (same[i] != i) continue;
    own.push_back(i);
    all += number;
    TensorShape shape;
    TF_RETURN_IF_ERROR(TensorShape::BuildTensorShape({form.scratch(number)}, &shape));
    TF_RETURN_IF_ERROR(context->allocate_temp(tensorflow::DT_INT32, shape, &(*rooms)[i]));
  }
  const int64_t tasks = static_cast<int64_t>(own.size());
  const int64_t workers = workers_for(context, tasks, all < kAloneFloats / 4);
  run_tasks(context, tasks, workers, [&](int64_t task, int64_t) {
    const int i = own[task];
    form.find((*updates)[i].ids, context->input(first_ids + i).NumElements(),
              (*rooms)[i].flat<tensorflow::int32>().data(), &(*updates)[i].distinct);
  });
  for (int i = 0; i < count; ++i) (*updates)[i].distinct = (*updates)[same[i]].distinct;
  return absl::OkStatus();
}

// Adds up the rows of each id, for what looks at whole gradients before an update: clipping.
class SumRows : public OpKernel {
 public:
  explicit SumRows(OpKernelConstruction* construction) : OpKernel(construction) {
    form_ = FormOf(construction);
    OP_REQUIRES(construction, form_, InvalidArgument("This processor has no such form."));
    OP_REQUIRES_OK(construction, construction->GetAttr("N", &count_));
  }

  void Compute(OpKernelContext* context) override {
    std::vector<RowUpdate> gradients(count_);
    std::vector<Tensor> rooms(count_);
    for (int i = 0; i < count_; ++i) {
      const Tensor& ids = context->input(i);
      const Tensor& rows = context->input(count_ + i);
      OP_REQUIRES_OK(context, CheckGradient(ids, rows, "gradient " + std::to_string(i)));
      gradients[i].ids = ids.flat<tensorflow::int64>().data();
      gradients[i].rows = rows.flat<float>().data();
      gradients[i].width = ids.dim_size(0) ? rows.NumElements() / ids.dim_size(0) : 0;
    }
    const std::vector<bool> dense(count_, false);
    OP_REQUIRES_OK(context, FindDistinct(context, *form_, 0, dense, &gradients, &rooms));
    std::vector<tensorflow::int64*> ids(count_);
    std::vector<float*> sums(count_);
    int64_t floats = 0;
    for (int i = 0; i < count_; ++i) {
      Tensor *to_ids, *to_sums;
      TensorShape shape = context->input(count_ + i).shape();
      shape.set_dim(0, gradients[i].distinct.count);
      OP_REQUIRES_OK(context, context->allocate_output(i, {shape.dim_size(0)}, &to_ids));
      OP_REQUIRES_OK(context, context->allocate_output(count_ + i, shape, &to_sums));
      ids[i] = to_ids->flat<tensorflow::int64>().data();
      sums[i] = to_sums->flat<float>().data();
      floats += context->input(count_ + i).NumElements();
    }
    run_tasks(context, count_, workers_for(context, count_, floats < kAloneFloats),
              [&](int64_t i, int64_t) {
                form_->sum(gradients[i], 0, gradients[i].distinct.count, ids[i], sums[i]);
              });
  }

 private:
  int count_ = 0;
  const RowForm* form_ = nullptr;
};

class UpdateRows : public OpKernel {
 public:
  explicit UpdateRows(OpKernelConstruction* construction) : OpKernel(construction) {
    std::string rule, form;
    int slots;
    OP_REQUIRES_OK(construction, construction->GetAttr("N", &count_));
    OP_REQUIRES_OK(construction, construction->GetAttr("M", &slots));
    OP_REQUIRES_OK(construction, construction->GetAttr("rule", &rule));
    OP_REQUIRES_OK(construction, construction->GetAttr("form", &form));
    OP_REQUIRES_OK(construction, construction->GetAttr("names", &names_));
    OP_REQUIRES_OK(construction, construction->GetAttr("decayed", &decayed_));
    OP_REQUIRES_OK(construction, construction->GetAttr("dense", &dense_));
    form_ = FormOf(construction);
    OP_REQUIRES(construction, form_, InvalidArgument("This processor has no form '", form, "'."));
    for (const RuleKind& one : kRules) {
      if (rule == one.name) kind_ = &one;
    }
    OP_REQUIRES(construction, kind_, InvalidArgument("There is no rule '", rule, "'."));
    OP_REQUIRES(construction, slots == kind_->slots * count_,
                InvalidArgument("`slots` must be ", kind_->slots, " a table. Received: ", slots,
                                " for ", count_, " tables."));
    OP_REQUIRES(construction,
                static_cast<int>(names_.size()) == count_ &&
                    static_cast<int>(decayed_.size()) == count_ &&
                    static_cast<int>(dense_.size()) == count_,
                InvalidArgument("`names`, `decayed` and `dense` must be one a table."));
  }

  void Compute(OpKernelContext* context) override {
    const int inputs = context->num_inputs();
    const Tensor& numbers = context->input(inputs - 1);
    OP_REQUIRES(context, numbers.NumElements() == kind_->numbers,
                InvalidArgument("`numbers` must be ", kind_->numbers, ". Received: ",
                                numbers.NumElements(), "."));
    std::vector<RowUpdate> updates(count_);
    const int first_ids = count_ * (1 + kind_->slots);
    std::vector<Tensor> rooms(count_);
    for (int i = 0; i < count_; ++i) {
      const Tensor& ids = context->input(first_ids + i);
      const Tensor& rows = context->input(first_ids + count_ + i);
      if (!dense_[i]) OP_REQUIRES_OK(context, CheckGradient(ids, rows, names_[i]));
      updates[i].ids = ids.flat<tensorflow::int64>().data();
      updates[i].rows = rows.flat<float>().data();
      updates[i].numbers = numbers.flat<float>().data();
      updates[i].decays = decayed_[i];
    }
    OP_REQUIRES_OK(context, FindDistinct(context, *form_, first_ids, dense_, &updates, &rooms));

    Held held;
    for (int i = 0; i < first_ids; ++i) OP_REQUIRES_OK(context, held.Add(context, i));
    OP_REQUIRES_OK(context, held.Lock());
    // All is checked, and all memory there, before anything is changed.
    for (int i = 0; i < count_; ++i) {
      OP_REQUIRES_OK(context, Check(context, held, i, updates[i].distinct));
    }
    for (int i = 0; i < first_ids; ++i) {
      const int table = i < count_ ? i : (i - count_) / kind_->slots;
      OP_REQUIRES_OK(context, held.Own(context, i, !dense_[table]));
    }
    for (int i = 0; i < count_; ++i) {
      Tensor& table = *held[i]->tensor();
      updates[i].table = table.flat<float>().data();
      const int64_t rows = dense_[i] ? 1 : table.dim_size(0);
      updates[i].width = rows ? table.NumElements() / rows : 0;
      for (int s = 0; s < kind_->slots; ++s) {
        updates[i].slots[s] = held[count_ + i * kind_->slots + s]->tensor()->flat<float>().data();
      }
    }
    Update(context, updates);
  }

 private:
  // Whether a table, its slots and its gradient fit each other, and its ids are in the table.
  absl::Status Check(OpKernelContext* context, const Held& held, int i,
                     const Distinct& distinct) const {
    const Tensor& table = *held[i]->tensor();
    const int first_ids = count_ * (1 + kind_->slots);
    const Tensor& ids = context->input(first_ids + i);
    TensorShape shape = context->input(first_ids + count_ + i).shape();
    if (!held[i]->is_initialized || table.dtype() != tensorflow::DT_FLOAT) {
      return FailedPrecondition("`tables` must be float32 and initialized. Received: ", names_[i],
                                " of ", tensorflow::DataTypeString(table.dtype()), ".");
    }
    for (int s = 0; s < kind_->slots; ++s) {
      Var* slot = held[count_ + i * kind_->slots + s];
      if (!slot->is_initialized || slot->tensor()->dtype() != table.dtype() ||
          slot->tensor()->shape() != table.shape()) {
        return FailedPrecondition("`slots` must be initialized and of the shape of ", names_[i],
                                  ", ", table.shape().DebugString(), ".");
      }
    }
    if (!dense_[i] && table.dims()) shape.set_dim(0, table.dim_size(0));
    if (shape != table.shape()) {
      return InvalidArgument("`gradients` must have rows of the table. Received: gradient ",
                             context->input(first_ids + count_ + i).shape().DebugString(), " for ",
                             names_[i], " of ", table.shape().DebugString(), ".");
    }
    if (!dense_[i] && ids.NumElements() && (distinct.lowest < 0 || distinct.highest >= table.dim_size(0))) {
      const int64_t bad = distinct.lowest < 0 ? distinct.lowest : distinct.highest;
      return InvalidArgument("`ids` must be in [0, ", table.dim_size(0), "). Received: id ", bad,
                             " for ", names_[i], ". Nothing was changed.");
    }
    return absl::OkStatus();
  }

  // A task is some rows of one table, or elements of a variable whose gradient is dense.
  void Update(OpKernelContext* context, const std::vector<RowUpdate>& updates) const {
    struct Task {
      int which;
      int64_t first, last;
    };
    std::vector<Task> tasks;
    int64_t floats = 0;
    for (int i = 0; i < count_; ++i) {
      const int64_t width = std::max<int64_t>(updates[i].width, 1);
      const int64_t rows = dense_[i] ? updates[i].width : updates[i].distinct.count;
      const int64_t step = dense_[i] ? kTaskFloats : std::max<int64_t>(kTaskFloats / width, 1);
      for (int64_t first = 0; first < rows; first += step) {
        tasks.push_back({i, first, std::min(first + step, rows)});
      }
      floats += dense_[i] ? rows : rows * width;
    }
    const int64_t count = static_cast<int64_t>(tasks.size());
    run_tasks(context, count, workers_for(context, count, floats < kAloneFloats),
              [&](int64_t task, int64_t) {
                const Task& one = tasks[task];
                const auto update = dense_[one.which] ? form_->update_all : form_->update;
                update(kind_->rule, updates[one.which], one.first, one.last);
              });
  }

  int count_ = 0;
  const RowForm* form_ = nullptr;
  const RuleKind* kind_ = nullptr;
  std::vector<std::string> names_;
  std::vector<bool> decayed_, dense_;
};

REGISTER_KERNEL_BUILDER(Name("TfrsAfmSumRows").Device(tensorflow::DEVICE_CPU), SumRows);
REGISTER_KERNEL_BUILDER(Name("TfrsAfmUpdateRows").Device(tensorflow::DEVICE_CPU), UpdateRows);

}  // namespace
}  // namespace tfrs_afm
