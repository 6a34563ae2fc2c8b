// Memory for drivers of the kernels: aligned as TensorFlow's, and not a byte longer than it must be.
#include <cstdlib>
#include <cstring>
#include <random>

template <typename T>
class Memory {
 public:
  explicit Memory(int64_t count) : bytes_(count * sizeof(T)) {
    if (bytes_ && posix_memalign(&start_, 64, bytes_)) std::abort();
    if (bytes_) std::memset(start_, 0xff, bytes_);  // NaN: what is read was written before
  }
  Memory(const Memory& other) : Memory(other.bytes_ / sizeof(T)) {
    if (bytes_) std::memcpy(start_, other.start_, bytes_);
  }
  ~Memory() { std::free(start_); }
  T* get() const { return static_cast<T*>(start_); }
  bool same(const Memory& other) const {
    return !bytes_ || std::memcmp(start_, other.start_, bytes_) == 0;
  }
  Memory& fill(std::mt19937& random, float low, float high) {
    std::uniform_real_distribution<float> draw(low, high);
    for (size_t i = 0; i < bytes_ / sizeof(T); ++i) get()[i] = draw(random);
    return *this;
  }

 private:
  const size_t bytes_;
  void* start_ = nullptr;
};
