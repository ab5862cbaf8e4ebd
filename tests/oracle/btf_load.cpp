// SPDX-License-Identifier: Apache-2.0
// Btf::read and the running Linux's BPF_BTF_LOAD agree on the same bytes: both accept, or both
// refuse with the same errno. Random changes to good BTFs, made where the meaning is.
#include <doctest/doctest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <map>
#include <random>

#include "abi/bpf_attr.h"
#include "base/fd.h"
#include "base/file.h"
#include "btf/btf.h"
#include "btf/index.h"
#include "tests/oracle/llvm_tools.h"
#include "tests/support/btf_builder.h"
#include "tests/support/btf_cases.h"
#include "tests/support/linux_bpf.h"
#include "tests/support/rounds.h"
#include "tests/support/skip.h"

namespace skep::test {

namespace {

constexpr int kBtfLoad = 18;
constexpr std::string_view kReleasable[] = {"task_struct",         "cgroup",
                                            "bpf_cpumask",         "bpf_crypto_ctx",
                                            "prog_test_ref_kfunc", "prog_test_member"};
constexpr const char* kKernelBtf = "/sys/kernel/btf/vmlinux";

int errno_of_linux(std::span<const std::byte> bytes) {
  abi::bpf_attr attributes;
  std::memset(&attributes, 0, sizeof(attributes));
  attributes.btf = reinterpret_cast<std::uint64_t>(bytes.data());
  attributes.btf_size = static_cast<std::uint32_t>(bytes.size());
  const Fd fd(
      static_cast<int>(::syscall(SYS_bpf, kBtfLoad, &attributes, sizeof(attributes))));  // NOLINT
  return fd ? 0 : errno;
}

// The running kernel's types, for kptrs.
struct Kernel {
  btf::Btf btf;
  btf::NameIndex structs;

