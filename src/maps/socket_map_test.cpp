// SPDX-License-Identifier: Apache-2.0
#include "maps/socket_map.h"

#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>

#include "abi/limits.h"
#include "abi/map_types.h"
#include "maps/test_world.h"

// NOLINTBEGIN(bugprone-unchecked-optional-access): REQUIRE has looked before

namespace skep::maps {

namespace {

constexpr MapType kSockmap{
    abi::BPF_MAP_TYPE_SOCKMAP, check_sockmap, sockmap_bytes, open_sockmap, false, ""};
constexpr MapType kSockhash{
    abi::BPF_MAP_TYPE_SOCKHASH, check_sockhash, sockhash_bytes, open_sockhash, false, ""};
constexpr MapType kXskmap{
    abi::BPF_MAP_TYPE_XSKMAP, check_xskmap, xskmap_bytes, open_xskmap, false, ""};
constexpr MapType kReuseport{abi::BPF_MAP_TYPE_REUSEPORT_SOCKARRAY,
                             check_reuseport_sockarray,
                             reuseport_sockarray_bytes,
                             open_reuseport_sockarray,
                             false,
                             ""};
constexpr MapSpec kSpec{.key_bytes = 4, .value_bytes = 8, .max_entries = 2};

struct Pair {
  Pair() {
    std::array<int, 2> fds{-1, -1};
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, fds.data()) == 0);
    near = Fd(fds[0]);
    far = Fd(fds[1]);
  }
  Fd near{};
  Fd far{};
};

Fd listener(int type) {
  Fd fd(socket(AF_INET, type, 0));
  const int on = 1;
  setsockopt(fd.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0);
  if (type == SOCK_STREAM) REQUIRE(listen(fd.get(), 1) == 0);
  return fd;
}

std::uint64_t cookie_of(const Fd& fd) {
  SocketFacts facts;
  REQUIRE(look_at_socket(fd.get(), facts) == 0);
  return facts.cookie;
}

long write(TestMap& test, std::uint32_t key, int fd, std::uint64_t flags = 0) {
  const std::uint64_t value = static_cast<std::uint32_t>(fd);
  return test->write({}, &key, &value, flags);
}
long read(TestMap& test, std::uint32_t key, std::uint64_t& value) {
  return test->read({}, &key, &value, 0);
}
long remove(TestMap& test, std::uint32_t key) { return test->remove({}, &key); }

}  // namespace

TEST_CASE("sockmap and sockhash: which sockets, and what Linux answers") {
  for (const MapType& type : {kSockmap, kSockhash}) {
    TestMap test(type, kSpec);
    const bool array = type.number == kSockmap.number;
    const Pair pair;
    const Fd tcp(socket(AF_INET, SOCK_STREAM, 0));
    const Fd udp(socket(AF_INET, SOCK_DGRAM, 0));
    const Fd lone(socket(AF_UNIX, SOCK_STREAM, 0));
    const int fd = pair.near.get();
    for (const Fd* other : {&tcp, &udp, &lone}) CHECK(write(test, 0, other->get()) == -EOPNOTSUPP);
    CHECK(write(test, 0, listener(SOCK_STREAM).get()) == 0);
    CHECK(write(test, 0, listener(SOCK_DGRAM).get()) == 0);
    CHECK(remove(test, 0) == 0);
    CHECK(write(test, 0, fd, 3) == -EINVAL);
    CHECK(write(test, 0, fd, abi::BPF_EXIST) == -ENOENT);
    CHECK(write(test, 0, fd, abi::BPF_NOEXIST) == 0);
    CHECK(write(test, 0, fd, abi::BPF_NOEXIST) == -EEXIST);
    CHECK(write(test, 0, fd) == 0);
    CHECK(write(test, 1, pair.far.get()) == 0);
    CHECK(write(test, 2, pair.far.get()) == -E2BIG);
    CHECK(write(test, 0, 999) == -EBADF);
    CHECK(write(test, 0, -1) == -EINVAL);
    CHECK(write(test, 0, Fd(dup(test.region().fd())).get()) == -ENOTSOCK);
    std::uint64_t value = 0;
    CHECK(read(test, 0, value) == 0);
    CHECK(value == cookie_of(pair.near));
    CHECK(test->take({}, &value, &value, 0) == -abi::ENOTSUPP);
    CHECK(remove(test, 0) == 0);
    CHECK(remove(test, 0) == (array ? -EINVAL : -ENOENT));
    CHECK(read(test, 0, value) == -ENOENT);
    CHECK(remove(test, 9) == (array ? -EINVAL : -ENOENT));
  }
}

