// What the operation knows of the updates of rows: one `RowForm` for each instruction set.
//
// As pair_attention.h: nothing of TensorFlow here, nor in the files that implement it.
#ifndef TFRS_AFM_KERNELS_ROW_UPDATES_H_
#define TFRS_AFM_KERNELS_ROW_UPDATES_H_

#include <cstdint>

namespace tfrs_afm {

// How a row moves. `numbers` of a rule: what its weights lose, the learning rate, then its own.
enum class Rule { kSGD, kMomentum, kNesterov, kAdagrad, kAdam, kAMSGrad, kFtrl };

struct RuleKind {
  const char* name;
  Rule rule;
  int slots;
  int numbers;
};

constexpr RuleKind kRules[] = {
    {"sgd", Rule::kSGD, 0, 2},             // decay, rate
    {"momentum", Rule::kMomentum, 1, 3},   // and momentum
    {"nesterov", Rule::kNesterov, 1, 3},   // and momentum
    {"adagrad", Rule::kAdagrad, 1, 3},     // and epsilon
    {"adam", Rule::kAdam, 2, 5},           // and 1 - beta 1, 1 - beta 2, epsilon
    {"amsgrad", Rule::kAMSGrad, 3, 5},     // the same
    {"ftrl", Rule::kFtrl, 2, 6},           // and power, l1, l2, shrinkage
};
constexpr int kMostSlots = 3;

// Ids of a gradient: each distinct one at its first place, and where it comes again.
struct Distinct {
  int64_t count;
  int64_t lowest, highest;  // of the ids; of none: highest is below lowest
  const int32_t* firsts;    // (count,), places in order of appearance
  const int32_t* next;      // place -> the next one of the same id, or -1
};

// The gradient of one table: `rows` (number of ids, width), for the rows `ids` of the table; or of
// all of it, without ids, as one row as wide as the table has elements.
struct RowGradient {
  const int64_t* ids;
  const float* rows;
  int64_t width;
  Distinct distinct;
};

struct RowUpdate : RowGradient {
  float* table;
  float* slots[kMostSlots];
  const float* numbers;
  bool decays;  // whether the weights lose `numbers[0]` times themselves before
};

// Most ids of a gradient: places are int32.
constexpr int64_t kMostIds = (int64_t{1} << 31) - 1;

// The kernels compiled for one instruction set. A row's sum is made in the order in which its id
// appears, by one thread: results do not depend on how the rows are split.
struct RowForm {
  const char* name;
  // int32s that `find` works in for so many ids; it returns pointers into them.
  int64_t (*scratch)(int64_t ids);
  void (*find)(const int64_t* ids, int64_t count, int32_t* scratch, Distinct* distinct);
  // The distinct ids `first` to `last` and the sums of their rows, each at its place.
  void (*sum)(const RowGradient&, int64_t first, int64_t last, int64_t* ids, float* sums);
  // Updates the rows of the distinct ids `first` to `last`, which must be in the table.
  void (*update)(Rule rule, const RowUpdate&, int64_t first, int64_t last);
  // Updates the elements `first` to `last` of a variable whose gradient is of all of it. The same
  // to the bit however they are split, if `first` is a multiple of 16.
  void (*update_all)(Rule rule, const RowUpdate&, int64_t first, int64_t last);
};

// The forms that were compiled and that this processor runs, the fastest first; ends with null.
const RowForm* const* row_forms();

}  // namespace tfrs_afm

#endif  // TFRS_AFM_KERNELS_ROW_UPDATES_H_
