// SPDX-License-Identifier: Apache-2.0
// The table of program types against the running Linux: every access to every context, every attach
// type, return values, capabilities, sleepable programs, test runs.
#include <doctest/doctest.h>

#include <array>
#include <cerrno>
#include <string>
#include <vector>

#include "machine/program_types.h"
#include "tests/oracle/packet_kernel.h"
#include "tests/support/linux_bpf.h"
#include "tests/support/rounds.h"
#include "tests/support/skip.h"

namespace skep::test {

namespace {

using isa::Insn;
using isa::Program;
using machine::Capability;
using machine::ContextAccess;
using machine::ProgramType;
using machine::TestRun;

constexpr std::uint32_t kSleepable = 1U << 4;
constexpr int kNotSupported = 524;

// What this kernel cannot show: it refuses to load them, or wants BTF of an attach point.
bool is_beyond(const ProgramType& type) {
  return type.fields == nullptr || type.number == abi::BPF_PROG_TYPE_LIRC_MODE2;
}

std::vector<const ProgramType*> shown_types() {
  std::vector<const ProgramType*> types;
  for (const ProgramType& type : machine::program_types())
    if (!is_beyond(type)) types.push_back(&type);
  return types;
}

// The attach types that make a difference, and one that does not.
std::vector<std::uint32_t> attach_types_of(const ProgramType& type) {
  if (type.number == abi::BPF_PROG_TYPE_XDP)
    return {abi::BPF_XDP, abi::BPF_XDP_DEVMAP, abi::BPF_XDP_CPUMAP};
  if (type.attach.is_full()) return {0};
  std::vector<std::uint32_t> all;
  for (std::uint32_t attach = 0; attach < abi::__MAX_BPF_ATTACH_TYPE; ++attach)
    if (machine::resolve_attach_type(type, attach) == attach) all.push_back(attach);
  return all;
}

LoadAs as(const ProgramType& type, std::uint32_t attach) {
  return {.type = type.number, .attach = attach, .flags = type.sleepable_only ? kSleepable : 0};
}

Program returning(std::int32_t value) { return {{.code = 0xb7, .imm = value}, {.code = 0x95}}; }

enum class Kind : std::uint8_t { load, load_sx, store_imm, store_reg };
constexpr std::uint8_t kClass[] = {0x61, 0x81, 0x62, 0x63};  // of four bytes

std::uint8_t code_of(Kind kind, std::uint32_t bytes) {
  const std::uint8_t size = bytes == 1 ? 0x10 : bytes == 2 ? 0x08 : bytes == 4 ? 0x00 : 0x18;
  return static_cast<std::uint8_t>(kClass[static_cast<std::size_t>(kind)] | size);
}

Program accessing(Kind kind, std::uint32_t bytes, std::int16_t offset) {
  Insn access{.code = code_of(kind, bytes), .dst = 2, .src = 1, .offset = offset};
  if (kind == Kind::store_imm) access = {.code = access.code, .dst = 1, .offset = offset, .imm = 1};
  if (kind == Kind::store_reg) access = {.code = access.code, .dst = 1, .src = 3, .offset = offset};
  Program program = {{.code = 0xb7, .dst = 3, .imm = 1}, access};
  const Program end = returning(1);
  program.insert(program.end(), end.begin(), end.end());
  return program;
}

// Linux lets tracepoint programs read in front of the record, where the machine has nothing.
bool is_known_hole(const ProgramType& type, bool write, std::int64_t offset) {
  return type.number == abi::BPF_PROG_TYPE_TRACEPOINT && !write && offset < 0;
}

void compare(const ProgramType& type, std::uint32_t attach, Kind kind, std::uint32_t bytes,
             std::int16_t offset) {
  const Loaded loaded = load_as(as(type, attach), accessing(kind, bytes, offset));
  const bool write = kind == Kind::store_imm || kind == Kind::store_reg;
  const machine::Field* field = machine::check_access(type, {.attach = attach,
                                                             .offset = offset,
                                                             .bytes = bytes,
                                                             .write = write,
                                                             .sign_extend = kind == Kind::load_sx});
  const std::string what =
      text("type {} attach {} kind {} bytes {} offset {} errno {}", std::uint32_t{type.number},
           attach, static_cast<unsigned>(kind), bytes, offset, loaded.sys);
  if (loaded.accepted() != (field != nullptr) && !is_known_hole(type, write, offset))
    FAIL_CHECK(what);
  if (!loaded.accepted() && loaded.sys != EACCES) FAIL_CHECK("not EACCES: ", what);
}

std::uint64_t compare_all(const ProgramType& type, std::uint32_t attach, std::int16_t from,
                          std::int16_t to) {
  std::uint64_t count = 0;
  for (const Kind kind : {Kind::load, Kind::load_sx, Kind::store_imm, Kind::store_reg})
    for (const std::uint32_t bytes : {1U, 2U, 4U, 8U}) {
      if (kind == Kind::load_sx && bytes == 8) continue;
      for (int offset = from; offset < to; ++offset, ++count)
        compare(type, attach, kind, bytes, static_cast<std::int16_t>(offset));
    }
  return count;
}

}  // namespace

TEST_CASE("Linux and the table agree on every access to every context") {
  if (const auto& why = why_no_bpf()) return skip(*why);
  std::uint64_t count = 0;
  for (const ProgramType* type : shown_types()) {
    for (const std::uint32_t attach : attach_types_of(*type)) {
      const auto end = static_cast<std::int16_t>(std::min(type->context_bytes + 16U, 264U));
      count += compare_all(*type, attach, kSanitized ? 0 : -9, end);
      if (type->context_bytes > 264 && type->context_bytes < 0x7000) {
        const auto last = static_cast<std::int16_t>(type->context_bytes);
        count += compare_all(*type, attach, static_cast<std::int16_t>(last - 10),
                             static_cast<std::int16_t>(last + 10));
      }
    }
  }
  MESSAGE("accesses compared: ", count);
  CHECK(count > 80'000);
}

TEST_CASE("Linux accepts the attach types of the table and refuses others") {
  if (const auto& why = why_no_bpf()) return skip(*why);
  constexpr std::uint32_t kFar[] = {62, 63, 64, 65, 1000, 0x7fffffff, 0xffffffff};
  for (const ProgramType* type : shown_types()) {
    std::vector<std::uint32_t> numbers(std::begin(kFar), std::end(kFar));
    for (std::uint32_t attach = 0; attach < abi::__MAX_BPF_ATTACH_TYPE; ++attach)
      numbers.push_back(attach);
    for (const std::uint32_t attach : numbers) {
      const Loaded loaded = load_as(as(*type, attach), returning(1));
      const bool ours = machine::resolve_attach_type(*type, attach).has_value();
      CHECK_MESSAGE(loaded.sys == (ours ? 0 : EINVAL), "type ", std::uint32_t{type->number},
                    " attach ", attach);
    }
  }
}

TEST_CASE("Linux accepts the return values of the table and refuses others") {
  if (const auto& why = why_no_bpf()) return skip(*why);
  constexpr std::int32_t kValues[] = {-0x7fffffff, -2, -1, 0, 1, 2, 3, 4, 5, 129, 0x7fffffff};
  for (const ProgramType* type : shown_types()) {
    std::vector<std::uint32_t> attach_types = attach_types_of(*type);
    if (type->number == abi::BPF_PROG_TYPE_KPROBE)
      attach_types = {0, abi::BPF_TRACE_KPROBE_MULTI, abi::BPF_TRACE_KPROBE_SESSION,
                      abi::BPF_TRACE_UPROBE_MULTI, abi::BPF_TRACE_UPROBE_SESSION};
    for (const std::uint32_t attach : attach_types) {
      const machine::ReturnRange* range = machine::return_range(*type, attach);
      for (const std::int32_t value : kValues) {
        const bool ours = range == nullptr || (range->min <= value && value <= range->max);
        const Loaded loaded = load_as(as(*type, attach), returning(value));
        CHECK_MESSAGE(loaded.accepted() == ours, "type ", std::uint32_t{type->number}, " attach ",
                      attach, " value ", value);
      }
    }
  }
}

TEST_CASE("Linux wants the capabilities of the table") {
  if (const auto& why = why_no_bpf()) return skip(*why);
  constexpr std::uint64_t kNetAdmin = 1ULL << 12;
  constexpr std::uint64_t kPerfmon = 1ULL << 38;
  constexpr std::uint64_t kBpf = 1ULL << 39;
  for (const ProgramType& type : machine::program_types()) {
    const std::vector<std::uint32_t> attach = attach_types_of(type);
    const LoadAs request = as(type, attach.front());
    const bool net =
        type.capability == Capability::bpf_net_admin || type.capability == Capability::bpf_both;
    const bool trace =
        type.capability == Capability::bpf_perfmon || type.capability == Capability::bpf_both;
    const auto refused = [&](std::uint64_t capabilities) {
      return load_with_capabilities(request, returning(1), capabilities) == EPERM;
    };
    // LSM and EXT programs are refused with EPERM on a locked kernel whatever the capabilities.
    const bool locked = refused(kBpf | kNetAdmin | kPerfmon);
    CAPTURE(std::uint32_t{type.number});
    CHECK(refused(kBpf) == (net || trace || locked));
    CHECK(refused(kBpf | kNetAdmin) == (trace || locked));
    CHECK(refused(kBpf | kPerfmon) == (net || locked));
  }
}

TEST_CASE("Linux takes sleepable programs where the table does") {
  if (const auto& why = why_no_bpf()) return skip(*why);
  for (const ProgramType* type : shown_types()) {
    for (const std::uint32_t attach : attach_types_of(*type)) {
      const LoadAs plain{.type = type->number, .attach = attach};
      const LoadAs sleepable{.type = type->number, .attach = attach, .flags = kSleepable};
      CAPTURE(std::uint32_t{type->number});
      CHECK(load_as(plain, returning(1)).sys == (type->sleepable_only ? EINVAL : 0));
      CHECK(load_as(sleepable, returning(1)).sys ==
            (type->sleepable.contains(attach) ? 0 : EINVAL));
    }
  }
}

// Reads or writes the first byte of a packet, after the check that Linux asks for.
Program packet_access(const machine::Field& data, const machine::Field& end, bool write) {
  const std::uint8_t load = data.bytes == 8 ? 0x79 : 0x61;
  Insn access{.code = 0x71, .dst = 5, .src = 2};
  if (write) access = {.code = 0x72, .dst = 2, .imm = 1};
  return {{.code = load, .dst = 2, .src = 1, .offset = static_cast<std::int16_t>(data.offset)},
          {.code = load, .dst = 3, .src = 1, .offset = static_cast<std::int16_t>(end.offset)},
          {.code = 0xbf, .dst = 4, .src = 2},
          {.code = 0x07, .dst = 4, .imm = 8},
          {.code = 0x2d, .dst = 4, .src = 3, .offset = 1},
          access,
          {.code = 0xb7, .imm = 1},
          {.code = 0x95}};
}

TEST_CASE("Linux lets programs read and write packets where the table does") {
  if (const auto& why = why_no_bpf()) return skip(*why);
  for (const ProgramType* type : shown_types()) {
    const std::uint32_t attach = attach_types_of(*type).front();
    const machine::Field* data = nullptr;
    const machine::Field* end = nullptr;
    for (const machine::Field& field : type->fields()) {
      if (field.value == machine::Value::packet) data = &field;
      if (field.value == machine::Value::packet_end) end = &field;
    }
    CAPTURE(std::uint32_t{type->number});
    if (data == nullptr || end == nullptr) {
      CHECK(type->packet == machine::PacketAccess::none);
      continue;
    }
    const LoadAs request = as(*type, attach);
    CHECK(load_as(request, packet_access(*data, *end, false)).accepted() ==
          (type->packet != machine::PacketAccess::none));
    CHECK(load_as(request, packet_access(*data, *end, true)).accepted() ==
          (type->packet == machine::PacketAccess::write));
  }
}

TEST_CASE("Linux runs the types of the table, with data or with a context") {
  if (const auto& why = why_no_bpf()) return skip(*why);
  const Bytes packet(64);
  for (const ProgramType* type : shown_types()) {
    const Loaded loaded = load_as(as(*type, attach_types_of(*type).front()), returning(1));
    REQUIRE(loaded.accepted());
    CAPTURE(std::uint32_t{type->number});
    const RunReply reply =
        run_program(loaded.program.get(), {.data = packet, .context_out_bytes = 0});
    const bool takes_data = type->test_run == TestRun::skb || type->test_run == TestRun::xdp ||
                            type->test_run == TestRun::flow_dissector ||
                            type->test_run == TestRun::netfilter;
    if (type->test_run == TestRun::none)
      CHECK(reply.sys == kNotSupported);
    else
      CHECK(reply.sys == (takes_data ? 0 : EINVAL));
  }
}

}  // namespace skep::test
