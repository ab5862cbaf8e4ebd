// SPDX-License-Identifier: Apache-2.0
#include "maps/arena.h"

#include <doctest/doctest.h>

#include "abi/limits.h"
#include "abi/map_types.h"
#include "maps/test_world.h"
#include "maps/words.h"
#include "tests/support/rounds.h"

namespace skep::maps {

namespace {

constexpr MapType kType{abi::BPF_MAP_TYPE_ARENA, check_arena, arena_bytes, open_arena, false, ""};
constexpr std::uint64_t kStart = 0x7000'0000'0000;
constexpr std::uint64_t kPage = ArenaMap::kPage;

struct TestArena : TestMap {
  explicit TestArena(std::uint32_t pages, std::uint64_t start = kStart)
      : TestMap(kType, {.max_entries = pages, .flags = abi::BPF_F_MMAPABLE, .extra = start}) {}
  ArenaMap& arena() { return static_cast<ArenaMap&>(map()); }
};

}  // namespace

TEST_CASE("arena: specs as Linux takes them") {
  const auto status = [](std::uint32_t pages, std::uint32_t flags, std::uint64_t start) {
    MapSpec spec{.max_entries = pages, .flags = flags, .extra = start};
    return check_arena(spec, 1);
  };
  const std::uint32_t flags = abi::BPF_F_MMAPABLE;
  CHECK(status(1, flags, 0) == 0);
  CHECK(status(1 << 20, flags, 0) == 0);
  CHECK(status((1 << 20) + 1, flags, 0) == -E2BIG);
  CHECK(status(1 << 20, flags, 4096) == -ERANGE);
  CHECK(status(4, flags, 0xffff'f000) == -ERANGE);
  CHECK(status(4, flags, 17) == -EINVAL);
  CHECK(status(4, 0, 0) == -EINVAL);
  CHECK(status(0, flags, 0) == -EINVAL);
  CHECK(status(4, flags | abi::BPF_F_NO_USER_CONV | abi::BPF_F_SEGV_ON_FAULT, 0) == 0);
  CHECK(status(4, flags | abi::BPF_F_RDONLY, 0) == -EINVAL);
}

TEST_CASE("arena: pages are given out, and are zero") {
  TestArena test(8);
  ArenaMap& arena = test.arena();
  CHECK(arena.allocate(0, 0) == 0);
  CHECK(arena.allocate(0, 9) == 0);
  const std::uint64_t first = arena.allocate(0, 3);
  REQUIRE(first == kStart);
  std::byte* memory = arena.resolve(first, 3 * kPage);
  REQUIRE(memory == arena.base());
  std::memset(memory, 0xff, 3 * kPage);
  CHECK(arena.allocate(kStart + kPage, 1) == 0);
  CHECK(arena.allocate(kStart + 7 * kPage, 2) == 0);
  CHECK(arena.allocate(kStart + 5 * kPage + 1, 1) == 0);
  CHECK(arena.allocate(kStart + 7 * kPage, 1) == kStart + 7 * kPage);
  CHECK(arena.pages_in_use() == 4);
  arena.free(first, 3);
  CHECK(arena.pages_in_use() == 1);
  CHECK(arena.allocate(0, 7) == kStart);
  for (std::uint64_t i = 0; i < 3 * kPage; ++i) REQUIRE(memory[i] == std::byte{0});
  CHECK(arena.allocate(0, 1) == 0);
  arena.free(kStart + 6 * kPage, 100);
  CHECK(arena.pages_in_use() == 6);
  arena.free(kStart + 8 * kPage, 1);
  arena.free(0, 0);
  CHECK(arena.pages_in_use() == 6);
}

TEST_CASE("arena: reserved pages are nobody's") {
  TestArena test(4);
  ArenaMap& arena = test.arena();
  CHECK(arena.reserve(kStart, 0) == 0);
  CHECK(arena.reserve(kStart + 1, 1) == -EINVAL);
  CHECK(arena.reserve(kStart, 5) == -EINVAL);
  CHECK(arena.reserve(kStart, 2) == 0);
  CHECK(arena.reserve(kStart + kPage, 1) == -EBUSY);
  CHECK(arena.allocate(0, 3) == 0);
  CHECK(arena.allocate(0, 2) == kStart + 2 * kPage);
}

TEST_CASE("arena: only the low half of a pointer counts") {
  TestArena test(4);
  CHECK(test.arena().resolve(kPage + 8, 8) == test.arena().base() + kPage + 8);
  CHECK(test.arena().resolve(4 * kPage - 8, 8) != nullptr);
  CHECK(test.arena().resolve(4 * kPage - 8, 9) == nullptr);
  CHECK(test.arena().resolve(~std::uint64_t{0}, 1) == nullptr);
}

TEST_CASE("arena: where user space has it is settled once") {
  TestArena test(4, 0);
  CHECK(test.arena().set_user_start(5) == -EINVAL);
  CHECK(test.arena().set_user_start(0xffff'f000) == -ERANGE);
  CHECK(test.arena().set_user_start(kStart) == 0);
  CHECK(test.arena().set_user_start(kStart) == 0);
  CHECK(test.arena().set_user_start(2 * kStart) == -EBUSY);
  CHECK(test->direct_value(0) == kStart);
  CHECK(test.view()->direct_value(0) == kStart);
}

TEST_CASE("arena: what Linux answers") {
  TestArena test(4);
  std::uint64_t value = 0;
  CHECK(test->read({}, nullptr, &value, 0) == -EINVAL);
  CHECK(test->write({}, nullptr, &value, 0) == -EOPNOTSUPP);
  CHECK(test->remove({}, nullptr) == -EOPNOTSUPP);
  CHECK(test->next_key({}, nullptr, &value) == -EOPNOTSUPP);
  CHECK(test->take({}, nullptr, &value, 0) == -abi::ENOTSUPP);
  CHECK(test->freeze() == -EBUSY);
  Pages pages;
  CHECK(test->pages(0, 4 * kPage, true, pages) == 0);
  CHECK(test.region().at(Offset{pages.offset}, pages.bytes) == test.arena().base());
  CHECK(test->pages(kPage, kPage, true, pages) == -EINVAL);
  CHECK(test->pages(0, 5 * kPage, true, pages) == -E2BIG);
}

TEST_CASE("arena: a header from elsewhere does no harm") {
  TestArena test(70);
  for (std::uint64_t round = 0; round < test::rounds(20'000); ++round) {
    const std::uint64_t random = test.world.random() | std::uint64_t{test.world.random()} << 32;
    store_relaxed<std::uint64_t>(test.memory() + 8 + random % 12 * 8, random);
    store_relaxed<std::uint32_t>(test.memory() + 4, static_cast<std::uint32_t>(random));
    const std::uint64_t got = test.arena().allocate(random % 2 == 0 ? 0 : random << 12, 3);
    if (std::byte* memory = test.arena().resolve(got, 3 * kPage)) std::memset(memory, 1, 8);
    if (random % 16 == 3) test.arena().free(random, static_cast<std::uint32_t>(random >> 40));
  }
}

}  // namespace skep::maps
