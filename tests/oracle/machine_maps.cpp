// SPDX-License-Identifier: Apache-2.0
// Maps through bpf(2): what making one refuses, element commands with every flag and wrong
// arguments, frozen maps and access modes, batches, mmap.
#include <doctest/doctest.h>
#include <sys/mman.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "abi/commands.h"
#include "abi/map_types.h"
#include "abi/program_types.h"
#include "tests/oracle/machine_session.h"
#include "tests/support/random_program.h"
#include "tests/support/rounds.h"
#include "tests/support/skip.h"

namespace skep::test {

namespace {

constexpr std::uint32_t kTypes = abi::__MAX_BPF_MAP_TYPE + 2;

struct Shape {
  std::uint32_t key_bytes;
  std::uint32_t value_bytes;
  std::uint32_t entries;
  std::uint32_t flags;
};

// What the type is most simply made with.
Shape shape_of(std::uint32_t type) {
  switch (type) {
    case abi::BPF_MAP_TYPE_QUEUE:
    case abi::BPF_MAP_TYPE_STACK:
    case abi::BPF_MAP_TYPE_BLOOM_FILTER:
      return {0, 8, 4, 0};
    case abi::BPF_MAP_TYPE_RINGBUF:
    case abi::BPF_MAP_TYPE_USER_RINGBUF:
      return {0, 0, 4096, 0};
    case abi::BPF_MAP_TYPE_LPM_TRIE:
      return {8, 8, 4, abi::BPF_F_NO_PREALLOC};
    case abi::BPF_MAP_TYPE_ARENA:
      return {0, 0, 4, abi::BPF_F_MMAPABLE};
    case abi::BPF_MAP_TYPE_SK_STORAGE:
    case abi::BPF_MAP_TYPE_TASK_STORAGE:
    case abi::BPF_MAP_TYPE_INODE_STORAGE:
    case abi::BPF_MAP_TYPE_CGRP_STORAGE:
      return {4, 8, 0, abi::BPF_F_NO_PREALLOC};
    case abi::BPF_MAP_TYPE_CGROUP_STORAGE:
    case abi::BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE:
      return {8, 8, 0, 0};
    case abi::BPF_MAP_TYPE_HASH:
    case abi::BPF_MAP_TYPE_ARRAY:
    case abi::BPF_MAP_TYPE_LRU_HASH:
    case abi::BPF_MAP_TYPE_PERCPU_HASH:
    case abi::BPF_MAP_TYPE_PERCPU_ARRAY:
    case abi::BPF_MAP_TYPE_LRU_PERCPU_HASH:
    case abi::BPF_MAP_TYPE_STACK_TRACE:
      return {4, 8, 4, 0};
    default:
      return {4, 4, 4, 0};
  }
}

// Types that the machine cannot have: docs/machine-differences.md names each.
bool is_of_linux_alone(std::uint32_t type) {
  return type == abi::BPF_MAP_TYPE_CGROUP_ARRAY || type == abi::BPF_MAP_TYPE_CGROUP_STORAGE ||
         type == abi::BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE || type == abi::BPF_MAP_TYPE_STRUCT_OPS;
}

bool has_inner(std::uint32_t type) {
  return type == abi::BPF_MAP_TYPE_ARRAY_OF_MAPS || type == abi::BPF_MAP_TYPE_HASH_OF_MAPS;
}

abi::bpf_attr& shaped(Session& session, std::uint32_t type, int inner) {
  const Shape shape = shape_of(type);
  auto& attr = session.fresh();
  attr.map_type = type;
  attr.key_size = shape.key_bytes;
  attr.value_size = shape.value_bytes;
  attr.max_entries = shape.entries;
  attr.map_flags = shape.flags;
  if (has_inner(type)) attr.inner_map_fd = static_cast<std::uint32_t>(inner);
  return attr;
}

void create_every_type(Session& session) {
  const int inner = make_array(session, 1);
  for (std::uint32_t type = 0; type < kTypes; ++type) {
    if (is_of_linux_alone(type)) continue;
    const std::string name = text("create type {}", type);
    const auto attempt = [&](std::string_view what, auto change) {
      auto& attr = shaped(session, type, inner);
      change(attr);
      session.close(session.make(text("{}: {}", name, what), abi::BPF_MAP_CREATE));
    };
    attempt("plain", [](abi::bpf_attr&) {});
    for (unsigned bit = 0; bit < 32; ++bit)
      attempt(text("flag {}", bit), [&](abi::bpf_attr& a) { a.map_flags ^= 1U << bit; });
    attempt("both accesses",
            [](abi::bpf_attr& a) { a.map_flags |= abi::BPF_F_RDONLY | abi::BPF_F_WRONLY; });
    attempt("name", [](abi::bpf_attr& a) { std::strcpy(a.map_name, "a_b.C9"); });
    attempt("bad name", [](abi::bpf_attr& a) { std::strcpy(a.map_name, "a-b"); });
    attempt("endless name", [](abi::bpf_attr& a) { std::memset(a.map_name, 'a', 16); });
    attempt("bytes behind the name", [](abi::bpf_attr& a) { a.map_name[2] = 'a'; });
    attempt("device", [](abi::bpf_attr& a) { a.map_ifindex = 1; });
    attempt("extra", [](abi::bpf_attr& a) { a.map_extra = 3; });
    attempt("large extra", [](abi::bpf_attr& a) { a.map_extra = 1ULL << 40; });
    attempt("key type alone", [](abi::bpf_attr& a) { a.btf_key_type_id = 1; });
    attempt("value type, bad BTF", [](abi::bpf_attr& a) {
      a.btf_value_type_id = 1;
      a.btf_fd = static_cast<std::uint32_t>(Session::closed());
    });
    attempt("kernel's value type", [](abi::bpf_attr& a) { a.btf_vmlinux_value_type_id = 1; });
    attempt("inner map", [&](abi::bpf_attr& a) { a.inner_map_fd = std::uint32_t(inner); });
    attempt("bad inner map", [&](abi::bpf_attr& a) {
      a.inner_map_fd = static_cast<std::uint32_t>(Session::closed());
    });
    attempt("file as inner map", [&](abi::bpf_attr& a) {
      a.inner_map_fd = static_cast<std::uint32_t>(session.other_file());
    });
    attempt("node", [](abi::bpf_attr& a) { a.numa_node = 1; });
    attempt("node 0", [](abi::bpf_attr& a) { a.map_flags |= abi::BPF_F_NUMA_NODE; });
    attempt("node 7", [](abi::bpf_attr& a) {
      a.map_flags |= abi::BPF_F_NUMA_NODE;
      a.numa_node = 7;
    });
    attempt("bad token", [](abi::bpf_attr& a) {
      a.map_flags |= abi::BPF_F_TOKEN_FD;
      a.map_token_fd = Session::closed();
    });
    attempt("token without flag", [](abi::bpf_attr& a) { a.map_token_fd = 1; });
    attempt("BTF without flag", [](abi::bpf_attr& a) { a.value_type_btf_obj_fd = 1; });
    attempt("hash of no size", [](abi::bpf_attr& a) { a.excl_prog_hash = address_of(&a); });
    attempt("size of no hash", [](abi::bpf_attr& a) { a.excl_prog_hash_size = 32; });
    static const std::array<std::byte, 32> kDigest{};
    attempt("hash", [](abi::bpf_attr& a) {
      a.excl_prog_hash = address_of(kDigest.data());
      a.excl_prog_hash_size = 32;
    });
    attempt("short hash", [](abi::bpf_attr& a) {
      a.excl_prog_hash = address_of(kDigest.data());
      a.excl_prog_hash_size = 31;
    });
    attempt("bad hash", [](abi::bpf_attr& a) {
      a.excl_prog_hash = 1;
      a.excl_prog_hash_size = 32;
    });
  }
}

void create_inner_maps(Session& session) {
  for (std::uint32_t type = 1; type < abi::__MAX_BPF_MAP_TYPE; ++type) {
    if (is_of_linux_alone(type) || has_inner(type)) continue;
    shaped(session, type, -1);
    const int inner = session.make(text("inner type {}", type), abi::BPF_MAP_CREATE);
    if (inner < 0) continue;
    for (const auto outer : {abi::BPF_MAP_TYPE_ARRAY_OF_MAPS, abi::BPF_MAP_TYPE_HASH_OF_MAPS}) {
      const std::string name = text("inner type {} of {}", type, std::uint32_t(outer));
      shaped(session, outer, inner);
      const int maps = session.make(name, abi::BPF_MAP_CREATE);
      if (maps < 0) continue;
      shaped(session, outer, maps);
      session.make(name + " twice", abi::BPF_MAP_CREATE);
      const std::uint32_t key = 1;
      auto& attr = session.fresh();
      attr.map_fd = static_cast<std::uint32_t>(maps);
      attr.key = address_of(&key);
      attr.value = address_of(&inner);
      session.ask(name + " update", abi::BPF_MAP_UPDATE_ELEM);
      const int others = make_array(session, 3);
      attr = {};
      attr.map_fd = static_cast<std::uint32_t>(maps);
      attr.key = address_of(&key);
      attr.value = address_of(&others);
      session.ask(name + " update with another", abi::BPF_MAP_UPDATE_ELEM);
      session.close(others);
      session.close(maps);
    }
    session.close(inner);
  }
}

struct Element {
  std::array<std::byte, 64> key{};
  std::array<std::byte, 8192> value{};
};

abi::bpf_attr& element(Session& session, int map, const Element& with, std::uint64_t flags = 0) {
  auto& attr = session.fresh();
  attr.map_fd = static_cast<std::uint32_t>(map);
  attr.key = address_of(with.key.data());
  attr.value = address_of(with.value.data());
  attr.flags = flags;
  return attr;
}

constexpr std::array<std::uint32_t, 4> kElementCommands = {
    abi::BPF_MAP_LOOKUP_ELEM, abi::BPF_MAP_UPDATE_ELEM, abi::BPF_MAP_DELETE_ELEM,
    abi::BPF_MAP_LOOKUP_AND_DELETE_ELEM};

// Elements that are objects or processes are left alone: a value of 0 names descriptor 0.
void element_commands(Session& session, int map, std::uint32_t type) {
  for (const std::uint32_t command : kElementCommands) {
    const bool flagged = command != abi::BPF_MAP_DELETE_ELEM;
    const std::string name = text("type {} {}", type, abi::kCommands[command].name);
    Element with;
    with.key[0] = std::byte{2};
    for (unsigned bit = 0; flagged && bit < 64; ++bit) {
      element(session, map, with, 1ULL << bit);
      session.ask(text("{} flag {}", name, bit), command);
    }
    element(session, map, with);
    session.ask(name, command);
    element(session, map, with).key = 0;
    session.ask(name + " no key", command);
    element(session, map, with).key = 8;
    session.ask(name + " bad key", command);
    if (!flagged) continue;
    element(session, map, with).value = 0;
    session.ask(name + " no value", command);
    element(session, map, with).value = 8;
    session.ask(name + " bad value", command);
    element(session, map, with, abi::BPF_EXIST | abi::BPF_NOEXIST);
    session.ask(name + " both wishes", command);
    for (const std::uint8_t far : {std::uint8_t{0}, std::uint8_t{4}, std::uint8_t{255}}) {
      with.key[0] = std::byte{far};
      element(session, map, with);
      session.ask(text("{} key {}", name, far), command);
    }
  }
}

void every_element_command(Session& session) {
  const int inner = make_array(session, 1);
  for (std::uint32_t type = 1; type < abi::__MAX_BPF_MAP_TYPE; ++type) {
    if (is_of_linux_alone(type)) continue;
    shaped(session, type, inner);
    const int map = session.make(text("type {}", type), abi::BPF_MAP_CREATE);
    if (map < 0) continue;
    element_commands(session, map, type);
    Element with;
    for (const bool first : {true, false}) {
      element(session, map, with).key = first ? 0 : address_of(with.key.data());
      session.ask(text("type {} next key {}", type, first), abi::BPF_MAP_GET_NEXT_KEY);
    }
    element(session, map, with).value = 8;
    session.ask(text("type {} next key to a bad place", type), abi::BPF_MAP_GET_NEXT_KEY);
    session.fresh().map_fd = static_cast<std::uint32_t>(map);
    session.ask(text("type {} freeze", type), abi::BPF_MAP_FREEZE);
    session.ask(text("type {} freeze again", type), abi::BPF_MAP_FREEZE);
    element_commands(session, map, type);
    session.close(map);
  }
}

void wrong_descriptors(Session& session) {
  const int program = make_program(session, abi::BPF_PROG_TYPE_SOCKET_FILTER);
  const int btf = make_btf(session);
  const std::array<int, 6> wrong = {-1,  Session::closed(), session.other_file(), program,
                                    btf, INT32_MIN};
  for (unsigned i = 0; i < wrong.size(); ++i) {
    for (const std::uint32_t command :
         {abi::BPF_MAP_LOOKUP_ELEM, abi::BPF_MAP_UPDATE_ELEM, abi::BPF_MAP_DELETE_ELEM,
          abi::BPF_MAP_GET_NEXT_KEY, abi::BPF_MAP_LOOKUP_AND_DELETE_ELEM, abi::BPF_MAP_FREEZE}) {
      auto& attr = session.fresh();
      attr.map_fd = static_cast<std::uint32_t>(wrong[i]);
      session.ask(text("{} of wrong {}", abi::kCommands[command].name, i), command);
    }
    for (std::uint32_t command = abi::BPF_MAP_LOOKUP_BATCH; command <= abi::BPF_MAP_DELETE_BATCH;
         ++command) {
      auto& attr = session.fresh();
      attr.batch.map_fd = static_cast<std::uint32_t>(wrong[i]);
      session.ask(text("{} of wrong {}", abi::kCommands[command].name, i), command);
    }
  }
}

void access_modes(Session& session) {
  for (const std::uint32_t type :
       {abi::BPF_MAP_TYPE_ARRAY, abi::BPF_MAP_TYPE_HASH, abi::BPF_MAP_TYPE_QUEUE}) {
    for (const std::uint32_t mode :
         {std::uint32_t{abi::BPF_F_RDONLY}, std::uint32_t{abi::BPF_F_WRONLY},
          std::uint32_t{abi::BPF_F_RDONLY_PROG}, std::uint32_t{abi::BPF_F_WRONLY_PROG}}) {
      shaped(session, type, -1).map_flags |= mode;
      const std::string name = text("type {} mode {}", type, mode);
      const int map = session.make(name, abi::BPF_MAP_CREATE);
      if (map < 0) continue;
      const Element with;
      for (const std::uint32_t command : kElementCommands) {
        element(session, map, with);
        session.ask(text("{} {}", name, abi::kCommands[command].name), command);
      }
      element(session, map, with);
      session.ask(name + " next key", abi::BPF_MAP_GET_NEXT_KEY);
      for (const int protection : {PROT_READ, PROT_WRITE, PROT_READ | PROT_WRITE})
        session.note(text("{} mmap {}", name, protection),
                     session.side().map_pages(map, 4096, protection, 0));
      session.fresh().map_fd = static_cast<std::uint32_t>(map);
      session.ask(name + " freeze", abi::BPF_MAP_FREEZE);
      session.close(map);
    }
  }
}

constexpr std::uint64_t kPage = 4096;

void map_pages(Session& session, int map, std::string_view name) {
  for (const std::uint64_t bytes :
       {std::uint64_t{0}, std::uint64_t{1}, kPage, 2 * kPage, 3 * kPage, 4 * kPage, 5 * kPage})
    for (const std::uint64_t offset :
         {std::uint64_t{0}, std::uint64_t{1}, kPage, 2 * kPage, 3 * kPage, std::uint64_t{1} << 40})
      for (const int protection : {PROT_NONE, PROT_READ, PROT_WRITE, PROT_READ | PROT_WRITE})
        session.note(text("{} mmap {} at {} for {}", name, bytes, offset, protection),
                     session.side().map_pages(map, bytes, protection, offset));
}

void mmap_of_every_type(Session& session) {
  const int inner = make_array(session, 1);
  for (std::uint32_t type = 1; type < abi::__MAX_BPF_MAP_TYPE; ++type) {
    if (is_of_linux_alone(type)) continue;
    shaped(session, type, inner);
    const int map = session.make(text("type {}", type), abi::BPF_MAP_CREATE);
    if (map >= 0) map_pages(session, map, text("type {}", type));
    session.close(map);
  }
  for (const std::uint32_t extra :
       {std::uint32_t{0}, std::uint32_t{abi::BPF_F_RDONLY_PROG}, std::uint32_t{abi::BPF_F_RDONLY},
        std::uint32_t{abi::BPF_F_WRONLY}}) {
    const int map = make_array(session, 600, abi::BPF_F_MMAPABLE | extra);
    map_pages(session, map, text("array, flags {}", extra));
    session.close(map);
    const int frozen = make_array(session, 600, abi::BPF_F_MMAPABLE | extra);
    session.fresh().map_fd = static_cast<std::uint32_t>(frozen);
    session.ask(text("freeze, flags {}", extra), abi::BPF_MAP_FREEZE);
    map_pages(session, frozen, text("frozen array, flags {}", extra));
    session.close(frozen);
  }
  const int program = make_program(session, abi::BPF_PROG_TYPE_SOCKET_FILTER);
  session.note("mmap of a program", session.side().map_pages(program, kPage, PROT_READ, 0));
  session.note("mmap of nothing", session.side().map_pages(Session::closed(), kPage, PROT_READ, 0));
}

struct BatchPlaces {
  std::array<std::uint32_t, 64> keys{};
  std::array<std::uint64_t, 64> values{};
  std::uint64_t from = 0;
  std::uint64_t next = 0;
};

void random_batches(Session& session, std::uint64_t seed) {
  Random random(seed);
  const std::array types = {abi::BPF_MAP_TYPE_ARRAY,    abi::BPF_MAP_TYPE_ARRAY,
                            abi::BPF_MAP_TYPE_LPM_TRIE, abi::BPF_MAP_TYPE_HASH,
                            abi::BPF_MAP_TYPE_QUEUE,    abi::BPF_MAP_TYPE_STACK_TRACE};
  const std::uint32_t type = random.one_of(types);
  shaped(session, type, -1).max_entries = 1 + random.below(12);
  const int map = session.make(text("seed {} type {}", seed, type), abi::BPF_MAP_CREATE);
  for (unsigned step = 0; map >= 0 && step < 12; ++step) {
    BatchPlaces places;
    for (std::size_t i = 0; i < places.keys.size(); ++i) {
      places.keys[i] = static_cast<std::uint32_t>(i % 14);
      places.values[i] = i;
    }
    places.from = random.below(10);
    const std::uint32_t command = abi::BPF_MAP_LOOKUP_BATCH + random.below(4);
    auto& attr = session.fresh();
    attr.batch.map_fd = static_cast<std::uint32_t>(map);
    // Where a hash stands in its walk is its own affair.
    const bool begins = type == abi::BPF_MAP_TYPE_HASH || random.one_in(2);
    attr.batch.in_batch = begins ? 0 : random.one_in(6) ? 8 : address_of(&places.from);
    attr.batch.out_batch = random.one_in(8) ? 0 : address_of(&places.next);
    attr.batch.keys = random.one_in(8) ? 8 : address_of(places.keys.data());
    attr.batch.values = random.one_in(8) ? 8 : address_of(places.values.data());
    // With less room than a bucket has, the answer is a matter of where the hash puts its keys.
    attr.batch.count = type != abi::BPF_MAP_TYPE_HASH ? random.below(20)
                       : random.one_in(4)             ? 0
                                                      : 13 + random.below(8);
    attr.batch.elem_flags = random.one_in(6) ? random.value() : 0;
    attr.batch.flags = random.one_in(10) ? random.value() : 0;
    const std::string name = text("seed {} step {} type {} {} count {} element flags {} flags {}",
                                  seed, step, type, abi::kCommands[command].name, attr.batch.count,
                                  attr.batch.elem_flags, attr.batch.flags);
    const long answer = session.ask(name, command);
    session.note(name + ": count", attr.batch.count);
    // How much a hash loses when what was taken cannot be given is a matter of its buckets.
    if (type == abi::BPF_MAP_TYPE_HASH && answer == -EFAULT) return;
    // What is left behind by a command that ran into a bad address is not promised.
    if (type == abi::BPF_MAP_TYPE_HASH || answer == -EFAULT) continue;
    session.note(name + ": next", static_cast<long>(places.next));
    session.note_bytes(name + ": keys", places.keys.data(), sizeof(places.keys));
    session.note_bytes(name + ": values", places.values.data(), sizeof(places.values));
  }
}

}  // namespace

TEST_CASE("machine: every type of map is made and refused as by Linux") {
  if (const auto why = why_no_linux()) return skip(*why);
  // A map of one program alone is refused by the machine.
  std::vector<std::string> exclusive;
  exclusive.reserve(kTypes);
  for (std::uint32_t type = 0; type < kTypes; ++type)
    exclusive.push_back(text("create type {}: hash", type));
  compare(create_every_type, {exclusive.begin(), exclusive.end()});
  compare(create_inner_maps);
}

TEST_CASE("machine: element commands refuse what Linux refuses") {
  if (const auto why = why_no_linux()) return skip(*why);
  // An arena is never frozen.
  compare(every_element_command, {"type 33 *"});
  compare(wrong_descriptors);
  compare(access_modes);
}

TEST_CASE("machine: mmap of maps") {
  if (const auto why = why_no_linux()) return skip(*why);
  // An arena may be mapped as often as one likes.
  compare(mmap_of_every_type, {"type 33 *"});
}

TEST_CASE("machine: random batches") {
  if (const auto why = why_no_linux()) return skip(*why);
  const std::uint64_t seed = seed_or(1);
  for (std::uint64_t i = 0; i < runs_or(rounds(200)); ++i)
    compare([&](Session& session) { random_batches(session, seed + i); });
}

}  // namespace skep::test
