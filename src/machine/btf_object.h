// SPDX-License-Identifier: Apache-2.0
// BTF as an object of the machine: its bytes in the Region, read and checked again by each process
// that opens it.
#pragma once

#include "btf/btf.h"
#include "machine/files.h"

namespace skep::machine {

class Machine;

struct BtfRecord {
  std::uint32_t bytes;
  // the bytes follow
};

class BtfObject final : public Object {
 public:
  BtfObject(ObjectTable& table, const ObjectView& view, btf::Btf btf)
      : Object(table, view), btf_(std::move(btf)) {}
  [[nodiscard]] const btf::Btf& types() const { return btf_; }

 private:
  btf::Btf btf_;
};

[[nodiscard]] Result<std::shared_ptr<BtfObject>> make_btf(Machine& machine,
                                                          std::span<const std::byte> bytes);
[[nodiscard]] std::shared_ptr<BtfObject> open_btf(Machine& machine, const ObjectView& view);
void bury_btf(Machine& machine, const ObjectView& view);

}  // namespace skep::machine
