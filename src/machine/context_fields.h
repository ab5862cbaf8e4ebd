// SPDX-License-Identifier: Apache-2.0
// Which part of its context a program may touch: one row for each field of each context, with who
// may load it, who may store to it, and in which sizes, as Linux decides at BPF_PROG_LOAD. A row
// also says where the machine keeps the field. Constant data, safe from any thread.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>

namespace skep::machine {

// Numbers of program types or of attach types. The full set has numbers above 63 as well.
class NumberSet {
 public:
  constexpr NumberSet() = default;
  constexpr NumberSet(std::initializer_list<std::uint32_t> numbers) {
    for (const std::uint32_t number : numbers) bits_ |= std::uint64_t{1} << number;
  }
  static constexpr NumberSet all() { return NumberSet(~std::uint64_t{0}); }

  [[nodiscard]] constexpr bool contains(std::uint32_t number) const {
    return is_full() || (number < 64 && (bits_ >> number & 1) != 0);
  }
  [[nodiscard]] constexpr bool is_full() const { return bits_ == ~std::uint64_t{0}; }
  [[nodiscard]] constexpr bool is_empty() const { return bits_ == 0; }
  constexpr NumberSet operator|(NumberSet other) const { return NumberSet(bits_ | other.bits_); }
  constexpr NumberSet operator-(NumberSet other) const { return NumberSet(bits_ & ~other.bits_); }

 private:
  constexpr explicit NumberSet(std::uint64_t bits) : bits_(bits) {}
  std::uint64_t bits_ = 0;
};

// What a load gives.
enum class Value : std::uint8_t {
  scalar,
  packet,
  packet_end,
  packet_meta,
  flow_keys,
  socket,                 // struct bpf_sock of a full socket
  socket_or_null,         // the same, perhaps null
  socket_common_or_null,  // a socket that may be no full one, or null
  tracepoint_buffer,
  nf_hook_state,  // kernel structures by BTF, trusted
  sk_buff,
};

// Sets of access sizes: a size is its own bit.
using Sizes = std::uint8_t;
inline constexpr Sizes kAnySize = 1 | 2 | 4 | 8;
inline constexpr Sizes kNarrow = 1 | 2 | 4;  // a part of a 32-bit field, or all of it

struct Field {
  std::string_view name;
  std::uint32_t offset = 0;
  std::uint32_t bytes = 4;
  Value value = Value::scalar;
  Sizes loads = 4;
  Sizes stores = 0;
  bool from_start_only = false;  // a narrow load begins at the field's first byte
  NumberSet readers = NumberSet::all();
  NumberSet writers{};
  NumberSet read_attach = NumberSet::all();
  NumberSet write_attach = NumberSet::all();
  // The machine keeps 64-bit pointers beside the 32-bit fields that stand for them; 0 for none.
  std::uint32_t pointer_at = 0;
  // Linux keeps the field in fewer bytes, the rest reads as zero: a store is cut, and a load of so
  // many bytes or more gives the value wherever in the field it begins. 0 for all bytes.
  std::uint8_t kept_bytes = 0;
  std::uint32_t ignored_from = 0;  // such a store does nothing; 0 for no such
};

[[nodiscard]] std::span<const Field> sk_buff_fields();
[[nodiscard]] std::span<const Field> xdp_fields();
[[nodiscard]] std::span<const Field> regs_fields();
[[nodiscard]] std::span<const Field> perf_event_fields();
[[nodiscard]] std::span<const Field> tracepoint_fields();
[[nodiscard]] std::span<const Field> raw_tracepoint_fields();
[[nodiscard]] std::span<const Field> raw_tracepoint_writable_fields();
[[nodiscard]] std::span<const Field> netfilter_fields();
[[nodiscard]] std::span<const Field> syscall_fields();
[[nodiscard]] std::span<const Field> lirc_fields();

[[nodiscard]] std::span<const Field> sock_fields();
[[nodiscard]] std::span<const Field> sock_addr_fields();
[[nodiscard]] std::span<const Field> sock_ops_fields();
[[nodiscard]] std::span<const Field> sk_msg_fields();
[[nodiscard]] std::span<const Field> sk_reuseport_fields();
[[nodiscard]] std::span<const Field> sk_lookup_fields();
[[nodiscard]] std::span<const Field> sockopt_fields();
[[nodiscard]] std::span<const Field> sysctl_fields();
[[nodiscard]] std::span<const Field> device_fields();

}  // namespace skep::machine
