// SPDX-License-Identifier: Apache-2.0
#include "machine/objects.h"

#include <atomic>
#include <cstdlib>

namespace skep::machine {

// In front of each object.
struct alignas(16) Objects::Header {
  Header* next;
  Header* before;
  std::uint64_t stride;
  std::uint32_t copies;
  std::atomic<std::uint32_t> references;
};

Objects::~Objects() {
  while (first_ != nullptr) {
    Header* next = first_->next;
    std::free(first_);
    first_ = next;
  }
}

Objects::Header* Objects::header_of(void* object) {
  return reinterpret_cast<Header*>(static_cast<std::byte*>(object) - sizeof(Header));
}

void* Objects::allocate(std::uint64_t stride, std::uint32_t copies) {
  const std::uint64_t bytes = sizeof(Header) + stride * copies;  // both are bounded
  const std::lock_guard lock(mutex_);
  if (bytes > limit_bytes_ - used_bytes_) return nullptr;
  auto* header = static_cast<Header*>(std::calloc(1, bytes));
  if (header == nullptr) return nullptr;
  header->stride = stride;
  header->copies = copies;
  header->references.store(1, std::memory_order_relaxed);
  header->next = first_;
  if (first_ != nullptr) first_->before = header;
  first_ = header;
  used_bytes_ += bytes;
  ++count_;
  return header + 1;
}

void* Objects::make(std::uint64_t bytes) {
  return bytes > kMostBytes ? nullptr : allocate(bytes, 1);
}

void* Objects::make_percpu(std::uint64_t bytes) {
  return bytes > kMostBytes ? nullptr : allocate((bytes + 63) / 64 * 64, cpus_);
}

bool Objects::keep(void* object) {
  auto& references = header_of(object)->references;
  std::uint32_t count = references.load(std::memory_order_relaxed);
  while (count != 0)
    if (references.compare_exchange_weak(count, count + 1, std::memory_order_relaxed)) return true;
  return false;
}

bool Objects::drop(void* object) {
  return header_of(object)->references.fetch_sub(1, std::memory_order_acq_rel) == 1;
}

void Objects::free(void* object) {
  if (object == nullptr) return;
  Header* header = header_of(object);
  const std::lock_guard lock(mutex_);
  if (header->before != nullptr) header->before->next = header->next;
  if (header->next != nullptr) header->next->before = header->before;
  if (first_ == header) first_ = header->next;
  used_bytes_ -= sizeof(Header) + header->stride * header->copies;
  --count_;
  std::free(header);
}

void* Objects::on_cpu(void* object, std::uint32_t cpu) {
  if (object == nullptr) return nullptr;
  const Header* header = header_of(object);
  if (cpu >= header->copies) return nullptr;
  return static_cast<std::byte*>(object) + cpu * header->stride;
}

std::uint64_t Objects::bytes_of(const void* object) {
  return header_of(const_cast<void*>(object))->stride;
}

std::uint64_t Objects::used_bytes() const {
  const std::lock_guard lock(mutex_);
  return used_bytes_;
}

std::uint64_t Objects::count() const {
  const std::lock_guard lock(mutex_);
  return count_;
}

}  // namespace skep::machine
