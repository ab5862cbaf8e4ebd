// SPDX-License-Identifier: Apache-2.0
#include "machine/accept.h"

#include <algorithm>
#include <cerrno>

#include "abi/helper_names.h"
#include "abi/limits.h"
#include "abi/program_types.h"
#include "isa/check.h"
#include "machine/helpers.h"
#include "machine/machine.h"

namespace skep::machine {

namespace {

class MapResolver {
 public:
  MapResolver(Machine& machine, std::span<const int> fds, ProgramSpec& spec, LoadLog& log)
      : machine_(machine), fds_(fds), spec_(spec), log_(log) {}

  [[nodiscard]] long run() {
    for (std::size_t i = 0; i + 1 < spec_.insns.size(); ++i) {
      if (!isa::is_imm64(spec_.insns[i])) continue;
      if (const long status = resolve(spec_.insns[i], spec_.insns[i + 1]); status != 0)
        return status;
      ++i;
    }
    return 0;
  }

 private:
  [[nodiscard]] long resolve(isa::Insn& low, const isa::Insn& high) {
    const bool by_index =
        low.src == abi::BPF_PSEUDO_MAP_IDX || low.src == abi::BPF_PSEUDO_MAP_IDX_VALUE;
    const bool value =
        low.src == abi::BPF_PSEUDO_MAP_VALUE || low.src == abi::BPF_PSEUDO_MAP_IDX_VALUE;
    if (!by_index && !value && low.src != abi::BPF_PSEUDO_MAP_FD) return 0;
    if (by_index && fds_.empty()) {
      log_.add("fd_idx without fd_array is invalid");
      return -EPROTO;
    }
    if (by_index && static_cast<std::uint32_t>(low.imm) >= fds_.size()) return -EFAULT;
    const int fd = by_index ? fds_[static_cast<std::uint32_t>(low.imm)] : low.imm;
    std::shared_ptr<const File> file;
    std::shared_ptr<MapObject> map;
    if (const long status = object_of(machine_, fd, file, map); status != 0) {
      log_.add(text("fd {} is not pointing to valid bpf_map", fd));
      return status;
    }
    if (value && map->map().direct_value(static_cast<std::uint32_t>(high.imm)) == 0) {
      log_.add(text("map {} has no value at offset {} whose address could be taken", map->id(),
                    static_cast<std::uint32_t>(high.imm)));
      return -EINVAL;
    }
    low.src = value ? abi::BPF_PSEUDO_MAP_VALUE : abi::BPF_PSEUDO_MAP_FD;
    low.imm = static_cast<std::int32_t>(map->id());
    return use(*map);
  }

  [[nodiscard]] long use(const MapObject& map) {
    if (std::ranges::find(spec_.maps, map.id()) != spec_.maps.end()) return 0;
    if (spec_.maps.size() >= abi::MAX_USED_MAPS) {
      log_.add(text("the total number of maps per program has reached the limit of {}",
                    abi::MAX_USED_MAPS));
      return -E2BIG;
    }
    if (!machine_.objects().use(ObjectKind::map, map.id())) return -ENOENT;
    spec_.maps.push_back(map.id());
    return 0;
  }

  Machine& machine_;
  std::span<const int> fds_;
  ProgramSpec& spec_;
  LoadLog& log_;
};

bool is_helper_call(const isa::Insn& insn) {
  constexpr std::uint8_t kCall = 0x85;
  return insn.code == kCall && insn.src == 0;
}

// kernel: check_helper_call, as far as the number and the type of the program go
long check_helpers(const ProgramSpec& spec, LoadLog& log) {
  for (std::size_t i = 0; i < spec.insns.size(); ++i) {
    const isa::Insn& insn = spec.insns[i];
    if (isa::is_imm64(insn)) ++i;
    if (!is_helper_call(insn)) continue;
    const auto number = static_cast<std::uint32_t>(insn.imm);
    const std::string_view name = abi::helper_name(number);
    if (name.empty()) {
      log.add(text("invalid func unknown#{}", number));
      return -EINVAL;
    }
    const Helper* helper = find_helper(number, spec.type, spec.attach_type);
    if (helper == nullptr) {
      log.add(text("program of this type cannot use helper {}#{}", name, number));
      return -EINVAL;
    }
    if (helper->has(kGpl) && !is_gpl(spec.license)) {
      log.add("cannot call GPL-restricted function from non-GPL compatible program");
      return -EINVAL;
    }
    if (!helper->refused.empty()) {
      log.add(text("{}#{} is not there in user space: {}", name, number, helper->refused));
      return -EOPNOTSUPP;
    }
  }
  return 0;
}

}  // namespace

long accept_program(Machine& machine, std::span<const int> fd_array, ProgramSpec& spec,
                    LoadLog& log) {
  if (const auto sound = isa::check_program(spec.insns); !sound) {
    log.add(sound.error().what);
    return -EINVAL;
  }
  long status = MapResolver(machine, fd_array, spec, log).run();
  if (status == 0) status = check_helpers(spec, log);
  if (status != 0) {
    for (const std::uint32_t id : spec.maps) machine.objects().disuse(ObjectKind::map, id);
    spec.maps.clear();
  }
  return status;
}

}  // namespace skep::machine
