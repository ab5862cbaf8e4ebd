// SPDX-License-Identifier: Apache-2.0
#include "bench/report.h"

#include <algorithm>
#include <cmath>

namespace skep::bench {

namespace {

// Half the distance of the extremes, in percent of the median.
double spread_percent(const Cost& cost) {
  return 50 * (cost.max_ns - cost.min_ns) / cost.median_ns;
}

// What a row says of one engine, all derived from medians.
struct Figures {
  double ns_per_insn;
  double to_native;
  double to_scalar;
};

Figures figures_of(const Row& row, const Cost& cost) {
  return {.ns_per_insn = cost.median_ns / static_cast<double>(row.executed),
          .to_native = cost.median_ns / row.native.median_ns,
          .to_scalar = cost.median_ns / row.scalar.median_ns};
}

Figures geometric_mean(std::span<const Row> rows, std::size_t engine) {
  Figures sum{};
  for (const Row& row : rows) {
    const Figures figures = figures_of(row, row.engines[engine].cost);
    sum.ns_per_insn += std::log(figures.ns_per_insn);
    sum.to_native += std::log(figures.to_native);
    sum.to_scalar += std::log(figures.to_scalar);
  }
  const auto count = static_cast<double>(rows.size());
  return {.ns_per_insn = std::exp(sum.ns_per_insn / count),
          .to_native = std::exp(sum.to_native / count),
          .to_scalar = std::exp(sum.to_scalar / count)};
}

void append_engine(std::string& out, std::span<const Row> rows, std::size_t engine) {
  append_text(out, "\n{}\n", rows.front().engines[engine].engine);
  append_text(out, "{:<10} {:>10} {:>11} {:>11} {:>12} {:>6} {:>8} {:>8} {:>8}\n", "program",
              "insns", "native ns", "scalar ns", "engine ns", "+-%", "ns/insn", "/native",
              "/scalar");
  for (const Row& row : rows) {
    const Cost& cost = row.engines[engine].cost;
    const Figures figures = figures_of(row, cost);
    append_text(
        out, "{:<10} {:>10} {:>11.0f} {:>11.0f} {:>12.0f} {:>6.1f} {:>8.3f} {:>8.2f} {:>8.2f}\n",
        row.program, row.executed, row.native.median_ns, row.scalar.median_ns, cost.median_ns,
        spread_percent(cost), figures.ns_per_insn, figures.to_native, figures.to_scalar);
  }
  const Figures mean = geometric_mean(rows, engine);
  append_text(out, "{:<65} {:>8.3f} {:>8.2f} {:>8.2f}\n", "geometric mean", mean.ns_per_insn,
              mean.to_native, mean.to_scalar);
}

std::string json_cost(const Cost& cost) {
  return text(R"({{"median":{:.3f},"min":{:.3f},"max":{:.3f}}})", cost.median_ns, cost.min_ns,
              cost.max_ns);
}

// Names of machines and compilers are plain, but who knows.
std::string json_string(std::string_view value) {
  std::string out = "\"";
  for (const char c : value) {
    if (c == '"' || c == '\\') out += '\\';
    out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  return out + '"';
}

std::string json_row(const Row& row) {
  std::string out =
      text(R"({{"program":{},"executed":{},"native_ns":{},"scalar_ns":{},"engines":[)",
           json_string(row.program), row.executed, json_cost(row.native), json_cost(row.scalar));
  for (const EngineCost& engine : row.engines) {
    const Figures figures = figures_of(row, engine.cost);
    append_text(
        out,
        R"({}{{"engine":{},"ns":{},"ns_per_insn":{:.4f},"to_native":{:.3f},"to_scalar":{:.3f}}})",
        &engine == row.engines.data() ? "" : ",", json_string(engine.engine),
        json_cost(engine.cost), figures.ns_per_insn, figures.to_native, figures.to_scalar);
  }
  return out + "]}";
}

}  // namespace

std::string as_table(const Report& report) {
  std::string out =
      text("cpu       {}\nkernel    {}\nengines   {}\nprograms  {}\n", report.host.cpu,
           report.host.kernel, report.host.compiler, report.compiler);
  if (!report.rows.empty())
    for (std::size_t engine = 0; engine < report.rows.front().engines.size(); ++engine)
      append_engine(out, report.rows, engine);
  append_text(out, "\n{:<12} {:>14} {:>14}\n", "engine", "load ns/insn", "empty run ns");
  for (const FixedCost& fixed : report.fixed)
    append_text(out, "{:<12} {:>14.1f} {:>14.1f}\n", fixed.engine, fixed.load.median_ns,
                fixed.empty_run.median_ns);
  return out;
}

std::string as_json(const Report& report) {
  std::string out =
      text(R"({{"cpu":{},"kernel":{},"engines_compiler":{},"programs_compiler":{},"rows":[)",
           json_string(report.host.cpu), json_string(report.host.kernel),
           json_string(report.host.compiler), json_string(report.compiler));
  for (const Row& row : report.rows) {
    if (&row != report.rows.data()) out += ',';
    out += json_row(row);
  }
  out += R"(],"fixed":[)";
  for (const FixedCost& fixed : report.fixed)
    append_text(out, R"({}{{"engine":{},"load_ns_per_insn":{},"empty_run_ns":{}}})",
                &fixed == report.fixed.data() ? "" : ",", json_string(fixed.engine),
                json_cost(fixed.load), json_cost(fixed.empty_run));
  return out + "]}\n";
}

}  // namespace skep::bench
