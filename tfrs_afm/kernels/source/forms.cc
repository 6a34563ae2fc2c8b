// Which of the compiled forms this processor runs.
#include "lookups.h"
#include "pair_attention.h"
#include "row_updates.h"

namespace tfrs_afm {

#define TFRS_AFM_DECLARE(form)          \
  namespace form {                      \
  extern const Form kForm;              \
  extern const RowForm kRowForm;        \
  extern const LookupForm kLookupForm;  \
  }
#if defined(TFRS_AFM_X86)
TFRS_AFM_DECLARE(avx512)
TFRS_AFM_DECLARE(avx2)
#endif
TFRS_AFM_DECLARE(portable)

namespace {

// Forms of one kind that this processor runs; ends with null.
template <typename Kind>
struct Found {
  const Kind* forms[4] = {};
  int count = 0;
  void add(const Kind& form) { forms[count++] = &form; }
};

struct AllFound {
  Found<Form> attention;
  Found<RowForm> rows;
  Found<LookupForm> lookups;

  AllFound() {
#if defined(TFRS_AFM_X86)
    __builtin_cpu_init();
    const bool fma = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    if (fma && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl")) {
      add(avx512::kForm, avx512::kRowForm, avx512::kLookupForm);
    }
    if (fma) add(avx2::kForm, avx2::kRowForm, avx2::kLookupForm);
#endif
    add(portable::kForm, portable::kRowForm, portable::kLookupForm);
  }

  void add(const Form& form, const RowForm& row_form, const LookupForm& lookup_form) {
    attention.add(form);
    rows.add(row_form);
    lookups.add(lookup_form);
  }
};

const AllFound& found() {
  static const AllFound once;
  return once;
}

}  // namespace

const Form* const* forms() { return found().attention.forms; }
const RowForm* const* row_forms() { return found().rows.forms; }
const LookupForm* const* lookup_forms() { return found().lookups.forms; }

}  // namespace tfrs_afm
