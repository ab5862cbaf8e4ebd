// SPDX-License-Identifier: Apache-2.0
#include "machine/program.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "abi/program_types.h"
#include "isa/check.h"
#include "machine/argument_judge.h"
#include "machine/context_rewrite.h"
#include "machine/helpers.h"
#include "machine/machine.h"
#include "machine/program_services.h"
#include "machine/program_types.h"
#include "machine/run.h"
#include "machine/sha256.h"
#include "machine/skb.h"
#include "machine/xdp.h"

namespace skep::machine {

namespace {

constexpr std::uint32_t kMaxRecordPart = 64U << 20;

bool names_map(const isa::Insn& insn) {
  return isa::is_imm64(insn) &&
         (insn.src == abi::BPF_PSEUDO_MAP_FD || insn.src == abi::BPF_PSEUDO_MAP_VALUE);
}

// Byte counts of the parts behind a record, in their order.
struct Parts {
  std::uint64_t license = 0;
  std::uint64_t insns = 0;
  std::uint64_t maps = 0;
  std::uint64_t func_info = 0;
  std::uint64_t line_info = 0;

  explicit Parts(const ProgramRecord& record)
      : license(record.license_bytes),
        insns(std::uint64_t{record.insn_count} * isa::kInsnBytes),
        maps(std::uint64_t{record.map_count} * sizeof(std::uint32_t)),
        func_info(record.func_info_bytes),
        line_info(record.line_info_bytes) {}
  [[nodiscard]] bool sane() const {
    return std::max({license, insns, maps, func_info, line_info}) <= kMaxRecordPart;
  }
  [[nodiscard]] std::uint64_t bytes() const {
    return sizeof(ProgramRecord) + license + insns + maps + func_info + line_info;
  }
};

// The record and what follows it, as plain bytes.
void fill_record(ProgramRecord& record, const ProgramSpec& spec) {
  record.type = spec.type;
  record.attach_type = spec.attach_type;
  record.flags = spec.flags;
  record.btf_id = spec.btf_id;
  record.attach_btf_id = spec.attach_btf_id;
  record.attach_target = spec.attach_target;
  record.license_bytes = static_cast<std::uint32_t>(spec.license.size());
  record.insn_count = static_cast<std::uint32_t>(spec.insns.size());
  record.map_count = static_cast<std::uint32_t>(spec.maps.size());
  record.func_info_bytes = static_cast<std::uint32_t>(spec.func_info.size());
  record.line_info_bytes = static_cast<std::uint32_t>(spec.line_info.size());
  record.user_id = getuid();
  record.name = spec.name;
  record.tag = program_tag(spec.insns);
}

void write_parts(std::byte* to, const ProgramSpec& spec) {
  const auto put = [&to](const void* from, std::size_t bytes) {
    if (bytes != 0) std::memcpy(to, from, bytes);
    to += bytes;
  };
  const Bytes insns = isa::encode(spec.insns);
  put(spec.license.data(), spec.license.size());
  put(insns.data(), insns.size());
  put(spec.maps.data(), spec.maps.size() * sizeof(std::uint32_t));
  put(spec.func_info.data(), spec.func_info.size());
  put(spec.line_info.data(), spec.line_info.size());
}

// A copy of what stands in the Region; it may change while it is read, and is checked as if it had.
std::optional<ProgramSpec> read_spec(const ProgramRecord& shared, const Parts& parts) {
  ProgramSpec spec;
  spec.type = shared.type;
  spec.attach_type = shared.attach_type;
  spec.flags = shared.flags;
  spec.name = shared.name;
  spec.btf_id = shared.btf_id;
  spec.attach_btf_id = shared.attach_btf_id;
  spec.attach_target = shared.attach_target;
  const auto* from = reinterpret_cast<const std::byte*>(&shared) + sizeof(ProgramRecord);
  const auto take = [&from](std::uint64_t bytes) {
    const Bytes part(from, from + bytes);
    from += bytes;
    return part;
  };
  const Bytes license = take(parts.license);
  spec.license.assign(reinterpret_cast<const char*>(license.data()), license.size());
  auto insns = isa::decode(take(parts.insns));
  if (!insns) return {};
  spec.insns = std::move(*insns);
  const Bytes maps = take(parts.maps);
  spec.maps.resize(maps.size() / sizeof(std::uint32_t));
  if (!maps.empty()) std::memcpy(spec.maps.data(), maps.data(), maps.size());
  spec.func_info = take(parts.func_info);
  spec.line_info = take(parts.line_info);
  return spec;
}

void drop_uses(Machine& machine, const ProgramSpec& spec) {
  ObjectTable& objects = machine.objects();
  for (const std::uint32_t id : spec.maps) objects.disuse(ObjectKind::map, id);
  if (spec.btf_id != 0) objects.disuse(ObjectKind::btf, spec.btf_id);
  if (spec.attach_target != 0) objects.disuse(ObjectKind::program, spec.attach_target);
}

}  // namespace

std::array<std::uint8_t, 8> program_tag(isa::Program insns) {
  for (std::size_t i = 0; i < insns.size(); ++i) {
    if (!isa::is_imm64(insns[i])) continue;
    const bool map = names_map(insns[i]);
    if (map) insns[i].imm = 0;
    ++i;
    if (map && i < insns.size()) insns[i].imm = 0;
  }
  const auto digest = sha256(isa::encode(insns));
  std::array<std::uint8_t, 8> tag{};
  std::copy_n(digest.begin(), tag.size(), tag.begin());
  return tag;
}

// kernel: license_is_gpl_compatible
bool is_gpl(std::string_view license) {
  constexpr auto kKnown = std::to_array<std::string_view>({
      "GPL",
      "GPL v2",
      "GPL and additional rights",
      "Dual BSD/GPL",
      "Dual MIT/GPL",
      "Dual MPL/GPL",
  });
  return std::ranges::find(kKnown, license) != kKnown.end();
}

bool Program::gpl() const { return is_gpl(spec_.license); }

Status Program::prepare() {
  (void)SKEP_TRY(open_maps());
  (void)SKEP_TRY(translate());
  const engine::EngineType* type = engine::find_engine(machine_.engine());
  SKEP_ASSERT(type != nullptr);
  runnable_ =
      SKEP_TRY(type->load(translated_, type->trusts_program ? helper_calls() : judged_calls()));
  return {};
}

Status Program::open_maps() {
  for (const std::uint32_t id : spec_.maps) {
    auto map = machine_.map_object(id);
    if (map == nullptr) return fail(Code::not_found, "map {} of the program is gone", id);
    maps_.push_back(std::move(map));
  }
  return {};
}

// The context is ours, and map ids become addresses of this process.
Status Program::translate() {
  const ProgramType* type = find_program_type(spec_.type);
  if (type == nullptr) return fail(Code::invalid, "program type {} is not known", spec_.type);
  translated_ = SKEP_TRY(rewrite_context(spec_.insns, *type, spec_.attach_type));
  for (std::size_t i = 0; i + 1 < translated_.size(); ++i) {
    if (!isa::is_imm64(translated_[i])) continue;
    isa::Insn& low = translated_[i];
    isa::Insn& high = translated_[++i];
    if (!names_map(low)) continue;
    const auto id = static_cast<std::uint32_t>(low.imm);
    const auto map = std::ranges::find(maps_, id, [](const auto& m) { return m->id(); });
    if (map == maps_.end()) return fail(Code::not_found, "the program has no map {}", id);
    std::uint64_t value = reinterpret_cast<std::uint64_t>(&(*map)->map());
    if (low.src == abi::BPF_PSEUDO_MAP_VALUE)
      value = (*map)->map().direct_value(static_cast<std::uint32_t>(high.imm));
    if (value == 0) return fail(Code::invalid, "map {} has no values of its own", id);
    low.src = 0;
    low.imm = static_cast<std::int32_t>(value);
    high.imm = static_cast<std::int32_t>(value >> 32);
  }
  return {};
}

bool Program::uses(const maps::Map& map) const {
  return std::ranges::any_of(maps_, [&](const auto& own) { return &own->map() == &map; });
}

long Program::bind(const std::shared_ptr<MapObject>& map) {
  if (std::ranges::find(maps_, map) != maps_.end()) return 0;
  if (!table_.use(ObjectKind::map, map->id())) return -ENOENT;
  maps_.push_back(map);
  return 0;
}

namespace {

bool inside(std::span<const std::byte> memory, std::uint64_t address, std::uint64_t bytes) {
  const auto begin = reinterpret_cast<std::uint64_t>(memory.data());
  return address >= begin && bytes <= memory.size() && address - begin <= memory.size() - bytes;
}

// What a map holds comes and goes, where it is does not; a packet moves when helpers change it.
bool is_memory_of(void* self, std::uint64_t address, std::uint32_t bytes, bool) {
  const auto& run = *static_cast<const Run*>(self);
  if (run.machine->region().holds_blocks(address, bytes)) return true;
  if (run.skb != nullptr && inside(run.skb->bytes(), address, bytes)) return true;
  return run.xdp != nullptr && inside(run.xdp->linear_with_metadata(), address, bytes);
}

}  // namespace

void prepare_input(Machine& machine, Run& run, engine::Input& input) {
  input.context = &run;
  input.running = &run.running;
  input.budget = machine.run_budget();
  input.judge = {.may_access = is_memory_of, .self = &run};
}

engine::Outcome Program::run(Run& run, engine::Input& input) const {
  machine_.services().equip(run);
  run.program = this;
  run.tail_calls = 0;
  prepare_input(machine_, run, input);
  std::vector<KnownDynptr> dynptrs;
  run.refused_helper = 0;
  run.dynptrs = &dynptrs;
  return judged(run, timed(input));
}

// A helper ends the run by leaving it; why, only the machine knows.
engine::Outcome Program::judged(const Run& run, engine::Outcome outcome) {
  if (run.refused_helper == 0) return outcome;
  outcome.ending = engine::Ending::bad_call;
  outcome.callee = run.refused_helper;
  return outcome;
}

engine::Outcome Program::timed(const engine::Input& input) const {
  if (!machine_.counts_runs()) return runnable_->run(input);
  const Host& host = machine_.host();
  const std::uint64_t begin = host.now_ns(host.self, Clock::monotonic);
  const engine::Outcome outcome = runnable_->run(input);
  record_->run_ns.fetch_add(host.now_ns(host.self, Clock::monotonic) - begin,
                            std::memory_order_relaxed);
  record_->run_count.fetch_add(1, std::memory_order_relaxed);
  return outcome;
}

Result<std::shared_ptr<Program>> make_program(Machine& machine, ProgramSpec spec) {
  maps::Region& region = machine.region();
  ProgramRecord sizes{};
  fill_record(sizes, spec);
  const Parts parts(sizes);
  const Offset block = SKEP_TRY(region.allocate(parts.bytes()));
  auto* record = reinterpret_cast<ProgramRecord*>(region.at(block, parts.bytes()));
  SKEP_ASSERT(record != nullptr);
  fill_record(*record, spec);
  record->loaded_ns = machine.host().now_ns(machine.host().self, Clock::boot);
  write_parts(reinterpret_cast<std::byte*>(record) + sizeof(ProgramRecord), spec);
  const auto view = machine.objects().add(ObjectKind::program, block);
  if (!view) {
    region.free(block);
    return std::unexpected(view.error());
  }
  auto program =
      std::make_shared<Program>(machine.objects(), *view, machine, record, std::move(spec));
  (void)SKEP_TRY(program->prepare());
  machine.remember(program);
  return program;
}

std::shared_ptr<Program> open_program(Machine& machine, const ObjectView& view) {
  auto* record = machine.region().at<ProgramRecord>(view.block);
  std::optional<ProgramSpec> spec;
  if (record != nullptr) {
    const Parts parts(*record);
    if (parts.sane() && machine.region().at(view.block, parts.bytes()) != nullptr)
      spec = read_spec(*record, parts);
  }
  if (!spec || !isa::check_program(spec->insns)) {
    machine.objects().close(view.index);
    return nullptr;
  }
  auto program =
      std::make_shared<Program>(machine.objects(), view, machine, record, std::move(*spec));
  return program->prepare() ? program : nullptr;
}

void bury_program(Machine& machine, const ObjectView& view) {
  const auto* record = machine.region().at<ProgramRecord>(view.block);
  if (record == nullptr) return;
  const Parts parts(*record);
  if (parts.sane() && machine.region().at(view.block, parts.bytes()) != nullptr)
    if (const auto spec = read_spec(*record, parts)) drop_uses(machine, *spec);
  machine.region().free(view.block);
}

}  // namespace skep::machine
