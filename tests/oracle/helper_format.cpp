// SPDX-License-Identifier: Apache-2.0
// Format strings against the running Linux: random ones through bpf_snprintf, allowed or not, with
// random arguments: the same text, the same length, the same verdict.
#include <doctest/doctest.h>
#include <linux/bpf.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>

#include "base/format.h"
#include "machine/format_conversion.h"
#include "machine/format_print.h"
#include "tests/oracle/helper_kernel.h"
#include "tests/support/linux_bpf.h"
#include "tests/support/random_program.h"
#include "tests/support/rounds.h"
#include "tests/support/skip.h"

// NOLINTBEGIN(bugprone-unchecked-optional-access): REQUIRE has looked before

namespace skep::test {

namespace {

using isa::Insn;
using isa::Program;

constexpr ProgramKind kSyscall{.type = BPF_PROG_TYPE_SYSCALL, .flags = 1U << 4};
constexpr std::uint32_t kArguments = 12;
constexpr std::int16_t kStack = -8 * static_cast<std::int16_t>(kArguments);
constexpr std::uint32_t kOutBytes = 1024;
constexpr std::uint32_t kSnprintf = 165;

// Arguments that name memory do so inside this value, where Linux and we see the same.
struct Format {
  std::string text;
  std::uint32_t arguments = 0;
  std::uint32_t room = 0;
  std::array<std::uint64_t, kArguments> values{};
  std::array<bool, kArguments> is_place{};  // then values are offsets into the scratch
};

std::string random_conversion(Random& random) {
  constexpr std::string_view kEnds[] = {
      "d",    "i",   "u", "x",    "X",   "ld",  "li",  "lu",   "lx",   "lX",   "lld", "llu",
      "llx",  "llX", "c", "s",    "px",  "pks", "pus", "pI4",  "pi4",  "pI6",  "pi6", "ps",
      "pS",   "pB",  "%", "o",    "lc",  "hd",  "p5",  "pI5",  "pi",   "e",    "",    "lld ",
      "llld", "pkx", "n", "pxyz", "psB", "s.",  "sa",  "pI6c", "pI4h", "pks,", "zu",  "*d"};
  std::string out = "%";
  while (random.one_in(3)) out += "0+- #"[random.below(random.one_in(12) ? 5 : 4)];
  if (random.one_in(3)) out += std::to_string(random.below(random.one_in(8) ? 2000 : 30));
  if (random.one_in(40)) out += ".3";
  const std::string_view end = random.one_of(kEnds);
  out += end;
  return out;
}

// Arguments that suit the conversions, as far as these are in order.
void choose_values(Random& random, Format& format, std::uint64_t scratch) {
  using machine::format::Kind;
  for (std::size_t at = format.text.find('%');
       at < format.text.size() && format.arguments < kArguments; at = format.text.find('%', at)) {
    const auto what = machine::format::parse(format.text, at);
    if (!what) break;
    if (what->kind == Kind::percent) continue;
    const bool address =
        what->kind == Kind::string || what->kind == Kind::ipv4 || what->kind == Kind::ipv6;
    // What Linux has symbols for it prints by name.
    const bool symbol = what->kind == Kind::symbol || what->kind == Kind::back_symbol;
    const std::uint64_t value = random.value();
    if (what->ready && format.text[at - 2] == 'u') {  // memory of the process
      format.values[format.arguments++] = scratch + random.below(200);
      continue;
    }
    if (what->kind == Kind::pointer && !what->swallows) {  // Linux hashes all but null
      format.values[format.arguments++] = 0;
      continue;
    }
    format.is_place[format.arguments] = address;
    format.values[format.arguments++] = address  ? random.below(200)
                                        : symbol ? value & 0xffff'ffff
                                                 : value;
  }
}

Format random_format(Random& random, std::uint64_t scratch) {
  Format format;
  const std::uint32_t parts = random.below(8);
  for (std::uint32_t i = 0; i < parts; ++i) {
    if (random.one_in(2))
      format.text += random_conversion(random);
    else
      format.text += random.one_of(std::to_array<std::string_view>(
          {"a", " ", ", value=", "\n", "\t", "%%", "Z9", "[", "x y", "~"}));
    if (random.one_in(30)) format.text += static_cast<char>(random.below(256));
  }
  format.text = format.text.c_str();  // up to a zero
  choose_values(random, format, scratch);
  if (random.one_in(20) && format.arguments > 0) --format.arguments;
  if (random.one_in(20) && format.arguments < kArguments) ++format.arguments;
  format.room = 1 + random.below(random.one_in(4) ? 16 : kOutBytes - 1);
  return format;
}

void load_value(Program& program, std::uint8_t to, int map, std::int32_t offset) {
  program.push_back({.code = 0x18, .dst = to, .src = BPF_PSEUDO_MAP_VALUE, .imm = map});
  program.push_back({.imm = offset});
}

Program printing(const Format& format, int text, int scratch, int out) {
  Program program = {{.code = 0xbf, .dst = 6, .src = 1}};
  for (std::uint32_t i = 0; i < kArguments; ++i) {
    const auto at = static_cast<std::int16_t>(kStack + 8 * static_cast<std::int16_t>(i));
    if (format.is_place[i])
      load_value(program, 1, scratch, static_cast<std::int32_t>(format.values[i]));
    else
      program.push_back(
          {.code = 0x79, .dst = 1, .src = 6, .offset = static_cast<std::int16_t>(8 * i)});
    program.push_back({.code = 0x7b, .dst = 10, .src = 1, .offset = at});
  }
  load_value(program, 1, out, 0);
  program.push_back({.code = 0xb7, .dst = 2, .imm = static_cast<std::int32_t>(format.room)});
  load_value(program, 3, text, 0);
  program.push_back({.code = 0xbf, .dst = 4, .src = 10});
  program.push_back({.code = 0x07, .dst = 4, .imm = kStack});
  program.push_back(
      {.code = 0xb7, .dst = 5, .imm = static_cast<std::int32_t>(8 * format.arguments)});
  program.push_back({.code = 0x85, .imm = kSnprintf});
  program.push_back({.code = 0x95});
  return program;
}

struct Printed {
  bool allowed = false;
  std::int32_t length = 0;
  std::string out;
};

Printed print_here(const Format& format, std::span<std::byte> scratch) {
  Printed printed{.out = std::string(kOutBytes, '#')};
  auto values = format.values;
  for (std::uint32_t i = 0; i < kArguments; ++i)
    if (format.is_place[i]) values[i] += reinterpret_cast<std::uint64_t>(scratch.data());
  const std::span out(printed.out.data(), format.room);
  const long length = machine::format_print(out, format.text.c_str(), format.text.size() + 1,
                                            std::span(values).first(format.arguments));
  printed.allowed = length != -EINVAL;
  printed.length = static_cast<std::int32_t>(length < 0 ? length : length + 1);
  return printed;
}

std::string shown(const Format& format) {
  std::string out = text("\"{}\" room {} arguments", format.text, format.room);
  for (std::uint32_t i = 0; i < format.arguments; ++i)
    out += text(" {}{:#x}", format.is_place[i] ? "@" : "", format.values[i]);
  return out;
}

// Where there is no room left, Linux takes text that it has ready for the next arguments, and what
// lies behind it in its buffer.
bool skips_arguments(const Format& format, std::int32_t length) {
  if (length <= static_cast<std::int32_t>(format.room)) return false;
  std::size_t at = format.text.find('%');
  while (at < format.text.size()) {
    const auto what = machine::format::parse(format.text, at);
    if (what && what->swallows) return true;
    at = what ? format.text.find('%', at) : std::string::npos;
  }
  return false;
}

}  // namespace

TEST_CASE("formats: bpf_snprintf prints what Linux prints") {
  if (why_no_bpf()) return skip(*why_no_bpf());
  const SharedValue scratch(4096);
  const SharedValue out(kOutBytes);
  if (!scratch.ok() || !out.ok()) return skip("no arrays that can be mapped");
  Random random(seed_or(0x5eed));
  for (auto& byte : scratch.bytes()) {
    byte = static_cast<std::byte>(' ' + random.below(95));
    if (random.one_in(12)) byte = std::byte{0};
  }
  std::uint64_t allowed = 0;
  for (std::uint64_t round = 0; round < rounds(runs_or(20'000)); ++round) {
    const Format format =
        random_format(random, reinterpret_cast<std::uint64_t>(scratch.bytes().data()));
    std::string padded = format.text + '\0';
    const Fd text = frozen_value(std::as_bytes(std::span(padded)));
    REQUIRE(text);
    const auto program =
        load_helper_program(kSyscall, printing(format, text.get(), scratch.fd(), out.fd()));
    const Printed here = print_here(format, scratch.bytes());
    CHECK_MESSAGE(here.allowed == program.accepted(), shown(format), "\n",
                  program.accepted() ? "" : program.log);
    if (!here.allowed || !program.accepted()) continue;
    ++allowed;
    std::ranges::fill(out.bytes(), std::byte{'#'});
    auto values = format.values;
    const SyscallRun run =
        run_syscall_program(program.program.get(), std::as_writable_bytes(std::span(values)));
    REQUIRE(run.sys == 0);
    if (!skips_arguments(format, here.length))
      CHECK_MESSAGE(static_cast<std::int32_t>(run.retval) == here.length, shown(format));
    if (here.length < 0) continue;
    const std::string there(reinterpret_cast<const char*>(out.bytes().data()), kOutBytes);
    CHECK_MESSAGE(there == here.out, shown(format));
  }
  CHECK(allowed > 100);
}

}  // namespace skep::test

// NOLINTEND(bugprone-unchecked-optional-access)
