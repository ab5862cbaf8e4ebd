// SPDX-License-Identifier: Apache-2.0
#include "tests/property/map_worker.h"

#include <fcntl.h>

#include <cerrno>
#include <chrono>
#include <cstdio>

#include "abi/map_types.h"
#include "base/hex.h"
#include "maps/cpus.h"
#include "tests/support/random_program.h"

namespace skep::test {

namespace {

// Statuses of a change that was not made; it may be tried again.
bool is_refusal(long status) {
  return status == -EBUSY || status == -E2BIG || status == -ENOSPC || status == -ENOMEM;
}

// Turns in the value, if all copies in it are whole: the first one's and whether all are the same.
struct Found {
  bool whole = true;
  bool same = true;
  Mark first;
};

Found found_in(const Bytes& value) {
  Found found;
  for (std::size_t at = 0; at + kMarkBytes <= value.size(); at += kMarkBytes) {
    Mark mark;
    std::memcpy(mark.data(), &value[at], kMarkBytes);
    if (at == 0) found.first = mark;
    found.whole &= mark.whole() || mark == Mark();
    found.same &= mark == found.first;
  }
  return found;
}

class Worker {
 public:
  Worker(Stage& stage, Site& site, const std::vector<PlannedMap>& plan, unsigned number,
         std::uint64_t seed)
      : stage_(stage), site_(site), plan_(plan), number_(number), random_(seed) {}

  [[nodiscard]] std::string run() {
    std::string wrong;
    for (std::uint64_t step = 1; wrong.empty(); ++step) {
      const maps::Cpu cpu(site_.region());
      if (!cpu.held()) return "no CPU slot";
      caller_ = {cpu.number()};
      wrong = once();
      state().steps.fetch_add(1, std::memory_order_relaxed);
      if (step % 256 == 0) site_.reap();
    }
    return wrong;
  }

 private:
  [[nodiscard]] WorkerState& state() { return stage_.workers[number_]; }

  [[nodiscard]] std::string once() {
    const std::size_t map = random_.below(static_cast<std::uint32_t>(plan_.size()));
    const unsigned own = random_.below(kKeysOfWorker);
    Entry& entry = state().journal[map][own];
    const std::uint64_t key = own * kWorkers + number_;
    switch (random_.below(6)) {
      case 0:
      case 1:
        return write(map, key, entry);
      case 2:
        return plan_[map].removes ? remove(map, key, entry) : "";
      case 3:
        return read(map, key, entry);
      case 4:
        return look_around(map);
      default:
        return use_block();
    }
  }

  [[nodiscard]] std::string write(std::size_t map, std::uint64_t key, Entry& entry) {
    const std::uint64_t turn = state().steps.load(std::memory_order_relaxed) + 1;
    const Bytes value = map_value(site_.at(map), Mark(key, turn));
    entry.soon = turn;
    const long status =
        site_.at(map).write(caller_, map_key(plan_[map].spec, key).data(), value.data(), 0);
    return settle(entry, status, turn, text("map {}: write of key {}", map, key));
  }

  [[nodiscard]] std::string remove(std::size_t map, std::uint64_t key, Entry& entry) {
    const bool present = entry.now != 0;
    entry.soon = 0;
    const long status = site_.at(map).remove(caller_, map_key(plan_[map].spec, key).data());
    if (status == -ENOENT && !present) {
      entry.soon = Entry::kNothing;
      return "";
    }
    return settle(entry, status, 0, text("map {}: remove of key {}", map, key));
  }

  [[nodiscard]] std::string settle(Entry& entry, long status, std::uint64_t turn,
                                   const std::string& what) {
    if (status == 0)
      entry.now = turn;
    else if (is_refusal(status))
      state().refused.fetch_add(1, std::memory_order_relaxed);
    else
      return text("{}: {}", what, status);
    entry.soon = Entry::kNothing;
    return "";
  }

  [[nodiscard]] std::string read(std::size_t map, std::uint64_t key, const Entry& entry) {
    const Bytes name = map_key(plan_[map].spec, key);
    Bytes value(site_.at(map).user_value_bytes());
    const long status = site_.at(map).read(caller_, name.data(), value.data(), 0);
    if (status == -EBUSY) return "";
    const bool expected = entry.now != 0 || !plan_[map].removes;
    if (status != (expected ? 0 : -ENOENT))
      return text("map {}: read of key {}, turn {}: {}", map, key, entry.now.load(), status);
    const Mark mark = entry.now == 0 ? Mark() : Mark(key, entry.now);
    const Found found = found_in(value);
    if (status == 0 && !(found.same && found.first == mark))
      return text("map {}: key {} has turn {} of key {}, not turn {}", map, key, found.first.turn(),
                  found.first.key(), entry.now.load());
    return "";
  }

  // Keys of others: anything may be there, but the walk and the reads end.
  [[nodiscard]] std::string look_around(std::size_t map) {
    Bytes key(plan_[map].spec.key_bytes);
    Bytes value(site_.at(map).user_value_bytes());
    for (unsigned i = 0; i < 8; ++i) {
      const Bytes before = key;
      const long status =
          site_.at(map).next_key(caller_, i == 0 ? nullptr : before.data(), key.data());
      if (status == -ENOENT || status == -EBUSY) return "";
      if (status != 0) return text("map {}: next key: {}", map, status);
      const long got = site_.at(map).read(caller_, key.data(), value.data(), 0);
      if (got != 0 && got != -ENOENT && got != -EBUSY) return text("map {}: read: {}", map, got);
    }
    return "";
  }

