// SPDX-License-Identifier: Apache-2.0
#include "tests/property/map_model.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include "abi/limits.h"
#include "abi/map_types.h"

namespace skep::test {

namespace {

using maps::Batch;

constexpr std::uint64_t kLock = abi::BPF_F_LOCK;

std::uint32_t first_word(const Bytes& key) {
  std::uint32_t word = 0;
  std::memcpy(&word, key.data(), sizeof(word));
  return word;
}

}  // namespace

long MapModel::create(const maps::MapSpec& spec) {
  spec_ = spec;
  value_bytes_ = user_value_bytes(spec, cpus_);
  elements_.clear();
  line_.clear();
  switch (spec.type) {
    case abi::BPF_MAP_TYPE_ARRAY:
    case abi::BPF_MAP_TYPE_PERCPU_ARRAY:
      kind_ = Kind::array;
      break;
    case abi::BPF_MAP_TYPE_LPM_TRIE:
      kind_ = Kind::trie;
      break;
    case abi::BPF_MAP_TYPE_QUEUE:
      kind_ = Kind::queue;
      break;
    case abi::BPF_MAP_TYPE_STACK:
      kind_ = Kind::stack;
      break;
    case abi::BPF_MAP_TYPE_BLOOM_FILTER:
      kind_ = Kind::bloom;
      break;
    default:
      kind_ = Kind::hash;
  }
  return 0;
}

Bytes MapModel::key_of(const void* key) const {
  const auto* from = static_cast<const std::byte*>(key);
  return {from, from + spec_.key_bytes};
}

Bytes MapModel::value_of(const void* value) const {
  const auto* from = static_cast<const std::byte*>(value);
  return {from, from + value_bytes_};
}

// The key with all bits behind the prefix cleared, so that equal prefixes are equal keys.
Bytes MapModel::prefix_of(const Bytes& key) const {
  Bytes prefix = key;
  const std::uint32_t bits = first_word(key);
  for (std::uint32_t bit = bits; bit < (spec_.key_bytes - 4) * 8; ++bit)
    prefix[4 + bit / 8] &= ~(std::byte{0x80} >> static_cast<int>(bit % 8));
  return prefix;
}

Bytes MapModel::place_of(const void* key) const {
  return kind_ == Kind::trie ? prefix_of(key_of(key)) : key_of(key);
}

const Bytes* MapModel::longest_match(const Bytes& key) const {
  if (first_word(key) > (spec_.key_bytes - 4) * 8) return nullptr;
  for (std::uint32_t bits = first_word(key) + 1; bits-- > 0;) {
    Bytes shorter = key;
    std::memcpy(shorter.data(), &bits, sizeof(bits));
    if (const auto found = elements_.find(prefix_of(shorter)); found != elements_.end())
      return &found->second;
  }
  return nullptr;
}

const Bytes* MapModel::find(const void* key) const {
  if (kind_ == Kind::trie) return longest_match(key_of(key));
  const auto found = elements_.find(key_of(key));
  return found == elements_.end() ? nullptr : &found->second;
}

long MapModel::read(const void* key, void* value, std::uint64_t flags) {
  if (flags != 0) return -EINVAL;
  if (kind_ == Kind::bloom) return elements_.contains(value_of(value)) ? 0 : -ENOENT;
  if (kind_ == Kind::queue || kind_ == Kind::stack) {
    if (!line_.empty())
      std::memcpy(value, (kind_ == Kind::queue ? line_.front() : line_.back()).data(),
                  value_bytes_);
    else
      std::memset(value, 0, value_bytes_);
    return line_.empty() ? -ENOENT : 0;
  }
  const Bytes* found = find(key);
  if (found == nullptr && (kind_ != Kind::array || first_word(key_of(key)) >= spec_.max_entries))
    return -ENOENT;
  if (found != nullptr)
    std::memcpy(value, found->data(), value_bytes_);
  else
    std::memset(value, 0, value_bytes_);
  return 0;
}

long MapModel::write(const void* key, const void* value, std::uint64_t flags) {
  if ((flags & kLock) != 0) return -EINVAL;
  if (kind_ == Kind::queue || kind_ == Kind::stack || kind_ == Kind::bloom)
    return push(value_of(value), flags);
  if (flags > abi::BPF_EXIST) return -EINVAL;
  if (kind_ == Kind::array) return write_array(key_of(key), value_of(value), flags);
  return write_element(key_of(key), value_of(value), flags);
}

long MapModel::write_array(const Bytes& key, const Bytes& value, std::uint64_t flags) {
  if (first_word(key) >= spec_.max_entries) return -E2BIG;
  if (flags == abi::BPF_NOEXIST) return -EEXIST;
  elements_[key] = value;
  return 0;
}

long MapModel::write_element(const Bytes& key, const Bytes& value, std::uint64_t flags) {
  Bytes place = key;
  if (kind_ == Kind::trie) {
    if (first_word(key) > (spec_.key_bytes - 4) * 8) return -EINVAL;
    place = prefix_of(key);
  }
  const bool exists = elements_.contains(place);
  if (exists && flags == abi::BPF_NOEXIST) return -EEXIST;
  if (!exists && flags == abi::BPF_EXIST) return -ENOENT;
  if (!exists && elements_.size() >= spec_.max_entries)
    return kind_ == Kind::trie ? -ENOSPC : -E2BIG;
  elements_[place] = value;
  written_[place] = key;
  return 0;
}

long MapModel::push(const Bytes& value, std::uint64_t flags) {
  if (kind_ == Kind::bloom) {
    if (flags != abi::BPF_ANY) return -EINVAL;
    elements_[value] = {};
    return 0;
  }
  if ((flags & abi::BPF_NOEXIST) != 0 || flags > abi::BPF_EXIST) return -EINVAL;
  if (line_.size() == spec_.max_entries) {
    if (flags != abi::BPF_EXIST) return -E2BIG;
    line_.erase(line_.begin());
  }
  line_.push_back(value);
  return 0;
}

long MapModel::remove(const void* key) {
  switch (kind_) {
    case Kind::hash:
      return elements_.erase(key_of(key)) == 1 ? 0 : -ENOENT;
    case Kind::trie: {
      const Bytes whole = key_of(key);
      if (first_word(whole) > (spec_.key_bytes - 4) * 8) return -EINVAL;
      return elements_.erase(prefix_of(whole)) == 1 ? 0 : -ENOENT;
    }
    case Kind::bloom:
      return -EOPNOTSUPP;
    default:
      return -EINVAL;
  }
}

long MapModel::take(const void* key, void* value, std::uint64_t flags) {
  if (flags != 0) return -EINVAL;
  if (kind_ == Kind::queue || kind_ == Kind::stack) {
    const long status = read(key, value, 0);
    if (status == 0) line_.erase(kind_ == Kind::queue ? line_.begin() : line_.end() - 1);
    return status;
  }
  if (kind_ != Kind::hash) return -abi::ENOTSUPP;
  const long status = read(key, value, 0);
  return status == 0 ? remove(key) : status;
}

long MapModel::next_index(const void* key, void* next) const {
  std::uint32_t index = key == nullptr ? UINT32_MAX : first_word(key_of(key));
  if (index == spec_.max_entries - 1) return -ENOENT;
  index = index < spec_.max_entries ? index + 1 : 0;
  std::memcpy(next, &index, sizeof(index));
  return 0;
}

// Any order is right for what has none; this is the one of std::map.
long MapModel::next_key(const void* key, void* next) {
  switch (kind_) {
    case Kind::array:
      return next_index(key, next);
    case Kind::bloom:
      return -EOPNOTSUPP;
    case Kind::queue:
    case Kind::stack:
      return -EINVAL;
    default:
      break;
  }
  auto found = elements_.begin();
  if (key != nullptr) {
    found = elements_.find(place_of(key));
    found = found == elements_.end() ? elements_.begin() : std::next(found);
  }
  if (found == elements_.end()) return -ENOENT;
  std::memcpy(next, written_[found->first].data(), spec_.key_bytes);
  return 0;
}

long MapModel::batch(BatchKind kind, Batch& batch) {
  const bool known =
      kind_ == Kind::hash || (kind_ == Kind::trie && kind != BatchKind::take) ||
      (kind_ == Kind::array && (kind == BatchKind::read || kind == BatchKind::write));
  if (!known) return -abi::ENOTSUPP;
  if (batch.element_flags != 0) return -EINVAL;
  if (batch.count == 0) return 0;
  if (kind == BatchKind::write || kind == BatchKind::remove) return each_key(kind, batch);
  return read_batch(batch, kind == BatchKind::take);
}

long MapModel::each_key(BatchKind kind, Batch& batch) {
  const std::uint32_t room = std::exchange(batch.count, 0);
  for (; batch.count < room; ++batch.count) {
    const std::byte* key = batch.keys + std::size_t{batch.count} * spec_.key_bytes;
    const long status = kind == BatchKind::write
                            ? write(key, batch.values + batch.count * value_bytes_, 0)
                            : remove(key);
    if (status != 0) return status;
  }
  return 0;
}

// The cursor is the last key that was given.
long MapModel::read_batch(Batch& batch, bool take) {
  const std::uint32_t room = std::exchange(batch.count, 0);
  Bytes key(spec_.key_bytes);
  Bytes next(spec_.key_bytes);
  long status = 0;
  const void* from = batch.from;
  std::vector<Bytes> taken;
  while (batch.count < room && (status = next_key(from, next.data())) == 0) {
    key = next;
    from = key.data();
    std::memcpy(batch.keys + std::size_t{batch.count} * spec_.key_bytes, key.data(), key.size());
    (void)read(key.data(), batch.values + batch.count * value_bytes_, 0);
    ++batch.count;
    taken.push_back(key);
  }
  if (batch.count != 0) std::memcpy(batch.next, key.data(), key.size());
  // The key that a cursor names must stay, so what is taken goes when the walk is over.
  if (take && status == -ENOENT) elements_.clear();
  return status;
}

}  // namespace skep::test
