// SPDX-License-Identifier: Apache-2.0
#include "machine/btf_object.h"

#include <cstring>

#include "machine/machine.h"

namespace skep::machine {

namespace {

constexpr std::uint32_t kMaxBtfBytes = 16U << 20;  // kernel: BTF_MAX_SIZE

}  // namespace

Result<std::shared_ptr<BtfObject>> make_btf(Machine& machine, std::span<const std::byte> bytes) {
  auto read = SKEP_TRY(btf::Btf::read(bytes));
  maps::Region& region = machine.region();
  const Offset block = SKEP_TRY(region.allocate(sizeof(BtfRecord) + bytes.size()));
  std::byte* place = region.at(block, sizeof(BtfRecord) + bytes.size());
  SKEP_ASSERT(place != nullptr);
  const BtfRecord record{.bytes = static_cast<std::uint32_t>(bytes.size())};
  std::memcpy(place, &record, sizeof(record));
  std::memcpy(place + sizeof(record), bytes.data(), bytes.size());
  const auto view = machine.objects().add(ObjectKind::btf, block);
  if (!view) {
    region.free(block);
    return std::unexpected(view.error());
  }
  auto object = std::make_shared<BtfObject>(machine.objects(), *view, std::move(read));
  machine.remember(object);
  return object;
}

std::shared_ptr<BtfObject> open_btf(Machine& machine, const ObjectView& view) {
  const std::byte* place = machine.region().at(view.block, sizeof(BtfRecord));
  if (place == nullptr) return nullptr;
  BtfRecord record{};
  std::memcpy(&record, place, sizeof(record));
  if (record.bytes > kMaxBtfBytes ||
      machine.region().at(view.block, sizeof(record) + std::uint64_t{record.bytes}) == nullptr)
    return nullptr;
  auto read = btf::Btf::read({place + sizeof(record), record.bytes});
  if (!read) return nullptr;
  return std::make_shared<BtfObject>(machine.objects(), view, std::move(*read));
}

void bury_btf(Machine& machine, const ObjectView& view) { machine.region().free(view.block); }

}  // namespace skep::machine
