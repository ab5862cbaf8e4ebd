// SPDX-License-Identifier: Apache-2.0
// Commands of bpf(2) with any arguments: the machine answers, and neither crashes nor hangs. Input:
// for each call a byte for the command, a byte for the size, and the bytes of bpf_attr. Pointers
// lead into a scratch buffer or nowhere, since results are written to them.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "abi/bpf_attr.h"
#include "abi/commands.h"
#include "machine/machine.h"

namespace {

using skep::abi::bpf_attr;

constexpr std::size_t kScratch = 4096;
constexpr unsigned kMaxCalls = 48;

// Where pointers stand in bpf_attr, by command.
std::vector<std::size_t> pointers_of(std::uint32_t command) {
  using namespace skep::abi;
  switch (command) {
    case BPF_MAP_CREATE:
      return {offsetof(bpf_attr, excl_prog_hash)};
    case BPF_PROG_LOAD:
      return {offsetof(bpf_attr, insns),      offsetof(bpf_attr, license),
              offsetof(bpf_attr, log_buf),    offsetof(bpf_attr, func_info),
              offsetof(bpf_attr, line_info),  offsetof(bpf_attr, fd_array),
              offsetof(bpf_attr, core_relos), offsetof(bpf_attr, signature)};
    case BPF_PROG_TEST_RUN:
      return {offsetof(bpf_attr, test.data_in), offsetof(bpf_attr, test.data_out),
              offsetof(bpf_attr, test.ctx_in), offsetof(bpf_attr, test.ctx_out)};
    case BPF_MAP_LOOKUP_BATCH:
    case BPF_MAP_LOOKUP_AND_DELETE_BATCH:
    case BPF_MAP_UPDATE_BATCH:
    case BPF_MAP_DELETE_BATCH:
      return {offsetof(bpf_attr, batch.in_batch), offsetof(bpf_attr, batch.out_batch),
              offsetof(bpf_attr, batch.keys), offsetof(bpf_attr, batch.values)};
    case BPF_OBJ_PIN:
    case BPF_OBJ_GET:
      return {offsetof(bpf_attr, pathname)};
    case BPF_OBJ_GET_INFO_BY_FD:
      return {offsetof(bpf_attr, info.info)};
    case BPF_PROG_QUERY:
      return {offsetof(bpf_attr, query.prog_ids), offsetof(bpf_attr, query.prog_attach_flags),
              offsetof(bpf_attr, query.link_ids), offsetof(bpf_attr, query.link_attach_flags)};
    case BPF_RAW_TRACEPOINT_OPEN:
      return {offsetof(bpf_attr, raw_tracepoint.name)};
    case BPF_BTF_LOAD:
      return {offsetof(bpf_attr, btf), offsetof(bpf_attr, btf_log_buf)};
    case BPF_PROG_STREAM_READ_BY_FD:
      return {offsetof(bpf_attr, prog_stream_read.stream_buf)};
    default:
      return {offsetof(bpf_attr, key), offsetof(bpf_attr, value)};
  }
}

class Calls {
 public:
  explicit Calls(std::span<const std::uint8_t> input) : input_(input) {
    auto made = skep::machine::Machine::create(
        {.region = {.limit_bytes = std::uint64_t{8} << 20, .cpus = 2}, .run_budget = 1U << 14});
    SKEP_ASSERT(made.has_value());
    machine_ = std::move(*made);
  }
  void run() {
    for (unsigned i = 0; i < kMaxCalls && input_.size() >= 2; ++i) call();
    for (const int fd : fds_) (void)machine_->close(fd);
  }

 private:
  void call() {
    const std::uint32_t command = input_[0] % (skep::abi::__MAX_BPF_CMD + 1);
    const std::size_t bytes =
        std::min<std::size_t>(input_[1] % (sizeof(bpf_attr) + 8), input_.size() - 2);
    std::array<std::uint8_t, sizeof(bpf_attr) + 8> attr{};
    std::copy_n(input_.begin() + 2, bytes, attr.begin());
    input_ = input_.subspan(2 + bytes);
    // What follows in the input is what pointers lead to.
    const std::size_t shown = std::min(input_.size(), scratch_.size());
    std::copy_n(input_.begin(), shown, scratch_.begin());
    for (const std::size_t at : pointers_of(command)) redirect(attr.data() + at);
    for (const std::size_t at : {std::size_t{0}, std::size_t{4}}) choose_fd(attr.data() + at);
    // A run of unbounded length is what the program asked for, not a hang.
    if (command == skep::abi::BPF_PROG_TEST_RUN)
      std::memset(attr.data() + offsetof(bpf_attr, test.repeat), 0, 4);
    const long result = machine_->bpf(command, attr.data(), static_cast<std::uint32_t>(bytes));
    if (result > 2 && fds_.size() < 64) fds_.push_back(static_cast<int>(result));
  }
  void redirect(std::uint8_t* at) {
    std::uint64_t value = 0;
    std::memcpy(&value, at, sizeof(value));
    value = value % 3 == 0 ? value % 4096
                           : reinterpret_cast<std::uint64_t>(scratch_.data()) + value % kScratch;
    std::memcpy(at, &value, sizeof(value));
  }
  // Small numbers stand for descriptors that earlier calls gave.
  void choose_fd(std::uint8_t* at) const {
    std::uint32_t value = 0;
    std::memcpy(&value, at, sizeof(value));
    if (value < 0x80 || value >= 0x80 + fds_.size()) return;
    value = static_cast<std::uint32_t>(fds_[value - 0x80]);
    std::memcpy(at, &value, sizeof(value));
  }

  std::span<const std::uint8_t> input_;
  std::array<std::uint8_t, 2 * kScratch> scratch_{};
  std::unique_ptr<skep::machine::Machine> machine_;
  std::vector<int> fds_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Calls({data, size}).run();
  return 0;
}
