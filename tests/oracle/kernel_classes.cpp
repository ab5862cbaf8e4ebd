// SPDX-License-Identifier: Apache-2.0
// The classes over bpf(2) on the machine and on the running Linux: one body of actions, which
// cannot tell where it runs, and the same account of what happened.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/syscall.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <thread>

#include "base/fd.h"
#include "base/file.h"
#include "maps/cpus.h"
#include "skep/assemble.h"
#include "skep/link.h"
#include "skep/machine.h"
#include "skep/map.h"
#include "skep/perf_buffer.h"
#include "skep/program.h"
#include "skep/ring_buffer.h"
#include "tests/support/linux_bpf.h"
#include "tests/support/skip.h"

namespace skep::test {

namespace {

using std::chrono::milliseconds;

long answer(long status) { return status < 0 ? -errno : status; }

class LinuxKernel final : public Kernel {
 public:
  [[nodiscard]] long bpf(std::uint32_t command, void* attr, std::uint32_t bytes) override {
    return answer(::syscall(SYS_bpf, command, attr, bytes));
  }
  long close(int fd) override { return answer(::close(fd)); }
  [[nodiscard]] long read(int fd, std::span<std::byte> into) override {
    return answer(::read(fd, into.data(), into.size()));
  }
  [[nodiscard]] long mmap(int fd, std::uint64_t bytes, int protection,
                          std::uint64_t offset) override {
    return answer(reinterpret_cast<long>(
        ::mmap(nullptr, bytes, protection, MAP_SHARED, fd, static_cast<off_t>(offset))));
  }
  long munmap(void* at, std::uint64_t bytes) override { return answer(::munmap(at, bytes)); }
  [[nodiscard]] long wait(std::span<const int> fds, milliseconds timeout) override {
    std::vector<pollfd> polled;
    for (const int fd : fds) polled.push_back({.fd = fd, .events = POLLIN, .revents = 0});
    const long ready = ::poll(polled.data(), polled.size(), static_cast<int>(timeout.count()));
    return answer(std::min(ready, 1L));
  }
  [[nodiscard]] long unlink(std::string_view path) override {
    return answer(::unlink(std::string(path).c_str()));
  }
  [[nodiscard]] long perf_output(std::uint32_t cpu) override {
    perf_event_attr attr{};
    attr.size = sizeof(attr);
    attr.type = PERF_TYPE_SOFTWARE;
    attr.config = PERF_COUNT_SW_BPF_OUTPUT;
    attr.sample_type = PERF_SAMPLE_RAW;
    attr.sample_period = 1;
    attr.wakeup_events = 1;
    const long fd =
        ::syscall(SYS_perf_event_open, &attr, -1, static_cast<int>(cpu), -1, PERF_FLAG_FD_CLOEXEC);
    if (fd >= 0) (void)::ioctl(static_cast<int>(fd), PERF_EVENT_IOC_ENABLE, 0);
    return answer(fd);
  }
  [[nodiscard]] std::uint32_t cpus() const override { return maps::possible_cpus(); }
};

// What happened, a line each.
class Account {
 public:
  template <class T>
  const T* tell(std::string_view what, const Result<T>& result) {
    lines_.push_back(result ? text("{}: done", what)
                            : text("{}: {} {}", what, result.error().sys, result.error().what));
    return result ? &*result : nullptr;
  }
  void tell(std::string_view what, const Status& status) {
    lines_.push_back(status ? text("{}: done", what)
                            : text("{}: {} {}", what, status.error().sys, status.error().what));
  }
  void say(std::string line) { lines_.push_back(std::move(line)); }
  [[nodiscard]] const std::vector<std::string>& lines() const { return lines_; }

