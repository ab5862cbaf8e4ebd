// SPDX-License-Identifier: Apache-2.0
// A Region that is damaged or hostile: files that are none, headers that change under its users.
// Nothing crashes, hangs or writes into what is not a region; what cannot be is an error.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/file.h"
#include "maps/cpus.h"
#include "maps/region_header.h"
#include "tests/support/map_process.h"
#include "tests/support/random_program.h"
#include "tests/support/rounds.h"

namespace skep::test {

namespace {

using maps::Offset;
using maps::Region;
using maps::RegionHeader;
using RegionPtr = std::unique_ptr<Region>;

constexpr off_t kRegionBytes{maps::kHeapBegin};

Fd copy_of(int fd) { return Fd(fcntl(fd, F_DUPFD_CLOEXEC, 0)); }

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

int open_error(const std::string& path) {
  const auto region = Region::open(path, {.limit_bytes = 1 << 20, .cpus = 1});
  return region ? 0 : region.error().sys;
}

int attach_error(int fd) {
  const auto region = Region::attach(copy_of(fd));
  return region ? 0 : region.error().sys;
}

// The header as anybody who has the descriptor could map it.
class Header {
 public:
  explicit Header(int fd)
      : place_(mmap(nullptr, kRegionBytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)) {
    REQUIRE(place_ != MAP_FAILED);
  }
  Header(const Header&) = delete;
  Header& operator=(const Header&) = delete;
  ~Header() { munmap(place_, kRegionBytes); }
  RegionHeader& get() { return *static_cast<RegionHeader*>(place_); }

  // A field that matters gets a value that hurts, or any bytes any.
  void damage(Random& random) {
    RegionHeader& header = get();
    maps::Block& block = header.blocks[random.below(16)];
    const std::uint64_t value = random.value();
    const auto word = static_cast<std::uint32_t>(value);
    switch (random.below(9)) {
      case 0:
        return write(header.heap_lock, word);
      case 1:
        return write(header.cpus[random.below(2)].lock, word);
      case 2:
        return void(header.block_count = word);
      case 3:
        return void(block.offset = value);
      case 4:
        return void(block.bytes = value);
      case 5:
        return void(block.state = static_cast<maps::BlockState>(random.below(4)));
      case 6:
        return void(header.processes[random.below(4)].word = word);
      case 7:
        return void(header.processes[random.below(maps::kProcesses)].live = word);
      default:
        break;
    }
    const std::uint64_t noise = random.next();
    std::memcpy(static_cast<std::byte*>(place_) + random.below(sizeof(RegionHeader) - 8), &noise,
                sizeof(noise));
  }

 private:
  static void write(maps::Lock& lock, std::uint32_t word) {
    // Names no process that lives, so that nobody waits until its patience is over.
    if ((word & 0xff) < 4) word |= 0x55'5500;
    reinterpret_cast<std::atomic<std::uint32_t>&>(lock) = word;
  }

