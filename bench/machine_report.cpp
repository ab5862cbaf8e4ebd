// SPDX-License-Identifier: Apache-2.0
#include "bench/machine_report.h"

#include <optional>

#include "bench/host.h"
#include "bench/machine_contest.h"
#include "bench/machine_fixed.h"

namespace skep::bench {

namespace {

constexpr std::string_view kLinux = "linux";

struct Figures {
  std::vector<OperationRow> operations;
  std::vector<FixedRow> fixed;
  std::string why_no_linux;
};

// The median and half the distance of the extremes.
std::string cell(const Cost& cost) {
  return text("{:.1f} +-{:.1f}", cost.median_ns, (cost.max_ns - cost.min_ns) / 2);
}

const Share* linux_share(const OperationRow& row) {
  for (const Share& share : row.sides)
    if (share.side == kLinux) return &share;
  return nullptr;
}

std::string ratio(double ours, const std::optional<double>& theirs) {
  return theirs ? text("{:.2f}", ours / *theirs) : "-";
}

void append_row(std::string& out, const OperationRow& row) {
  const Share* linux_side = linux_share(row);
  for (const Share& share : row.sides) {
    const auto one = linux_side ? std::optional(linux_side->one.median_ns) : std::nullopt;
    const auto two = linux_side ? std::optional(linux_side->two.median_ns) : std::nullopt;
    append_text(out, "| {} | {} | {} | {} | {} | {} | {:.2f} |\n", row.operation, share.side,
                cell(share.one), ratio(share.one.median_ns, one), cell(share.two),
                ratio(share.two.median_ns, two), share.wall_scaling);
  }
}

std::string as_table(const Figures& figures) {
  const Host host = describe_host();
  std::string out =
      text("cpu       {}\nkernel    {}\nmachine   {}\n", host.cpu, host.kernel, host.compiler);
  if (!figures.why_no_linux.empty())
    append_text(out, "linux is not measured: {}\n", figures.why_no_linux);
  out +=
      "\n| operation | side | ns | / linux | ns, 2 threads | / linux | wall scaling |\n"
      "|---|---|---|---|---|---|---|\n";
  for (const OperationRow& row : figures.operations) append_row(out, row);
  if (figures.fixed.empty()) return out;
  out += "\n| cost | linux ns | machine ns | / linux |\n|---|---|---|---|\n";
  for (const FixedRow& row : figures.fixed) {
    const auto theirs = row.on_linux ? std::optional(row.on_linux->median_ns) : std::nullopt;
    append_text(out, "| {} | {} | {} | {} |\n", row.what, row.on_linux ? cell(*row.on_linux) : "-",
                row.on_machine ? cell(*row.on_machine) : "-",
                row.on_machine ? ratio(row.on_machine->median_ns, theirs) : "-");
  }
  return out;
}

std::string json_cost(const Cost& cost) {
  return text(R"({{"median":{:.3f},"min":{:.3f},"max":{:.3f}}})", cost.median_ns, cost.min_ns,
              cost.max_ns);
}

// Names of rows and sides are words of this program, which need no escapes.
std::string as_json(const Figures& figures) {
  std::string out = R"({"operations":[)";
  for (const OperationRow& row : figures.operations) {
    append_text(out, R"({}{{"operation":"{}","sides":[)",
                &row == figures.operations.data() ? "" : ",", row.operation);
    for (const Share& share : row.sides)
      append_text(out, R"({}{{"side":"{}","ns":{},"two_threads_ns":{},"wall_scaling":{:.3f}}})",
                  &share == row.sides.data() ? "" : ",", share.side, json_cost(share.one),
                  json_cost(share.two), share.wall_scaling);
    out += "]}";
  }
  out += R"(],"fixed":[)";
  for (const FixedRow& row : figures.fixed)
    append_text(out, R"({}{{"cost":"{}","linux_ns":{},"machine_ns":{}}})",
                &row == figures.fixed.data() ? "" : ",", row.what,
                row.on_linux ? json_cost(*row.on_linux) : "null",
                row.on_machine ? json_cost(*row.on_machine) : "null");
  return out + "]}\n";
}

Result<std::string> smoke(const Sides& sides, const MachineRequest& request) {
  std::size_t done = 0;
  for (const Operation& operation : operations().subspan(1)) {
    if (!operation.name.contains(request.filter)) continue;
    (void)SKEP_TRY(try_operation(sides, operation, request.directory));
    ++done;
  }
  const auto fixed = SKEP_TRY(measure_machine_fixed(sides, true));
  std::string out = text("skep-bench: {} operations on maps and {} costs of a machine measured\n",
                         done, fixed.size());
  if (!sides.why_no_linux.empty()) append_text(out, "without linux: {}\n", sides.why_no_linux);
  return out;
}

}  // namespace

Result<std::string> machine_figures(const MachineRequest& request) {
  const Sides sides = SKEP_TRY(open_sides());
  if (request.smoke) return smoke(sides, request);
  Figures figures;
  figures.why_no_linux = sides.why_no_linux;
  for (const Operation& operation : operations().subspan(1))
    if (operation.name.contains(request.filter))
      figures.operations.push_back(
          SKEP_TRY(measure_operation(sides, operation, request.directory)));
  if (request.filter.empty()) figures.fixed = SKEP_TRY(measure_machine_fixed(sides, false));
  return request.json ? as_json(figures) : as_table(figures);
}

}  // namespace skep::bench
