// SPDX-License-Identifier: Apache-2.0
#include "isa/classic_check.h"

#include <doctest/doctest.h>

#include "isa/classic_assemble.h"

namespace skep::isa {

namespace {

std::string verdict(std::string_view source, ClassicKind kind = ClassicKind::socket) {
  const auto program = assemble_classic(source, "f");
  REQUIRE_MESSAGE(program, program.error().what);
  const Status status = check_classic(*program, kind);
  return status ? "taken" : status.error().what;
}

std::string seccomp_verdict(std::string_view source) {
  return verdict(source, ClassicKind::seccomp);
}

}  // namespace

TEST_CASE("a refused program gets its reason") {
  CHECK(verdict("") == "the program is empty");
  CHECK(verdict("{ 0x10, 0, 0, 0 }\nret a") == "insn 0: opcode 0x10 is unknown to Linux");
  CHECK(verdict("div #0\nret a") == "insn 0: div by the constant 0");
  CHECK(verdict("tax\nmod #0\nret a") == "insn 1: mod by the constant 0");
  CHECK(verdict("lsh #32\nret a") ==
        "insn 0: lsh by 32; A has 32 bits, so the constant is at most 31");
  CHECK(verdict("st M[16]\nret a") == "insn 0: M[16] does not exist; the words are M[0] to M[15]");
  CHECK(verdict("ld [-1]\nret a") == "insn 0: [-1] is no packet byte and no known ancillary load");
  CHECK(verdict("jeq #1 jt 2 jf 1\nret a") ==
        "insn 0: jeq skips 1 instructions, but only 1 follow");
  CHECK(verdict("ja 2\nret a") == "insn 0: ja skips 1 instructions, but only 1 follow");
  CHECK(verdict("ja 0\nret a") == "insn 0: ja skips 4294967295 instructions, but only 1 follow");
  CHECK(verdict("ret a\ntax") == "insn 1: the program ends with tax; it must end with ret");
}

TEST_CASE("words must be stored on every way to where they are read") {
  const std::string missing = "M[1] is read, but not stored on every way to here; st it first";
  CHECK(verdict("ld M[1]\nret a") == "insn 0: " + missing);
  CHECK(verdict("st M[1]\nld M[1]\nret a") == "taken");
  CHECK(verdict("jeq #1, there\nst M[1]\nthere: ldx M[1]\nret a") == "insn 2: " + missing);
  CHECK(verdict("stx M[1]\njeq #1, there\ntax\nthere: ldx M[1]\nret a") == "taken");
  // As in Linux: code behind ret counts as reached from it.
  CHECK(verdict("jeq #1, there\nret a\nthere: st M[1]\nld M[1]\nret a") == "taken");
  CHECK(verdict("jeq #1, set, other\nset: st M[1]\nja out\nother: ret a\nout: ld M[1]\nret a") ==
        "insn 4: " + missing);
}

TEST_CASE("a program may have 4096 instructions") {
  ClassicProgram program(kMaxClassicInsns, {.code = 0x06});
  CHECK(check_classic(program, ClassicKind::socket));
  program.push_back({.code = 0x06});
  CHECK(check_classic(program, ClassicKind::socket).error().what ==
        "the program has 4097 instructions; at most 4096 are allowed");
}

TEST_CASE("seccomp takes fewer operations and only whole words of its data") {
  CHECK(seccomp_verdict("ld [60]\nldx #len\nret a") == "taken");
  CHECK(seccomp_verdict("ld [64]\nret a") ==
        "insn 0: load of 4 bytes at 64; seccomp_data has 64 bytes and is read in multiples of 4");
  CHECK(seccomp_verdict("ld [2]\nret a").starts_with("insn 0: load of 4 bytes at 2; "));
  CHECK(seccomp_verdict("ldh [4]\nret a") == "insn 0: seccomp does not take ldh (opcode 0x28)");
  CHECK(seccomp_verdict("mod #3\nret a") == "insn 0: seccomp does not take mod (opcode 0x94)");
  CHECK(seccomp_verdict("ld cpu\nret a").starts_with("insn 0: load of 4 bytes at 4294963236; "));
}

TEST_CASE("a filter that reads what only the kernel has is taken but cannot be made") {
  for (const std::string_view name : {"nla", "nlan", "hatype", "poff"}) {
    const std::string source = text("ld {}\nret a", name);
    CHECK(verdict(source) == "taken");
    const auto filter =
        ClassicFilter::make(assemble_classic(source, "f").value(), ClassicKind::socket);
    REQUIRE(!filter);
    CHECK(filter.error().code == Code::unsupported);
    CHECK(filter.error().what.starts_with(text("insn 0: {} is for the kernel alone: it ", name)));
  }
}

}  // namespace skep::isa
