// SPDX-License-Identifier: Apache-2.0
#include "machine/xdp_test_run.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "engine/packet.h"

namespace skep::machine {

namespace {

using abi::xdp_md;

// In a test run's context `data` and `data_end` are offsets from where the metadata begins.
Status check_layout(const xdp_md& given, std::size_t bytes) {
  if (given.data_meta != 0) return refuse_run(EINVAL, "data_meta must be 0");
  if (given.data_end > bytes || given.data > given.data_end)
    return refuse_run(EINVAL, "data and data_end must lie in data_in, in this order");
  if (!may_be_metadata(given.data) || given.data > kXdpHeadroom - kXdpFrameBytes)
    return refuse_run(EINVAL, "metadata is a multiple of 4 up to 216 bytes");
  if (bytes - given.data < engine::kEthernetHeaderBytes)
    return refuse_run(EINVAL, "a packet has 14 bytes or more");
  return {};
}

Status check_device(const xdp_md& given, const Devices& devices) {
  if (given.egress_ifindex != 0) return refuse_run(EINVAL, "egress_ifindex must be 0");
  if (given.ingress_ifindex == 0) {
    if (given.rx_queue_index != 0)
      return refuse_run(EINVAL, "rx_queue_index is of an ingress_ifindex");
    return {};
  }
  const auto device = devices.by_index(given.ingress_ifindex);
  if (!device) return refuse_run(ENODEV, "no such ingress_ifindex");
  if (given.rx_queue_index >= device->rx_queues)
    return refuse_run(EINVAL, "the device has no such queue");
  return {};
}

}  // namespace

Result<XdpTestRun> XdpTestRun::prepare(std::uint32_t attach, const TestInput& input) {
  if (attach == abi::BPF_XDP_DEVMAP || attach == abi::BPF_XDP_CPUMAP)
    return refuse_run(EINVAL, "programs of devmap and cpumap entries cannot be test-run");
  if (input.flags != 0) return refuse_run(EINVAL, "live frames and other flags are not supported");
  if (input.cpu != 0 || input.batch_size != 0)
    return refuse_run(EINVAL, "a packet's test run knows no cpu and no batch");
  const auto context = SKEP_TRY(read_test_context(input, sizeof(xdp_md)));
  std::optional<xdp_md> given;
  std::size_t linear = input.data.size();
  if (context) {
    given = load<xdp_md>(context->data());
    // A context that comes out alone was all zero on its way in.
    SKEP_TRY(check_layout(*given, input.data.size()));
    linear = given->data_end;
  }
  const std::uint32_t metadata = given ? given->data : 0;
  linear = std::min<std::size_t>(linear, kXdpMaxLinear + metadata);
  if (input.data.size() < engine::kEthernetHeaderBytes)
    return refuse_run(EINVAL, "data_in must have 14 bytes or more");
  if (given) SKEP_TRY(check_device(*given, input.devices));
  if (input.data.size() - linear > kXdpMaxFragments)
    return refuse_run(ENOMEM, "data_in does not fit into 17 fragments");
  XdpTestRun run(XdpBuffer(input.data.first(linear), metadata, input.data.subspan(linear)));
  run.context_ = given;
  xdp_md& seen = run.packet_.seen();
  seen.ingress_ifindex = given && given->ingress_ifindex != 0 ? given->ingress_ifindex : 1;
  seen.rx_queue_index = given ? given->rx_queue_index : 0;
  return run;
}

TestOutput XdpTestRun::finish() const {
  TestOutput output{.data = packet_.everything()};
  if (!context_) return output;
  xdp_md told = *context_;
  told.data = packet_.metadata_bytes();
  told.data_end = told.data + packet_.linear_length();
  output.context.resize(sizeof(told));
  std::memcpy(output.context.data(), &told, sizeof(told));
  return output;
}

}  // namespace skep::machine
