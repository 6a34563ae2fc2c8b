// Which of the compiled forms this processor runs.
#include "pair_attention.h"

namespace tfrs_afm {

#if defined(TFRS_AFM_X86)
namespace avx512 {
extern const Form kForm;
}
namespace avx2 {
extern const Form kForm;
}
#endif
namespace portable {
extern const Form kForm;
}

const Form* const* forms() {
  static const Form* found[4] = {};
  static const bool once = [] {
    int count = 0;
#if defined(TFRS_AFM_X86)
    __builtin_cpu_init();
    const bool fma = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    if (fma && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl")) {
      found[count++] = &avx512::kForm;
    }
    if (fma) found[count++] = &avx2::kForm;
#endif
    found[count++] = &portable::kForm;
    return true;
  }();
  (void)once;
  return found;
}

}  // namespace tfrs_afm
