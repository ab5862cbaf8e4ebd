// SPDX-License-Identifier: Apache-2.0
#include "maps/region.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <set>
#include <thread>
#include <vector>

#include "base/file.h"
#include "tests/support/map_process.h"
#include "tests/support/rounds.h"

namespace skep::maps {

namespace {

constexpr std::uint64_t kPage = 4096;

using RegionPtr = std::unique_ptr<Region>;

std::uint64_t number(Offset offset) { return static_cast<std::uint64_t>(offset); }

Fd copy_of(int fd) { return Fd(fcntl(fd, F_DUPFD_CLOEXEC, 0)); }

RegionPtr attached(const Region& region) { return Region::attach(copy_of(region.fd())).value(); }

bool all_zero(const std::byte* from, std::uint64_t bytes) {
  return std::all_of(from, from + bytes, [](std::byte byte) { return byte == std::byte{0}; });
}

// A directory for files of this test alone.
class Directory {
 public:
  Directory() {
    std::string name = std::filesystem::temp_directory_path() / "skep-region-XXXXXX";
    path_ = mkdtemp(name.data());
  }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  ~Directory() { std::filesystem::remove_all(path_); }
  [[nodiscard]] std::string file(std::string_view name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

}  // namespace

TEST_CASE("a region refuses limits and CPU counts that it cannot have") {
  for (const std::uint64_t limit :
       {std::uint64_t{0}, std::uint64_t{65'535}, std::uint64_t{1} << 41, ~std::uint64_t{0}})
    CHECK_FALSE(Region::create({.limit_bytes = limit}));
  CHECK_FALSE(Region::create({.cpus = kMaxCpus + 1}));
  const auto smallest = Region::create({.limit_bytes = 65'536, .cpus = kMaxCpus});
  REQUIRE(smallest);
  CHECK(smallest.value()->cpus() == kMaxCpus);
  CHECK(smallest.value()->allocate(65'536));
  // ThreadSanitizer leaves no room for so many addresses.
  if (test::kSanitized) return;
  const auto largest = Region::create({.limit_bytes = std::uint64_t{1} << 40});
  REQUIRE(largest);
  CHECK(largest.value()->cpus() > 0);
}

TEST_CASE("blocks are zeroed, apart, and aligned to 64 or to pages") {
  const RegionPtr region = Region::create({.cpus = 2}).value();
  std::vector<std::pair<std::uint64_t, std::uint64_t>> taken;
  for (const std::uint64_t bytes :
       {0, 1, 63, 64, 65, 100, 4095, 4096, 4097, 65'535, 65'536, 65'537, 1'000'000, 10'000'000}) {
    CAPTURE(bytes);
    const Offset block = region->allocate(bytes).value();
    CHECK(number(block) % (bytes > kPage - 1 ? kPage : 64) == 0);
    std::byte* place = region->at(block, bytes);
    REQUIRE(place != nullptr);
    CHECK(all_zero(place, bytes));
    std::fill(place, place + bytes, std::byte{0xff});
    for (const auto& [begin, end] : taken)
      CHECK((number(block) >= end || number(block) + bytes <= begin));
    taken.emplace_back(number(block), number(block) + bytes);
  }
  CHECK(region->use().blocks == taken.size());
}

TEST_CASE("at the limit there is ENOMEM, and freed bytes count again") {
  const RegionPtr region = Region::create({.limit_bytes = 1 << 20, .cpus = 1}).value();
  CHECK(region->allocate((1 << 20) + 1).error().sys == ENOMEM);
  CHECK(region->allocate(~std::uint64_t{0}).error().sys == ENOMEM);
  std::vector<Offset> blocks;
  for (;;) {
    const auto block = region->allocate(1 << 16);
    if (!block) {
      CHECK(block.error().sys == ENOMEM);
      CHECK(block.error().code == Code::limit);
      break;
    }
    blocks.push_back(*block);
    REQUIRE(blocks.size() <= 16);
  }
  CHECK(blocks.size() == 16);
  CHECK(region->use().used_bytes == 1 << 20);
  region->free(blocks.back());
  CHECK(region->use().used_bytes == 15 << 16);
  CHECK(region->allocate(1 << 16).value() == blocks.back());
}

TEST_CASE("a freed block is used again for the same size and is zeroed again") {
  const RegionPtr region = Region::create({.cpus = 1}).value();
  for (const std::uint64_t bytes : {64, 4096, 65'536, 1 << 20}) {
    const Offset block = region->allocate(bytes).value();
    std::fill_n(region->at(block, bytes), bytes, std::byte{1});
    region->free(block);
    const Offset again = region->allocate(bytes).value();
    CHECK(again == block);
    CHECK(all_zero(region->at(again, bytes), bytes));
  }
}

TEST_CASE("without end blocks come and go, at addresses that end") {
  const RegionPtr region = Region::create({.limit_bytes = 1 << 20, .cpus = 1}).value();
  for (unsigned i = 0; i < 100'000; ++i) {
    const auto block = region->allocate(1 + i * 37 % 500'000);
    REQUIRE(block);
    region->free(*block);
  }
  CHECK(region->use().blocks == 0);
}

TEST_CASE("the size of a block is known while it is published") {
  const RegionPtr region = Region::create({.cpus = 1}).value();
  const Offset block = region->allocate(100).value();
  CHECK(region->block_bytes(block) == 0);
  region->publish(block);
  CHECK(region->block_bytes(block) == 128);
  CHECK(region->block_bytes(Offset{number(block) + 64}) == 0);
  CHECK(region->block_bytes(Offset::none) == 0);
  region->unpublish(block);
  CHECK(region->block_bytes(block) == 0);
  region->free(block);
  CHECK(region->use().blocks == 0);
  // None of these is a block: nothing happens.
  region->publish(Offset{1});
  region->free(Offset{~std::uint64_t{0}});
  CHECK(region->use().blocks == 0);
}

TEST_CASE("an offset that lies outside has no place") {
  const RegionPtr region = Region::create({.limit_bytes = 1 << 20, .cpus = 1}).value();
  const Offset block = region->allocate(4096).value();
  const std::uint64_t all = ~std::uint64_t{0};
  CHECK(region->at(Offset::none, 1) == nullptr);
  CHECK(region->at(block, all) == nullptr);
  CHECK(region->at(block, all - number(block)) == nullptr);
  CHECK(region->at(block, all - number(block) + 1) == nullptr);
  CHECK(region->at(Offset{all}, 1) == nullptr);
  CHECK(region->at(Offset{all}, 0) == nullptr);
  CHECK(region->at(Offset{std::uint64_t{1} << 63}, std::uint64_t{1} << 63) == nullptr);
  CHECK(region->at(block, std::uint64_t{1} << 30) == nullptr);
  CHECK(region->at<std::uint64_t>(Offset{number(block) + 4}) == nullptr);
  CHECK(region->at<std::uint64_t>(block, all / 8 + 1) == nullptr);
  CHECK(region->at<std::uint64_t>(block, 512) != nullptr);
}

TEST_CASE("a mirror shows the same bytes twice until it is taken away") {
  const RegionPtr region = Region::create({.cpus = 1}).value();
  const Offset block = region->allocate(8 * kPage).value();
  std::byte* place = region->at(block, 8 * kPage);
  REQUIRE(region->mirror(block, 2 * kPage, 2 * kPage));
  place[2 * kPage] = std::byte{7};
  place[6 * kPage - 1] = std::byte{9};
  CHECK(place[4 * kPage] == std::byte{7});
  CHECK(place[4 * kPage - 1] == std::byte{9});
  region->unmirror(block, 2 * kPage, 2 * kPage);
  CHECK(place[2 * kPage] == std::byte{7});
  CHECK(all_zero(place + 4 * kPage, 2 * kPage));
}

TEST_CASE("a mirror that cannot be is refused") {
  const RegionPtr region = Region::create({.cpus = 1}).value();
  const Offset block = region->allocate(8 * kPage).value();
  const std::uint64_t half = std::uint64_t{1} << 63;
  CHECK_FALSE(region->mirror(block, 0, half));
  CHECK_FALSE(region->mirror(block, 0, half + kPage));
  CHECK_FALSE(region->mirror(block, ~std::uint64_t{0} - number(block) + 1, kPage));
  CHECK_FALSE(region->mirror(block, 0, std::uint64_t{1} << 40));
  CHECK_FALSE(region->mirror(block, 0, 0));
  CHECK_FALSE(region->mirror(block, 0, 100));
  CHECK_FALSE(region->mirror(block, 64, kPage));
  CHECK_FALSE(region->mirror(Offset::none, 0, kPage));
  region->unmirror(block, 0, half);
}

TEST_CASE("a block that was mirrored elsewhere is zeroed where its bytes are") {
  const RegionPtr one = Region::create_shared({.cpus = 1}).value();
  const RegionPtr two = attached(*one);
  const Offset block = one->allocate(1 << 18).value();
  std::fill_n(one->at(block, 1 << 18), 1 << 18, std::byte{1});
  REQUIRE(two->mirror(block, 0, 1 << 17));
  two->free(block);
  CHECK(all_zero(one->at(block, 1 << 18), 1 << 18));
}

TEST_CASE("two views of one region see the same, and each what the other made") {
  const RegionPtr one = Region::create_shared({.limit_bytes = 64 << 20, .cpus = 3}).value();
  const RegionPtr two = attached(*one);
  CHECK(two->shared());
  CHECK(two->cpus() == 3);
  CHECK(one->word() != two->word());
  CHECK(one->process_slot() != two->process_slot());
  CHECK(two->process_word(one->process_slot()) == one->word());
  CHECK(two->process_word(kProcesses) == 0);
  CHECK(one->use().processes == 2);
  CHECK(one->lives(two->word()));
  CHECK_FALSE(one->lives(two->word() + (1 << 8)));
  CHECK_FALSE(one->lives(0));

  const Offset block = one->allocate(40 << 20).value();
  one->at<std::uint64_t>(block)[0] = 42;
  one->publish(block);
  *one->root<std::uint64_t>(15).value() = number(block);
  CHECK(*two->root<std::uint64_t>(15).value() == number(block));
  CHECK(two->block_bytes(block) >= 40 << 20);
  REQUIRE(two->at(block, 40 << 20) != nullptr);
  CHECK(two->at<std::uint64_t>(block)[0] == 42);
  CHECK(two->allocate(40 << 20).error().sys == ENOMEM);
}

TEST_CASE("what a view holds goes with it, what is published stays") {
  const RegionPtr one = Region::create_shared({.cpus = 1}).value();
  Offset kept{};
  {
    const RegionPtr two = attached(*one);
    kept = two->allocate(64).value();
    two->publish(kept);
    CHECK(two->allocate(64));
    CHECK(one->use().blocks == 2);
  }
  CHECK(one->use().blocks == 1);
  CHECK(one->use().processes == 1);
  CHECK(one->block_bytes(kept) == 64);
}

TEST_CASE("what a killed process held is freed once, by whoever looks") {
  const RegionPtr region = Region::create_shared({.cpus = 1}).value();
  std::atomic<std::uint64_t>& ready = *region->root<std::atomic<std::uint64_t>>(0).value();
  const RegionUse before = region->use();
  test::ChildProcess child([&] {
    const RegionPtr mine = attached(*region);
    const auto block = mine->allocate(1 << 20);
    ready = block ? mine->word() : 0;
    for (;;) pause();
    return 0;
  });
  REQUIRE(test::comes_true([&] { return ready != 0; }));
  const auto word = static_cast<HolderWord>(ready.load());
  unsigned calls = 0;
  region->reap([&](unsigned) { ++calls; });
  CHECK(calls == 0);
  CHECK(region->lives(word));
  child.kill();
  CHECK_FALSE(region->lives(word));
  // Nor does it seem to live to others while it is reaped.
  const RegionPtr other = attached(*region);
  region->reap([&](unsigned slot) {
    ++calls;
    CHECK(region->process_word(slot) == word);
    CHECK_FALSE(region->lives(word));
    CHECK_FALSE(other->lives(word));
  });
  region->reap([&](unsigned) { ++calls; });
  CHECK(calls == 1);
  CHECK(region->use().used_bytes == before.used_bytes);
  CHECK(region->use().processes == 2);
}

TEST_CASE("a process slot is given out again under another word") {
  const RegionPtr one = Region::create_shared({.limit_bytes = 1 << 20, .cpus = 1}).value();
  std::set<HolderWord> words;
  for (unsigned i = 0; i < 2 * kProcesses; ++i) words.insert(attached(*one)->word());
  CHECK(words.size() == 2 * kProcesses);
  std::vector<RegionPtr> all;
  all.reserve(kProcesses);
  for (unsigned i = 1; i < kProcesses; ++i) all.push_back(attached(*one));
  CHECK(Region::attach(copy_of(one->fd())).error().sys == EAGAIN);
  all.pop_back();
  CHECK(Region::attach(copy_of(one->fd())));
}

TEST_CASE("threads and processes never get the same block") {
  const RegionPtr region = Region::create_shared({.cpus = 2}).value();
  constexpr unsigned kRounds = 300;
  const auto hammer = [](Region& mine) {
    int wrong = 0;
    for (unsigned i = 0; i < kRounds; ++i) {
      const auto block = mine.allocate(64 << i % 6);
      if (!block) return 1;
      auto* mark = mine.at<std::atomic<std::uint64_t>>(*block);
      if (mark->fetch_add(1) != 0) ++wrong;
      if (mark->exchange(0) != 1) ++wrong;
      mine.free(*block);
    }
    return wrong;
  };
  test::ChildProcess child([&] { return hammer(*attached(*region)); });
  int wrong = 0;
  {
    const std::jthread thread([&] { wrong = hammer(*region); });
    CHECK(hammer(*region) == 0);
  }
  CHECK(wrong == 0);
  CHECK(child.wait() == 0);
  CHECK(region->use().blocks == 0);
}

TEST_CASE("a region of a file stays, with its blocks, for its user alone") {
  const Directory directory;
  const std::string path = directory.file("machine");
  Offset block{};
  {
    const RegionPtr made = Region::open(path, {.limit_bytes = 1 << 20, .cpus = 2}).value();
    block = made->allocate(4096).value();
    made->publish(block);
    *made->at<int>(block) = 42;
  }
  struct stat info{};
  REQUIRE(stat(path.c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0600);
  // What exists keeps its own limits.
  const RegionPtr again = Region::open(path, {.limit_bytes = 2 << 20, .cpus = 7}).value();
  CHECK(again->cpus() == 2);
  CHECK(again->use().limit_bytes == 1 << 20);
  CHECK(again->block_bytes(block) == 4096);
  CHECK(*again->at<int>(block) == 42);
}

}  // namespace skep::maps
