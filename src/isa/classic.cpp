// SPDX-License-Identifier: Apache-2.0
#include "isa/classic.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "base/cursor.h"
#include "base/position.h"

namespace skep::isa {

namespace {

constexpr bool ancillaries_are_ordered() {
  for (std::size_t i = 0; i < kAncillaries.size(); ++i)
    if (kAncillaries[i].k != kAncillaryBase + 4 * i) return false;
  return true;
}
static_assert(ancillaries_are_ordered(), "find_ancillary counts on it");

template <class T>
T in_order(T value, std::endian order) {
  return order == std::endian::native ? value : std::byteswap(value);
}

class DecimalReader {
 public:
  DecimalReader(std::string_view source, std::string_view name) : source_(source), name_(name) {}

  template <class T>
  Result<T> read(std::string_view what) {
    skip_blanks();
    T value = 0;
    const auto [end, error] =
        std::from_chars(source_.data() + at_, source_.data() + source_.size(), value);
    if (error == std::errc::result_out_of_range)
      return error_at(text("{} is at most {}", what, std::numeric_limits<T>::max()));
    if (error != std::errc{})
      return error_at(text("expected {}, found {}", what, quoted_character(source_, at_)));
    at_ = static_cast<std::size_t>(end - source_.data());
    return value;
  }

  Status expect_end() {
    skip_blanks();
    if (at_ == source_.size()) return {};
    return error_at(text("expected no more than the instructions announced, found {}",
                         quoted_character(source_, at_)));
  }

 private:
  void skip_blanks() { at_ = std::min(source_.find_first_not_of(" \t\r\n,", at_), source_.size()); }

  std::unexpected<Error> error_at(std::string_view what) const {
    const Position position = position_of(source_, at_);
    return fail(Code::invalid, "{}:{}:{}: {}", name_, position.line, position.column, what);
  }

  std::string_view source_;
  std::string_view name_;
  std::size_t at_ = 0;
};

}  // namespace

const Ancillary* find_known_ancillary(const ClassicInsn& insn) {
  const ClassicOp* row = find_classic_op(insn.code);
  if (row == nullptr || row->operand != ClassicOperand::packet) return nullptr;
  const std::uint32_t distance = insn.k - kAncillaryBase;
  if (distance % 4 != 0 || distance / 4 >= kAncillaries.size()) return nullptr;
  return &kAncillaries[distance / 4];
}

Result<ClassicProgram> decode_classic(std::span<const std::byte> bytes, std::endian order) {
  if (bytes.size() % sizeof(ClassicInsn) != 0)
    return fail(Code::invalid, "truncated: {} bytes are not a whole number of 8-byte instructions",
                bytes.size());
  ClassicProgram program(bytes.size() / sizeof(ClassicInsn));
  for (std::size_t i = 0; i < program.size(); ++i) {
    const std::byte* from = bytes.data() + i * sizeof(ClassicInsn);
    program[i] = {.code = in_order(load<std::uint16_t>(from), order),
                  .jt = std::to_integer<std::uint8_t>(from[2]),
                  .jf = std::to_integer<std::uint8_t>(from[3]),
                  .k = in_order(load<std::uint32_t>(from + 4), order)};
  }
  return program;
}

Bytes encode_classic(std::span<const ClassicInsn> program, std::endian order) {
  Bytes bytes(program.size() * sizeof(ClassicInsn));
  for (std::size_t i = 0; i < program.size(); ++i) {
    std::byte* to = bytes.data() + i * sizeof(ClassicInsn);
    store(to, in_order(program[i].code, order));
    to[2] = std::byte{program[i].jt};
    to[3] = std::byte{program[i].jf};
    store(to + 4, in_order(program[i].k, order));
  }
  return bytes;
}

Result<ClassicProgram> decode_classic_decimal(std::string_view source, std::string_view name) {
  DecimalReader in(source, name);
  const auto count = SKEP_TRY(in.read<std::uint16_t>("the number of instructions"));
  ClassicProgram program(count);
  for (ClassicInsn& insn : program) {
    insn.code = SKEP_TRY(in.read<std::uint16_t>("an opcode"));
    insn.jt = SKEP_TRY(in.read<std::uint8_t>("a jump distance"));
    insn.jf = SKEP_TRY(in.read<std::uint8_t>("a jump distance"));
    insn.k = SKEP_TRY(in.read<std::uint32_t>("a constant"));
  }
  SKEP_TRY(in.expect_end());
  return program;
}

std::string encode_classic_decimal(std::span<const ClassicInsn> program) {
  std::string out = text("{}\n", program.size());
  for (const ClassicInsn& insn : program)
    append_text(out, "{} {} {} {}\n", insn.code, insn.jt, insn.jf, insn.k);
  return out;
}

}  // namespace skep::isa
