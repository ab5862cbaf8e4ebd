// SPDX-License-Identifier: Apache-2.0
#include "abi/name_table.h"

#include <doctest/doctest.h>

#include <array>

#include "abi/attach_types.h"
#include "abi/btf.h"
#include "abi/commands.h"
#include "abi/link_types.h"
#include "abi/map_types.h"
#include "abi/program_types.h"
#include "abi/value_fields.h"

namespace skep::abi {

namespace {

struct Row {
  std::uint32_t number;
  std::string_view name;
};

constexpr auto kGood = std::to_array<Row>({{0, "none"}, {1, "one"}});
constexpr auto kGap = std::to_array<Row>({{0, "none"}, {2, "two"}});
constexpr auto kTwice = std::to_array<Row>({{0, "none"}, {1, "none"}});
constexpr auto kNameless = std::to_array<Row>({{0, "none"}, {1, ""}});

// Each row is found by its number and by its name, and nothing else is.
template <class Table, class Find>
void check_lookups(const Table& table, Find find) {
  for (const auto& row : table) {
    CHECK(find(std::uint64_t{row.number}) == &row);
    CHECK(find(row.name) == &row);
  }
  CHECK(find(std::uint64_t{table.size()}) == nullptr);
  CHECK(find(std::uint64_t{1} << 32) == nullptr);
  CHECK(find(~std::uint64_t{0}) == nullptr);
  CHECK(find(std::string_view{}) == nullptr);
  CHECK(find(std::string_view{"no such name"}) == nullptr);
}

}  // namespace

TEST_CASE("a table with a gap, too few rows, or a name twice is not dense") {
  CHECK(is_dense(kGood, 2));
  CHECK(!is_dense(kGood, 3));
  CHECK(!is_dense(kGap, 2));
  CHECK(!is_dense(kTwice, 2));
  CHECK(!is_dense(kNameless, 2));
}

TEST_CASE("rows are found by number and by name") {
  check_lookups(kMapTypes, [](auto key) { return find_map_type(key); });
  check_lookups(kProgramTypes, [](auto key) { return find_program_type(key); });
  check_lookups(kAttachTypes, [](auto key) { return find_attach_type(key); });
  check_lookups(kLinkTypes, [](auto key) { return find_link_type(key); });
  check_lookups(kCommands, [](auto key) { return find_command(key); });
  check_lookups(kBtfKinds, [](auto key) { return find_btf_kind(key); });
}

TEST_CASE("attach types have a second name, which is nobody else's") {
  CHECK(find_attach_type("connect4")->number == BPF_CGROUP_INET4_CONNECT);
  CHECK(find_attach_type("mod_ret")->number == BPF_MODIFY_RETURN);
  CHECK(find_attach_type("tcx_ingress")->number == BPF_TCX_INGRESS);
  for (const AttachType& type : kAttachTypes) CHECK(find_attach_type(type.short_name) == &type);
}

TEST_CASE("what programs may not look into is known by its name in BTF") {
  CHECK(find_value_field("bpf_rb_node")->bytes == 32);
  CHECK(find_value_field("bpf_dynptr") == nullptr);
  CHECK(find_iterator("bpf_iter_task")->bytes == 24);
}

TEST_CASE("no command reads past bpf_attr, and only one that is newer reads nothing") {
  for (const Command& command : kCommands) {
    CHECK(command.last_field_end <= kBpfAttrBytes);
    CHECK((command.last_field_end == 0) == command.newer);
  }
}

TEST_CASE("words of BTF are taken apart as they are put together") {
  const std::uint32_t info = btf_info(BTF_KIND_STRUCT, 7, true);
  CHECK(BTF_INFO_KIND(info) == BTF_KIND_STRUCT);
  CHECK(BTF_INFO_VLEN(info) == 7);
  CHECK(BTF_INFO_KFLAG(info));
  CHECK((info & BTF_INFO_RESERVED) == 0);
  CHECK((0xffff'ffff & BTF_INFO_RESERVED) == 0x60ff'0000);
  CHECK(BTF_INT_ENCODING(0x0102'0020) == BTF_INT_SIGNED);
  CHECK(BTF_INT_OFFSET(0x0102'0020) == 2);
  CHECK(BTF_INT_BITS(0x0102'0020) == 32);
  CHECK((0xffff'ffff & BTF_INT_RESERVED) == 0xf000'0000);
  CHECK(BTF_MEMBER_BITFIELD_SIZE(0x0300'0011) == 3);
  CHECK(BTF_MEMBER_BIT_OFFSET(0x0300'0011) == 17);
  CHECK(BPF_LINE_INFO_LINE_NUM(12U << 10 | 5) == 12);
  CHECK(BPF_LINE_INFO_LINE_COL(12U << 10 | 5) == 5);
}

}  // namespace skep::abi
