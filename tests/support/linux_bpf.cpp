// SPDX-License-Identifier: Apache-2.0
#include "tests/support/linux_bpf.h"

#include <sys/syscall.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace skep::test {

namespace {

long bpf(bpf_cmd command, bpf_attr& attributes) {
  return ::syscall(SYS_bpf, command, &attributes, sizeof(attributes));
}

std::uint64_t address_of(const void* place) { return reinterpret_cast<std::uint64_t>(place); }

// The program calls a function of its own and is one for the network: what Linux gives to anybody
// is not enough for tests.
std::optional<std::string> probe() {
  const auto map = create_map({});
  if (!map) return map.error().what;
  const auto program = std::to_array<isa::Insn>(
      {{.code = 0x85, .src = 1, .imm = 1}, {.code = 0x95}, {.code = 0xb7}, {.code = 0x95}});
  const auto verdict =
      load_program({.program = program, .type = BPF_PROG_TYPE_SCHED_CLS, .log_level = 0});
  if (!verdict) return verdict.error().what;
  if (!verdict->accepted()) return system_error("cannot load a program", verdict->sys).what;
  return std::nullopt;
}

// BTF that says of one function no more than that it is static and returns an integer.
struct FunctionBtf {
  std::uint16_t magic = 0xeb9f;
  std::uint8_t version = 1;
  std::uint8_t flags = 0;
  std::uint32_t header_bytes = 24;
  std::uint32_t types_at = 0;
  std::uint32_t types_bytes = 10 * 4;
  std::uint32_t strings_at = 10 * 4;
  std::uint32_t strings_bytes = 8;
  // Type 1: int "u64"; type 2: a prototype that returns it; type 3: function "f".
  std::array<std::uint32_t, 10> types = {1, 1U << 24, 8, 64, 0, 13U << 24, 1, 5, 12U << 24, 2};
  std::array<char, 8> strings = {"\0u64\0f"};
};
static_assert(sizeof(FunctionBtf) == 24 + 40 + 8, "BTF: header, types, strings without gaps");
constexpr std::uint32_t kFunctionType = 3;

Result<Fd> load_function_btf() {
  const FunctionBtf btf;
  bpf_attr attributes{};
  attributes.btf = address_of(&btf);
  attributes.btf_size = sizeof(btf);
  const long fd = bpf(BPF_BTF_LOAD, attributes);
  if (fd < 0) return std::unexpected(system_error("cannot load BTF", errno));
  return Fd(static_cast<int>(fd));
}

}  // namespace

const std::optional<std::string>& why_no_bpf() {
  static const std::optional<std::string> kReason = probe();
  return kReason;
}

Result<Fd> create_map(const MapShape& shape) {
  bpf_attr attributes{};
  attributes.map_type = shape.type;
  attributes.key_size = shape.key_bytes;
  attributes.value_size = shape.value_bytes;
  attributes.max_entries = shape.max_entries;
  attributes.map_flags = shape.flags;
  const long fd = bpf(BPF_MAP_CREATE, attributes);
  if (fd < 0) return std::unexpected(system_error("cannot create a map", errno));
  return Fd(static_cast<int>(fd));
}

Status read_element(int map, std::uint32_t index, std::span<std::byte> value) {
  bpf_attr attributes{};
  attributes.map_fd = static_cast<std::uint32_t>(map);
  attributes.key = address_of(&index);
  attributes.value = address_of(value.data());
  if (bpf(BPF_MAP_LOOKUP_ELEM, attributes) < 0)
    return std::unexpected(system_error("cannot read a map element", errno));
  return {};
}

Status write_element(int map, std::uint32_t index, std::span<const std::byte> value) {
  bpf_attr attributes{};
  attributes.map_fd = static_cast<std::uint32_t>(map);
  attributes.key = address_of(&index);
  attributes.value = address_of(value.data());
  if (bpf(BPF_MAP_UPDATE_ELEM, attributes) < 0)
    return std::unexpected(system_error("cannot write a map element", errno));
  return {};
}

Result<Verdict> load_program(const LoadRequest& request) {
  const Bytes bytes = isa::encode(request.program);
  Verdict verdict;
  if (request.log_level != 0) verdict.log.resize(request.log_bytes);
  bpf_attr attributes{};
  attributes.prog_type = request.type;
  attributes.insns = address_of(bytes.data());
  attributes.insn_cnt = static_cast<std::uint32_t>(request.program.size());
  attributes.license = address_of("GPL");
  attributes.prog_flags = request.flags;
  if (request.log_level != 0) {
    attributes.log_level = request.log_level;
    attributes.log_buf = address_of(verdict.log.data());
    attributes.log_size = request.log_bytes;
  }
  Fd btf;
  std::vector<bpf_func_info> functions;
  if (!request.functions.empty()) {
    btf = SKEP_TRY(load_function_btf());
    for (const std::uint32_t start : request.functions)
      functions.push_back({.insn_off = start, .type_id = kFunctionType});
    attributes.prog_btf_fd = static_cast<std::uint32_t>(btf.get());
    attributes.func_info = address_of(functions.data());
    attributes.func_info_rec_size = sizeof(bpf_func_info);
    attributes.func_info_cnt = static_cast<std::uint32_t>(functions.size());
  }
  const long fd = bpf(BPF_PROG_LOAD, attributes);
  verdict.sys = fd < 0 ? errno : 0;
  verdict.log.resize(std::strlen(verdict.log.c_str()));
  if (fd >= 0) verdict.program = Fd(static_cast<int>(fd));
  if (verdict.sys == ENOSYS) return std::unexpected(system_error("cannot load a program", ENOSYS));
  return verdict;
}

Result<std::uint32_t> test_run(int program, std::span<const std::byte> packet) {
  bpf_attr attributes{};
  attributes.test.prog_fd = static_cast<std::uint32_t>(program);
  attributes.test.data_in = address_of(packet.data());
  attributes.test.data_size_in = static_cast<std::uint32_t>(packet.size());
  attributes.test.repeat = 1;
  if (bpf(BPF_PROG_TEST_RUN, attributes) < 0)
    return std::unexpected(system_error("cannot run a program", errno));
  return attributes.test.retval;
}

}  // namespace skep::test