  void* place_;
};

// Whatever happened to the header, a block that is given out can be used.
void use_block(Region& region, Random& random) {
  const std::uint64_t bytes = random.one_in(8) ? random.value() : random.below(200'000);
  const auto block = region.allocate(bytes);
  if (!block) return;
  REQUIRE(static_cast<std::uint64_t>(*block) % 64 == 0);
  REQUIRE(static_cast<std::uint64_t>(*block) >= maps::kHeapBegin);
  std::byte* place = region.at(*block, bytes);
  REQUIRE(place != nullptr);
  std::memset(place, 0x5a, bytes);
  if (random.one_in(2)) region.publish(*block);
  if (random.one_in(2)) region.unpublish(*block);
  if (random.one_in(2)) region.free(*block);
}

void read_anywhere(Region& region, Random& random) {
  const auto offset =
      Offset{random.one_in(2) ? (std::uint64_t{2} << 20) + std::uint64_t{64} * random.below(4096)
                              : random.value()};
  const std::uint64_t bytes = std::min(region.block_bytes(offset), std::uint64_t{1} << 20);
  if (std::byte* place = region.at(offset, bytes)) {
    for (std::uint64_t at = 0; at < bytes; at += 4096) place[at] = std::byte{1};
  }
}

void use_any_way(Region& region, Random& random) {
  switch (random.below(8)) {
    case 0:
      return region.free(Offset{random.value()});
    case 1:
      return region.publish(Offset{random.value()});
    case 2:
      return region.reap([](unsigned slot) { CHECK(slot < maps::kProcesses); });
    case 3:
      (void)region.use();
      return;
    case 4:
      (void)region.lives(static_cast<maps::HolderWord>(random.value()));
      return;
    case 5:
      return read_anywhere(region, random);
    case 6: {
      const maps::Cpu cpu(region);
      CHECK((!cpu.held() || cpu.number() < region.cpus()));
      return;
    }
    default:
      use_block(region, random);
  }
}

}  // namespace

TEST_CASE("damage to the header while a region is used leads to errors and no further") {
  const std::uint64_t seed = seed_or(1);
  for (std::uint64_t i = 0; i < runs_or(rounds(60)); ++i) {
    CAPTURE(seed + i);
    Random random(seed + i);
    const RegionPtr one = Region::create_shared({.limit_bytes = 1 << 20, .cpus = 2}).value();
    const RegionPtr two = Region::attach(copy_of(one->fd())).value();
    Header header(one->fd());
    for (unsigned step = 0; step < 200; ++step) {
      if (random.one_in(3)) header.damage(random);
      use_any_way(random.one_in(2) ? *one : *two, random);
      if (random.one_in(50)) (void)Region::attach(copy_of(one->fd()));
    }
  }
}

TEST_CASE("a region whose first bytes are wrong cannot be attached") {
  const RegionPtr region = Region::create_shared({.limit_bytes = 1 << 20, .cpus = 2}).value();
  Header header(region->fd());
  const maps::Preface good = header.get().preface;
  const auto with = [&](auto change) {
    header.get().preface = good;
    change(header.get().preface);
    return !Region::attach(copy_of(region->fd())).has_value();
  };
  using maps::Preface;
  CHECK(with([](Preface& preface) { preface.magic = 0; }));
  CHECK(with([](Preface& preface) { preface.magic ^= 1; }));
  CHECK(with([](Preface& preface) { ++preface.version; }));
  for (const std::uint32_t cpus : {0U, maps::kMaxCpus + 1, 0x8000'0000U, 0xffff'ffffU})
    CHECK(with([&](Preface& preface) { preface.cpus = cpus; }));
  for (const std::uint64_t limit : {std::uint64_t{0}, std::uint64_t{1}, ~std::uint64_t{0},
                                    (std::uint64_t{1} << 40) + 1, std::uint64_t{1} << 63})
    CHECK(with([&](Preface& preface) { preface.limit_bytes = limit; }));
  header.get().preface = good;
  CHECK(attach_error(region->fd()) == 0);
}

TEST_CASE("what is not a region is refused and stays as it is") {
  const Directory directory;
  const std::string path = directory.file("other");
  Bytes zeros_and_text(5'000'000);
  zeros_and_text[4'000'000] = std::byte{'x'};
  for (const Bytes& content :
       {Bytes(1, std::byte{'x'}), Bytes(3), Bytes(4096), Bytes(4096, std::byte{0xff}),
        zeros_and_text, Bytes(maps::kHeapBegin, std::byte{7})}) {
    CAPTURE(content.size());
    REQUIRE(write_file(path, content));
    REQUIRE(chmod(path.c_str(), 0600) == 0);
    CHECK(open_error(path) == EINVAL);
    CHECK(read_file(path).value() == content);
  }
}

TEST_CASE("a region is opened only if it is a file that nobody else can cut off") {
  const Directory directory;
  const std::string path = directory.file("machine");
  CHECK(open_error(path) == 0);
  for (const mode_t mode : {0620, 0602, 0666}) {
    REQUIRE(chmod(path.c_str(), mode) == 0);
    CHECK(open_error(path) == EPERM);
  }
  REQUIRE(chmod(path.c_str(), 0600) == 0);
  CHECK(open_error(path) == 0);
  if (geteuid() == 0) {
    REQUIRE(chown(path.c_str(), 12345, 0) == 0);
    CHECK(open_error(path) == EPERM);
    REQUIRE(chown(path.c_str(), 0, 0) == 0);
  }
  const std::string link = directory.file("link");
  REQUIRE(symlink(path.c_str(), link.c_str()) == 0);
  CHECK(open_error(link) == ELOOP);
  CHECK(open_error(directory.file("")) == EISDIR);
  const std::string pipe = directory.file("pipe");
  REQUIRE(mkfifo(pipe.c_str(), 0600) == 0);
  CHECK(open_error(pipe) == EPERM);
  CHECK(open_error(directory.file("none/such")) == ENOENT);
}

TEST_CASE("a file that was cut off is not a region any more, one that was begun is taken over") {
  const Directory directory;
  const std::string path = directory.file("machine");
  REQUIRE(open_error(path) == 0);
  for (const off_t bytes : {off_t{4}, off_t{4096}, kRegionBytes - 1}) {
    REQUIRE(truncate(path.c_str(), bytes) == 0);
    CHECK(open_error(path) != 0);
  }
  REQUIRE(truncate(path.c_str(), 0) == 0);
  REQUIRE(truncate(path.c_str(), kRegionBytes) == 0);
  CHECK(open_error(path) == 0);
}

TEST_CASE("a memfd can be attached when it is sealed or can be") {
  const RegionPtr region = Region::create_shared({.limit_bytes = 1 << 20, .cpus = 1}).value();
  Bytes bytes(maps::kHeapBegin);
  std::memcpy(bytes.data(), region->at(Offset{8}, 8) - 8, bytes.size());
  for (const unsigned flags : {0U, MFD_ALLOW_SEALING + 0U}) {
    const Fd fd(memfd_create("other", MFD_CLOEXEC | flags));
    REQUIRE(pwrite(fd.get(), bytes.data(), bytes.size(), 0) == kRegionBytes);
    CHECK(attach_error(fd.get()) == (flags == 0 ? EPERM : 0));
    CHECK((ftruncate(fd.get(), 0) != 0) == (flags != 0));
  }
  CHECK(Region::attach(Fd()).error().sys != 0);
  CHECK(attach_error(Fd(::open("/dev/null", O_RDWR | O_CLOEXEC)).get()) == EPERM);
  CHECK(attach_error(Fd(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC)).get()) != 0);
}

TEST_CASE("a forked child that leaves takes nothing from its parent") {
  const RegionPtr region = Region::create_shared({.limit_bytes = 1 << 20, .cpus = 1}).value();
  const Offset block = region->allocate(64).value();
  CHECK(in_child([&] {
          const_cast<RegionPtr&>(region).reset();
          return 0;
        }) == 0);
  CHECK(region->use().blocks == 1);
  CHECK(region->use().processes == 1);
  region->free(block);
}

TEST_CASE("whoever cannot get the file's lock gives up") {
  const RegionPtr region = Region::create_shared({.limit_bytes = 1 << 20, .cpus = 1}).value();
  const Fd again(
      ::open(("/proc/self/fd/" + std::to_string(region->fd())).c_str(), O_RDWR | O_CLOEXEC));
  REQUIRE(::flock(again.get(), LOCK_EX) == 0);
  CHECK(in_child([&] { return attach_error(region->fd()); }) == EBUSY);
}

}  // namespace skep::test
