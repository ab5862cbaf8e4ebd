// SPDX-License-Identifier: Apache-2.0
#include "machine/pins.h"

#include <array>
#include <cerrno>
#include <cstring>

namespace skep::machine {

namespace {

constexpr unsigned kRoot = 1;

struct PinRecord {
  std::atomic<std::uint32_t> alive;
  std::uint32_t kind;
  std::uint32_t id;
  std::array<char, kPinPathBytes> path;
};

}  // namespace

struct PinsLayout {
  maps::Lock lock;
  std::array<PinRecord, kMaxPins> pins;

  [[nodiscard]] PinRecord* find(std::string_view path) {
    for (PinRecord& pin : pins)
      if (pin.alive.load() != 0 &&
          std::string_view(pin.path.data(), strnlen(pin.path.data(), kPinPathBytes)) == path)
        return &pin;
    return nullptr;
  }
};

namespace {

Pin pin_of(const PinRecord& record) {
  return {.path = std::string(record.path.data(), strnlen(record.path.data(), kPinPathBytes)),
          .kind = static_cast<ObjectKind>(record.kind % kObjectKinds),
          .id = record.id};
}

}  // namespace

Result<std::unique_ptr<Pins>> Pins::open(Region& region, ObjectTable& objects) {
  auto* layout = SKEP_TRY(region.root<PinsLayout>(kRoot));
  std::unique_ptr<Pins> pins(new Pins(region, objects, layout));
  return pins;
}

long Pins::add(std::string_view path, ObjectKind kind, std::uint32_t id) {
  if (path.empty() || path.front() != '/' || path.back() == '/') return -EINVAL;
  if (path.size() >= kPinPathBytes) return -ENAMETOOLONG;
  const maps::Guard guard(layout_->lock, region_);
  if (guard.busy()) return -EBUSY;
  if (layout_->find(path) != nullptr) return -EEXIST;
  for (PinRecord& pin : layout_->pins) {
    if (pin.alive.load() != 0) continue;
    // The reference first: a death in between leaves an object too long, never a pin of nothing.
    if (!objects_.use(kind, id)) return -ENOENT;
    pin.kind = static_cast<std::uint32_t>(kind);
    pin.id = id;
    pin.path = {};
    std::memcpy(pin.path.data(), path.data(), path.size());
    pin.alive.store(1, std::memory_order_release);
    return 0;
  }
  return -ENOSPC;
}

long Pins::remove(std::string_view path) {
  Pin gone;
  {
    const maps::Guard guard(layout_->lock, region_);
    if (guard.busy()) return -EBUSY;
    PinRecord* pin = layout_->find(path);
    if (pin == nullptr) return -ENOENT;
    gone = pin_of(*pin);
    pin->alive = 0;
  }
  objects_.disuse(gone.kind, gone.id);
  return 0;
}

std::optional<Pin> Pins::find(std::string_view path) {
  const maps::Guard guard(layout_->lock, region_);
  const PinRecord* pin = guard.busy() ? nullptr : layout_->find(path);
  return pin == nullptr ? std::nullopt : std::optional(pin_of(*pin));
}

std::vector<Pin> Pins::all() {
  std::vector<Pin> found;
  const maps::Guard guard(layout_->lock, region_);
  if (guard.busy()) return found;
  for (const PinRecord& pin : layout_->pins)
    if (pin.alive.load() != 0) found.push_back(pin_of(pin));
  return found;
}

}  // namespace skep::machine
