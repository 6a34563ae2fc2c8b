// How the operations share out their work.
#ifndef TFRS_AFM_KERNELS_THREADS_H_
#define TFRS_AFM_KERNELS_THREADS_H_

#include <algorithm>
#include <atomic>

#include "tensorflow/core/framework/op_kernel.h"
#include "tensorflow/core/util/work_sharder.h"

namespace tfrs_afm {

// As many workers as there are threads for so many tasks, or one where they are not worth a second.
inline int64_t workers_for(tensorflow::OpKernelContext* context, int64_t tasks, bool alone) {
  const auto* threads = context->device()->tensorflow_cpu_worker_threads();
  return std::min<int64_t>(alone ? 1 : threads->num_threads, tasks);
}

// Runs `work(task, worker)` for all tasks; whichever worker is free takes the next.
template <typename Work>
void run_tasks(tensorflow::OpKernelContext* context, int64_t tasks, int64_t workers,
               const Work& work) {
  if (tasks == 0) return;
  const auto* threads = context->device()->tensorflow_cpu_worker_threads();
  std::atomic<int64_t> next{0};
  auto run = [&](int64_t first_worker, int64_t last_worker) {
    for (int64_t worker = first_worker; worker < last_worker; ++worker) {
      for (int64_t task = next++; task < tasks; task = next++) work(task, worker);
    }
  };
  constexpr int64_t kWorthAThread = int64_t{1} << 30;
  tensorflow::Shard(static_cast<int>(workers), threads->workers, workers, kWorthAThread, run);
}

}  // namespace tfrs_afm

#endif  // TFRS_AFM_KERNELS_THREADS_H_
