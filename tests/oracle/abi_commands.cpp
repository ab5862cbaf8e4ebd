// SPDX-License-Identifier: Apache-2.0
// How much of bpf_attr each command of the running Linux 6.18 looks at, asked with single non-zero
// bytes: the end of the last field in kCommands, and the size of the union.
#include "abi/commands.h"

#include <doctest/doctest.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "abi/map_types.h"
#include "base/fd.h"
#include "tests/support/linux_bpf.h"
#include "tests/support/skip.h"

namespace skep::test {

namespace {

using Argument = std::array<std::byte, abi::kMaxBpfAttrBytes + 1>;

std::optional<std::string> why_not_here() {
  utsname host{};
  if (::uname(&host) != 0 || !std::string_view(host.release).starts_with("6.18."))
    return "not Linux 6.18";
  return why_no_bpf();
}

// The errno, 0 for success. What is made is closed at once.
int ask(std::uint32_t command, Argument& argument, std::size_t bytes) {
  const long made = ::syscall(SYS_bpf, command, argument.data(), bytes);
  if (made < 0) return errno;
  if (made > STDERR_FILENO) const Fd closes(static_cast<int>(made));
  return 0;
}

constexpr std::uint32_t kNoFd = 0x7fff'0000;

struct Word {
  std::uint32_t offset;
  std::uint32_t value;
};

// An argument that is right as far as the size of its last field, and fails after that, or works:
// not with EINVAL. Then one bit inside of the last field, at `within`, still does not give EINVAL.
struct Sample {
  std::uint32_t command;
  std::array<Word, 6> words;
  Word within;
};

// Left out: BPF_PROG_LOAD reads all of the union. No `within` where a field must be zero as well.
constexpr Sample kSamples[] = {
    {abi::BPF_MAP_CREATE,
     {{{0, abi::BPF_MAP_TYPE_HASH}, {4, 4}, {8, 8}, {12, 1}, {80, 1}, {88, 32}}},
     {88, 32}},
    {abi::BPF_MAP_LOOKUP_ELEM, {{{0, kNoFd}}}, {24, abi::BPF_F_LOCK}},
    {abi::BPF_MAP_UPDATE_ELEM, {{{0, kNoFd}}}, {28, 1}},
    {abi::BPF_MAP_DELETE_ELEM, {{{0, kNoFd}}}, {12, 1}},
    {abi::BPF_MAP_GET_NEXT_KEY, {{{0, kNoFd}}}, {20, 1}},
    {abi::BPF_OBJ_GET, {{{12, abi::BPF_F_PATH_FD}, {16, kNoFd}}}, {16, kNoFd}},
    {abi::BPF_PROG_ATTACH, {{{4, kNoFd}}}, {28, 1}},
    {abi::BPF_PROG_DETACH, {{{0, kNoFd}, {8, 6}}}, {28, 1}},
    {abi::BPF_PROG_TEST_RUN, {{{0, kNoFd}}}, {72, 1}},
    {abi::BPF_PROG_GET_NEXT_ID, {}, {4, 1}},
    {abi::BPF_MAP_GET_NEXT_ID, {}, {4, 1}},
    {abi::BPF_PROG_GET_FD_BY_ID, {}, {0, kNoFd}},
    {abi::BPF_MAP_GET_FD_BY_ID, {}, {8, 0}},
    {abi::BPF_OBJ_GET_INFO_BY_FD, {{{0, kNoFd}}}, {12, 1}},
    {abi::BPF_PROG_QUERY, {{{0, kNoFd}}}, {60, 1}},
    {abi::BPF_RAW_TRACEPOINT_OPEN, {{{8, kNoFd}}}, {20, 1}},
    {abi::BPF_BTF_LOAD, {{{16, 64}}}, {36, 0}},
    {abi::BPF_BTF_GET_FD_BY_ID, {}, {12, 1}},
    {abi::BPF_TASK_FD_QUERY, {}, {44, 1}},
    {abi::BPF_MAP_LOOKUP_AND_DELETE_ELEM, {{{0, kNoFd}}}, {24, abi::BPF_F_LOCK}},
    {abi::BPF_MAP_FREEZE, {{{0, kNoFd}}}, {0, kNoFd}},
    {abi::BPF_BTF_GET_NEXT_ID, {}, {4, 1}},
    {abi::BPF_MAP_LOOKUP_BATCH, {{{36, kNoFd}}}, {52, 1}},
    {abi::BPF_MAP_LOOKUP_AND_DELETE_BATCH, {{{36, kNoFd}}}, {52, 1}},
    {abi::BPF_MAP_UPDATE_BATCH, {{{36, kNoFd}}}, {52, 1}},
    {abi::BPF_MAP_DELETE_BATCH, {{{36, kNoFd}}}, {52, 1}},
    {abi::BPF_LINK_CREATE, {{{0, kNoFd}}}, {56, 1}},
    {abi::BPF_LINK_UPDATE, {{{0, kNoFd}, {8, 4}}}, {12, 1}},
    {abi::BPF_LINK_GET_FD_BY_ID, {}, {0, kNoFd}},
    {abi::BPF_LINK_GET_NEXT_ID, {}, {4, 1}},
    {abi::BPF_ENABLE_STATS, {}, {0, 0}},
    {abi::BPF_ITER_CREATE, {{{0, kNoFd}}}, {4, 0}},
    {abi::BPF_LINK_DETACH, {{{0, kNoFd}}}, {0, kNoFd}},
    {abi::BPF_PROG_BIND_MAP, {{{0, kNoFd}}}, {8, 0}},
    {abi::BPF_TOKEN_CREATE, {{{4, kNoFd}}}, {4, kNoFd}},
    {abi::BPF_PROG_STREAM_READ_BY_FD, {{{16, kNoFd}}}, {16, kNoFd}},
};
// And BPF_OBJ_PIN, which takes the same as BPF_OBJ_GET but wants an object that exists.
static_assert(std::size(kSamples) + 2 == abi::__MAX_BPF_CMD);

void put(Argument& argument, const Word& word) {
  std::memcpy(argument.data() + word.offset, &word.value, sizeof(word.value));
}

Argument filled(const Sample& sample) {
  Argument argument{};
  // Words that are not given are zero at offset 0, where they must not undo the first.
  for (const Word& word : sample.words)
    if (word.value != 0) put(argument, word);
  return argument;
}

}  // namespace

TEST_CASE("each command looks at its fields, and wants zero behind the last") {
  if (const auto why = why_not_here()) return skip(*why);
  for (const Sample& sample : kSamples) {
    const abi::Command& command = abi::kCommands.at(sample.command);
    CAPTURE(command.name);
    Argument plain = filled(sample);
    CHECK(ask(sample.command, plain, abi::kBpfAttrBytes) != EINVAL);

    Argument inside = filled(sample);
    put(inside, sample.within);
    CHECK(ask(sample.command, inside, abi::kBpfAttrBytes) != EINVAL);
    CHECK(sample.within.offset < command.last_field_end);
    CHECK(sample.within.offset + 8 >= command.last_field_end);

    for (std::size_t at = command.last_field_end; at < abi::kBpfAttrBytes; ++at) {
      Argument behind = filled(sample);
      behind.at(at) = std::byte{4};
      CAPTURE(at);
      CHECK(ask(sample.command, behind, abi::kBpfAttrBytes) == EINVAL);
    }
  }
}

TEST_CASE("bytes behind the union must be zero, and a page is the most") {
  if (const auto why = why_not_here()) return skip(*why);
  const std::uint32_t command = abi::BPF_LINK_GET_FD_BY_ID;
  Argument argument{};
  for (const std::size_t bytes :
       {abi::kBpfAttrBytes, abi::kBpfAttrBytes + 1, abi::kMaxBpfAttrBytes})
    CHECK(ask(command, argument, bytes) == ENOENT);
  CHECK(ask(command, argument, abi::kMaxBpfAttrBytes + 1) == E2BIG);
  argument.at(abi::kBpfAttrBytes - 1) = std::byte{1};
  CHECK(ask(command, argument, abi::kBpfAttrBytes + 1) == EINVAL);
  argument.at(abi::kBpfAttrBytes) = std::byte{1};
  CHECK(ask(command, argument, abi::kBpfAttrBytes + 1) == E2BIG);
}

TEST_CASE("commands newer than Linux 6.18 are unknown to it") {
  if (const auto why = why_not_here()) return skip(*why);
  for (const abi::Command& command : abi::kCommands) {
    if (!command.newer) continue;
    Argument argument{};
    CHECK(ask(command.number, argument, abi::kBpfAttrBytes) == EINVAL);
  }
  Argument argument{};
  const std::uint32_t with_more = abi::BPF_LINK_GET_FD_BY_ID | abi::BPF_COMMON_ATTRS;
  CHECK(ask(with_more, argument, abi::kBpfAttrBytes) == EINVAL);
}

}  // namespace skep::test
