// SPDX-License-Identifier: Apache-2.0
// One run of a program, as the helpers that it calls see it: engines pass it on as the context of
// the run. Lives on the stack of the thread that runs the program.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/calls.h"
#include "machine/host.h"
#include "machine/reservations.h"
#include "maps/map.h"

namespace skep::machine {

class Machine;
class Program;
class TracePipe;
class Timers;
class Services;
class Objects;
class Skb;
class XdpBuffer;
struct Devices;
struct KnownDynptr;
struct SentClone;
struct StackStart;
struct SysctlValues;

struct Run {
  const Host* host = nullptr;
  maps::Caller caller{};             // the CPU slot that this run holds
  Machine* machine = nullptr;        // null for programs that run without one
  const Program* program = nullptr;  // the one that was started, before any tail call
  TracePipe* trace = nullptr;
  Timers* timers = nullptr;
  void* context = nullptr;  // r1 of the start
  Skb* skb = nullptr;       // for packet programs, what the context stands for
  XdpBuffer* xdp = nullptr;
  std::uint64_t cookie = 0;                  // of the link that fired
  std::uint64_t function_ip = 0;             // of the traced function
  const std::uint64_t* arguments = nullptr;  // of the traced function
  unsigned argument_count = 0;
  std::uint64_t traced_result = 0;
  bool has_traced_result = false;
  std::int32_t retval = 0;  // of cgroup programs
  unsigned tail_calls = 0;
  // What the engine shows of itself while it runs: Input::running points here.
  engine::Running* running = nullptr;
  Services* services = nullptr;
  const maps::Holder* holder = nullptr;  // who takes spin locks: the Region
  Objects* objects = nullptr;            // where bpf_obj_new takes memory from
  const Devices* devices = nullptr;
  std::vector<SentClone>* clones = nullptr;  // of bpf_clone_redirect
  const StackStart* stack = nullptr;         // of the traced thread; null for this one
  SysctlValues* sysctl = nullptr;            // of cgroup_sysctl programs
  std::string* sequence = nullptr;           // what an iterator prints
  std::uint64_t* session_cookie = nullptr;   // shared by entry and return of one call
  int socket_fd = -1;                        // the socket that the context stands for
  Reservations reservations{};
  // A helper that was refused because of its arguments, by number; the run then ends. 0 for none.
  std::uint32_t refused_helper = 0;
  std::vector<KnownDynptr>* dynptrs = nullptr;  // of a run whose arguments are judged
};

[[nodiscard]] inline Run& run_of(void* context) { return *static_cast<Run*>(context); }

}  // namespace skep::machine