 private:
  std::vector<std::string> lines_;
};

template <class... Args>
void say(Account& account, fmt::format_string<Args...> format, Args&&... args) {
  account.say(fmt::vformat(format, fmt::make_format_args(args...)));
}

void use_array(Kernel& kernel, Account& account) {
  const auto map = Map::create(kernel, {.value_bytes = 8, .max_entries = 4, .name = "numbers"});
  if (account.tell("create", map) == nullptr) return;
  const MapInfo& info = map->info();
  say(account, "{} {} {} {} {} \"{}\"", static_cast<unsigned>(info.type), info.key_bytes,
      info.value_bytes, info.max_entries, info.flags, info.name);
  account.tell("set", map->set(1U, std::uint64_t{11}));
  account.tell("set the last", map->set(3U, std::uint64_t{5}));
  account.tell("only new", map->set(1U, std::uint64_t{12}, kOnlyNew));
  account.tell("past the end", map->set(4U, std::uint64_t{1}));
  account.tell("erase", map->erase(std::as_bytes(std::span("\0\0\0", 4))));
  account.tell("short value", map->set(0U, std::uint32_t{1}));
  account.tell("no such flag", map->set(0U, std::uint64_t{1}, 77));
  const auto value = map->get<std::uint64_t>(1U);
  if (account.tell("get", value) != nullptr) say(account, "value {}", *value);
  account.tell("get past the end", map->get<std::uint64_t>(9U));
  std::uint64_t sum = 0;
  account.tell("for each", map->for_each([&](Map::Key, Map::Value element) {
    sum = sum * 16 + static_cast<unsigned>(element[0]);
    return true;
  }));
  say(account, "sum {:x}", sum);
  account.tell("freeze", map->freeze());
  account.tell("set frozen", map->set(1U, std::uint64_t{13}));
  account.tell("freeze twice", map->freeze());
  const auto again = Map::by_id(kernel, info.id);
  if (account.tell("by id", again) != nullptr)
    say(account, "value {}", again->get<std::uint64_t>(1U).value_or(0));
  const auto ids = Map::ids(kernel);
  say(account, "listed {}", ids && std::ranges::count(*ids, info.id) == 1);
}

void use_hash(Kernel& kernel, Account& account) {
  const auto map = Map::create(
      kernel, {.type = MapType::hash, .key_bytes = 4, .value_bytes = 4, .max_entries = 8});
  if (account.tell("create a hash", map) == nullptr) return;
  const std::array<std::uint32_t, 3> keys = {7, 8, 9};
  const std::array<std::uint32_t, 3> values = {70, 80, 90};
  const auto put =
      map->update_batch(std::as_bytes(std::span(keys)), std::as_bytes(std::span(values)));
  if (account.tell("update batch", put) != nullptr) say(account, "{} elements", *put);
  account.tell("odd batch",
               map->update_batch(std::as_bytes(std::span(keys)), std::span<const std::byte>()));
  std::vector<std::uint64_t> seen;
  account.tell("for each, erasing", map->for_each([&](Map::Key key, Map::Value value) {
    seen.push_back(static_cast<std::uint64_t>(key[0]) * 1000 +
                   static_cast<std::uint64_t>(value[0]));
    return key[0] != std::byte{8} || map->erase(key).has_value();
  }));
  std::ranges::sort(seen);
  for (const std::uint64_t one : seen) say(account, "saw {}", one);
  MapCursor cursor;
  std::array<std::uint32_t, 8> found_keys{};
  std::array<std::uint32_t, 8> found_values{};
  const auto taken = map->take_batch(cursor, std::as_writable_bytes(std::span(found_keys)),
                                     std::as_writable_bytes(std::span(found_values)));
  if (account.tell("take batch", taken) != nullptr)
    say(account, "{} elements, end {}", *taken, cursor.end);
  account.tell("get taken", map->get<std::uint32_t>(7U));
}

void use_per_cpu(Kernel& kernel, Account& account) {
  const auto map =
      Map::create(kernel, {.type = MapType::percpu_array, .value_bytes = 4, .max_entries = 2});
  if (account.tell("create a per-CPU array", map) == nullptr) return;
  Bytes element(map->element_bytes());
  std::ranges::fill(element, std::byte{3});
  account.tell("update", map->update(std::as_bytes(std::span("\1\0\0", 4)), element));
  const auto values = map->get_per_cpu<std::uint32_t>(1U);
  if (account.tell("get", values) == nullptr) return;
  say(account, "a value for each CPU {}", values->size() == kernel.cpus());
  say(account, "first {:x}", values->at(0));
}

void use_programs(Kernel& kernel, Account& account) {
  const auto map = Map::create(kernel, {.max_entries = 2, .name = "runs"});
  if (account.tell("create", map) == nullptr) return;
  const auto insns =
      assemble(text("r1 = 1\n*(u32 *)(r10 -4) = r1\nr2 = r10\nr2 += -4\nr1 = map[fd:{}]\ncall 1\n"
                    "if r0 == 0 goto +3\nr1 = 1\nlock *(u64 *)(r0 +0) += r1\nr0 = 7\nexit\n",
                    map->fd()));
  REQUIRE(insns.has_value());
  const auto program = Program::load(kernel, {.insns = *insns, .name = "count"});
  if (account.tell("load", program) == nullptr) return;
  const Bytes packet(64);
  const auto ran = program->test_run({.data = packet, .data_out_bytes = 100, .repeat = 5});
  if (account.tell("run", ran) != nullptr)
    say(account, "retval {}, {} bytes", ran->retval, ran->data.size());
  account.tell("run over nothing", program->test_run({}));
  say(account, "counted {}", map->get<std::uint64_t>(1U).value_or(0));
  const auto info = program->info();
  if (account.tell("info", info) != nullptr)
    say(account, "{} \"{}\" gpl {} tag {} its map {}", static_cast<unsigned>(info->type),
        info->name, info->gpl, print_hex(std::as_bytes(std::span(info->tag)), 0),
        info->map_ids == std::vector{map->info().id});
  const auto xlated = program->xlated();
  say(account, "xlated {}", xlated && !xlated->empty() && xlated->size() % 8 == 0);
  const auto other = Program::by_id(kernel, info ? info->id : 0);
  account.tell("by id", other);
  account.tell("no such id", Program::by_id(kernel, 0x7ffffff0));
  account.tell("odd bytes", Program::load(kernel, {.insns = std::span(*insns).first(9)}));
  account.tell("long name", Program::load(kernel, {.insns = *insns, .name = "sixteen_letters_"}));
  account.tell("no such type",
               Program::load(kernel, {.type = static_cast<ProgramType>(999), .insns = *insns}));
}

void use_pins(Kernel& kernel, Account& account) {
  const auto map = Map::create(kernel, {.max_entries = 1});
  const auto program = Program::load(kernel, {.insns = *assemble("r0 = 0; exit")});
  if (account.tell("create", map) == nullptr || account.tell("load", program) == nullptr) return;
  const std::string path = "/sys/fs/bpf/skep_classes";
  account.tell("pin", map->pin(path));
  account.tell("pin twice", map->pin(path));
  {
    const auto pinned = Map::pinned(kernel, path);
    say(account, "same map {}", pinned && pinned->info().id == map->info().id);
    account.tell("as a program", Program::pinned(kernel, path));
    account.tell("as a link", Link::pinned(kernel, path));
  }
  say(account, "unlink {}", kernel.unlink(path));
  account.tell("gone", Map::pinned(kernel, path));
  account.tell("pin the program", program->pin(path));
  account.tell("as a map", Map::pinned(kernel, path));
  say(account, "as a program {}", Program::pinned(kernel, path).has_value());
  say(account, "unlink {}", kernel.unlink(path));
}

void use_ring(Kernel& kernel, Account& account) {
  const auto map = Map::create(
      kernel, {.type = MapType::ringbuf, .key_bytes = 0, .value_bytes = 0, .max_entries = 4096});
  if (account.tell("create a ring", map) == nullptr) return;
  const auto insns = assemble(
      text("r1 = 42\n*(u64 *)(r10 -8) = r1\nr1 = map[fd:{}]\nr2 = r10\nr2 += -8\nr3 = 8\nr4 = 0\n"
           "call 130\nexit\n",
           map->fd()));
  REQUIRE(insns.has_value());
  const auto program = Program::load(kernel, {.insns = *insns});
  auto ring = RingBuffer::open(*map);
  if (account.tell("load", program) == nullptr || account.tell("open", ring) == nullptr) return;
  std::uint64_t sum = 0;
  const auto add = [&](std::span<const std::byte> record) {
    sum += record.size() * 1000 + static_cast<std::uint64_t>(record[0]);
    return true;
  };
  say(account, "nothing {}", ring->poll(milliseconds(1), add).value_or(99));
  const Bytes packet(64);
  // Goes round the ring several times.
  for (int round = 0; round < 40; ++round) {
    account.tell("run", program->test_run({.data = packet, .repeat = 30}));
    say(account, "first {}", ring->consume(add, 1).value_or(99));
    say(account, "rest {} sum {}", ring->consume(add).value_or(99), sum);
  }
  const std::jthread later([&] {
    std::this_thread::sleep_for(milliseconds(20));
    (void)program->test_run({.data = packet});
  });
  say(account, "woken {}", ring->poll(milliseconds(5000), add).value_or(99));
  account.tell("not a ring", RingBuffer::open(*Map::create(kernel, {})));
}

std::vector<std::string> exercise(Kernel& kernel) {
  Account account;
  use_array(kernel, account);
  use_hash(kernel, account);
  use_per_cpu(kernel, account);
  use_programs(kernel, account);
  use_pins(kernel, account);
  use_ring(kernel, account);
  return account.lines();
}

// In a thread with mounts of its own, so that nothing is left behind.
bool with_bpf_filesystem(const std::function<void()>& run) {
  bool mounted = false;
  std::thread([&] {
    mounted = ::unshare(CLONE_NEWNS) == 0 &&
              ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
              ::mount("bpf", "/sys/fs/bpf", "bpf", 0, nullptr) == 0;
    if (mounted) run();
  }).join();
  return mounted;
}

std::unique_ptr<Kernel> fresh_machine() {
  auto machine = make_machine({.memory_bytes = 64U << 20});
  REQUIRE(machine.has_value());
  return std::move(*machine);
}

// Errors carry what differs by nature: ids and paths.
std::string without_numbers(std::string line) {
  const std::size_t at = line.find("map ");
  if (at == line.npos) return line;
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  auto begin = line.begin() + static_cast<std::ptrdiff_t>(at) + 4;
  line.erase(begin, std::find_if_not(begin, line.end(), digit));
  return line;
}

}  // namespace

TEST_CASE("kernel classes: the account on the machine") {
  const auto lines = exercise(*fresh_machine());
  for (const std::string_view expected :
       {"2 4 8 4 0 \"numbers\"",
        "value 11",
        "sum b05",
        "listed true",
        "3 elements",
        "saw 7070",
        "saw 8080",
        "saw 9090",
        "2 elements, end true",
        "get taken: 2 no such element",
        "a value for each CPU true",
        "first 3030303",
        "retval 7, 64 bytes",
        "counted 5",
        "xlated true",
        "same map true",
        "as a program true",
        "as a program: 0 /sys/fs/bpf/skep_classes is not a program",
        "as a link: 0 /sys/fs/bpf/skep_classes is not a link",
        "as a map: 0 /sys/fs/bpf/skep_classes is not a map",
        "nothing 0",
        "first 1",
        "woken 1",
        "rest 29 sum 9650400"}) {
    CAPTURE(expected);
    CHECK(std::ranges::count(lines, expected) >= 1);
  }
}

TEST_CASE("kernel classes: the same account on both kernels") {
  if (const auto& why = why_no_bpf()) return skip(*why);
  std::vector<std::string> theirs;
  if (!with_bpf_filesystem([&] {
        LinuxKernel linux_kernel;
        theirs = exercise(linux_kernel);
      }))
    return skip("cannot mount a bpf filesystem");
  const auto ours = exercise(*fresh_machine());
  for (std::size_t i = 0; i < std::min(theirs.size(), ours.size()); ++i) {
    CAPTURE(i);
    CHECK(without_numbers(ours[i]) == without_numbers(theirs[i]));
  }
  CHECK(ours.size() == theirs.size());
}

TEST_CASE("kernel classes: a perf buffer on Linux") {
  if (const auto& why = why_no_bpf()) return skip(*why);
  LinuxKernel kernel;
  const auto map =
      Map::create(kernel, {.type = MapType::perf_event_array, .value_bytes = 4, .max_entries = 64});
  REQUIRE(map.has_value());
  auto buffer = PerfBuffer::open(*map, 1);
  if (!buffer && buffer.error().code == Code::denied) return skip(buffer.error().what);
  REQUIRE(buffer.has_value());
  const auto insns = assemble(
      text("r2 = 42\n*(u64 *)(r10 -8) = r2\nr2 = map[fd:{}]\nr3 = 0xffffffff ll\nr4 = r10\n"
           "r4 += -8\nr5 = 8\ncall 25\nr0 = 0\nexit\n",
           map->fd()));
  REQUIRE(insns.has_value());
  const auto program = Program::load(kernel, {.type = ProgramType::sched_cls, .insns = *insns});
  REQUIRE(program.has_value());
  const Bytes packet(64);
  std::uint64_t samples = 0;
  std::uint64_t lost = 0;
  const auto see = [&](std::uint32_t, std::span<const std::byte> sample) {
    samples += sample.size() >= 8 && sample[0] == std::byte{42};
    return true;
  };
  const auto miss = [&](std::uint32_t, std::uint64_t count) { lost += count; };
  REQUIRE(program->test_run({.data = packet, .repeat = 3}).has_value());
  CHECK(buffer->poll(milliseconds(1000), see, miss).value_or(0) == 3);
  CHECK(samples == 3);
  // More than one page holds; the kernel tells of what was lost with the next sample.
  REQUIRE(program->test_run({.data = packet, .repeat = 1000}).has_value());
  const std::uint64_t kept = buffer->consume(see, miss).value_or(0);
  REQUIRE(program->test_run({.data = packet}).has_value());
  CHECK(buffer->consume(see, miss).value_or(0) == 1);
  CHECK(kept + lost == 1000);
}

}  // namespace skep::test
