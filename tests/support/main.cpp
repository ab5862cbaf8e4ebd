// SPDX-License-Identifier: Apache-2.0
// The main program of every doctest program. It closes with one line that tools/run-tests reads:
// "unit: 120 passed, 0 failed, 3 skipped".
#define DOCTEST_CONFIG_IMPLEMENT
// Its signal handlers would hide the report of a sanitizer, and run in forked children too.
#define DOCTEST_CONFIG_NO_POSIX_SIGNALS
#include <doctest/doctest.h>

#include <cstdio>
#include <cstdlib>

#include "tests/support/skip.h"

namespace skep::test {

namespace {

struct Counts {
  int passed = 0;
  int failed = 0;
  int skipped = 0;
  bool skips_this_case = false;
};

// doctest creates listeners by itself, so what they count has to live outside of them.
Counts counts;

class Counter : public doctest::IReporter {
 public:
  explicit Counter(const doctest::ContextOptions&) {}

  void test_case_start(const doctest::TestCaseData&) override { counts.skips_this_case = false; }
  void test_case_end(const doctest::CurrentTestCaseStats& stats) override {
    if (!stats.testCaseSuccess)
      ++counts.failed;
    else if (counts.skips_this_case)
      ++counts.skipped;
    else
      ++counts.passed;
  }

  void report_query(const doctest::QueryData&) override {}
  void test_run_start() override {}
  void test_run_end(const doctest::TestRunStats&) override {}
  void test_case_reenter(const doctest::TestCaseData&) override {}
  void test_case_exception(const doctest::TestCaseException&) override {}
  void subcase_start(const doctest::SubcaseSignature&) override {}
  void subcase_end() override {}
  void log_assert(const doctest::AssertData&) override {}
  void log_message(const doctest::MessageData&) override {}
  void test_case_skipped(const doctest::TestCaseData&) override {}
};

DOCTEST_REGISTER_LISTENER("skep-counter", 1, Counter);

}  // namespace

void skip(std::string_view why) {
  std::printf("skipped: %.*s\n", static_cast<int>(why.size()), why.data());
  counts.skips_this_case = true;
}

}  // namespace skep::test

int main(int argc, char** argv) {
  doctest::Context context(argc, argv);
  context.setOption("no-intro", true);
  const int status = context.run();
  if (context.shouldExit()) return status;
  const auto& counts = skep::test::counts;
  std::printf("%s: %d passed, %d failed, %d skipped\n", SKEP_TEST_TITLE, counts.passed,
              counts.failed, counts.skipped);
  return status != 0 || counts.failed > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
