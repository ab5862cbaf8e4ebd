// SPDX-License-Identifier: Apache-2.0
#include "maps/map.h"

#include <doctest/doctest.h>

#include <cerrno>
#include <set>

#include "abi/limits.h"
#include "abi/map_types.h"
#include "maps/test_world.h"

namespace skep::maps {

namespace {

constexpr Caller kCaller{};

MapSpec array_spec() {
  return {.type = abi::BPF_MAP_TYPE_ARRAY, .key_bytes = 4, .value_bytes = 8, .max_entries = 16};
}

// A type that can nothing but be there.
class Mute final : public Map {
 public:
  explicit Mute(const MapInit& init) : Map(init) {}
};

constexpr MapType kMute{
    .number = 1000,
    .check = [](MapSpec&, unsigned) { return 0L; },
    .bytes = [](const MapSpec&, unsigned) -> std::optional<std::uint64_t> { return 64; },
    .open = [](const MapInit& init) -> std::unique_ptr<Map> {
      return std::make_unique<Mute>(init);
    },
    .has_batches = true,
    .refused = ""};

// A shared Region with one published map, and another view of it.
struct Two {
  TestWorld world;
  std::unique_ptr<Region> one = Region::create_shared({.limit_bytes = 1 << 20, .cpus = 2}).value();
  std::unique_ptr<Region> two = Region::attach(Fd(dup(one->fd()))).value();
  Offset block{};
  std::unique_ptr<Map> map = create_map(*one, world, array_spec(), block).value();
};

int open_error(Two& two, const MapSpec& spec, Offset block) {
  const auto map = open_map(*two.two, two.world, spec, block);
  return map ? 0 : map.error().sys;
}

}  // namespace

TEST_CASE("the table of types has each once, complete or with a reason") {
  std::set<std::uint32_t> numbers;
  for (const MapType& type : map_types()) {
    CAPTURE(type.number);
    CHECK(numbers.insert(type.number).second);
    CHECK(type.number < abi::__MAX_BPF_MAP_TYPE);
    CHECK(find_map_type(type.number) == &type);
    if (type.open != nullptr)
      CHECK((type.check != nullptr && type.bytes != nullptr));
    else
      CHECK_FALSE(type.refused.empty());
  }
  CHECK(find_map_type(abi::BPF_MAP_TYPE_UNSPEC) == nullptr);
  CHECK(find_map_type(~0U) == nullptr);
}

TEST_CASE("no type takes a spec that it cannot count, whatever the spec says") {
  const std::uint32_t sizes[] = {0, 1, 4, 8, 0x7fff'ffff, 0x8000'0000, 0xffff'ffff};
  for (const MapType& type : map_types()) {
    if (type.open == nullptr) continue;
    CAPTURE(type.number);
    for (const std::uint32_t key : sizes)
      for (const std::uint32_t value : sizes)
        for (const std::uint32_t entries : sizes)
          for (const std::uint32_t flags : {0U, +abi::BPF_F_NO_PREALLOC, +abi::BPF_F_MMAPABLE}) {
            MapSpec spec{.type = type.number,
                         .key_bytes = key,
                         .value_bytes = value,
                         .max_entries = entries,
                         .flags = flags};
            if (type.check(spec, kMaxCpus) != 0) continue;
            const auto bytes = type.bytes(spec, kMaxCpus);
            // Elements that can be there at the same time need at least their own bytes.
            CHECK((!bytes || *bytes < std::uint64_t{1} << 63));
          }
  }
}

TEST_CASE("a map is made, published, and found by another process's view") {
  Two two;
  const std::uint32_t index = 3;
  const std::uint64_t value = 42;
  CHECK(two.map->write(kCaller, &index, &value, 0) == 0);
  CHECK(open_error(two, array_spec(), two.block) == EINVAL);
  two.one->publish(two.block);
  const auto other = open_map(*two.two, two.world, array_spec(), two.block).value();
  std::uint64_t seen = 0;
  CHECK(other->read(kCaller, &index, &seen, 0) == 0);
  CHECK(seen == 42);
  CHECK(other->memory_bytes() == 128);
}

TEST_CASE("a record of a map that cannot be is refused") {
  Two two;
  two.one->publish(two.block);
  const auto with = [&](auto change) {
    MapSpec spec = array_spec();
    change(spec);
    return open_error(two, spec, two.block);
  };
  CHECK(with([](MapSpec&) {}) == 0);
  CHECK(with([](MapSpec& spec) { spec.type = 0; }) == EINVAL);
  CHECK(with([](MapSpec& spec) { spec.type = ~0U; }) == EINVAL);
  CHECK(with([](MapSpec& spec) { spec.max_entries = 17; }) == EINVAL);
  CHECK(with([](MapSpec& spec) { spec.max_entries = ~0U; }) == EINVAL);
  CHECK(with([](MapSpec& spec) { spec.value_bytes = 0x7fff'ffff; }) == EINVAL);
  CHECK(with([](MapSpec& spec) { spec.key_bytes = 0; }) == EINVAL);
  CHECK(open_error(two, array_spec(), Offset::none) == EINVAL);
  CHECK(open_error(two, array_spec(), Offset{8}) == EINVAL);
  CHECK(open_error(two, array_spec(), Offset{~std::uint64_t{0}}) == EINVAL);
  for (const Field field : {Field{FieldKind::spin_lock, 8, 4}, Field{FieldKind::spin_lock, 6, 4},
                            Field{FieldKind::timer, ~0U, 16}, Field{FieldKind::timer, 4, ~0U},
                            Field{FieldKind::spin_lock, 2, 4}, Field{FieldKind::spin_lock, 0, 2}})
    CHECK(with([&](MapSpec& spec) { REQUIRE(spec.fields.add(field)); }) == EINVAL);
  CHECK(with([](MapSpec& spec) {
          REQUIRE(spec.fields.add({.kind = FieldKind::spin_lock, .offset = 4, .bytes = 4}));
        }) == 0);
}

TEST_CASE("a map that is too large for the region is ENOMEM and leaves nothing behind") {
  TestWorld world;
  const auto region = Region::create({.limit_bytes = 1 << 20, .cpus = 2}).value();
  MapSpec spec = array_spec();
  Offset block{};
  spec.max_entries = 1 << 20;
  CHECK(create_map(*region, world, spec, block).error().sys == ENOMEM);
  spec.value_bytes = 0x7fff'ffff;
  spec.max_entries = ~0U;
  CHECK(create_map(*region, world, spec, block).error().sys == ENOMEM);
  spec.value_bytes = 0;
  CHECK(create_map(*region, world, spec, block).error().sys == EINVAL);
  spec.type = 12345;
  CHECK(create_map(*region, world, spec, block).error().sys == EINVAL);
  CHECK(region->use().blocks == 0);
}

TEST_CASE("what a type does not do is ENOTSUPP or not there") {
  TestMap map(kMute, {.key_bytes = 4, .value_bytes = 8, .max_entries = 1});
  std::uint64_t bytes = 0;
  Pages pages;
  CHECK(map->lookup(kCaller, &bytes) == nullptr);
  CHECK(map->lookup_on(0, &bytes) == nullptr);
  CHECK(map->read(kCaller, &bytes, &bytes, 0) == -ENOENT);
  for (const long status :
       {map->update(kCaller, &bytes, &bytes, 0), map->write(kCaller, &bytes, &bytes, 0),
        map->erase(kCaller, &bytes), map->remove(kCaller, &bytes),
        map->take(kCaller, &bytes, &bytes, 0), map->next_key(kCaller, &bytes, &bytes),
        map->push(kCaller, &bytes, 0), map->pop(kCaller, &bytes), map->peek(kCaller, &bytes),
        map->for_each(kCaller, {}, 0), map->pages(0, 4096, false, pages)})
    CHECK(status == -abi::ENOTSUPP);
  CHECK(map->direct_value(0) == 0);
  CHECK(map->freeze() == 0);
  map->repair();
  map->clear(kCaller);
}

}  // namespace skep::maps
