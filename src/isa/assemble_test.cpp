// SPDX-License-Identifier: Apache-2.0
#include "isa/assemble.h"

#include <doctest/doctest.h>

#include "base/hex.h"

namespace skep::isa {

namespace {

std::optional<std::uint32_t> number_of(std::string_view name) {
  return name == "bpf_ktime_get_ns" ? std::optional<std::uint32_t>(5) : std::nullopt;
}
constexpr HelperNames kNames{.name_of = nullptr, .number_of = number_of};

std::string bytes_of(std::string_view source) {
  const auto program = assemble(source, "t", kNames);
  return program ? print_hex(encode(*program), 8) : program.error().what;
}

}  // namespace

TEST_CASE("assemble: statements are parted by lines and semicolons, comments go") {
  const std::string expected = "b700000001000000 9500000000000000";
  CHECK(bytes_of("r0 = 1\nexit") == expected);
  CHECK(bytes_of("r0 = 1; exit;\n") == expected);
  CHECK(bytes_of("# all\n  r0 = 1 // one\r\n/* two\n lines */ exit # end") == expected);
  CHECK(bytes_of("").empty());
}

TEST_CASE("assemble: labels before and behind, on their own line or not") {
  CHECK(bytes_of("goto out\nout: exit") == "0500000000000000 9500000000000000");
  CHECK(bytes_of("top:\nr0 = 1\ngoto top") == "b700000001000000 0500feff00000000");
  CHECK(bytes_of("call f\nexit\nf:\nexit") == "8510000001000000 9500000000000000 9500000000000000");
  CHECK(bytes_of("gotol out\nr1 = 1 ll\nout: exit").substr(0, 16) == "0600000002000000");
  CHECK(bytes_of("r1 = subprog[f]\nexit\nf: exit").substr(0, 16) == "1841000002000000");
}

TEST_CASE("assemble: what is wrong with a label") {
  CHECK(bytes_of("goto out") == "t:1:6: label out is not defined");
  CHECK(bytes_of("a:\na: exit") == "t:2:1: label a is defined twice");
  CHECK(bytes_of("goto out\nout:\n") == "t:1:6: label out has no instruction behind it");
  std::string far = "goto out\n";
  for (int i = 0; i < 32768; ++i) far += "exit\n";
  const std::string nearest = far.substr(0, far.size() - std::string_view("exit\n").size());
  CHECK(bytes_of(nearest + "out: exit").starts_with("0500ff7f00000000 "));
  CHECK(
      bytes_of(far + "out: exit") ==
      "t:1:6: label out is 32768 instructions away, which does not fit 16 bits; go there by gotol");
}

TEST_CASE("assemble: helpers by name, by number, by both") {
  const std::string expected = "8500000005000000";
  for (const char* source :
       {"call 5", "call bpf_ktime_get_ns", "call bpf_ktime_get_ns#5", "call unknown#5", "call 0x5"})
    CHECK(bytes_of(source) == expected);
  CHECK(bytes_of("call bpf_ktime_get_ns#6") ==
        "t:1:6: helper bpf_ktime_get_ns has number 5, not 6");
  CHECK(bytes_of("call bpf_nothing") == "t:1:6: helper bpf_nothing is not known");
  CHECK(bytes_of("call kfunc#-5") == "85200000fbffffff");
}

TEST_CASE("assemble: numbers at their limits") {
  CHECK(bytes_of("r0 = -2147483648") == "b700000000000080");
  CHECK(bytes_of("w0 = 4294967295") == "b4000000ffffffff");
  CHECK(bytes_of("if r1 == 0xffffffff goto +0") == "15010000ffffffff");
  CHECK(bytes_of("r0 = 0xffffffff") ==
        "t:1:6: 0xffffffff would be sign-extended to 0xffffffffffffffff; write -1 for that");
  CHECK(bytes_of("r0 = 4294967296") ==
        "t:1:6: a number of more than 32 bits needs \"ll\" behind it");
  CHECK(bytes_of("r0 = 18446744073709551616 ll") == "t:1:6: this number does not fit 64 bits");
  CHECK(bytes_of("r0 = -9223372036854775808 ll") == "1800000000000000 0000000000000080");
  CHECK(bytes_of("r0 = *(u8 *)(r1 + 32768)") == "t:1:17: this offset does not fit 16 bits");
  CHECK(bytes_of("r0 = *(u8 *)(r1 - 32768)") == "7110008000000000");
}

TEST_CASE("assemble: what was expected and what stands there") {
  CHECK(bytes_of("nop") == "t:1:1: expected an instruction, found 'nop'");
  CHECK(bytes_of("r11 = 1") == "t:1:1: expected an instruction, found 'r11'");
  CHECK(bytes_of("exit now") == "t:1:6: expected end of line, found 'now'");
  CHECK(bytes_of("r0 =\nexit") == "t:1:5: expected a value, found end of line");
  CHECK(bytes_of("r0 = 12x") == "t:1:8: expected a digit, found 'x'");
  CHECK(bytes_of("r0 = @") == "t:1:6: '@' has no meaning here");
  CHECK(bytes_of("\n  goto 5") == "t:2:8: expected a label, +N or -N, found '5'");
  CHECK(bytes_of("/* open") == "t:1:1: this comment is not closed by */");
  CHECK(bytes_of("w0 = r1") == "t:1:6: expected w1 as wide as the destination, found r1");
  CHECK(bytes_of("r1 = -r2") ==
        "t:1:7: negation works in place: expected the register on the left");
  CHECK(bytes_of("w1 = -r1") ==
        "t:1:7: negation works in place: expected the register on the left");
  CHECK(bytes_of("lock *(u16 *)(r1 + 0) += r2") == "t:1:15: atomics work on u32 or u64");
  CHECK(bytes_of("*(s8 *)(r1 + 0) = 1") == "t:1:9: stores have no sign; write u8 to u64");
}

TEST_CASE("assemble: dumps are read as they are") {
  const std::string expected =
      "1801000007000000 0000000000000000 0500000000000000 9500000000000000";
  CHECK(bytes_of("   0: (18) r1 = 0x7\n   2: (05) goto pc+0\n   3: (95) exit\n") == expected);
  CHECK(bytes_of("0000000000000000 <main>:\n"
                 "; int x = 7;\n"
                 "       0:\t18 01 00 00 07 00 00 00 00 00 00 00 00 00 00 00\tr1 = 0x7 ll\n"
                 "       2:\t05 00 00 00 00 00 00 00\tgoto +0x0 <main+0x18>\n"
                 "       3:\t95 00 00 00 00 00 00 00\texit\n") == expected);
  CHECK(bytes_of("95 00 00 00 00 00 00 00  exit") == "9500000000000000");
}

}  // namespace skep::isa
