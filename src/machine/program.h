// SPDX-License-Identifier: Apache-2.0
// A program as an object of the machine: what was loaded, in the Region, and the form that this
// process runs. A process that opens another's program checks and loads it again by itself.
#pragma once

#include <string>
#include <vector>

#include "engine/engine.h"
#include "isa/insn.h"
#include "machine/files.h"
#include "machine/map_object.h"

namespace skep::machine {

class Machine;
struct Run;

// What BPF_PROG_LOAD says, with names resolved.
struct ProgramSpec {
  std::uint32_t type = 0;
  std::uint32_t attach_type = 0;
  std::uint32_t flags = 0;
  std::array<char, kNameBytes> name{};
  std::string license;
  isa::Program insns;               // maps named by id
  std::vector<std::uint32_t> maps;  // ids, each once
  std::uint32_t btf_id = 0;
  std::uint32_t attach_btf_id = 0;
  std::uint32_t attach_target = 0;  // id of the program that this one extends or traces
  Bytes func_info;                  // records of abi::bpf_func_info and bpf_line_info
  Bytes line_info;
};

// As it stands in the Region; the parts that have a length follow one another behind it.
struct ProgramRecord {
  std::uint32_t type;
  std::uint32_t attach_type;
  std::uint32_t flags;
  std::uint32_t btf_id;
  std::uint32_t attach_btf_id;
  std::uint32_t attach_target;
  std::uint32_t license_bytes;
  std::uint32_t insn_count;
  std::uint32_t map_count;
  std::uint32_t func_info_bytes;
  std::uint32_t line_info_bytes;
  std::uint32_t user_id;
  std::array<char, kNameBytes> name;
  std::array<std::uint8_t, 8> tag;
  std::uint64_t loaded_ns;
  std::atomic<std::uint64_t> run_ns;
  std::atomic<std::uint64_t> run_count;
  std::atomic<std::uint64_t> recursion_misses;
};

class Program final : public Object {
 public:
  Program(ObjectTable& table, const ObjectView& view, Machine& machine, ProgramRecord* record,
          ProgramSpec spec)
      : Object(table, view), machine_(machine), record_(record), spec_(std::move(spec)) {}

  // Makes it runnable here; the maps that it names are opened.
  [[nodiscard]] Status prepare();

  [[nodiscard]] const ProgramSpec& spec() const { return spec_; }
  [[nodiscard]] ProgramRecord& record() const { return *record_; }
  [[nodiscard]] bool gpl() const;
  // The form that is run, its maps as addresses.
  [[nodiscard]] const isa::Program& translated() const { return translated_; }
  [[nodiscard]] const engine::Runnable& runnable() const { return *runnable_; }
  [[nodiscard]] std::span<const std::shared_ptr<MapObject>> maps() const { return maps_; }
  // Compares addresses alone: `map` may be any number.
  [[nodiscard]] bool uses(const maps::Map& map) const;
  [[nodiscard]] long bind(const std::shared_ptr<MapObject>& map);
  // Whether one may take the place of the other in a run.
  [[nodiscard]] bool is_like(const Program& other) const {
    return spec_.type == other.spec_.type && spec_.attach_type == other.spec_.attach_type;
  }

  // One run under the CPU slot that `run` holds, counted while statistics are on. Sets what the
  // engine needs of `input` beside r1, packet and regions.
  [[nodiscard]] engine::Outcome run(Run& run, engine::Input& input) const;

 private:
  [[nodiscard]] static engine::Outcome judged(const Run& run, engine::Outcome outcome);
  [[nodiscard]] engine::Outcome timed(const engine::Input& input) const;
  [[nodiscard]] Status open_maps();
  [[nodiscard]] Status translate();

  Machine& machine_;
  ProgramRecord* record_;
  ProgramSpec spec_;
  isa::Program translated_;
  std::vector<std::shared_ptr<MapObject>> maps_;
  std::unique_ptr<engine::Runnable> runnable_;
};

// What an engine needs of the machine for any run: sets `input` but for r1, packet and regions.
void prepare_input(Machine& machine, Run& run, engine::Input& input);

// The tag that Linux gives it: of the instructions, with what names maps left out.
[[nodiscard]] std::array<std::uint8_t, 8> program_tag(isa::Program insns);

[[nodiscard]] bool is_gpl(std::string_view license);

[[nodiscard]] Result<std::shared_ptr<Program>> make_program(Machine& machine, ProgramSpec spec);
[[nodiscard]] std::shared_ptr<Program> open_program(Machine& machine, const ObjectView& view);
void bury_program(Machine& machine, const ObjectView& view);

}  // namespace skep::machine
