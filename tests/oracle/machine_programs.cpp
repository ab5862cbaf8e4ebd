// SPDX-License-Identifier: Apache-2.0
// BPF_PROG_LOAD and BPF_BTF_LOAD up to the verifier: sizes, flags, types, names, logs, records of
// functions and lines.
#include <doctest/doctest.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "abi/attach_types.h"
#include "abi/commands.h"
#include "abi/info.h"
#include "abi/limits.h"
#include "abi/map_types.h"
#include "abi/program_types.h"
#include "isa/insn.h"
#include "tests/oracle/machine_session.h"
#include "tests/support/btf_builder.h"
#include "tests/support/skip.h"

namespace skep::test {

namespace {

// Returns 1, which every type may, in as many instructions.
Bytes returning(std::size_t count = 2) {
  isa::Program program(count, isa::Insn{.code = 0xb7, .imm = 1});
  program.back() = {.code = 0x95};
  return isa::encode(program);
}

abi::bpf_attr& load(Session& session, const Bytes& insns,
                    std::uint32_t type = abi::BPF_PROG_TYPE_SOCKET_FILTER) {
  auto& attr = session.fresh();
  attr.prog_type = type;
  attr.insn_cnt = static_cast<std::uint32_t>(insns.size() / isa::kInsnBytes);
  attr.insns = address_of(insns.data());
  attr.license = address_of("GPL");
  return attr;
}

void arguments(Session& session) {
  const Bytes insns = returning();
  const auto attempt = [&](std::string_view what, auto change) {
    change(load(session, insns));
    session.close(session.make(what, abi::BPF_PROG_LOAD));
  };
  for (unsigned bit = 0; bit < 32; ++bit)
    attempt(text("flag {}", bit), [&](abi::bpf_attr& a) { a.prog_flags = 1U << bit; });
  for (const std::uint32_t count : {0U, 1U, 1'000'001U, UINT32_MAX})
    attempt(text("{} insns", count), [&](abi::bpf_attr& a) { a.insn_cnt = count; });
  attempt("insns nowhere", [](abi::bpf_attr& a) { a.insns = 8; });
  attempt("no license", [](abi::bpf_attr& a) { a.license = 0; });
  attempt("license nowhere", [](abi::bpf_attr& a) { a.license = 8; });
  const std::string endless(300, 'x');
  attempt("long license", [&](abi::bpf_attr& a) { a.license = address_of(endless.c_str()); });
  attempt("name", [](abi::bpf_attr& a) { std::strcpy(a.prog_name, "a_b.C9"); });
  attempt("bad name", [](abi::bpf_attr& a) { std::strcpy(a.prog_name, "a b"); });
  attempt("endless name", [](abi::bpf_attr& a) { std::memset(a.prog_name, 'a', 16); });
  attempt("device", [](abi::bpf_attr& a) { a.prog_ifindex = 1; });
  attempt("no device", [](abi::bpf_attr& a) { a.prog_ifindex = 12345; });
  attempt("kernel version", [](abi::bpf_attr& a) { a.kern_version = 77; });
  attempt("attach BTF id", [](abi::bpf_attr& a) { a.attach_btf_id = 1; });
  attempt("large attach BTF id", [](abi::bpf_attr& a) { a.attach_btf_id = 1U << 30; });
  attempt("attach program", [](abi::bpf_attr& a) {
    a.attach_prog_fd = static_cast<std::uint32_t>(Session::closed());
  });
  attempt("BTF that is not used",
          [](abi::bpf_attr& a) { a.prog_btf_fd = static_cast<std::uint32_t>(Session::closed()); });
  attempt("token without flag", [](abi::bpf_attr& a) { a.prog_token_fd = 5; });
  attempt("closed token", [](abi::bpf_attr& a) {
    a.prog_flags = abi::BPF_F_TOKEN_FD;
    a.prog_token_fd = Session::closed();
  });
  attempt("signature size", [](abi::bpf_attr& a) { a.signature_size = 8; });
  attempt("keyring", [](abi::bpf_attr& a) { a.keyring_id = 8; });
  attempt("fd_array nowhere", [](abi::bpf_attr& a) { a.fd_array = 8; });
  attempt("fd_array nowhere with a count", [](abi::bpf_attr& a) {
    a.fd_array = 8;
    a.fd_array_cnt = 1;
  });
  attempt("count of no fd_array", [](abi::bpf_attr& a) { a.fd_array_cnt = 1; });
  static const int kClosed = Session::closed();
  attempt("closed in fd_array", [](abi::bpf_attr& a) {
    a.fd_array = address_of(&kClosed);
    a.fd_array_cnt = 1;
  });
  attempt("endless fd_array", [](abi::bpf_attr& a) {
    a.fd_array = address_of(&kClosed);
    a.fd_array_cnt = UINT32_MAX;
  });
}

// Attach types that this Linux is built without are refused late, and for other reasons.
void types_and_attach_types(Session& session) {
  const Bytes insns = returning();
  for (std::uint32_t type = 0; type < abi::__MAX_BPF_PROG_TYPE + 2; ++type) {
    if (type == abi::BPF_PROG_TYPE_LIRC_MODE2 || type == abi::BPF_PROG_TYPE_EXT ||
        type == abi::BPF_PROG_TYPE_LSM || type == abi::BPF_PROG_TYPE_TRACING ||
        type == abi::BPF_PROG_TYPE_STRUCT_OPS)
      continue;
    for (std::uint32_t attach = 0; attach < abi::__MAX_BPF_ATTACH_TYPE + 2; ++attach)
      for (const std::uint32_t flags : {0U, std::uint32_t{abi::BPF_F_SLEEPABLE}}) {
        auto& attr = load(session, insns, type);
        attr.expected_attach_type = attach;
        attr.prog_flags = flags;
        session.close(session.make(text("type {} attach {} flags {}", type, attach, flags),
                                   abi::BPF_PROG_LOAD));
      }
  }
}

void logs(Session& session) {
  const Bytes insns = returning();
  std::array<char, 512> log{};
  for (std::uint32_t level = 0; level <= 17; ++level)
    for (const bool buffer : {false, true})
      for (const std::uint32_t bytes : {0U, 1U, 511U, 1U << 30, UINT32_MAX}) {
        // A verdict of the verifier's log that has no room is the verifier's matter.
        if (level != 0 && buffer && bytes == 1) continue;
        auto& attr = load(session, insns);
        attr.log_level = level;
        attr.log_buf = buffer ? address_of(log.data()) : 0;
        attr.log_size = bytes;
        // So large a buffer is not really there.
        if (buffer && bytes > log.size() && level != 0 && (level & ~15U) == 0) continue;
        session.close(session.make(text("log level {} buffer {} bytes {}", level, buffer, bytes),
                                   abi::BPF_PROG_LOAD));
      }
}

struct Typed {
  BtfBuilder types;
  std::uint32_t number = types.integer("int", 4, 1);
  std::uint32_t prototype = types.prototype(number);
  std::uint32_t function = types.function("main_one", prototype, 1);
  std::uint32_t second = types.function("second", prototype, 0);
  std::uint32_t line = types.string("return 0;");
  Bytes bytes = types.bytes();
};

// r0 = 0; call +1; exit; r0 = 0; exit
Bytes two_functions() {
  return isa::encode(std::array<isa::Insn, 5>{{{.code = 0xb7},
                                               {.code = 0x85, .src = 1, .imm = 1},
                                               {.code = 0x95},
                                               {.code = 0xb7},
                                               {.code = 0x95}}});
}

struct Records {
  std::array<abi::bpf_func_info, 2> functions{};
  std::array<abi::bpf_line_info, 3> lines{};
  std::uint32_t function_count = 2;
  std::uint32_t line_count = 3;
  std::uint32_t function_bytes = sizeof(abi::bpf_func_info);
  std::uint32_t line_bytes = sizeof(abi::bpf_line_info);
};

void records_of_functions_and_lines(Session& session) {
  const Typed typed;
  const Bytes insns = two_functions();
  auto& load_btf = session.fresh();
  load_btf.btf = address_of(typed.bytes.data());
  load_btf.btf_size = static_cast<std::uint32_t>(typed.bytes.size());
  const int btf = session.need("BTF", abi::BPF_BTF_LOAD);
  Records right;
  right.functions = {
      {{.insn_off = 0, .type_id = typed.function}, {.insn_off = 3, .type_id = typed.second}}};
  right.lines[0].insn_off = 0;
  right.lines[1].insn_off = 2;
  right.lines[2].insn_off = 3;
  for (auto& line : right.lines) {
    line.line_off = typed.line;
    line.file_name_off = typed.line;
    line.line_col = 5U << 10 | 3;
  }
  const auto attempt = [&](std::string_view what, auto change) {
    Records records = right;
    auto& attr = load(session, insns);
    attr.prog_btf_fd = static_cast<std::uint32_t>(btf);
    change(records, attr);
    attr.func_info = attr.func_info == 0 ? address_of(records.functions.data()) : attr.func_info;
    attr.line_info = attr.line_info == 0 ? address_of(records.lines.data()) : attr.line_info;
    attr.func_info_cnt = records.function_count;
    attr.line_info_cnt = records.line_count;
    attr.func_info_rec_size = records.function_bytes;
    attr.line_info_rec_size = records.line_bytes;
    session.close(session.make(what, abi::BPF_PROG_LOAD));
  };
  using Attr = abi::bpf_attr;
  attempt("right", [](Records&, Attr&) {});
  attempt("BTF closed", [](Records&, Attr& a) { a.prog_btf_fd = 1'000'000; });
  attempt("BTF a file", [&](Records&, Attr& a) {
    a.prog_btf_fd = static_cast<std::uint32_t>(session.other_file());
  });
  for (const std::uint32_t bytes : {0U, 4U, 7U, 9U, 12U, 252U, 256U, 260U, 1U << 31}) {
    attempt(text("functions of {} bytes", bytes),
            [&](Records& r, Attr&) { r.function_bytes = bytes; });
    attempt(text("lines of {} bytes", bytes), [&](Records& r, Attr&) { r.line_bytes = bytes; });
    attempt(text("no functions of {} bytes", bytes), [&](Records& r, Attr&) {
      r.function_bytes = bytes;
      r.function_count = 0;
    });
    attempt(text("no lines of {} bytes", bytes), [&](Records& r, Attr&) {
      r.line_bytes = bytes;
      r.line_count = 0;
    });
  }
  for (const std::uint32_t count : {0U, 1U, 3U, 1U << 20, UINT32_MAX}) {
    attempt(text("{} functions", count), [&](Records& r, Attr&) { r.function_count = count; });
    attempt(text("{} lines", count), [&](Records& r, Attr&) { r.line_count = count; });
  }
  attempt("functions nowhere", [](Records&, Attr& a) { a.func_info = 8; });
  attempt("lines nowhere", [](Records&, Attr& a) { a.line_info = 8; });
  for (const std::uint32_t at : {0U, 1U, 2U, 3U, 4U, 5U, UINT32_MAX}) {
    for (std::size_t i = 0; i < 2; ++i)
      attempt(text("function {} at {}", i, at),
              [&](Records& r, Attr&) { r.functions[i].insn_off = at; });
    for (std::size_t i = 0; i < 3; ++i)
      attempt(text("line {} at {}", i, at), [&](Records& r, Attr&) { r.lines[i].insn_off = at; });
  }
  for (const std::uint32_t type : {0U, typed.number, typed.prototype, 99U, UINT32_MAX})
    attempt(text("function of type {}", type),
            [&](Records& r, Attr&) { r.functions[1].type_id = type; });
  for (const std::uint32_t place : {0U, 1U, 1000U, UINT32_MAX}) {
    attempt(text("line text at {}", place),
            [&](Records& r, Attr&) { r.lines[1].line_off = place; });
    attempt(text("file text at {}", place),
            [&](Records& r, Attr&) { r.lines[1].file_name_off = place; });
  }
}

void btf_arguments(Session& session) {
  BtfBuilder types;
  types.integer("int", 4);
  const Bytes right = types.bytes();
  std::array<char, 256> log{};
  const auto attempt = [&](std::string_view what, auto change) {
    auto& attr = session.fresh();
    attr.btf = address_of(right.data());
    attr.btf_size = static_cast<std::uint32_t>(right.size());
    change(attr);
    session.close(session.make(what, abi::BPF_BTF_LOAD));
  };
  attempt("right", [](abi::bpf_attr&) {});
  for (const std::uint32_t bytes : {0U, 1U, 23U, 24U, 25U, (16U << 20) + 1, UINT32_MAX})
    attempt(text("{} bytes", bytes), [&](abi::bpf_attr& a) { a.btf_size = bytes; });
  attempt("nowhere", [](abi::bpf_attr& a) { a.btf = 8; });
  for (unsigned bit = 0; bit < 32; ++bit)
    attempt(text("flag {}", bit), [&](abi::bpf_attr& a) { a.btf_flags = 1U << bit; });
  attempt("closed token", [](abi::bpf_attr& a) {
    a.btf_flags = 1U << 16;
    a.btf_token_fd = Session::closed();
  });
  for (std::uint32_t level = 0; level <= 17; ++level)
    for (const bool buffer : {false, true})
      for (const std::uint32_t bytes : {0U, 256U, UINT32_MAX}) {
        if (buffer && bytes == UINT32_MAX && level != 0 && (level & ~15U) == 0) continue;
        attempt(text("log level {} buffer {} bytes {}", level, buffer, bytes),
                [&](abi::bpf_attr& a) {
                  a.btf_log_level = level;
                  a.btf_log_buf = buffer ? address_of(log.data()) : 0;
                  a.btf_log_size = bytes;
                });
      }
}

// What is told of a program: tag, type, licence, sizes, instructions as Linux runs them.
void told(Session& session) {
  const std::array programs = {returning(2), returning(77), two_functions()};
  for (std::size_t i = 0; i < programs.size(); ++i)
    for (const std::uint32_t type :
         {abi::BPF_PROG_TYPE_SOCKET_FILTER, abi::BPF_PROG_TYPE_SCHED_CLS, abi::BPF_PROG_TYPE_XDP,
          abi::BPF_PROG_TYPE_RAW_TRACEPOINT, abi::BPF_PROG_TYPE_CGROUP_SKB})
      for (const char* license : {"GPL", "Proprietary", "Dual MIT/GPL", ""}) {
        load(session, programs[i], type).license = address_of(license);
        const std::string label = text("program {} type {} license '{}'", i, type, license);
        const int fd = session.make(label, abi::BPF_PROG_LOAD);
        if (fd < 0) continue;
        std::array<std::byte, 1024> insns{};
        abi::bpf_prog_info info{};
        info.xlated_prog_len = insns.size();
        info.xlated_prog_insns = address_of(insns.data());
        auto& attr = session.fresh();
        attr.info.bpf_fd = static_cast<std::uint32_t>(fd);
        attr.info.info_len = sizeof(info);
        attr.info.info = address_of(&info);
        session.ask(label + " info", abi::BPF_OBJ_GET_INFO_BY_FD);
        session.note(label + " type", info.type);
        session.note(label + " gpl", info.gpl_compatible);
        session.note_bytes(label + " tag", info.tag, sizeof(info.tag));
        session.note(label + " xlated", info.xlated_prog_len);
        session.note_bytes(label + " insns", insns.data(), info.xlated_prog_len % 1024);
        session.note(label + " maps", info.nr_map_ids);
        session.note(label + " functions", info.nr_func_info);
        session.close(fd);
      }
}

}  // namespace

TEST_CASE("machine: what loading refuses before it looks at the program") {
  if (const auto why = why_no_linux()) return skip(*why);
  compare(arguments);
  compare(logs);
}

TEST_CASE("machine: program types and attach types") {
  if (const auto why = why_no_linux()) return skip(*why);
  compare(types_and_attach_types);
}

TEST_CASE("machine: records of functions and lines") {
  if (const auto why = why_no_linux()) return skip(*why);
  compare(records_of_functions_and_lines);
}

TEST_CASE("machine: loading BTF") {
  if (const auto why = why_no_linux()) return skip(*why);
  compare(btf_arguments);
}

TEST_CASE("machine: what is told of programs") {
  if (const auto why = why_no_linux()) return skip(*why);
  compare(told);
}

}  // namespace skep::test
