// SPDX-License-Identifier: Apache-2.0
#include "btf/btf.h"

#include <doctest/doctest.h>

#include "btf/index.h"
#include "tests/support/btf_builder.h"
#include "tests/support/btf_cases.h"

namespace skep::btf {

using namespace abi;

namespace {

std::uint32_t bytes_of(const Btf& btf, TypeId id) {
  const auto found = btf.sized(id);
  return found ? found->bytes : 0;
}

}  // namespace

TEST_CASE("btf: each rule has its errno") {
  for (const test::BtfCase& each : test::btf_cases()) {
    const std::string rule(each.rule);
    CAPTURE(rule);
    const auto btf = Btf::read(each.bytes);
    const int sys = btf ? 0 : btf.error().sys;
    const std::string what = btf ? std::string() : btf.error().what;
    CAPTURE(what);
    CHECK(sys == each.sys);
    CHECK(what.empty() == (each.sys == 0));
  }
}

TEST_CASE("btf: every prefix of a good BTF is refused") {
  const Bytes bytes = test::every_kind().bytes();
  for (std::size_t length = 0; length < bytes.size(); ++length)
    CHECK(!Btf::read(std::span(bytes).first(length)));
}

TEST_CASE("btf: types, names, members and sizes") {
  const auto btf = Btf::read(test::every_kind().bytes());
  REQUIRE(btf);
  const TypeId pair = btf->find("pair", BTF_KIND_STRUCT);
  REQUIRE(pair != kVoid);
  CHECK(btf->name(pair) == "pair");
  CHECK(bytes_of(*btf, pair) == 64);
  CHECK(btf->find("pair", BTF_KIND_UNION) == kVoid);
  CHECK(btf->find("no such", BTF_KIND_STRUCT) == kVoid);
  const Type type = btf->type(pair);
  REQUIRE(type.vlen == 7);
  const Member numbers = member_of(type, 1);
  CHECK(btf->name_at(numbers.name_offset) == "numbers");
  CHECK(numbers.bit_offset == 64);
  CHECK(bytes_of(*btf, numbers.type) == 16);
  const TypeId wide = btf->find("wide_t", BTF_KIND_TYPEDEF);
  CHECK(btf->name(btf->skip_modifiers(wide)) == "u64");
  CHECK(bytes_of(*btf, wide) == 8);
  const Member high = member_of(btf->type(btf->find("flags", BTF_KIND_STRUCT)), 1);
  CHECK(high.bit_offset == 3);
  CHECK(high.bits == 5);
  CHECK(bytes_of(*btf, btf->find("counter", BTF_KIND_VAR)) == 8);
  CHECK(!btf->sized(btf->find("main", BTF_KIND_FUNC)));
  CHECK(btf->describe(pair) == text("type {} (STRUCT 'pair')", std::to_underlying(pair)));
}

TEST_CASE("btf: what does not exist is void and has no name") {
  const auto btf = Btf::read(test::every_kind().bytes());
  REQUIRE(btf);
  const TypeId beyond{btf->count()};
  CHECK(!btf->contains(beyond));
  CHECK(btf->type(beyond).kind == BTF_KIND_UNKN);
  CHECK(!btf->sized(beyond));
  CHECK(!btf->sized(kVoid));
  CHECK(btf->name_at(btf->string_bytes()).empty());
  CHECK(btf->name_at(0xffff'ffff).empty());
}

TEST_CASE("btf: the bytes move with it") {
  auto btf = Btf::read(test::every_kind().bytes());
  REQUIRE(btf);
  const std::string_view name = btf->name(TypeId{1});
  const Btf moved = *std::move(btf);
  CHECK(name.data() == moved.name(TypeId{1}).data());
}

TEST_CASE("btf: indices find the first by name, and tags by what they tag") {
  test::BtfBuilder builder;
  const auto first = builder.structure("twice", 4);
  builder.structure("twice", 8);
  const auto tag = builder.tag("a:1", first);
  builder.tag("b:2", first);
  const auto btf = Btf::read(builder.bytes());
  REQUIRE(btf);
  CHECK(NameIndex(*btf, BTF_KIND_STRUCT).find("twice") == TypeId{first});
  CHECK(NameIndex(*btf, BTF_KIND_UNION).find("twice") == kVoid);
  const TagIndex tags(*btf, "a:");
  REQUIRE(tags.on(*btf, TypeId{first}, TagIndex::kWhole).size() == 1);
  CHECK(tags.on(*btf, TypeId{first}, TagIndex::kWhole)[0] == TypeId{tag});
  CHECK(tags.on(*btf, TypeId{first}, 0).empty());
}

}  // namespace skep::btf
