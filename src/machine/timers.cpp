// SPDX-License-Identifier: Apache-2.0
#include "machine/timers.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <ctime>
#include <vector>

#include "abi/helper_flags.h"
#include "abi/map_types.h"
#include "maps/words.h"

namespace skep::machine {

namespace {

constexpr std::uint64_t kClockMask = 15;
constexpr std::uint64_t kForever = ~std::uint64_t{0};

std::uint64_t number_at(const std::byte* at) { return maps::load_relaxed<std::uint64_t>(at); }

// The key of an element lies in front of its value; that of an array's is its place.
const void* key_of(maps::Map& map, const std::byte* value, std::uint32_t& index) {
  const maps::MapSpec& spec = map.spec();
  if (spec.type != abi::BPF_MAP_TYPE_ARRAY) return value - maps::round8(spec.key_bytes);
  index = 0;
  const auto* first = static_cast<const std::byte*>(map.lookup({}, &index));
  index = static_cast<std::uint32_t>(static_cast<std::uint64_t>(value - first) /
                                     maps::round8(spec.value_bytes));
  return &index;
}

}  // namespace

struct Timers::Timer {
  std::uint64_t number;
  std::byte* at;
  maps::Map* map;
  std::byte* value;
  std::uint32_t clock;
  Callback callback{};
  bool armed = false;
  bool pinned = false;
  bool gone = false;
  unsigned cpu = 0;
  Queue::iterator place{};
  std::uint64_t starts = 0;  // a start while the callback waits for a slot is another firing
  std::thread::id running_in{};
};

// Numbers begin where those of another process hardly do.
Timers::Timers(const Host& host, Fire fire)
    : host_(host),
      fire_(std::move(fire)),
      next_number_(std::uint64_t{host.random(host.self)} << 32 | 1) {}

Timers::~Timers() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

std::shared_ptr<Timers::Timer> Timers::find(const std::byte* at) const {
  const auto found = timers_.find(number_at(at));
  if (found == timers_.end() || found->second->at != at) return nullptr;
  return found->second;
}

std::uint64_t Timers::now(std::uint32_t clock) const {
  switch (clock) {
    case CLOCK_REALTIME: {
      timespec time{};
      ::clock_gettime(CLOCK_REALTIME, &time);
      return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000 +
             static_cast<std::uint64_t>(time.tv_nsec);
    }
    case CLOCK_BOOTTIME:
      return host_.now_ns(host_.self, Clock::boot);
    default:
      return host_.now_ns(host_.self, Clock::monotonic);
  }
}

long Timers::make(std::byte* at, maps::Map& map, maps::FieldKind kind, std::uint32_t clock) {
  const maps::Field* field = map.spec().fields.find(kind);
  if (field == nullptr) return -EINVAL;
  const std::lock_guard lock(mutex_);
  if (find(at) != nullptr) return -EBUSY;
  if (in_use && !in_use(map)) return -EPERM;
  const std::uint64_t number = next_number_++;
  timers_[number] = std::make_shared<Timer>(
      Timer{.number = number, .at = at, .map = &map, .value = at - field->offset, .clock = clock});
  maps::store_relaxed(at, number);
  if (!thread_.joinable()) thread_ = std::thread([this] { work(); });
  return 0;
}

long Timers::init(std::byte* at, maps::Map& map, std::uint64_t flags) {
  const std::uint64_t clock = flags & kClockMask;
  if (flags > kClockMask ||
      (clock != CLOCK_MONOTONIC && clock != CLOCK_REALTIME && clock != CLOCK_BOOTTIME))
    return -EINVAL;
  return make(at, map, maps::FieldKind::timer, static_cast<std::uint32_t>(clock));
}

long Timers::init_work(std::byte* at, maps::Map& map, std::uint64_t flags) {
  if (flags != 0) return -EINVAL;
  return make(at, map, maps::FieldKind::workqueue, CLOCK_MONOTONIC);
}

long Timers::set_callback(std::byte* at, Callback callback) {
  const std::lock_guard lock(mutex_);
  const auto timer = find(at);
  if (timer == nullptr) return -EINVAL;
  if (in_use && !in_use(*timer->map)) return -EPERM;
  timer->callback = std::move(callback);
  return 0;
}

bool Timers::disarm(Timer& timer) {
  if (!timer.armed) return false;
  if (timer.place != queue_.end()) queue_.erase(timer.place);
  timer.place = queue_.end();
  timer.armed = false;
  return true;
}

void Timers::arm(const std::shared_ptr<Timer>& timer, std::uint64_t due_ns) {
  (void)disarm(*timer);
  timer->armed = true;
  ++timer->starts;
  timer->place = queue_.emplace(due_ns, timer);
  if (timer->place == queue_.begin()) changed_.notify_all();
}

// The queue is kept in monotonic time; a clock that is set meanwhile changes nothing.
long Timers::start(std::byte* at, std::uint64_t ns, std::uint64_t flags, unsigned cpu) {
  if ((flags & ~(abi::BPF_F_TIMER_ABS | abi::BPF_F_TIMER_CPU_PIN)) != 0) return -EINVAL;
  const std::lock_guard lock(mutex_);
  const auto timer = find(at);
  if (timer == nullptr || timer->callback.program == nullptr) return -EINVAL;
  std::uint64_t wait = ns;
  if ((flags & abi::BPF_F_TIMER_ABS) != 0) {
    const std::uint64_t current = now(timer->clock);
    wait = ns > current ? ns - current : 0;
  }
  timer->pinned = (flags & abi::BPF_F_TIMER_CPU_PIN) != 0;
  timer->cpu = cpu;
  const std::uint64_t start = now(CLOCK_MONOTONIC);
  arm(timer, wait > kForever - start ? kForever : start + wait);
  return 0;
}

long Timers::start_work(std::byte* at, std::uint64_t flags, unsigned cpu) {
  if (flags != 0) return -EINVAL;
  const std::lock_guard lock(mutex_);
  const auto timer = find(at);
  if (timer == nullptr || timer->callback.program == nullptr) return -EINVAL;
  timer->cpu = cpu;
  if (!timer->armed) arm(timer, now(CLOCK_MONOTONIC));
  return 0;
}

long Timers::cancel(std::byte* at) {
  std::unique_lock lock(mutex_);
  const auto timer = find(at);
  if (timer == nullptr) return -EINVAL;
  if (timer->running_in == std::this_thread::get_id()) return -EDEADLK;
  // From a callback Linux refuses to wait for another one, lest that one waits for it.
  const bool from_callback = thread_.get_id() == std::this_thread::get_id();
  if (from_callback && timer->running_in != std::thread::id{}) return -EDEADLK;
  const bool was_armed = disarm(*timer);
  timer->callback = {};
  const bool was_running = timer->running_in != std::thread::id{};
  finished_.wait(lock, [&] { return timer->running_in == std::thread::id{}; });
  return was_armed || was_running ? 1 : 0;
}

void Timers::forget(const std::shared_ptr<Timer>& timer) {
  (void)disarm(*timer);
  timer->gone = true;
  timers_.erase(timer->number);
}

void Timers::drop(std::byte* at) {
  const std::lock_guard lock(mutex_);
  if (const auto timer = find(at)) forget(timer);
}

void Timers::drop_map(const maps::Map& map) {
  const std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<Timer>> of_map;
  for (const auto& [number, timer] : timers_)
    if (timer->map == &map) of_map.push_back(timer);
  for (const auto& timer : of_map) forget(timer);
}

void Timers::work() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (queue_.empty()) {
      changed_.wait(lock);
      continue;
    }
    const std::uint64_t due = queue_.begin()->first;
    const std::uint64_t current = now(CLOCK_MONOTONIC);
    if (due > current) {
      constexpr std::uint64_t kLongest = 1'000'000'000;
      changed_.wait_for(lock, std::chrono::nanoseconds(std::min(due - current, kLongest)));
      continue;
    }
    const auto timer = queue_.begin()->second;
    queue_.erase(timer->place);
    timer->place = queue_.end();
    fire_one(lock, timer);
  }
}

void Timers::fire_one(std::unique_lock<std::mutex>& lock, const std::shared_ptr<Timer>& timer) {
  std::uint32_t index = 0;
  const Firing firing{.callback = timer->callback,
                      .map = timer->map,
                      .key = key_of(*timer->map, timer->value, index),
                      .value = timer->value,
                      .pinned = timer->pinned,
                      .cpu = timer->cpu};
  const std::uint64_t starts = timer->starts;
  const auto begin = [&] {
    const std::lock_guard again(mutex_);
    if (!timer->armed || timer->starts != starts || stopping_) return false;
    timer->armed = false;
    timer->running_in = std::this_thread::get_id();
    return true;
  };
  lock.unlock();
  fire_(firing, begin);
  lock.lock();
  timer->running_in = {};
  finished_.notify_all();
}

}  // namespace skep::machine
