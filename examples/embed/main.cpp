// SPDX-License-Identifier: Apache-2.0
// A program of BPF inside this process, without privilege: it counts packets by their length.
#include <skep/assemble.h>
#include <skep/machine.h>
#include <skep/map.h>
#include <skep/program.h>

#include <cstdio>

namespace {

// r1 is the packet; the length is the first field of its context.
std::string source(int map) {
  return "r6 = *(u32 *)(r1 +0)\n"
         "*(u32 *)(r10 -4) = r6\n"
         "r1 = map[fd:" +
         std::to_string(map) +
         "]\n"
         "r2 = r10\n"
         "r2 += -4\n"
         "call bpf_map_lookup_elem\n"
         "if r0 == 0 goto out\n"
         "r1 = 1\n"
         "lock *(u64 *)(r0 +0) += r1\n"
         "out: r0 = r6\n"
         "exit\n";
}

skep::Status count_packets() {
  const auto kernel = skep::make_machine();
  if (!kernel) return std::unexpected(kernel.error());
  const auto map = skep::Map::create(**kernel, {.max_entries = 1500, .name = "lengths"});
  if (!map) return std::unexpected(map.error());
  const auto insns = skep::assemble(source(map->fd()));
  if (!insns) return std::unexpected(insns.error());
  const auto program = skep::Program::load(
      **kernel, {.type = skep::ProgramType::sched_cls, .insns = *insns, .name = "count"});
  if (!program) return std::unexpected(program.error());

  for (const std::size_t bytes : {64, 100, 64}) {
    const skep::Bytes packet(bytes);
    const auto run = program->test_run({.data = packet});
    if (!run) return std::unexpected(run.error());
  }
  return map->for_each([](auto key, auto value) {
    if (value[0] != std::byte{})
      std::printf("%u bytes: %u\n", unsigned(key[0]) | unsigned(key[1]) << 8, unsigned(value[0]));
    return true;
  });
}

}  // namespace

int main() {
  const skep::Status done = count_packets();
  if (!done) std::fprintf(stderr, "%s\n", done.error().what.c_str());
  return done ? 0 : 1;
}
