// SPDX-License-Identifier: Apache-2.0
// CPU slots: what a per-CPU value belongs to in user space. There are as many as the host could
// have CPUs; a program holds one while it runs, and so does a call that changes a map.
#pragma once

#include "maps/region.h"

namespace skep::maps {

// CPUs that this host could have, as Linux counts them for per-CPU values.
[[nodiscard]] unsigned possible_cpus();

// Holds a slot from its construction on, preferably that of the CPU that the thread runs on.
class Cpu {
 public:
  explicit Cpu(Region& region);
  // That slot and no other; waits for it.
  Cpu(Region& region, unsigned which);
  Cpu(const Cpu&) = delete;
  Cpu& operator=(const Cpu&) = delete;
  ~Cpu() {
    if (lock_ != nullptr) lock_->release();
  }

  // False when every slot is held by processes that live and do not let go.
  [[nodiscard]] bool held() const { return lock_ != nullptr; }
  [[nodiscard]] unsigned number() const { return number_; }

 private:
  Lock* lock_ = nullptr;
  unsigned number_ = 0;
};

}  // namespace skep::maps
