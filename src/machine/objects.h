// SPDX-License-Identifier: Apache-2.0
// Memory that programs allocate (bpf_obj_new): zeroed objects of the process's heap, counted
// against a limit, all given back with the machine. Who may use an object how long, the verifier
// says; this only keeps the count of references and the memory. Any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>

namespace skep::machine {

class Objects {
 public:
  static constexpr std::uint64_t kDefaultLimit = std::uint64_t{256} << 20;
  static constexpr std::uint32_t kMostBytes = 1 << 22;  // of one object, or of it on one CPU

  // `cpus` is how many copies an object for each CPU has.
  explicit Objects(unsigned cpus, std::uint64_t limit_bytes = kDefaultLimit)
      : cpus_(cpus), limit_bytes_(limit_bytes) {}
  Objects(const Objects&) = delete;
  Objects& operator=(const Objects&) = delete;
  ~Objects();

  // Zeroed, with one reference; nullptr when there is no room for it.
  [[nodiscard]] void* make(std::uint64_t bytes);
  [[nodiscard]] void* make_percpu(std::uint64_t bytes);
  // One more reference; false when there was none left.
  [[nodiscard]] static bool keep(void* object);
  // One less; true when that was the last: the object must then be freed.
  [[nodiscard]] static bool drop(void* object);
  void free(void* object);

  // The place of one CPU in what make_percpu gave; nullptr when there is no such CPU.
  [[nodiscard]] static void* on_cpu(void* object, std::uint32_t cpu);
  [[nodiscard]] static std::uint64_t bytes_of(const void* object);

  [[nodiscard]] std::uint64_t used_bytes() const;
  [[nodiscard]] std::uint64_t count() const;

 private:
  struct Header;
  [[nodiscard]] static Header* header_of(void* object);
  [[nodiscard]] void* allocate(std::uint64_t stride, std::uint32_t copies);

  mutable std::mutex mutex_;
  const unsigned cpus_;
  const std::uint64_t limit_bytes_;
  std::uint64_t used_bytes_ = 0;
  std::uint64_t count_ = 0;
  Header* first_ = nullptr;
};

}  // namespace skep::machine