  explicit Kernel(btf::Btf read) : btf(std::move(read)), structs(btf, abi::BTF_KIND_STRUCT) {}
  [[nodiscard]] btf::KernelTypes types() const { return {&structs, kReleasable}; }
};

Kernel read_kernel() {
  const auto bytes = read_file(kKernelBtf);
  REQUIRE(bytes);
  auto btf = btf::Btf::read(*bytes);
  if (!btf) FAIL(btf.error().what);
  return Kernel(*std::move(btf));
}

struct Compared {
  std::map<int, std::uint64_t> verdicts;
  std::uint64_t count = 0;
};

std::string types_of(const Bytes& bytes) {
  return print_hex(std::span(bytes).first(std::min<std::size_t>(bytes.size(), 2048)), 4);
}

bool agrees(const Kernel& kernel, const Bytes& bytes, Compared& compared) {
  const int theirs = errno_of_linux(bytes);
  const auto ours = btf::Btf::read(bytes, kernel.types());
  ++compared.count;
  ++compared.verdicts[theirs];
  const int sys = ours ? 0 : ours.error().sys;
  if (sys == theirs) return true;
  const std::string what = ours ? std::string() : ours.error().what;
  MESSAGE("Linux says ", theirs, ", we say ", sys, " ", what, "\n", types_of(bytes));
  return false;
}

std::string summary(const Compared& compared) {
  std::string line = text("{} BTFs compared:", compared.count);
  for (const auto& [sys, count] : compared.verdicts)
    append_text(line, " {} x {}", count, sys == 0 ? "accepted" : std::strerror(sys));
  return line;
}

using Random = std::mt19937_64;

std::uint32_t below(Random& random, std::uint64_t bound) {
  return static_cast<std::uint32_t>(random() % bound);
}

// Numbers near what is there, near the borders of fields, and small ones as ids and sizes are.
std::uint32_t changed(Random& random, std::uint32_t word) {
  switch (below(random, 8)) {
    case 0:
      return word ^ 1U << below(random, 32);
    case 1:
      return word + 1;
    case 2:
      return word - 1;
    case 3:
      return below(random, 64);
    case 4:
      return below(random, 16) * 8;
    case 5:
      return (word & 0x00ff'ffff) | below(random, 20) << 24;
    case 6:
      return (word & 0xffff'0000) | below(random, 12);
    default:
      return below(random, 2) == 0 ? 0 : 0xffff'ffff;
  }
}

std::uint32_t word_at(const Bytes& bytes, std::size_t at) {
  return load<std::uint32_t>(bytes.data() + at);
}

// One change: mostly a word of a type, sometimes of the header, a character, or the length.
void change(Random& random, Bytes& bytes) {
  const std::uint32_t place = below(random, 100);
  const auto header = load<abi::btf_header>(bytes.data());
  const std::size_t strings = sizeof(header) + header.type_len;
  if (place < 2) {
    bytes.resize(bytes.size() - below(random, 8));
  } else if (place < 8) {
    const std::size_t at = std::size_t{below(random, sizeof(header) / 4)} * 4;
    store(bytes.data() + at, changed(random, word_at(bytes, at)));
  } else if (place < 14 && strings < bytes.size()) {
    bytes[strings + below(random, bytes.size() - strings)] = std::byte(below(random, 256));
  } else {
    const std::size_t words = (std::min(strings, bytes.size()) - sizeof(header)) / 4;
    if (words == 0) return;
    const std::size_t at = sizeof(header) + std::size_t{below(random, words)} * 4;
    // Now and then a word of some other place, which is an id or a name more often than not.
    const std::uint32_t word =
        below(random, 3) == 0
            ? word_at(bytes, sizeof(header) + std::size_t{below(random, words)} * 4)
            : changed(random, word_at(bytes, at));
    store(bytes.data() + at, word);
  }
}

// Linux counts the fields of an array in 32 bits: a count that wraps there is written past the end
// of a buffer of the kernel's. We count in 64 and say "more than 11 fields".
bool is_safe_for_linux(const Kernel& kernel, const Bytes& bytes) {
  constexpr std::uint32_t kArrayInfo = abi::btf_info(abi::BTF_KIND_ARRAY, 0);
  const auto read = btf::Btf::read(bytes, kernel.types());
  if (read || read.error().sys != E2BIG) return true;
  for (std::size_t at = 0; at + 20 <= bytes.size(); at += 4)
    if (word_at(bytes, at) == kArrayInfo && word_at(bytes, at + 16) > 1U << 20) return false;
  return true;
}

void mutate(const Kernel& kernel, const Bytes& good, std::uint64_t count, std::uint64_t seed) {
  Random random(seed);
  Compared compared;
  std::uint64_t differences = 0;
  for (std::uint64_t round = 0; round < count && differences < 5; ++round) {
    Bytes bytes = good;
    for (std::uint32_t changes = 1 + below(random, 3); changes > 0; --changes)
      change(random, bytes);
    if (!is_safe_for_linux(kernel, bytes)) continue;
    if (!agrees(kernel, bytes, compared)) ++differences;
  }
  CHECK(differences == 0);
  MESSAGE(summary(compared));
}

constexpr std::string_view kSource = R"(
typedef unsigned int u32; typedef unsigned long long u64;
#define __kptr __attribute__((btf_type_tag("kptr_untrusted")))
struct list { struct list *next; u32 a : 3; u32 b : 7; volatile const char name[16]; };
union both { u64 wide; struct { u32 low; u32 high; }; };
enum state { idle, busy = 5 }; enum far { beyond = 0x100000000ULL };
struct value { struct list head; union both both[3]; enum state state; enum far far;
               int (*call)(struct list *, u32); struct list __kptr *seen; double share; };
struct missing; typedef struct missing *where_t;
__attribute__((noinline)) static int add(struct value *v, int n) { return v->state + n; }
__attribute__((section("xdp"))) int run(struct value *v, where_t where) {
  return add(v, 10) + (where != 0);
}
)";

Bytes compiled() {
  const ScratchFolder folder;
  REQUIRE(write_file(folder.path("a.c"), as_bytes(kSource)));
  const auto made =
      output_of(text("clang -target bpf -O2 -g -c {0}.c -o {0}.o && llvm-objcopy "
                     "--dump-section .BTF={0}.btf {0}.o",
                     folder.path("a")));
  if (!made) FAIL(made.error().what);
  auto bytes = read_file(folder.path("a.btf"));
  REQUIRE(bytes);
  return *std::move(bytes);
}

}  // namespace

TEST_CASE("btf: Linux and Btf::read agree on each rule") {
  if (const auto& why = why_no_bpf()) return skip(*why);
  const Kernel kernel = read_kernel();
  Compared compared;
  for (const BtfCase& each : btf_cases()) {
    const std::string rule(each.rule);
    CAPTURE(rule);
    CHECK(agrees(kernel, each.bytes, compared));
  }
  MESSAGE(summary(compared));
}

TEST_CASE("btf: Linux and Btf::read agree on changed BTFs") {
  if (const auto& why = why_no_bpf()) return skip(*why);
  const Kernel kernel = read_kernel();
  SUBCASE("every kind") {
    CHECK(errno_of_linux(every_kind().bytes()) == 0);
    mutate(kernel, every_kind().bytes(), rounds(70'000), 1);
  }
  SUBCASE("every object field") {
    CHECK(errno_of_linux(every_object_field().bytes()) == 0);
    mutate(kernel, every_object_field().bytes(), rounds(70'000), 2);
  }
  SUBCASE("of clang") {
    if (const auto& why = why_no_llvm()) return skip(*why);
    const Bytes bytes = compiled();
    CHECK(errno_of_linux(bytes) == 0);
    mutate(kernel, bytes, rounds(70'000), 3);
  }
}

TEST_CASE("btf: bpftool lists the kernel's types as Btf::read finds them") {
  const auto bytes = read_file(kKernelBtf);
  if (!bytes) return skip("no BTF of the running kernel");
  const auto dump = output_of(text("bpftool btf dump file {}", kKernelBtf));
  if (!dump) return skip(dump.error().what);
  const auto types = btf::Btf::read(*bytes);
  REQUIRE(types);
  std::uint32_t id = 0;
  std::uint32_t different = 0;
  for (std::size_t at = 0; at < dump->size();) {
    const std::size_t end = std::min(dump->find('\n', at), dump->size());
    const std::string_view line = std::string_view(*dump).substr(at, end - at);
    at = end + 1;
    if (!line.starts_with('[')) continue;
    const auto type = types->type(btf::TypeId{++id});
    const std::string_view name = types->name(btf::TypeId{id});
    std::string expected =
        text("[{}] {} '{}'", id, btf::kind_name(type.kind), name.empty() ? "(anon)" : name);
    if (btf::is_enum(type.kind))
      append_text(expected, " encoding={}", type.kind_flag ? "SIGNED" : "UNSIGNED");
    if (btf::has_own_size(type.kind) && type.kind != abi::BTF_KIND_DATASEC)
      append_text(expected, " size={}", type.size());
    if (!line.starts_with(expected)) {
      ++different;
      MESSAGE(line, " is not ", expected);
    }
  }
  CHECK(id + 1 == types->count());
  CHECK(different == 0);
  MESSAGE(id, " types compared");
}

}  // namespace skep::test
