// SPDX-License-Identifier: Apache-2.0
#include "machine/context_rewrite.h"

#include <doctest/doctest.h>

#include <cerrno>

#include "abi/program_types.h"
#include "isa/assemble.h"
#include "isa/print.h"

namespace skep::machine {

namespace {

isa::Program assembled(std::string_view source) {
  auto program = isa::assemble(source, "test", {});
  REQUIRE(program.has_value());
  return std::move(*program);
}

Result<isa::Program> rewritten(std::string_view source,
                               std::uint32_t type = abi::BPF_PROG_TYPE_XDP) {
  return rewrite_context(assembled(source), *find_program_type(type), 0);
}

// Whether the two programs are the same after the first was rewritten.
void check_becomes(std::string_view source, std::string_view expected) {
  const auto made = rewritten(source);
  REQUIRE(made.has_value());
  CHECK(*made == assembled(expected));
}

}  // namespace

TEST_CASE("pointers of the context are loaded from where they are") {
  const auto made = rewritten("r2 = *(u32 *)(r1 +0)\nr0 = 2\nexit\n");
  REQUIRE(made.has_value());
  CHECK((*made)[0].code == 0x79);
  CHECK((*made)[0].offset > 4);
}

TEST_CASE("the context is followed through registers, stack and calls") {
  for (const char* source : {"r6 = r1\ncall 5\nr2 = *(u32 *)(r6 +0)\nr0 = 2\nexit\n",
                             "*(u64 *)(r10 -8) = r1\ncall 5\nr6 = *(u64 *)(r10 -8)\nr2 = *(u32 "
                             "*)(r6 +0)\nr0 = 2\nexit\n",
                             "call pc+1\nexit\nr2 = *(u32 *)(r1 +0)\nr0 = 2\nexit\n"}) {
    CAPTURE(source);
    const auto made = rewritten(source);
    REQUIRE(made.has_value());
    CHECK(*made != assembled(source));
  }
}

TEST_CASE("what is no context any more is left alone") {
  for (const char* source : {"r1 = 0\nr2 = *(u32 *)(r1 +0)\nr0 = 2\nexit\n",
                             "call 5\nr2 = *(u32 *)(r1 +0)\nr0 = 2\nexit\n",
                             "r2 = r10\nif r1 == 0 goto +1\nr2 = r1\nr3 = *(u32 *)(r2 +0)\nr0 = 2\n"
                             "exit\n"}) {
    CAPTURE(source);
    check_becomes(source, source);
  }
}

TEST_CASE("accesses that the type does not allow") {
  const auto beyond = rewritten("r2 = *(u32 *)(r1 +200)\nr0 = 2\nexit\n");
  REQUIRE(!beyond.has_value());
  CHECK(beyond.error().sys == EACCES);
  CHECK(beyond.error().what == "insn 0: invalid bpf_context access off=200 size=4");
  CHECK(!rewritten("*(u32 *)(r1 +0) = 1\nr0 = 2\nexit\n").has_value());
}

TEST_CASE("jumps over a longer replacement lead where they led") {
  // A narrow store of a queue mapping becomes two instructions.
  const std::string source = "if r1 == 0 goto +1\n*(u32 *)(r1 +12) = r2\nr0 = 2\nexit\n";
  const auto made = rewritten(source, abi::BPF_PROG_TYPE_SCHED_CLS);
  REQUIRE(made.has_value());
  REQUIRE(made->size() > 4);
  CHECK(static_cast<std::size_t>((*made)[0].offset) == made->size() - 3);
}

}  // namespace skep::machine
