// SPDX-License-Identifier: Apache-2.0
#include "machine/dynptr.h"

#include <doctest/doctest.h>

#include <array>
#include <cerrno>

#include "machine/kfunc_functions.h"
#include "machine/skb.h"
#include "machine/xdp.h"

namespace skep::machine {

namespace {

using helper::address_of;
using helper::result;

std::array<std::byte, 16> counted() {
  std::array<std::byte, 16> bytes{};
  for (unsigned i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i);
  return bytes;
}

}  // namespace

TEST_CASE("dynptr: made from memory, bounds and flags checked") {
  auto memory = counted();
  Dynptr made;
  const auto make = [&](std::uint64_t bytes, std::uint64_t flags) {
    return helper::dynptr_from_mem(address_of(memory.data()), bytes, flags, address_of(&made), 0,
                                   nullptr);
  };
  CHECK(make(1 << 24, 0) == result(-E2BIG));
  CHECK(make(16, 1) == result(-EINVAL));
  CHECK(made.is_null());
  CHECK(make(16, 0) == 0);
  CHECK(made.bytes() == 16);
  std::array<std::byte, 4> out{};
  const auto read = [&](std::uint64_t bytes, std::uint64_t offset, std::uint64_t flags) {
    return helper::dynptr_read(address_of(out.data()), bytes, address_of(&made), offset, flags,
                               nullptr);
  };
  CHECK(read(4, 12, 0) == 0);
  CHECK(out[3] == std::byte{15});
  CHECK(read(4, 13, 0) == result(-E2BIG));
  CHECK(read(4, 0xffff'ffff, 0) == result(-E2BIG));
  CHECK(read(4, 0, 1) == result(-EINVAL));
  CHECK(helper::dynptr_data(address_of(&made), 4, 8, 0, 0, nullptr) ==
        address_of(memory.data() + 4));
  CHECK(helper::dynptr_data(address_of(&made), 4, 13, 0, 0, nullptr) == 0);
  made.clear();
  CHECK(read(0, 0, 0) == result(-EINVAL));
}

TEST_CASE("dynptr: parts, clones, copies") {
  auto memory = counted();
  Dynptr whole(DynptrKind::memory, memory.data(), 16);
  Dynptr part;
  CHECK(kfunc::bpf_dynptr_clone(address_of(&whole), address_of(&part), 0, 0, 0, nullptr) == 0);
  const auto adjust = [&](std::uint64_t begin, std::uint64_t end) {
    return kfunc::bpf_dynptr_adjust(address_of(&part), begin, end, 0, 0, nullptr);
  };
  CHECK(adjust(5, 4) == result(-EINVAL));
  CHECK(adjust(4, 17) == result(-ERANGE));
  CHECK(adjust(4, 12) == 0);
  CHECK(part.bytes() == 8);
  CHECK(adjust(2, 8) == 0);
  CHECK(part.bytes() == 6);
  CHECK(*part.slice(0, 1) == std::byte{6});
  // Both are the same memory.
  CHECK(kfunc::bpf_dynptr_copy(address_of(&whole), 0, address_of(&whole), 2, 8, nullptr) == 0);
  CHECK(memory[0] == std::byte{2});
  CHECK(kfunc::bpf_dynptr_copy(address_of(&part), 0, address_of(&whole), 0, 7, nullptr) ==
        result(-E2BIG));
  CHECK(kfunc::bpf_dynptr_memset(address_of(&part), 1, 5, 0x77, 0, nullptr) == 0);
  CHECK(memory[7] == std::byte{0x77});
  CHECK(memory[6] == std::byte{8});
  Dynptr locked(DynptrKind::memory, memory.data(), 16, true);
  CHECK(kfunc::bpf_dynptr_memset(address_of(&locked), 0, 1, 0, 0, nullptr) == result(-EINVAL));
  CHECK(kfunc::bpf_dynptr_slice_rdwr(address_of(&locked), 0, 0, 4, 0, nullptr) == 0);
  CHECK(kfunc::bpf_dynptr_slice(address_of(&locked), 0, 0, 4, 0, nullptr) != 0);
}

TEST_CASE("dynptr: packets") {
  const auto bytes = counted();
  Skb skb(bytes);
  XdpBuffer xdp(bytes, 0);
  Run run{.skb = &skb, .xdp = &xdp};
  Dynptr packet;
  CHECK(kfunc::bpf_dynptr_from_skb(0, 1, address_of(&packet), 0, 0, &run) == result(-EINVAL));
  CHECK(kfunc::bpf_dynptr_from_skb(0, 0, address_of(&packet), 0, 0, &run) == 0);
  CHECK(kfunc::bpf_dynptr_size(address_of(&packet), 0, 0, 0, 0, nullptr) == 16);
  const std::uint64_t part = kfunc::bpf_dynptr_slice(address_of(&packet), 4, 0, 4, 0, nullptr);
  CHECK(part == address_of(skb.bytes().data() + 4));
  CHECK(helper::dynptr_data(address_of(&packet), 0, 4, 0, 0, nullptr) == 0);
  const std::array<std::byte, 2> change{std::byte{0xaa}, std::byte{0xbb}};
  CHECK(kfunc::bpf_dynptr_from_xdp(0, 0, address_of(&packet), 0, 0, &run) == 0);
  CHECK(packet.write(3, change, 0) == 0);
  CHECK(xdp.linear()[4] == std::byte{0xbb});
  CHECK(packet.write(3, change, 1) == -EINVAL);
}

}  // namespace skep::machine
