// SPDX-License-Identifier: Apache-2.0
// The helpers of Linux 6.18 as one table: what the verifier must know of each, which programs may
// call it, and the function behind it. A number has several rows where Linux gives program types
// prototypes of their own. Functions expect a Run as the context of the run. Constant data, safe
// from any thread.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "engine/calls.h"
#include "machine/context_fields.h"

namespace skep::machine {

// What an argument must be; each is one of Linux's argument types with its modifiers.
enum class ArgumentKind : std::uint8_t {
  none,
  map,  // known when the program is loaded
  map_key,
  map_value,
  map_value_or_null,
  new_map_value,  // written by the helper
  memory,         // read; its size is the next argument
  memory_or_null,
  new_memory,  // written, need not be initialised
  out_memory,  // written, must be initialised
  out_memory_or_null,
  new_memory_or_null,
  size,
  size_or_zero,
  allocation_size,  // a constant
  context,
  context_or_null,
  anything,
  spin_lock,
  timer,
  sock_common,
  socket,
  socket_or_null,
  btf_sock_common,  // a socket of either world
  btf_sock_common_or_null,
  released_sock,
  btf,
  btf_or_null,
  percpu_btf,
  released_kptr_or_null,
  kptr_field,      // where in a value the pointer stands
  ringbuf_memory,  // given back
  function,
  stack_or_null,
  constant_string,
  dynptr,
  new_dynptr,
  new_ringbuf_dynptr,
  released_ringbuf_dynptr,
  record,        // read, `bytes` long
  number_out,    // written, `bytes` long and aligned
  number_inout,  // the same, initialised
};

enum class ResultKind : std::uint8_t {
  integer,
  nothing,
  map_value,
  map_value_or_null,
  socket_or_null,
  tcp_sock_or_null,
  sock_common_or_null,
  ringbuf_memory_or_null,
  dynptr_memory_or_null,
  percpu_data,  // of the variable that the argument names
  percpu_data_or_null,
  btf,
  btf_or_null,
  btf_trusted,
};

struct Argument {
  ArgumentKind kind = ArgumentKind::none;
  std::uint16_t bytes = 0;     // of what has a fixed size
  std::string_view type = {};  // the struct's name for `btf`

  constexpr Argument() = default;
  // NOLINTNEXTLINE(google-explicit-constructor): rows of the table name kinds alone
  constexpr Argument(ArgumentKind of) : kind(of) {}
  constexpr Argument(ArgumentKind of, std::uint16_t size, std::string_view name)
      : kind(of), bytes(size), type(name) {}
  friend constexpr bool operator==(const Argument&, const Argument&) = default;
};

struct Gives {
  ResultKind kind;
  std::string_view type = {};  // the struct's name for `btf`, where one is known
};

using HelperFlags = std::uint8_t;
inline constexpr HelperFlags kGpl = 1;             // for programs under the GPL alone
inline constexpr HelperFlags kPacketMemory = 2;    // memory arguments may lie in the packet
inline constexpr HelperFlags kMaySleep = 4;        // for sleepable programs alone
inline constexpr HelperFlags kFast = 8;            // r1 to r5 may be kept (bpf_fastcall)
inline constexpr HelperFlags kChangesPacket = 16;  // packet pointers are stale afterwards
inline constexpr HelperFlags kTcpOnly = 32;        // of struct_ops, for tcp_congestion_ops alone

struct Helper {
  std::uint32_t number = 0;
  std::string_view name;  // without "bpf_"
  NumberSet types{};
  NumberSet attach = NumberSet::all();  // attach types, where the program type has some
  HelperFlags flags = 0;
  Gives gives{};
  std::array<Argument, 5> arguments{};
  engine::HelperFunction function = nullptr;
  std::string_view refused{};  // why it means nothing in user space, if `function` is null

  [[nodiscard]] constexpr bool has(HelperFlags flag) const { return (flags & flag) != 0; }
};

// All rows, by number.
[[nodiscard]] std::span<const Helper> helper_table();

// The row for programs of that type; nullptr when they may not call it. The attach type is as
// resolve_attach_type gives it. A program that extends another asks with the types of that one.
[[nodiscard]] const Helper* find_helper(std::uint32_t number, std::uint32_t program_type,
                                        std::uint32_t attach_type);

// What engines ask: functions by number alone.
[[nodiscard]] const engine::Calls& helper_calls();

}  // namespace skep::machine
