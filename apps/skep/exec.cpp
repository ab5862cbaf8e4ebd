// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstring>

#include "apps/skep/input.h"
#include "apps/skep/run.h"
#include "apps/skep/steps.h"
#include "base/json.h"
#include "engine/classic.h"
#include "engine/contained.h"
#include "isa/classic_translate.h"
#include "machine/helpers.h"
#include "machine/run.h"

namespace skep::cli {

namespace {

// Points into shared memory, so that an interrupt of this process stops a run in its child as well.
std::atomic<bool>* stop_flag = nullptr;
static_assert(std::atomic<bool>::is_always_lock_free);

void on_interrupt(int) { stop_flag->store(true, std::memory_order_relaxed); }

constexpr std::size_t kBatches = 9;

struct Job {
  isa::Program program;
  Bytes memory;
  bool classic = false;
  const engine::EngineType* engine = nullptr;
  std::uint64_t budget = engine::kDefaultBudget;
  std::uint64_t repeat = 0;
  bool steps = false;
};

// Kept in shared memory, because the run may be in a child process.
struct Report {
  std::atomic<bool> stop{false};
  engine::Outcome outcome;
  std::uint64_t batches = 0;
  double ns_per_run[kBatches] = {};  // sorted
};

Result<Bytes> read_memory(const Arguments& arguments) {
  const auto digits = arguments.value("mem");
  const auto path = arguments.value("mem-file");
  if (digits && path) return fail(Code::invalid, "give --mem or --mem-file, not both");
  if (digits) return in("--mem", parse_hex(*digits));
  if (path) return read_file(*path);
  return Bytes{};
}

// A classic filter runs as its translation, so that every engine can take it.
Result<isa::Program> read_any_program(const Arguments& arguments) {
  if (!arguments.has("classic")) return read_program(arguments);
  isa::ClassicProgram classic = SKEP_TRY(read_classic_program(arguments));
  const auto filter = SKEP_TRY(
      in(arguments.file(), isa::ClassicFilter::make(std::move(classic), isa::ClassicKind::socket)));
  return isa::translate_classic(filter);
}

Result<Job> read_job(const Arguments& arguments) {
  Job job{.program = SKEP_TRY(read_any_program(arguments)),
          .memory = SKEP_TRY(read_memory(arguments)),
          .classic = arguments.has("classic"),
          .engine = engine::find_engine(arguments.value("engine").value_or("checked")),
          .budget = SKEP_TRY(arguments.number("budget", engine::kDefaultBudget)),
          .repeat = SKEP_TRY(arguments.number("repeat", 0)),
          .steps = arguments.has("steps")};
  SKEP_ASSERT(job.engine != nullptr);
  if (job.steps && job.engine->trusts_program)
    return fail(Code::invalid, "--steps needs --engine checked");
  return job;
}

double seconds_since(const timespec& start) {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec - start.tv_sec) +
         static_cast<double>(now.tv_nsec - start.tv_nsec) * 1e-9;
}

// Runs once for the result; when that went well, `repeat` times more in batches for the time.
void run_and_measure(const engine::Runnable& runnable, const engine::Input& input,
                     std::uint64_t repeat, Report& report) {
  report.outcome = runnable.run(input);
  const std::uint64_t batches = std::min<std::uint64_t>(repeat, kBatches);
  engine::Input again = input;
  again.hook = {};
  for (std::uint64_t batch = 0; batch < batches && report.outcome.ok(); ++batch) {
    const std::uint64_t runs = repeat / batches + (batch < repeat % batches ? 1 : 0);
    timespec start{};
    clock_gettime(CLOCK_MONOTONIC, &start);
    for (std::uint64_t run = 0; run < runs; ++run) {
      const engine::Outcome outcome = runnable.run(again);
      if (outcome.ok()) continue;
      report.outcome = outcome;
      return;
    }
    report.ns_per_run[report.batches++] = seconds_since(start) * 1e9 / static_cast<double>(runs);
  }
  std::sort(report.ns_per_run, report.ns_per_run + report.batches);
}

class Execution {
 public:
  static Result<Execution> make(Job job) {
    auto runnable = SKEP_TRY(job.engine->load(job.program, machine::helper_calls()));
    auto memory = SKEP_TRY(engine::SharedMemory::make(job.memory.size()));
    auto shared = SKEP_TRY(engine::SharedMemory::make(sizeof(Report)));
    return Execution(std::move(job), std::move(runnable), std::move(memory), std::move(shared));
  }

  Status run();
  [[nodiscard]] const Report& report() const { return *report_; }
  [[nodiscard]] const Job& job() const { return job_; }
  [[nodiscard]] std::span<const std::byte> memory() const { return memory_after_; }
  [[nodiscard]] std::string failure() const { return engine::describe(report_->outcome, input_); }

 private:
  Execution(Job job, std::unique_ptr<engine::Runnable> runnable, engine::SharedMemory memory,
            engine::SharedMemory shared)
      : job_(std::move(job)),
        runnable_(std::move(runnable)),
        memory_(std::move(memory)),
        shared_(std::move(shared)),
        report_(new (shared_.bytes().data()) Report{}) {}

