// SPDX-License-Identifier: Apache-2.0
// Timers and work queues of programs: bpf_timer and bpf_wq in map values. A thread of its own waits
// for them, and the machine runs their callbacks. What stands in the value is a number that means
// something to this process alone: a value that another process changes names no timer, or one of
// this very value. Any thread.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>

#include "machine/host.h"
#include "maps/map.h"

namespace skep::engine {
class Runnable;
}

namespace skep::machine {

// A subprogram to be called, and who owns its code.
struct Callback {
  const engine::Runnable* program = nullptr;
  std::uint64_t code = 0;
  std::shared_ptr<const void> keep{};
};

// A timer that is due: the callback gets map, key and value.
struct Firing {
  Callback callback;
  maps::Map* map = nullptr;
  const void* key = nullptr;
  void* value = nullptr;
  bool pinned = false;
  unsigned cpu = 0;  // of who started it, for a pinned one
};

class Timers {
 public:
  // Takes a CPU slot, asks `begin`, and calls the callback if the answer is yes: between being due
  // and having a slot a timer may have been cancelled.
  using Fire = std::function<void(const Firing& firing, const std::function<bool()>& begin)>;

  Timers(const Host& host, Fire fire);
  Timers(const Timers&) = delete;
  Timers& operator=(const Timers&) = delete;
  ~Timers();

  // Whether user space still has the map; without it no timer can be set up (EPERM).
  std::function<bool(const maps::Map&)> in_use;

  // What the helpers of the same names do; `at` is the struct bpf_timer or bpf_wq in a value of
  // `map`.
  [[nodiscard]] long init(std::byte* at, maps::Map& map, std::uint64_t flags);
  [[nodiscard]] long set_callback(std::byte* at, Callback callback);
  [[nodiscard]] long start(std::byte* at, std::uint64_t ns, std::uint64_t flags, unsigned cpu);
  [[nodiscard]] long cancel(std::byte* at);
  [[nodiscard]] long init_work(std::byte* at, maps::Map& map, std::uint64_t flags);
  [[nodiscard]] long start_work(std::byte* at, std::uint64_t flags, unsigned cpu);

  // The field goes away with its element. Does not wait for a callback that runs.
  void drop(std::byte* at);
  // All timers of the map.
  void drop_map(const maps::Map& map);

 private:
  struct Timer;
  using Queue = std::multimap<std::uint64_t, std::shared_ptr<Timer>>;  // by the time they are due

  [[nodiscard]] long make(std::byte* at, maps::Map& map, maps::FieldKind kind, std::uint32_t clock);
  [[nodiscard]] std::shared_ptr<Timer> find(const std::byte* at) const;
  [[nodiscard]] std::uint64_t now(std::uint32_t clock) const;
  [[nodiscard]] bool disarm(Timer& timer);
  void arm(const std::shared_ptr<Timer>& timer, std::uint64_t due_ns);
  void forget(const std::shared_ptr<Timer>& timer);
  void work();
  void fire_one(std::unique_lock<std::mutex>& lock, const std::shared_ptr<Timer>& timer);

  const Host host_;
  const Fire fire_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;   // wakes the thread
  std::condition_variable finished_;  // wakes who waits for a callback's end
  std::unordered_map<std::uint64_t, std::shared_ptr<Timer>> timers_;
  Queue queue_;
  std::uint64_t next_number_;
  bool stopping_ = false;
  std::thread thread_;  // started with the first timer
};

}  // namespace skep::machine
