// SPDX-License-Identifier: Apache-2.0
#include "tests/oracle/machine_session.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <bit>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "abi/commands.h"
#include "abi/map_types.h"
#include "isa/insn.h"
#include "maps/cpus.h"
#include "tests/support/btf_builder.h"
#include "tests/support/linux_bpf.h"

namespace skep::test {

namespace {

long unmapped(void* at, std::uint64_t bytes) {
  ::munmap(at, bytes);
  return 0;
}

bool is_known(const std::vector<std::string_view>& known, std::string_view label) {
  return std::ranges::any_of(known, [&](std::string_view one) {
    return one.ends_with('*') ? label.starts_with(one.substr(0, one.size() - 1)) : label == one;
  });
}

std::string shown(long answer) {
  if (answer >= 0) return text("{}", answer);
  const char* name = ::strerrorname_np(static_cast<int>(-answer));
  return name != nullptr ? text("{}", name) : text("errno {}", -answer);
}

}  // namespace

std::optional<std::string> why_no_linux() { return why_no_bpf(); }

long KernelSide::bpf(std::uint32_t command, void* attr, std::uint32_t bytes) {
  const long status = ::syscall(SYS_bpf, command, attr, bytes);
  return status < 0 ? -errno : status;
}

long KernelSide::close(int fd) { return ::close(fd) < 0 ? -errno : 0; }

long KernelSide::map_pages(int fd, std::uint64_t bytes, int protection, std::uint64_t offset) {
  void* at = ::mmap(nullptr, bytes, protection, MAP_SHARED, fd, static_cast<off_t>(offset));
  return at == MAP_FAILED ? -errno : unmapped(at, bytes);
}

MachineSide::MachineSide() {
  auto made = machine::Machine::create(
      {.region = {.limit_bytes = std::uint64_t{256} << 20, .cpus = maps::possible_cpus()}});
  REQUIRE(made.has_value());
  machine_ = std::move(*made);
}

long MachineSide::bpf(std::uint32_t command, void* attr, std::uint32_t bytes) {
  return machine_->bpf(command, attr, bytes);
}

long MachineSide::close(int fd) { return machine_->close(fd); }

long MachineSide::map_pages(int fd, std::uint64_t bytes, int protection, std::uint64_t offset) {
  const long at = machine_->mmap(fd, bytes, protection, offset);
  return at < 0 && at > -4096 ? at : unmapped(std::bit_cast<void*>(at), bytes);
}

Session::Session(Side& side) : side_(side), other_(::open("/dev/null", O_RDWR | O_CLOEXEC)) {}

Session::~Session() {
  for (const int fd : made_) (void)side_.close(fd);
}

abi::bpf_attr& Session::fresh() {
  std::memset(&attr_, 0, sizeof(attr_));
  return attr_;
}

void Session::note(std::string_view label, std::string_view answer) {
  labels_.emplace_back(label);
  lines_.emplace_back(answer);
}

void Session::note(std::string_view label, long answer) { note(label, shown(answer)); }

void Session::note_bytes(std::string_view label, const void* from, std::size_t bytes) {
  note(label, print_hex({static_cast<const std::byte*>(from), bytes}, 8));
}

long Session::ask(std::string_view label, std::uint32_t command, std::uint32_t bytes) {
  const long answer = side_.bpf(command, &attr_, bytes);
  note(label, answer);
  return answer;
}

int Session::make(std::string_view label, std::uint32_t command, std::uint32_t bytes) {
  const long fd = side_.bpf(command, &attr_, bytes);
  if (fd >= 0) made_.push_back(static_cast<int>(fd));
  note(label, fd >= 0 ? std::string("made") : shown(fd));
  return static_cast<int>(fd);
}

int Session::need(std::string_view label, std::uint32_t command) {
  const long fd = side_.bpf(command, &attr_, sizeof(attr_));
  if (fd < 0) FAIL(side_.name(), " cannot make ", label, ": ", shown(fd));
  made_.push_back(static_cast<int>(fd));
  return static_cast<int>(fd);
}

void Session::close(int fd) {
  if (fd < 0) return;
  std::erase(made_, fd);
  (void)side_.close(fd);
}

void compare(const Scenario& scenario, const std::vector<std::string_view>& known) {
  KernelSide kernel;
  MachineSide machine;
  Session theirs(kernel);
  Session ours(machine);
  scenario(theirs);
  scenario(ours);
  CHECK(theirs.lines().size() == ours.lines().size());
  const std::size_t count = std::min(theirs.lines().size(), ours.lines().size());
  for (std::size_t i = 0; i < count; ++i) {
    const std::string& label = theirs.labels()[i];
    // One of them could not go on: what made it so was told above.
    if (label != ours.labels()[i]) return;
    if (is_known(known, label)) continue;
    if (theirs.lines()[i] != ours.lines()[i])
      FAIL_CHECK(label, ": Linux says ", theirs.lines()[i], ", the machine ", ours.lines()[i]);
  }
}

bool compare_to_first(const Scenario& scenario) {
  KernelSide kernel;
  MachineSide machine;
  Session theirs(kernel);
  Session ours(machine);
  scenario(theirs);
  scenario(ours);
  for (std::size_t i = 0; i < std::min(theirs.lines().size(), ours.lines().size()); ++i) {
    if (theirs.lines()[i] == ours.lines()[i]) continue;
    FAIL_CHECK(theirs.labels()[i], ": Linux says ", theirs.lines()[i], ", the machine ",
               ours.lines()[i]);
    return false;
  }
  return true;
}

int make_array(Session& session, std::uint32_t entries, std::uint32_t flags) {
  auto& attr = session.fresh();
  attr.map_type = abi::BPF_MAP_TYPE_ARRAY;
  attr.key_size = 4;
  attr.value_size = 8;
  attr.max_entries = entries;
  attr.map_flags = flags;
  return session.need("an array", abi::BPF_MAP_CREATE);
}

int make_program(Session& session, std::uint32_t type, std::int32_t r0, std::uint32_t attach_type) {
  constexpr std::uint8_t kMove = 0xb7;
  constexpr std::uint8_t kLeave = 0x95;
  const Bytes bytes =
      isa::encode(std::array{isa::Insn{.code = kMove, .imm = r0}, isa::Insn{.code = kLeave}});
  auto& attr = session.fresh();
  attr.prog_type = type;
  attr.expected_attach_type = attach_type;
  attr.insn_cnt = 2;
  attr.insns = address_of(bytes.data());
  attr.license = address_of("GPL");
  return session.need("a program", abi::BPF_PROG_LOAD);
}

int make_btf(Session& session) {
  BtfBuilder types;
  types.integer("int", 4);
  const Bytes bytes = types.bytes();
  auto& attr = session.fresh();
  attr.btf = address_of(bytes.data());
  attr.btf_size = static_cast<std::uint32_t>(bytes.size());
  return session.need("BTF", abi::BPF_BTF_LOAD);
}

}  // namespace skep::test
