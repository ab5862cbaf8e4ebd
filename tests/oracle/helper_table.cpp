// SPDX-License-Identifier: Apache-2.0
// The table of helpers against the running Linux 6.18: which program types may call which helper,
// under which license, in which kind of program, and what each argument must be.
#include <doctest/doctest.h>
#include <sys/utsname.h>

#include <cerrno>
#include <string>
#include <vector>

#include "abi/attach_types.h"
#include "abi/helper_names.h"
#include "abi/program_types.h"
#include "base/file.h"
#include "btf/btf.h"
#include "btf/index.h"
#include "machine/helpers.h"
#include "machine/program_types.h"
#include "tests/oracle/helper_kernel.h"
#include "tests/support/linux_bpf.h"
#include "tests/support/skip.h"

// NOLINTBEGIN(bugprone-unchecked-optional-access): REQUIRE has looked before

namespace skep::test {

namespace {

using isa::Insn;
using isa::Program;
using machine::ArgumentKind;
using machine::Helper;

constexpr std::uint32_t kSleepable = 1U << 4;
constexpr std::uint32_t kLastHelper = static_cast<std::uint32_t>(abi::kHelperNames.size()) - 1;

// This kernel is built without them, or locked down against them.
bool is_beyond(std::uint32_t helper) {
  const std::string_view name = abi::helper_name(helper);
  return name == "bpf_probe_write_user" || name == "bpf_override_return";
}

bool is_6_18() {
  utsname host{};
  return ::uname(&host) == 0 && std::string_view(host.release).starts_with("6.18.");
}

Program calling(std::uint32_t helper) {
  return {{.code = 0x85, .imm = static_cast<std::int32_t>(helper)},
          {.code = 0xb7, .imm = 0},
          {.code = 0x95}};
}

// All kinds that this kernel loads and that could differ.
std::vector<ProgramKind> all_kinds(const btf::Types& kernel) {
  std::vector<ProgramKind> kinds;
  for (const machine::ProgramType& type : machine::program_types())
    for (std::uint32_t attach = 0; attach < abi::__MAX_BPF_ATTACH_TYPE; ++attach) {
      if (type.attach.is_full() ? attach % 7 != 0 && attach != abi::BPF_TRACE_KPROBE_MULTI
                                : !type.attach.contains(attach))
        continue;
      ProgramKind kind{.type = type.number, .attach = attach};
      if (type.sleepable_only) kind.flags = kSleepable;
      const Program nothing = {{.code = 0xb7, .imm = 1}, {.code = 0x95}};
      if (load_helper_program(kind, nothing).accepted()) kinds.push_back(kind);
    }
  const btf::NameIndex functions(kernel, abi::BTF_KIND_FUNC);
  const btf::NameIndex typedefs(kernel, abi::BTF_KIND_TYPEDEF);
  const btf::NameIndex structs(kernel, abi::BTF_KIND_STRUCT);
  kinds.push_back({.type = abi::BPF_PROG_TYPE_TRACING,
                   .attach = abi::BPF_TRACE_ITER,
                   .btf_id = static_cast<std::uint32_t>(functions.find("bpf_iter_task"))});
  kinds.push_back({.type = abi::BPF_PROG_TYPE_TRACING,
                   .attach = abi::BPF_TRACE_RAW_TP,
                   .btf_id = static_cast<std::uint32_t>(typedefs.find("btf_trace_sys_enter"))});
  kinds.push_back({.type = abi::BPF_PROG_TYPE_STRUCT_OPS,
                   .attach = 0,  // a member of the struct
                   .btf_id = static_cast<std::uint32_t>(structs.find("tcp_congestion_ops"))});
  return kinds;
}

std::uint32_t attach_of(const ProgramKind& kind) {
  if (kind.type == abi::BPF_PROG_TYPE_STRUCT_OPS) return abi::BPF_STRUCT_OPS;
  const machine::ProgramType* type = machine::find_program_type(kind.type);
  if (type == nullptr || type->attach.is_full()) return kind.attach;
  return machine::resolve_attach_type(*type, kind.attach).value_or(kind.attach);
}

bool refused_here(const HelperVerdict& verdict) {
  return verdict.says("program of this type cannot use helper") || verdict.says("unknown func") ||
         verdict.says("invalid func") || verdict.says("helper call is not allowed in probe") ||
         verdict.says("not supported for program type") || verdict.says("supported only for");
}

std::string name_of(const ProgramKind& kind, std::uint32_t helper) {
  return text("type {} attach {}: helper {} {}", kind.type, kind.attach, helper,
              abi::helper_name(helper));
}

Result<std::vector<ProgramKind>> read_kinds() {
  const Bytes bytes = SKEP_TRY(read_file("/sys/kernel/btf/vmlinux"));
  const btf::Btf types = SKEP_TRY(btf::Btf::read(bytes));
  return all_kinds(types);
}

std::string why_not() {
  if (why_no_bpf()) return *why_no_bpf();
  return is_6_18() ? "" : "the running Linux is not 6.18";
}

const ProgramKind* kind_for(const std::vector<ProgramKind>& kinds, const Helper& row) {
  for (const ProgramKind& kind : kinds)
    if ((kind.flags == kSleepable || !row.has(machine::kMaySleep)) &&
        machine::find_helper(row.number, kind.type, attach_of(kind)) == &row)
      return &kind;
  return nullptr;
}

bool is_size(ArgumentKind kind) {
  return kind == ArgumentKind::size || kind == ArgumentKind::size_or_zero ||
         kind == ArgumentKind::allocation_size;
}

// What Linux names when it gets something else; empty where it says it in another way, or takes
// anything.
std::string words_for(ArgumentKind kind) {
  using enum ArgumentKind;
  switch (kind) {
    case map:
      return "map_ptr";
    case map_key:
    case map_value:
    case map_value_or_null:
    case new_map_value:
    case memory:
    case memory_or_null:
    case new_memory:
    case out_memory:
    case out_memory_or_null:
    case new_memory_or_null:
    case record:
    case number_out:
    case number_inout:
      return "fp, pkt, pkt_meta, map_key, map_value, mem, ringbuf_mem, buf, trusted_ptr_";
    case size:
    case size_or_zero:
    case allocation_size:
      return "scalar";
    case context:
    case context_or_null:
      return "ctx";
    case stack_or_null:
      return "fp";
    case function:
      return "func";
    case sock_common:
      return "sock_common, sock, tcp_sock, xdp_sock";
    case socket:
    case socket_or_null:
      return "sock";
    case btf_sock_common:
    case btf_sock_common_or_null:
      return "sock_common, sock, tcp_sock, xdp_sock, ptr_, trusted_ptr_";
    case btf:
    case btf_or_null:
    case released_kptr_or_null:
      return "ptr_, trusted_ptr_, rcu_ptr_";
    case percpu_btf:
      return "percpu_ptr_, percpu_rcu_ptr_, percpu_trusted_ptr_";
    case spin_lock:
      return "map_value, ptr_";
    case timer:
    case constant_string:
      return "map_value";
    case kptr_field:
      return "map_value, ptr_";
    case dynptr:
    case new_dynptr:
    case new_ringbuf_dynptr:
    case released_ringbuf_dynptr:
      return "fp, dynptr_ptr";
    default:
      return "";
  }
}

bool can_give(ArgumentKind kind) {
  const std::string words = words_for(kind);
  return kind == ArgumentKind::anything || kind == ArgumentKind::none || is_size(kind) ||
         words == "map_ptr" || words == "ctx" || words.starts_with("fp, pkt") || words == "fp";
}

void give(Program& program, std::uint8_t to, ArgumentKind kind, int map_fd) {
  using enum ArgumentKind;
  constexpr std::uint8_t kContext = 6;
  if (kind == ArgumentKind::map) {
    program.push_back({.code = 0x18, .dst = to, .src = 1, .imm = map_fd});
    program.push_back({});
  } else if (kind == context || kind == context_or_null) {
    program.push_back({.code = 0xbf, .dst = to, .src = kContext});
  } else if (kind == anything || is_size(kind) || kind == none) {
    program.push_back({.code = 0xb7, .dst = to, .imm = 8});
  } else {
    program.push_back({.code = 0xbf, .dst = to, .src = 10});
    program.push_back({.code = 0x07, .dst = to, .imm = -64});
  }
}

// A call with all arguments right up to one that cannot be right.
Program breaking_argument(const Helper& row, std::size_t broken, int map_fd) {
  Program program = {{.code = 0xbf, .dst = 6, .src = 1}};
  for (std::int16_t offset = -64; offset < 0; offset += 8)
    program.push_back({.code = 0x7a, .dst = 10, .offset = offset, .imm = 0});
  for (std::size_t i = 0; i < row.arguments.size(); ++i) {
    const auto to = static_cast<std::uint8_t>(i + 1);
    const ArgumentKind kind = row.arguments[i].kind;
    if (i == broken && is_size(kind))
      program.push_back({.code = 0xbf, .dst = to, .src = 10});
    else if (i >= broken)
      program.push_back({.code = 0xb7, .dst = to, .imm = 1});
    else
      give(program, to, kind, map_fd);
  }
  const Program call = calling(row.number);
  program.insert(program.end(), call.begin(), call.end());
  return program;
}

}  // namespace

TEST_CASE("helpers: who may call what is as Linux has it") {
  if (const std::string why = why_not(); !why.empty()) return skip(why);
  const auto kinds = read_kinds();
  if (!kinds) return skip(kinds.error().what);
  CHECK(kinds->size() > 100);
  for (const ProgramKind& kind : *kinds)
    for (std::uint32_t number = 1; number <= kLastHelper; ++number) {
      if (is_beyond(number)) continue;
      const HelperVerdict verdict = load_helper_program(kind, calling(number));
      const Helper* row = machine::find_helper(number, kind.type, attach_of(kind));
      CHECK_MESSAGE((row != nullptr) == !refused_here(verdict), name_of(kind, number), "\n",
                    verdict.log);
      if (row == nullptr) continue;
      CHECK_MESSAGE(row->has(machine::kMaySleep) == (kind.flags == kSleepable
                                                         ? row->has(machine::kMaySleep)
                                                         : verdict.says("helper call might sleep")),
                    name_of(kind, number));
    }
}

TEST_CASE("helpers: which are for the GPL alone is as Linux has it") {
  if (const std::string why = why_not(); !why.empty()) return skip(why);
  const auto kinds = read_kinds();
  if (!kinds) return skip(kinds.error().what);
  for (const ProgramKind& kind : *kinds) {
    if (kind.type == abi::BPF_PROG_TYPE_STRUCT_OPS) continue;  // under the GPL as a whole
    for (std::uint32_t number = 1; number <= kLastHelper; ++number) {
      const Helper* row = machine::find_helper(number, kind.type, attach_of(kind));
      if (row == nullptr || is_beyond(number)) continue;
      const HelperVerdict verdict = load_helper_program(kind, calling(number), "Proprietary");
      CHECK_MESSAGE(row->has(machine::kGpl) == verdict.says("cannot call GPL-restricted function"),
                    name_of(kind, number), "\n", verdict.log);
    }
  }
}

TEST_CASE("helpers: what each argument must be is as Linux has it") {
  if (const std::string why = why_not(); !why.empty()) return skip(why);
  const auto kinds = read_kinds();
  if (!kinds) return skip(kinds.error().what);
  const auto map = create_map({});
  if (!map) return skip(map.error().what);
  std::size_t checked = 0;
  for (const Helper& row : machine::helper_table()) {
    const ProgramKind* kind = kind_for(*kinds, row);
    if (kind == nullptr || is_beyond(row.number)) continue;
    for (std::size_t at = 0; at < row.arguments.size(); ++at) {
      const ArgumentKind wanted = row.arguments[at].kind;
      if (at != 0 && !can_give(row.arguments[at - 1].kind)) break;
      const std::string words = words_for(wanted);
      if (words.empty()) continue;
      const Program program = breaking_argument(row, at, map->get());
      const HelperVerdict verdict = load_helper_program(*kind, program);
      const std::string expected =
          text("R{} type={} expected={}\n", at + 1, is_size(wanted) ? "fp" : "scalar", words);
      CHECK_MESSAGE(verdict.says(expected), name_of(*kind, row.number), " argument ", at + 1,
                    ": not \"", expected, "\" but\n", verdict.log);
      ++checked;
    }
  }
  CHECK(checked > 200);
}

}  // namespace skep::test

// NOLINTEND(bugprone-unchecked-optional-access)
