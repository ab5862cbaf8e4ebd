// SPDX-License-Identifier: Apache-2.0
// Any bytes as a classic program, then as its text: nothing may crash, what is printed assembles to
// the same bytes, and what is accepted does the same directly and translated on every engine.
#include <cstdlib>
#include <cstring>

#include "engine/classic.h"
#include "isa/classic_assemble.h"
#include "isa/classic_print.h"
#include "isa/classic_translate.h"

namespace skep {

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

template <class Data>
void check_agreement(const isa::ClassicFilter& filter, const Data& data) {
  const std::uint64_t expected = engine::run_classic(filter, data);
  const engine::Region region = engine::region_of(data);
  engine::Input input = engine::input_of(data);
  input.regions = {&region, 1};
  const isa::Program translated = isa::translate_classic(filter);
  for (const engine::EngineType& type : engine::engines()) {
    const auto runnable = type.load(translated, engine::classic_calls());
    require(runnable.has_value());
    const engine::Outcome outcome = (*runnable)->run(input);
    require(outcome.ok() && outcome.r0 == expected);
  }
}

void check_run(const isa::ClassicProgram& program, std::span<const std::byte> frame) {
  const auto socket = isa::ClassicFilter::make(program, isa::ClassicKind::socket);
  if (socket) check_agreement(*socket, engine::context_of(frame));
  engine::SeccompData data;
  std::memcpy(&data, frame.data(), std::min(frame.size(), sizeof data));
  const auto seccomp = isa::ClassicFilter::make(program, isa::ClassicKind::seccomp);
  if (seccomp) check_agreement(*seccomp, data);
}

void check_inverse(const isa::ClassicProgram& program) {
  require(isa::assemble_classic(isa::print_classic(program), "printed").value() == program);
}

void check_text(std::string_view source) {
  static_cast<void>(isa::decode_classic_decimal(source, "input"));
  const auto program = isa::assemble_classic(source, "input");
  if (!program) return;
  check_inverse(*program);
  const std::string decimal = isa::encode_classic_decimal(*program);
  require(isa::decode_classic_decimal(decimal, "printed").value() == *program);
}

}  // namespace

}  // namespace skep

// The first byte says how many of the others are the frame; the rest is the program.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace skep;
  const auto bytes = std::as_bytes(std::span(data, size));
  check_text({reinterpret_cast<const char*>(data), size});
  if (bytes.empty()) return 0;
  const std::size_t frame_bytes = std::min<std::size_t>(data[0], size - 1);
  const auto frame = bytes.subspan(1, frame_bytes);
  const auto code = bytes.subspan(1 + frame_bytes);
  const auto program = isa::decode_classic(code.first(code.size() / 8 * 8));
  require(program.has_value());
  require(isa::encode_classic(*program).size() == code.size() / 8 * 8);
  check_inverse(*program);
  check_run(*program, frame);
  return 0;
}