TEST_CASE("sockmap: 4-byte values can be written, not read") {
  MapSpec spec = kSpec;
  spec.value_bytes = 4;
  for (const MapType& type : {kSockmap, kSockhash, kReuseport}) {
    TestMap test(type, spec);
    std::uint64_t value = 0;
    const Fd fd = listener(SOCK_DGRAM);
    CHECK(write(test, 0, fd.get()) == 0);
    CHECK(read(test, 0, value) == -ENOSPC);
  }
}

TEST_CASE("sockmap: the socket can be used after its owner closed it, until it is taken out") {
  for (const MapType& type : {kSockmap, kSockhash}) {
    TestMap test(type, kSpec);
    Pair pair;
    REQUIRE(write(test, 1, pair.near.get()) == 0);
    const std::uint64_t cookie = cookie_of(pair.near);
    pair.near.reset();
    const std::uint32_t key = 1;
    const auto target = type.number == kSockmap.number
                            ? static_cast<SocketArrayMap&>(test.map()).target(1)
                            : static_cast<SocketHashMap&>(test.map()).target({}, &key);
    REQUIRE(target.has_value());
    CHECK(target->cookie == cookie);
    CHECK(send(target->fd, "x", 1, 0) == 1);
    // Another view of the block knows the socket, and cannot use it.
    const auto view = test.view();
    const auto there = type.number == kSockmap.number
                           ? static_cast<SocketArrayMap&>(*view).target(1)
                           : static_cast<SocketHashMap&>(*view).target({}, &key);
    CHECK(there->cookie == cookie);
    CHECK(there->fd == -1);
    CHECK(remove(test, 1) == 0);
    char byte = 0;
    CHECK(recv(pair.far.get(), &byte, 1, 0) == 1);
    CHECK(recv(pair.far.get(), &byte, 1, 0) == 0);
  }
}

TEST_CASE("xskmap: what Linux answers") {
  MapSpec spec = kSpec;
  CHECK(check_xskmap(spec, 1) == -EINVAL);
  spec.value_bytes = 4;
  TestMap test(kXskmap, spec);
  const Pair pair;
  CHECK(write(test, 0, pair.near.get()) == -EOPNOTSUPP);
  CHECK(write(test, 0, pair.near.get(), 3) == -EINVAL);
  CHECK(write(test, 2, pair.near.get()) == -E2BIG);
  CHECK(write(test, 0, -1) == -EBADF);
  std::uint64_t value = 0;
  CHECK(read(test, 0, value) == -EOPNOTSUPP);
  CHECK(remove(test, 0) == 0);
  CHECK(remove(test, 2) == -EINVAL);
}

TEST_CASE("reuseport array: what Linux answers") {
  TestMap test(kReuseport, kSpec);
  const Pair pair;
  const Fd tcp(socket(AF_INET, SOCK_STREAM, 0));
  const Fd first = listener(SOCK_STREAM);
  const Fd second = listener(SOCK_DGRAM);
  CHECK(write(test, 0, pair.near.get()) == -abi::ENOTSUPP);
  CHECK(write(test, 0, tcp.get()) == -EINVAL);
  CHECK(write(test, 0, first.get(), abi::BPF_EXIST) == -ENOENT);
  CHECK(write(test, 0, first.get()) == 0);
  CHECK(write(test, 0, first.get()) == -EBUSY);
  CHECK(write(test, 0, second.get(), abi::BPF_NOEXIST) == -EEXIST);
  CHECK(write(test, 1, second.get()) == 0);
  CHECK(write(test, 2, second.get()) == -E2BIG);
  std::uint64_t value = 0;
  CHECK(read(test, 0, value) == 0);
  CHECK(value == cookie_of(first));
  CHECK(remove(test, 0) == 0);
  CHECK(remove(test, 0) == -ENOENT);
  CHECK(remove(test, 2) == -E2BIG);
  test->clear({});
  CHECK(read(test, 1, value) == -ENOENT);
}

}  // namespace skep::maps

// NOLINTEND(bugprone-unchecked-optional-access)