  [[nodiscard]] std::string use_block() {
    const auto block = site_.region().allocate(random_.below(3000));
    if (!block) return block.error().sys == EBUSY ? "" : text("no block: {}", block.error().what);
    auto* word = site_.region().at<std::atomic<std::uint64_t>>(*block);
    if (word == nullptr || word->exchange(number_ + 1) != 0) return "a block that was not free";
    if (word->load() != number_ + 1) return "a block that another has";
    site_.region().free(*block);
    return "";
  }

  Stage& stage_;
  Site& site_;
  const std::vector<PlannedMap>& plan_;
  unsigned number_;
  Random random_;
  maps::Caller caller_;
};

}  // namespace

Bytes map_key(const maps::MapSpec& spec, std::uint64_t number) {
  Bytes key(spec.key_bytes);
  const bool prefix = spec.type == abi::BPF_MAP_TYPE_LPM_TRIE;
  const std::uint32_t bits = (spec.key_bytes - 4) * 8;
  if (prefix) std::memcpy(key.data(), &bits, sizeof(bits));
  const std::size_t at = prefix ? 4 : 0;
  std::memcpy(&key[at], &number, std::min(sizeof(number), key.size() - at));
  return key;
}

Bytes map_value(const maps::Map& map, const Mark& mark) {
  Bytes value(map.user_value_bytes());
  for (std::size_t at = 0; at + kMarkBytes <= value.size(); at += kMarkBytes)
    std::memcpy(&value[at], mark.data(), kMarkBytes);
  return value;
}

Site::Site(std::unique_ptr<maps::Region> region, const std::vector<PlannedMap>& plan)
    : region_(std::move(region)), plan_(plan) {
  for (const PlannedMap& planned : plan) {
    auto map = maps::open_map(*region_, *this, planned.spec, planned.block);
    if (map) maps_.push_back(*std::move(map));
  }
}

std::uint64_t Site::now_ns() {
  return static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
}

void Site::reap() {
  region_->reap([&](unsigned) {
    for (const auto& map : maps_) map->repair();
  });
}

std::string Site::inspect_key(std::size_t map, std::uint64_t number, Entry& entry, bool settle) {
  const maps::Cpu cpu(*region_);
  const Bytes key = map_key(plan_[map].spec, number);
  Bytes value(maps_[map]->user_value_bytes());
  const long status = maps_[map]->read({cpu.number()}, key.data(), value.data(), 0);
  const std::uint64_t soon = entry.soon;
  const std::uint64_t now = entry.now;
  if (status != 0 && status != -ENOENT) return text("map {}: key {}: {}", map, number, status);
  const Found found = found_in(value);
  const bool torn = status == 0 && !(found.whole && found.same);
  const std::uint64_t turn = status == 0 ? found.first.turn() : 0;
  const bool announced = soon != Entry::kNothing;
  const bool right = turn == now || (announced && turn == soon);
  const bool own = turn == 0 || found.first.key() == number;
  if (torn && announced && plan_[map].change == Change::in_place) {
    // Made whole by the same worker's next write; until then nothing is said of it.
    if (settle)
      (void)maps_[map]->write({cpu.number()}, key.data(),
                              map_value(*maps_[map], Mark(number, soon)).data(), 0);
    if (settle) entry.now = soon;
  } else if (torn || !right || !own) {
    return text("map {}: key {} has turn {} of key {}{}, expected {} or {:#x}", map, number, turn,
                found.first.key(), torn ? " in part" : "", now, soon);
  } else if (settle) {
    entry.now = turn;
  }
  if (settle) entry.soon = Entry::kNothing;
  return "";
}

std::string Site::inspect(WorkerState& state, unsigned worker, bool settle) {
  for (std::size_t map = 0; map < plan_.size(); ++map)
    for (unsigned own = 0; own < kKeysOfWorker; ++own) {
      const std::uint64_t number = own * kWorkers + worker;
      std::string wrong = inspect_key(map, number, state.journal[map][own], settle);
      if (!wrong.empty()) return wrong;
    }
  return "";
}

int work(Stage& stage, const std::vector<PlannedMap>& plan, int region_fd, unsigned worker,
         std::uint64_t seed) {
  auto region = maps::Region::attach(Fd(fcntl(region_fd, F_DUPFD_CLOEXEC, 0)));
  std::string wrong = region ? "" : text("cannot attach: {}", region.error().what);
  if (region) {
    Site site(*std::move(region), plan);
    wrong = site.complete() ? site.inspect(stage.workers[worker], worker, true)
                            : "cannot open all maps";
    if (wrong.empty()) wrong = Worker(stage, site, plan, worker, seed).run();
  }
  std::snprintf(stage.complaint.data(), stage.complaint.size(), "worker %u: %s", worker,
                wrong.c_str());
  return 2;
}

}  // namespace skep::test
