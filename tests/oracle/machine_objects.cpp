// SPDX-License-Identifier: Apache-2.0
// bpf_attr itself, objects by id and by name, and what BPF_OBJ_GET_INFO_BY_FD says of each kind.
#include <doctest/doctest.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstring>

#include "abi/commands.h"
#include "abi/info.h"
#include "abi/map_types.h"
#include "abi/program_types.h"
#include "tests/oracle/machine_session.h"
#include "tests/support/skip.h"

namespace skep::test {

namespace {

// Commands that would reach into the whole of Linux, or leave something behind.
bool may_be_sent_anything(std::uint32_t command) {
  return command != abi::BPF_ENABLE_STATS && command != abi::BPF_TOKEN_CREATE;
}

void sizes_of_attr(Session& session) {
  std::array<std::byte, 8192> bytes{};
  const auto ask = [&](std::string_view what, std::uint32_t command, std::uint32_t size) {
    const long answer = session.side().bpf(command, bytes.data(), size);
    session.note(text("command {} {} size {}", command, what, size),
                 answer >= 0 ? std::string("made") : text("{}", answer));
    if (answer >= 0) (void)session.side().close(static_cast<int>(answer));
  };
  for (const std::uint32_t command :
       {abi::BPF_MAP_LOOKUP_ELEM, abi::BPF_PROG_GET_FD_BY_ID, abi::BPF_LINK_DETACH}) {
    for (const std::uint32_t size : {0U, 1U, 4U, 100U, 160U, 168U, 200U, 4096U, 4097U, 8192U}) {
      bytes = {};
      bytes[0] = std::byte{0xfe};
      bytes[1] = bytes[2] = bytes[3] = std::byte{0x7f};
      ask("zeros", command, size);
      if (size > 170) {
        bytes[size - 1] = std::byte{1};
        ask("a byte at the end", command, size);
      }
    }
  }
  for (const std::uint32_t command : {38U, 39U, 1000U, 1U << 16, UINT32_MAX}) {
    bytes = {};
    ask("unknown", command, 64);
  }
  for (std::uint32_t command = 0; command < abi::__MAX_BPF_CMD; ++command) {
    if (!may_be_sent_anything(command)) continue;
    for (std::uint32_t at = abi::kCommands[command].last_field_end; at < sizeof(abi::bpf_attr);
         ++at) {
      bytes = {};
      bytes[at] = std::byte{1};
      ask(text("byte {}", at), command, sizeof(abi::bpf_attr));
    }
  }
  session.note("attr at a bad place",
               session.side().bpf(abi::BPF_MAP_CREATE, reinterpret_cast<void*>(8), 64));
}

void ids(Session& session) {
  for (const std::uint32_t command : {abi::BPF_PROG_GET_NEXT_ID, abi::BPF_MAP_GET_NEXT_ID,
                                      abi::BPF_BTF_GET_NEXT_ID, abi::BPF_LINK_GET_NEXT_ID}) {
    for (const std::uint32_t from : {0x7ffffffeU, 0x7fffffffU, 0x80000000U, 0xffffffffU}) {
      session.fresh().start_id = from;
      session.ask(text("{} {}", abi::kCommands[command].name, from), command);
      session.note("next id", session.attr().next_id);
    }
  }
  for (const std::uint32_t command : {abi::BPF_PROG_GET_FD_BY_ID, abi::BPF_MAP_GET_FD_BY_ID,
                                      abi::BPF_BTF_GET_FD_BY_ID, abi::BPF_LINK_GET_FD_BY_ID}) {
    for (const std::uint32_t id : {0U, 0x7fffffffU, 0xffffffffU})
      for (const std::uint32_t flags : {0U, 1U, 8U, 16U, 24U, 1U << 16, 1U << 31}) {
        auto& attr = session.fresh();
        attr.start_id = id;
        attr.open_flags = flags;
        session.ask(text("{} {} flags {}", abi::kCommands[command].name, id, flags), command);
      }
  }
}

std::uint32_t map_id(Session& session, int map) {
  abi::bpf_map_info info{};
  auto& attr = session.fresh();
  attr.info.bpf_fd = static_cast<std::uint32_t>(map);
  attr.info.info_len = sizeof(info);
  attr.info.info = address_of(&info);
  (void)session.side().bpf(abi::BPF_OBJ_GET_INFO_BY_FD, &attr, sizeof(attr));
  return info.id;
}

void descriptors_by_id(Session& session) {
  const int map = make_array(session, 2);
  const std::uint32_t id = map_id(session, map);
  for (const std::uint32_t flags : {0U, 8U, 16U, 24U, 1U, 128U}) {
    auto& attr = session.fresh();
    attr.map_id = id;
    attr.open_flags = flags;
    const int other = session.make(text("by id, flags {}", flags), abi::BPF_MAP_GET_FD_BY_ID);
    if (other < 0) continue;
    const std::uint32_t key = 0;
    std::uint64_t value = 0;
    for (const std::uint32_t command : {abi::BPF_MAP_LOOKUP_ELEM, abi::BPF_MAP_UPDATE_ELEM}) {
      auto& element = session.fresh();
      element.map_fd = static_cast<std::uint32_t>(other);
      element.key = address_of(&key);
      element.value = address_of(&value);
      session.ask(text("flags {} command {}", flags, command), command);
    }
    session.close(other);
  }
}

// Fields that are a matter of the kernel: ids, times, addresses, memory, the number of types.
void forget(abi::bpf_map_info& info) { info.id = info.btf_id = 0; }
void forget(abi::bpf_prog_info& info) {
  info.id = info.btf_id = 0;
  info.load_time = 0;
  info.jited_prog_len = info.nr_jited_ksyms = info.nr_jited_func_lens = 0;
  info.nr_jited_line_info = 0;
  info.verified_insns = 0;
  info.run_cnt = info.run_time_ns = 0;
}
void forget(abi::bpf_btf_info& info) { info.id = 0; }

template <class Info>
void info_of(Session& session, std::string_view name, int fd) {
  struct Longer {
    Info info;
    std::array<std::byte, 4400> tail;
  };
  static_assert(offsetof(Longer, tail) == sizeof(Info));
  for (const std::uint32_t bytes :
       {0U, 1U, 4U, 40U, std::uint32_t{sizeof(Info) - 4}, std::uint32_t{sizeof(Info)},
        std::uint32_t{sizeof(Info) + 8}, 4096U, 4097U, 4300U}) {
    for (const bool dirty : {false, true}) {
      Longer place{};
      if (dirty && bytes > sizeof(Info)) place.tail[bytes - sizeof(Info) - 1] = std::byte{1};
      auto& attr = session.fresh();
      attr.info.bpf_fd = static_cast<std::uint32_t>(fd);
      attr.info.info_len = bytes;
      attr.info.info = address_of(&place);
      const std::string label = text("{} info of {} bytes, dirty {}", name, bytes, dirty);
      session.ask(label, abi::BPF_OBJ_GET_INFO_BY_FD);
      session.note(label + ": length", attr.info.info_len);
      forget(place.info);
      session.note_bytes(label + ": bytes", &place.info, sizeof(Info));
    }
  }
  auto& attr = session.fresh();
  attr.info.bpf_fd = static_cast<std::uint32_t>(fd);
  attr.info.info_len = sizeof(Info);
  attr.info.info = 8;
  session.ask(text("{} info at a bad place", name), abi::BPF_OBJ_GET_INFO_BY_FD);
}

void infos(Session& session) {
  info_of<abi::bpf_map_info>(session, "array", make_array(session, 5, abi::BPF_F_MMAPABLE));
  info_of<abi::bpf_prog_info>(session, "program",
                              make_program(session, abi::BPF_PROG_TYPE_SCHED_CLS, 3));
  info_of<abi::bpf_btf_info>(session, "BTF", make_btf(session));
  info_of<abi::bpf_map_info>(session, "nothing", Session::closed());
  info_of<abi::bpf_map_info>(session, "a file", session.other_file());
}

void btf_info_arrays(Session& session) {
  const int btf = make_btf(session);
  for (const std::uint32_t room : {0U, 1U, 24U, 200U})
    for (const std::uint32_t name_room : {0U, 1U, 8U})
      for (const bool name : {false, true}) {
        std::array<std::byte, 200> bytes{};
        std::array<char, 8> kept = {'?', '?'};
        abi::bpf_btf_info info{};
        info.btf = room == 0 ? 0 : address_of(bytes.data());
        info.btf_size = room;
        info.name = name ? address_of(kept.data()) : 0;
        info.name_len = name_room;
        auto& attr = session.fresh();
        attr.info.bpf_fd = static_cast<std::uint32_t>(btf);
        attr.info.info_len = sizeof(info);
        attr.info.info = address_of(&info);
        const std::string label = text("BTF info room {} name {} {}", room, name, name_room);
        session.ask(label, abi::BPF_OBJ_GET_INFO_BY_FD);
        session.note(label + ": size", info.btf_size);
        session.note(label + ": name size", info.name_len);
        session.note_bytes(label + ": bytes", bytes.data(), bytes.size());
        session.note_bytes(label + ": name", kept.data(), kept.size());
      }
}

void program_info_arrays(Session& session) {
  const int program = make_program(session, abi::BPF_PROG_TYPE_SOCKET_FILTER, 7);
  for (const std::uint32_t room : {0U, 1U, 8U, 15U, 16U, 100U})
    for (const bool bad : {false, true}) {
      std::array<std::byte, 104> insns{};
      std::array<std::uint32_t, 4> maps{};
      abi::bpf_prog_info info{};
      info.xlated_prog_len = room;
      info.xlated_prog_insns = bad ? 8 : address_of(insns.data());
      info.nr_map_ids = 2;
      info.map_ids = address_of(maps.data());
      auto& attr = session.fresh();
      attr.info.bpf_fd = static_cast<std::uint32_t>(program);
      attr.info.info_len = sizeof(info);
      attr.info.info = address_of(&info);
      const std::string label = text("program info room {} bad {}", room, bad);
      session.ask(label, abi::BPF_OBJ_GET_INFO_BY_FD);
      session.note(label + ": length", info.xlated_prog_len);
      session.note(label + ": maps", info.nr_map_ids);
      session.note_bytes(label + ": insns", insns.data(), insns.size());
    }
}

// Nothing is pinned: where Linux would do so is no place of the machine's.
void wrong_pins(Session& session) {
  const int map = make_array(session, 1);
  const int btf = make_btf(session);
  const char* path = "/tmp/skep-oracle-not-there/pin";
  const std::array<int, 4> fds = {map, btf, Session::closed(), session.other_file()};
  for (std::size_t i = 0; i < fds.size(); ++i) {
    for (const std::uint32_t flags : {0U, 1U, 8U, 16U, 1U << 14, 1U << 31}) {
      for (const std::uint64_t name : {std::uint64_t{0}, std::uint64_t{8}}) {
        auto& attr = session.fresh();
        attr.bpf_fd = static_cast<std::uint32_t>(fds[i]);
        attr.pathname = name;
        attr.file_flags = flags;
        session.ask(text("pin {} flags {} name {}", i, flags, name), abi::BPF_OBJ_PIN);
      }
    }
    auto& attr = session.fresh();
    attr.bpf_fd = static_cast<std::uint32_t>(fds[i]);
    attr.pathname = address_of(path);
    attr.path_fd = 3;
    session.ask(text("pin {} beside a directory", i), abi::BPF_OBJ_PIN);
  }
  for (const std::uint32_t flags : {0U, 1U, 8U, 16U, 24U, 1U << 31}) {
    for (const std::uint64_t name : {address_of(path), std::uint64_t{0}, std::uint64_t{8}}) {
      auto& attr = session.fresh();
      attr.pathname = name;
      attr.file_flags = flags;
      session.ask(text("get flags {} name {}", flags, name > 8 ? 9 : name), abi::BPF_OBJ_GET);
    }
  }
  auto& attr = session.fresh();
  attr.pathname = address_of(path);
  attr.bpf_fd = 3;
  session.ask("get with a descriptor", abi::BPF_OBJ_GET);
}

}  // namespace

TEST_CASE("machine: bpf_attr of any size") {
  if (const auto why = why_no_linux()) return skip(*why);
  compare(sizes_of_attr);
}

TEST_CASE("machine: objects by id") {
  if (const auto why = why_no_linux()) return skip(*why);
  compare(ids);
  compare(descriptors_by_id);
}

TEST_CASE("machine: infos") {
  if (const auto why = why_no_linux()) return skip(*why);
  compare(infos);
  compare(btf_info_arrays);
  compare(program_info_arrays);
}

TEST_CASE("machine: what cannot be pinned or got") {
  if (const auto why = why_no_linux()) return skip(*why);
  compare(wrong_pins);
}

}  // namespace skep::test
