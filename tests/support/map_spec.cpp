// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <cstring>

#include "abi/limits.h"
#include "abi/map_types.h"
#include "tests/support/map_trial.h"

namespace skep::test {

namespace {

using maps::MapSpec;

constexpr auto kKeySizes = std::to_array<std::uint32_t>({1, 2, 3, 4, 5, 7, 8, 12, 16, 20, 40, 64});
constexpr auto kValueSizes =
    std::to_array<std::uint32_t>({1, 2, 3, 4, 5, 7, 8, 12, 16, 24, 33, 100});
constexpr auto kEntries = std::to_array<std::uint32_t>({1, 2, 3, 4, 5, 7, 8, 12, 16, 33});

bool is_array(std::uint32_t type) {
  switch (type) {
    case abi::BPF_MAP_TYPE_HASH:
    case abi::BPF_MAP_TYPE_PERCPU_HASH:
    case abi::BPF_MAP_TYPE_LRU_HASH:
    case abi::BPF_MAP_TYPE_LRU_PERCPU_HASH:
    case abi::BPF_MAP_TYPE_LPM_TRIE:
      return false;
    default:
      return true;
  }
}

bool is_lru(std::uint32_t type) {
  return type == abi::BPF_MAP_TYPE_LRU_HASH || type == abi::BPF_MAP_TYPE_LRU_PERCPU_HASH;
}

bool is_keyless(std::uint32_t type) {
  return type == abi::BPF_MAP_TYPE_QUEUE || type == abi::BPF_MAP_TYPE_STACK ||
         type == abi::BPF_MAP_TYPE_BLOOM_FILTER;
}

Bytes as_key(std::uint32_t number) {
  Bytes key(sizeof(number));
  std::memcpy(key.data(), &number, sizeof(number));
  return key;
}

Bytes random_bytes(Random& random, std::uint32_t count) {
  Bytes bytes(count);
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random.next() >> 56);
  return bytes;
}

// Few different bits, so that prefixes share their beginnings.
Bytes prefix_key(Random& random, std::uint32_t key_bytes) {
  const std::uint32_t data_bytes = key_bytes - abi::kLpmKeyHeaderBytes;
  Bytes key = as_key(random.one_in(10) ? static_cast<std::uint32_t>(random.value())
                                       : random.below(data_bytes * 8 + 2));
  for (std::uint32_t i = 0; i < data_bytes; ++i)
    key.push_back(static_cast<std::byte>(random.one_in(3) ? random.below(4) << 6 : 0x80));
  return key;
}

std::vector<Bytes> keys_for(const MapSpec& spec, Random& random) {
  std::vector<Bytes> keys;
  if (spec.key_bytes == 0) return keys;
  const std::uint32_t count = 2 + random.below(24);
  for (std::uint32_t i = 0; i < count; ++i) {
    if (spec.type == abi::BPF_MAP_TYPE_LPM_TRIE)
      keys.push_back(prefix_key(random, spec.key_bytes));
    else if (!is_array(spec.type))
      keys.push_back(random_bytes(random, spec.key_bytes));
    else
      keys.push_back(as_key(random.one_in(8) ? static_cast<std::uint32_t>(random.value())
                                             : random.below(spec.max_entries + 2)));
  }
  return keys;
}

}  // namespace

Trial random_trial(std::uint32_t type, Random& random, unsigned cpus) {
  Trial trial;
  MapSpec& spec = trial.spec;
  spec.type = type;
  spec.key_bytes = is_keyless(type) ? 0 : is_array(type) ? 4 : random.one_of(kKeySizes);
  spec.value_bytes = random.one_of(kValueSizes);
  spec.max_entries = random.one_of(kEntries);
  trial.ordered = is_array(type);
  if (type == abi::BPF_MAP_TYPE_LPM_TRIE) {
    spec.key_bytes = abi::kLpmKeyHeaderBytes + 1 + random.below(20);
    spec.flags = abi::BPF_F_NO_PREALLOC;
  } else if (is_lru(type)) {
    // Linux takes elements for each CPU in advance; with so many nothing is evicted.
    spec.max_entries = 2048;
    if (random.one_in(2)) spec.flags = abi::BPF_F_NO_COMMON_LRU;
  } else if (!is_array(type)) {
    if (random.one_in(2)) spec.flags = abi::BPF_F_NO_PREALLOC;
    if (random.one_in(4)) spec.flags |= abi::BPF_F_ZERO_SEED;
  } else if (type == abi::BPF_MAP_TYPE_ARRAY && random.one_in(3)) {
    spec.flags = abi::BPF_F_MMAPABLE;
  }
  trial.keys = keys_for(spec, random);
  trial.value_bytes = user_value_bytes(spec, cpus);
  return trial;
}

MapSpec random_spec(std::uint32_t type, Random& random) {
  MapSpec spec = random_trial(type, random, 1).spec;
  // One or two things are not as they should be.
  for (unsigned i = 0; i < 2; ++i) {
    const auto value = static_cast<std::uint32_t>(random.value());
    switch (random.below(9)) {
      case 0:
        spec.key_bytes = random.below(300);
        break;
      case 1:
        spec.key_bytes = value;
        break;
      case 2:
        spec.value_bytes = random.below(300);
        break;
      case 3:
        spec.value_bytes = value;
        break;
      case 4:
        spec.max_entries = random.one_in(2) ? value & 0xfff : random.below(4) << 12;
        break;
      case 5:
      case 6:
        // Of tokens and BTF descriptors the command knows, not the type.
        spec.flags ^=
            (1U << random.below(20)) & ~(abi::BPF_F_TOKEN_FD | abi::BPF_F_VTYPE_BTF_OBJ_FD);
        break;
      case 7:
        spec.extra = random.one_in(2) ? random.below(20) : random.value();
        break;
      default:
        break;
    }
  }
  return spec;
}

std::string shown(const MapSpec& spec) {
  return text("type {}, {}-byte keys, {}-byte values, {} entries, flags {:#x}, extra {:#x}",
              spec.type, spec.key_bytes, spec.value_bytes, spec.max_entries, spec.flags,
              spec.extra);
}

}  // namespace skep::test
