// SPDX-License-Identifier: Apache-2.0
#include "bench/machine_door.h"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "abi/commands.h"
#include "abi/map_types.h"
#include "machine/map_object.h"

namespace skep::bench {

namespace {

constexpr std::uint32_t kPacketBytes = 64;

class LinuxDoor final : public Door {
 public:
  LinuxDoor() : Door("linux") {}
  long bpf(std::uint32_t command, abi::bpf_attr& attr) override {
    const long result = ::syscall(SYS_bpf, command, &attr, sizeof(attr));
    return result < 0 ? -errno : result;
  }
  void close(int fd) override { ::close(fd); }
  long mmap(int fd, std::uint64_t bytes, int protection) override {
    const void* at = ::mmap(nullptr, bytes, protection, MAP_SHARED, fd, 0);
    return at == MAP_FAILED ? -errno : reinterpret_cast<long>(at);
  }
};

class MachineDoor final : public Door {
 public:
  MachineDoor(std::string name, std::unique_ptr<machine::Machine> machine)
      : Door(std::move(name)), machine_(std::move(machine)) {}
  long bpf(std::uint32_t command, abi::bpf_attr& attr) override {
    return machine_->bpf(command, &attr, sizeof(attr));
  }
  void close(int fd) override { (void)machine_->close(fd); }
  long mmap(int fd, std::uint64_t bytes, int protection) override {
    return machine_->mmap(fd, bytes, protection, 0);
  }
  machine::Machine* machine() override { return machine_.get(); }

 private:
  std::unique_ptr<machine::Machine> machine_;
};

Result<int> descriptor(const Door& door, std::string_view what, long result) {
  if (result >= 0) return static_cast<int>(result);
  return fail(Code::invalid, "{}: {}: {}", door.name(), what,
              std::strerror(static_cast<int>(-result)));
}

}  // namespace

std::unique_ptr<Door> linux_door(std::string& why) {
  auto door = std::make_unique<LinuxDoor>();
  const auto map = create_map(*door, {.type = abi::BPF_MAP_TYPE_ARRAY, .entries = 1});
  if (!map) {
    why = map.error().what;
    return nullptr;
  }
  door->close(*map);
  return door;
}

Result<std::unique_ptr<Door>> machine_door(std::string_view engine) {
  auto machine = SKEP_TRY(machine::Machine::create({.engine = std::string(engine)}));
  return std::make_unique<MachineDoor>(std::string(engine), std::move(machine));
}

std::uint64_t address(const void* of) { return reinterpret_cast<std::uint64_t>(of); }

abi::bpf_attr fresh_attr() {
  abi::bpf_attr attr;
  std::memset(&attr, 0, sizeof(attr));
  return attr;
}

Result<int> create_map(Door& door, const MapShape& shape) {
  auto attr = fresh_attr();
  attr.map_type = shape.type;
  attr.key_size = shape.key_bytes;
  attr.value_size = shape.value_bytes;
  attr.max_entries = shape.entries;
  if (shape.type == abi::BPF_MAP_TYPE_LPM_TRIE) attr.map_flags = abi::BPF_F_NO_PREALLOC;
  return descriptor(door, "map", door.bpf(abi::BPF_MAP_CREATE, attr));
}

Result<int> load(Door& door, std::uint32_t type, std::span<const isa::Insn> program) {
  const Bytes bytes = isa::encode(program);
  auto attr = fresh_attr();
  attr.prog_type = type;
  attr.insn_cnt = static_cast<std::uint32_t>(program.size());
  attr.insns = address(bytes.data());
  attr.license = address("GPL");
  return descriptor(door, "program", door.bpf(abi::BPF_PROG_LOAD, attr));
}

long update(Door& door, int map, const void* key, const void* value) {
  auto attr = fresh_attr();
  attr.map_fd = static_cast<std::uint32_t>(map);
  attr.key = address(key);
  attr.value = address(value);
  return door.bpf(abi::BPF_MAP_UPDATE_ELEM, attr);
}

long lookup(Door& door, int map, const void* key, void* value) {
  auto attr = fresh_attr();
  attr.map_fd = static_cast<std::uint32_t>(map);
  attr.key = address(key);
  attr.value = address(value);
  return door.bpf(abi::BPF_MAP_LOOKUP_ELEM, attr);
}

Status test_run(Door& door, int program, std::uint32_t repeat) {
  const std::array<std::byte, kPacketBytes> packet{};
  auto attr = fresh_attr();
  attr.test.prog_fd = static_cast<std::uint32_t>(program);
  attr.test.data_in = address(packet.data());
  attr.test.data_size_in = kPacketBytes;
  attr.test.repeat = repeat;
  (void)SKEP_TRY(descriptor(door, "test run", door.bpf(abi::BPF_PROG_TEST_RUN, attr)));
  if (attr.test.retval == 0) return {};
  return fail(Code::invalid, "{}: an operation failed within the program", door.name());
}

Result<maps::Map*> map_of(Door& door, int fd, std::shared_ptr<void>& keeps) {
  std::shared_ptr<const machine::File> file;
  std::shared_ptr<machine::MapObject> object;
  if (machine::object_of(*door.machine(), fd, file, object) != 0)
    return fail(Code::invalid, "{}: descriptor {} is no map", door.name(), fd);
  keeps = object;
  return &object->map();
}

}  // namespace skep::bench