  void prepare_input(machine::Run& run);

  Job job_;
  std::unique_ptr<engine::Runnable> runnable_;
  engine::SharedMemory memory_;
  engine::SharedMemory shared_;
  Report* report_;
  Bytes memory_after_;
  engine::ClassicContext packet_;
  engine::Region region_;
  engine::Input input_;
};

void Execution::prepare_input(machine::Run& run) {
  packet_ = engine::context_of(memory_.bytes());
  if (job_.classic) {
    region_ = engine::region_of(packet_);
    input_ = engine::input_of(packet_);
  } else {
    region_ = {.name = "mem",
               .begin = std::bit_cast<std::uint64_t>(memory_.bytes().data()),
               .bytes = memory_.bytes().size()};
    input_ = {.r1 = region_.begin, .r2 = region_.bytes, .packet = &packet_.packet};
  }
  input_.context = &run;
  if (region_.bytes != 0) input_.regions = {&region_, 1};
  input_.budget = job_.budget;
  input_.stop = &report_->stop;
}

Status Execution::run() {
  if (!job_.memory.empty())
    std::memcpy(memory_.bytes().data(), job_.memory.data(), job_.memory.size());
  machine::SystemHost system;
  const machine::Host host = system.host();
  machine::Run run{.host = &host};
  prepare_input(run);
  StepPrinter printer(job_.program);
  if (job_.steps) input_.hook = printer.hook();
  stop_flag = &report_->stop;
  (void)std::signal(SIGINT, on_interrupt);
  (void)std::signal(SIGTERM, on_interrupt);
  const auto body = [&] { run_and_measure(*runnable_, input_, job_.repeat, *report_); };
  if (job_.engine->trusts_program)
    SKEP_TRY(engine::run_contained(body));
  else
    body();
  if (job_.steps) printer.finish(report_->outcome);
  memory_after_.assign(memory_.bytes().begin(), memory_.bytes().end());
  return {};
}

std::string hex_lines(std::span<const std::byte> bytes) {
  constexpr std::size_t kPerLine = 16;
  std::string out;
  for (std::size_t at = 0; at < bytes.size(); at += kPerLine)
    append_text(out, "mem+{:04x}: {}\n", at,
                print_hex(bytes.subspan(at, std::min(kPerLine, bytes.size() - at))));
  return out;
}

std::string as_text(const Execution& execution, bool show_memory) {
  const Report& report = execution.report();
  std::string out = text("r0 = {:#x} ({})\n", report.outcome.r0, report.outcome.r0);
  if (show_memory) out += hex_lines(execution.memory());
  if (report.batches != 0)
    append_text(
        out, "time = {:.2f} ns a run, median of {} batches from {:.2f} to {:.2f} ({} runs, {})\n",
        report.ns_per_run[report.batches / 2], report.batches, report.ns_per_run[0],
        report.ns_per_run[report.batches - 1], execution.job().repeat,
        execution.job().engine->name);
  return out;
}

std::string as_json(const Execution& execution, bool show_memory) {
  const Report& report = execution.report();
  JsonWriter json;
  json.begin_object();
  json.member("engine", execution.job().engine->name);
  json.member("ok", report.outcome.ok());
  json.member("at", report.outcome.at);
  if (report.outcome.ok())
    json.member("r0", text("{:#x}", report.outcome.r0));
  else
    json.member("error", execution.failure());
  if (report.outcome.executed) json.member("executed", *report.outcome.executed);
  if (show_memory) json.member("mem", print_hex(execution.memory()));
  if (report.batches != 0) {
    json.key("ns_per_run");
    json.begin_object();
    json.member("median", report.ns_per_run[report.batches / 2]);
    json.member("min", report.ns_per_run[0]);
    json.member("max", report.ns_per_run[report.batches - 1]);
    json.member("runs", execution.job().repeat);
    json.end_object();
  }
  json.end_object();
  return json.text() + "\n";
}

}  // namespace

int run_exec(const Arguments& arguments) {
  auto job = read_job(arguments);
  if (!job) return complain("exec", job.error());
  const std::string name = arguments.file() == "-" ? "standard input" : arguments.file();
  auto execution = in(name, Execution::make(std::move(*job)));
  if (!execution) return complain("exec", execution.error());
  if (const Status done = execution->run(); !done) return complain("exec", done.error());
  const bool ok = execution->report().outcome.ok();
  const bool show_memory = arguments.has("show-mem");
  if (arguments.has("json"))
    std::fputs(as_json(*execution, show_memory).c_str(), stdout);
  else if (ok)
    std::fputs(as_text(*execution, show_memory).c_str(), stdout);
  else
    complain("exec", {.what = text("{}: {}", name, execution->failure())});
  if (execution->report().outcome.ending == engine::Ending::stopped) return kInterrupted;
  return ok ? kOk : kBadInput;
}

}  // namespace skep::cli
