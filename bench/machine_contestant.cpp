// SPDX-License-Identifier: Apache-2.0
#include "bench/machine_contestant.h"

#include <sys/mman.h>

#include <atomic>
#include <bit>

#include "abi/map_types.h"
#include "abi/program_types.h"
#include "base/file.h"
#include "maps/cpus.h"

namespace skep::bench {

namespace {

constexpr std::uint64_t kPage = 4096;
constexpr std::uint8_t kMapDescriptor = 1;  // what src of a 64-bit immediate says of it

// A descriptor that is closed with the last who uses it.
struct Opened {
  Door& door;
  int fd;
  Opened(Door& from, int number) : door(from), fd(number) {}
  Opened(const Opened&) = delete;
  Opened& operator=(const Opened&) = delete;
  ~Opened() { door.close(fd); }
};
using OpenedPtr = std::shared_ptr<Opened>;

isa::Program with_map(isa::Program program, int map) {
  for (std::size_t at = 0; at + 1 < program.size(); ++at) {
    if (!isa::is_imm64(program[at])) continue;
    program[at].src = kMapDescriptor;
    program[at].imm = map;
    program[++at].imm = 0;
  }
  return program;
}

// The consumer reads all at once: its position is set to the producer's.
Result<std::function<void()>> ring_rewind(const OpenedPtr& ring) {
  const long consumer = ring->door.mmap(ring->fd, kPage, PROT_READ | PROT_WRITE);
  const long both = ring->door.mmap(ring->fd, 2 * kPage, PROT_READ);
  if (consumer < 0 || both < 0)
    return fail(Code::io, "{}: the ring cannot be mapped: errno {} and {}", ring->door.name(),
                -consumer, -both);
  return std::function<void()>([consumer, both] {
    const auto* produced = std::bit_cast<const std::uint64_t*>(both + long{kPage});
    auto* consumed = std::bit_cast<std::uint64_t*>(consumer);
    __atomic_store_n(consumed, __atomic_load_n(produced, __ATOMIC_ACQUIRE), __ATOMIC_RELEASE);
  });
}

Result<OpenedPtr> make_map(Door& door, const Operation& operation, Contestant& contestant) {
  auto map = std::make_shared<Opened>(door, SKEP_TRY(create_map(door, operation.map)));
  (void)SKEP_TRY(fill_map(door, map->fd, operation));
  if (operation.map.type == abi::BPF_MAP_TYPE_RINGBUF)
    contestant.rewind = SKEP_TRY(ring_rewind(map));
  return map;
}

Result<isa::Program> read_section(const std::string& directory, std::string_view name) {
  const std::string path = text("{}/machine/{}.bpf", directory, name);
  const Bytes bytes = SKEP_TRY(read_file(path));
  return in(path, isa::decode(bytes));
}

}  // namespace

Result<OperationCode> read_code(const std::string& directory, const Operation& operation) {
  OperationCode code;
  code.empty = SKEP_TRY(read_section(directory, "empty"));
  code.operation = SKEP_TRY(read_section(directory, operation.name));
  return code;
}

Result<Contestant> program_contestant(Door& door, const Operation& operation,
                                      const OperationCode& code) {
  Contestant contestant;
  contestant.side = door.name();
  OpenedPtr map;
  isa::Program program = code.operation;
  if (operation.map.type != 0) {
    map = SKEP_TRY(make_map(door, operation, contestant));
    program = with_map(std::move(program), map->fd);
  }
  constexpr std::uint32_t kType = abi::BPF_PROG_TYPE_SCHED_CLS;
  const auto measured =
      std::make_shared<Opened>(door, SKEP_TRY(in(operation.name, load(door, kType, program))));
  const auto empty = std::make_shared<Opened>(door, SKEP_TRY(load(door, kType, code.empty)));
  contestant.run = [map, measured](std::uint32_t runs) {
    return test_run(measured->door, measured->fd, runs);
  };
  contestant.run_empty = [empty](std::uint32_t runs) {
    return test_run(empty->door, empty->fd, runs);
  };
  return contestant;
}

Result<Contestant> direct_contestant(Door& door, const Operation& operation) {
  Contestant contestant;
  contestant.side = "direct";
  const OpenedPtr opened = SKEP_TRY(make_map(door, operation, contestant));
  std::shared_ptr<void> keeps;
  maps::Map* map = SKEP_TRY(map_of(door, opened->fd, keeps));
  // Threads begin at different places.
  const auto begin = std::make_shared<std::atomic<std::uint32_t>>(0);
  const auto repeat = [opened, keeps, begin, map](auto work, std::uint32_t runs) -> Status {
    const maps::Cpu cpu(map->region());
    const maps::Caller caller{.cpu = cpu.number()};
    for (std::uint32_t i = 0; i < runs; ++i)
      if (!work(*map, caller, begin->fetch_add(1'000'003)))
        return fail(Code::invalid, "direct: an operation failed");
    return {};
  };
  contestant.run = [repeat, work = operation.direct](std::uint32_t runs) {
    return repeat(work, runs);
  };
  contestant.run_empty = [repeat, work = operations().front().direct](std::uint32_t runs) {
    return repeat(work, runs);
  };
  return contestant;
}

}  // namespace skep::bench
