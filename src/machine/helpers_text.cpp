// SPDX-License-Identifier: Apache-2.0
// Strings: numbers out of them, comparison, formatting, and lines for the trace pipe.
#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <limits>

#include "abi/limits.h"
#include "machine/format_print.h"
#include "machine/helper_functions.h"
#include "machine/number_text.h"
#include "machine/trace_pipe.h"

namespace skep::machine::helper {

using u64 = std::uint64_t;

namespace {

// What an iterator may print for one object.
constexpr std::size_t kSequenceBytes = 32768;

// The values of bpf_snprintf and the like; false when there may not be so many.
bool read_values(u64 data, u64 bytes, std::span<const u64>& values) {
  const auto count = static_cast<std::uint32_t>(bytes);
  if (count % sizeof(u64) != 0 || count > abi::MAX_BPRINTF_VARARGS * sizeof(u64)) return false;
  if (count != 0 && data == 0) return false;
  values = {pointer<const u64>(data), count / sizeof(u64)};
  return true;
}

u64 print_line(u64 format, u64 room, std::span<const u64> values, void* context) {
  std::array<char, abi::MAX_BPRINTF_BUF> buffer;
  const long length =
      format_print(buffer, pointer<const char>(format), static_cast<std::uint32_t>(room), values);
  const Run& run = run_of(context);
  if (length < 0 || run.trace == nullptr) return result(length);
  const Host& host = *run.host;
  run.trace->write({.time_ns = host.now_ns(host.self, Clock::monotonic),
                    .cpu = run.caller.cpu,
                    .thread = static_cast<std::int32_t>(host.identity(host.self).pid_tgid),
                    .command = host.command(host.self),
                    .text = buffer.data()});
  return result(length);
}

u64 append_sequence(void* context, std::string_view words) {
  std::string* sequence = run_of(context).sequence;
  if (sequence == nullptr) return result(-EINVAL);
  if (words.size() >= kSequenceBytes - std::min(sequence->size(), kSequenceBytes))
    return result(-EOVERFLOW);
  *sequence += words;
  return 0;
}

}  // namespace

u64 trace_printk(u64 format, u64 room, u64 a, u64 b, u64 c, void* context) {
  const std::array<u64, abi::MAX_TRACE_PRINTK_VARARGS> values{a, b, c};
  return print_line(format, room, values, context);
}

u64 trace_vprintk(u64 format, u64 room, u64 data, u64 bytes, u64, void* context) {
  std::span<const u64> values;
  if (!read_values(data, bytes, values)) return result(-EINVAL);
  return print_line(format, room, values, context);
}

u64 snprintf(u64 to, u64 room, u64 format, u64 data, u64 bytes, void*) {
  std::span<const u64> values;
  if (!read_values(data, bytes, values)) return result(-EINVAL);
  const std::span out(pointer<char>(to), static_cast<std::uint32_t>(room));
  const long length = format_print(out, pointer<const char>(format),
                                   std::numeric_limits<std::uint32_t>::max(), values);
  return result(length < 0 ? length : length + 1);
}

u64 seq_printf(u64, u64 format, u64 room, u64 data, u64 bytes, void* context) {
  std::span<const u64> values;
  if (!read_values(data, bytes, values)) return result(-EINVAL);
  std::array<char, kSequenceBytes> buffer;
  const long length =
      format_print(buffer, pointer<const char>(format), static_cast<std::uint32_t>(room), values);
  if (length < 0) return result(length);
  if (length >= static_cast<long>(buffer.size())) return result(-EOVERFLOW);
  return append_sequence(context, {buffer.data(), static_cast<std::size_t>(length)});
}

u64 seq_write(u64, u64 data, u64 bytes, u64, u64, void* context) {
  return append_sequence(context, {pointer<const char>(data), static_cast<std::uint32_t>(bytes)});
}

u64 strtol(u64 from, u64 bytes, u64 flags, u64 to, u64, void*) {
  const NumberText read =
      read_number({pointer<const char>(from), static_cast<std::uint32_t>(bytes)}, flags);
  std::int64_t value = 0;
  const long used = as_signed(read, value);
  std::memcpy(pointer<void>(to), &value, sizeof(value));
  return result(used);
}

u64 strtoul(u64 from, u64 bytes, u64 flags, u64 to, u64, void*) {
  const NumberText read =
      read_number({pointer<const char>(from), static_cast<std::uint32_t>(bytes)}, flags);
  u64 value = 0;
  const long used = as_unsigned(read, value);
  std::memcpy(pointer<void>(to), &value, sizeof(value));
  return result(used);
}

u64 strncmp(u64 first, u64 bytes, u64 second, u64, u64, void*) {
  const auto* a = pointer<const unsigned char>(first);
  const auto* b = pointer<const unsigned char>(second);
  for (std::uint32_t i = 0; i < static_cast<std::uint32_t>(bytes); ++i) {
    if (a[i] != b[i]) return a[i] < b[i] ? result(-1) : 1;
    if (a[i] == 0) return 0;
  }
  return 0;
}

}  // namespace skep::machine::helper
