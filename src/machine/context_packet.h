// SPDX-License-Identifier: Apache-2.0
// What r1 really points to in programs that see packets: the context of Linux with the values that
// programs see in place, and behind it the 64-bit pointers for which Linux has only 32-bit fields.
// Almost every access is therefore right as it is; context_convert.h rewrites the others.
#pragma once

#include "abi/context_packet.h"

namespace skep::machine {

struct SkbContext {
  abi::__sk_buff seen{};
  std::uint64_t data = 0;
  std::uint64_t data_end = 0;
  std::uint64_t data_meta = 0;
};

struct XdpContext {
  abi::xdp_md seen{};
  std::uint64_t data = 0;
  std::uint64_t data_end = 0;
  std::uint64_t data_meta = 0;
};

}  // namespace skep::machine
