// SPDX-License-Identifier: Apache-2.0
#include "tests/oracle/llvm_tools.h"

#include <array>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "base/file.h"

namespace skep::test {

namespace {

constexpr const char* kAssemble = "clang-22 --target=bpf -mcpu=v4 -c";

Status assemble_to(const ScratchFolder& folder, std::string_view source) {
  SKEP_TRY(write_file(folder.path("in.s"), as_bytes(source)));
  SKEP_TRY(output_of(text("{} {} -o {}", kAssemble, folder.path("in.s"), folder.path("out.o"))));
  return {};
}

std::optional<std::string> probe() {
  for (const char* tool : {"clang-22", "llvm-objdump-22", "llvm-objcopy-22"})
    if (!output_of(text("{} --version", tool))) return text("no {}", tool);
  const auto assembled = assemble_by_clang("exit\n");
  if (!assembled) return "clang-22 does not assemble BPF";
  return std::nullopt;
}

}  // namespace

const std::optional<std::string>& why_no_llvm() {
  static const std::optional<std::string> kWhy = probe();
  return kWhy;
}

ScratchFolder::ScratchFolder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "skep-oracle-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) std::perror("mkdtemp");
  path_ = pattern;
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string ScratchFolder::path(std::string_view name) const { return text("{}/{}", path_, name); }

Result<std::string> output_of(const std::string& command) {
  const ScratchFolder folder;
  const std::string errors = folder.path("errors");
  // NOLINTNEXTLINE(bugprone-command-processor): the words are the tests' own
  FILE* pipe = ::popen(text("{} 2>{}", command, errors).c_str(), "r");
  if (pipe == nullptr) return fail(Code::io, "cannot start {}", command);
  std::string out;
  std::array<char, 1 << 16> chunk;
  while (const std::size_t got = std::fread(chunk.data(), 1, chunk.size(), pipe))
    out.append(chunk.data(), got);
  if (::pclose(pipe) == 0) return out;
  const Bytes said = SKEP_TRY(read_file(errors));
  return fail(Code::invalid, "{}: {}", command, as_text(said));
}

Result<std::string> objdump(const isa::Program& program) {
  const ScratchFolder folder;
  std::string source;
  const Bytes bytes = isa::encode(program);
  for (std::size_t at = 0; at < bytes.size(); ++at)
    append_text(source, "{}{}", at % isa::kInsnBytes == 0 ? "\n.byte " : ",",
                std::to_integer<unsigned>(bytes[at]));
  SKEP_TRY(assemble_to(folder, source + "\n"));
  const std::string dump =
      SKEP_TRY(output_of("llvm-objdump-22 -d --mcpu=v4 " + folder.path("out.o")));
  const std::size_t heading = dump.find("\n000000000");
  if (heading == dump.npos) return fail(Code::invalid, "llvm-objdump shows no code");
  return dump.substr(heading + 1);
}

std::vector<DumpedInsn> parse_objdump(std::string_view dump) {
  std::vector<DumpedInsn> lines;
  while (!dump.empty()) {
    const std::string_view line = dump.substr(0, dump.find('\n'));
    dump.remove_prefix(std::min(line.size() + 1, dump.size()));
    const std::size_t number = line.find_first_not_of(' ');
    const std::size_t colon = line.find(":\t");
    const std::size_t tab = colon == line.npos ? colon : line.find('\t', colon + 2);
    if (tab == line.npos) continue;
    DumpedInsn insn{.at = 0, .text = line.substr(tab + 1)};
    std::from_chars(line.data() + number, line.data() + colon, insn.at);
    if (const std::size_t symbol = insn.text.find(" <."); symbol != insn.text.npos)
      insn.text = insn.text.substr(0, symbol);
    lines.push_back(insn);
  }
  return lines;
}

Result<Bytes> assemble_by_clang(std::string_view source) {
  const ScratchFolder folder;
  SKEP_TRY(assemble_to(folder, source));
  SKEP_TRY(output_of(text("llvm-objcopy-22 -O binary --only-section=.text {} {}",
                          folder.path("out.o"), folder.path("out.bin"))));
  return read_file(folder.path("out.bin"));
}

}  // namespace skep::test
