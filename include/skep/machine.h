// SPDX-License-Identifier: Apache-2.0
// Skep's machine: a kernel for BPF in this process, which needs no privilege. Named machines lie in
// files of the user, and processes that open the same name share maps, programs and pins.
#pragma once

#include <memory>
#include <string>

#include "skep/kernel.h"

namespace skep {

struct MachineOptions {
  std::uint64_t memory_bytes = std::uint64_t{4} << 30;  // of all maps and programs, at most
  std::uint32_t cpus = 0;                               // 0: as many as the host could have
  std::string engine{};                                 // what runs programs; empty: the default
};

// A machine of this process alone, gone with the Kernel.
[[nodiscard]] Result<std::unique_ptr<Kernel>> make_machine(const MachineOptions& options = {});

// The machine of that name of this user, made if there is none. Pinned objects stay.
[[nodiscard]] Result<std::unique_ptr<Kernel>> open_machine(std::string_view name,
                                                           const MachineOptions& options = {});
[[nodiscard]] Result<std::vector<std::string>> machine_names();
// The file behind the name; processes that have it open keep it until they close it.
[[nodiscard]] Result<std::string> machine_path(std::string_view name);
[[nodiscard]] Status remove_machine(std::string_view name);

}  // namespace skep
