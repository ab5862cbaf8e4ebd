// SPDX-License-Identifier: Apache-2.0
// Which ring a reserved record is of: a program gives back a bare address. Records are given back
// in the run that reserved them, so the run remembers them. One thread.
#pragma once

#include <array>
#include <utility>
#include <vector>

namespace skep::maps {
class RingBufferMap;
}

namespace skep::machine {

class Reservations {
 public:
  void add(maps::RingBufferMap& ring, const void* sample) {
    if (count_ < first_.size())
      first_[count_++] = {&ring, sample};
    else
      others_.emplace_back(&ring, sample);
  }

  // The ring, which is then forgotten; nullptr when the record was not reserved here.
  [[nodiscard]] maps::RingBufferMap* take(const void* sample) {
    for (unsigned i = 0; i < count_; ++i) {
      if (first_[i].second != sample) continue;
      maps::RingBufferMap* ring = first_[i].first;
      first_[i] = first_[--count_];
      return ring;
    }
    for (auto& other : others_) {
      if (other.second != sample) continue;
      maps::RingBufferMap* ring = other.first;
      other = others_.back();
      others_.pop_back();
      return ring;
    }
    return nullptr;
  }

 private:
  using Reservation = std::pair<maps::RingBufferMap*, const void*>;
  unsigned count_ = 0;
  std::array<Reservation, 4> first_;
  std::vector<Reservation> others_;  // programs with more at a time are rare
};

}  // namespace skep::machine
