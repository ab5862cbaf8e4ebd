// SPDX-License-Identifier: Apache-2.0
// A machine for tests, with bpf(2) in few words.
#pragma once

#include <doctest/doctest.h>

#include <cstring>
#include <memory>
#include <string>

#include "abi/bpf_attr.h"
#include "abi/commands.h"
#include "abi/map_types.h"
#include "abi/program_types.h"
#include "isa/assemble.h"
#include "machine/machine.h"

namespace skep::machine {

[[nodiscard]] inline std::uint64_t address(const void* of) {
  return reinterpret_cast<std::uint64_t>(of);
}

class TestMachine {
 public:
  explicit TestMachine(std::unique_ptr<Machine> machine) : machine_(std::move(machine)) {}
  TestMachine() {
    auto made = Machine::create({.region = {.limit_bytes = 16U << 20, .cpus = 2}});
    REQUIRE(made.has_value());
    machine_ = std::move(*made);
  }
  Machine& machine() { return *machine_; }
  abi::bpf_attr& fresh() {
    std::memset(&attr_, 0, sizeof(attr_));
    return attr_;
  }
  long run(std::uint32_t command) { return machine_->bpf(command, &attr_, sizeof(attr_)); }

  int array(std::uint32_t value_bytes, std::uint32_t entries, std::uint32_t flags = 0) {
    auto& attr = fresh();
    attr.map_type = abi::BPF_MAP_TYPE_ARRAY;
    attr.key_size = 4;
    attr.value_size = value_bytes;
    attr.max_entries = entries;
    attr.map_flags = flags;
    std::strcpy(attr.map_name, "numbers");
    return static_cast<int>(run(abi::BPF_MAP_CREATE));
  }
  template <class Key, class Value>
  long update(int fd, Key key, Value value, std::uint64_t flags = 0) {
    auto& attr = fresh();
    attr.map_fd = static_cast<std::uint32_t>(fd);
    attr.key = address(&key);
    attr.value = address(&value);
    attr.flags = flags;
    return run(abi::BPF_MAP_UPDATE_ELEM);
  }
  template <class Key, class Value>
  long lookup(int fd, Key key, Value& value) {
    auto& attr = fresh();
    attr.map_fd = static_cast<std::uint32_t>(fd);
    attr.key = address(&key);
    attr.value = address(&value);
    return run(abi::BPF_MAP_LOOKUP_ELEM);
  }
  long load(std::string_view source, std::uint32_t type = abi::BPF_PROG_TYPE_SOCKET_FILTER) {
    const auto program = isa::assemble(source, "test", {});
    REQUIRE(program.has_value());
    const Bytes bytes = isa::encode(*program);
    log_.assign(4096, '\0');
    auto& attr = fresh();
    attr.prog_type = type;
    attr.insn_cnt = static_cast<std::uint32_t>(program->size());
    attr.insns = address(bytes.data());
    attr.license = address("GPL");
    attr.log_level = 1;
    attr.log_buf = address(log_.data());
    attr.log_size = static_cast<std::uint32_t>(log_.size());
    return run(abi::BPF_PROG_LOAD);
  }
  std::string_view log() const { return log_.c_str(); }

 private:
  std::unique_ptr<Machine> machine_;
  abi::bpf_attr attr_{};
  std::string log_;
};

}  // namespace skep::machine
