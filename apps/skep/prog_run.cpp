// SPDX-License-Identifier: Apache-2.0
// Loading a program into a machine and running it there.
#include <array>
#include <map>

#include "abi/program_types.h"
#include "apps/skep/input.h"
#include "apps/skep/prog.h"
#include "base/file.h"

namespace skep::cli {

namespace {

// What a kernel accepts is less; it says so itself.
constexpr std::uint64_t kMaxInputBytes = 1 << 20;
constexpr std::uint32_t kOutputBytes = 1 << 16;

// The file as `skep asm` would read it.
Result<isa::Program> read_file_program(const std::string& path) {
  std::string end = "--";
  std::string name = path;
  const std::array<char*, 2> words = {end.data(), name.data()};
  const Command* reader = find_command("asm");
  SKEP_ASSERT(reader != nullptr);
  return read_program(SKEP_TRY(CommandLine::parse(*reader, words)));
}

struct LoadWords {
  ProgramOptions options;
  std::map<std::uint32_t, Map> maps;  // by the number in the text
};

Status read_load_words(Request& request, LoadWords& load) {
  Words& words = request.words;
  while (!words.empty()) {
    if (words.take("type")) {
      const std::string name = SKEP_TRY(words.next("a type"));
      const abi::ProgramType* row = abi::find_program_type(std::string_view(name));
      if (row == nullptr) return words.mistake(text("no program type is called \"{}\"", name));
      load.options.type = static_cast<ProgramType>(row->number);
    } else if (words.take("name")) {
      load.options.name = SKEP_TRY(words.next("a name"));
    } else if (words.take("map")) {
      if (!words.take("idx")) return words.mistake("expected idx N MAP");
      const std::uint32_t number = SKEP_TRY(words.number32("the number in map[fd:N]"));
      Map map = SKEP_TRY(find_map(request));
      load.maps.insert_or_assign(number, std::move(map));
    } else {
      return words.mistake(text("unexpected \"{}\"", words.peek()));
    }
  }
  return {};
}

// In place of numbers the descriptors that this process has.
Status resolve_maps(Request& request, isa::Program& program, LoadWords& load) {
  for (std::size_t at = 0; at < program.size(); ++at) {
    isa::Insn& insn = program[at];
    if (!isa::is_imm64(insn)) continue;
    ++at;
    if (insn.src != abi::BPF_PSEUDO_MAP_FD && insn.src != abi::BPF_PSEUDO_MAP_VALUE) continue;
    const auto number = static_cast<std::uint32_t>(insn.imm);
    auto found = load.maps.find(number);
    if (found == load.maps.end()) {
      Map map = SKEP_TRY(in(text("insn {}", at - 1), Map::by_id(request.kernel, number)));
      found = load.maps.emplace(number, std::move(map)).first;
    }
    insn.imm = found->second.fd();
  }
  return {};
}

struct RunWords {
  Bytes data;
  Bytes context;
  std::optional<std::string> data_out;
  std::optional<std::string> context_out;
  TestRun run;
};

Result<Bytes> read_input(Words& words) {
  const std::string path = SKEP_TRY(words.next("a file"));
  return read_file(path, kMaxInputBytes);
}

Status read_run_words(Words& words, RunWords& run) {
  while (!words.empty()) {
    if (words.take("data_in"))
      run.data = SKEP_TRY(read_input(words));
    else if (words.take("ctx_in"))
      run.context = SKEP_TRY(read_input(words));
    else if (words.take("data_out"))
      run.data_out = SKEP_TRY(words.next("a file"));
    else if (words.take("ctx_out"))
      run.context_out = SKEP_TRY(words.next("a file"));
    else if (words.take("data_size_out"))
      run.run.data_out_bytes =
          static_cast<std::uint32_t>(SKEP_TRY(words.number("bytes", kMaxInputBytes)));
    else if (words.take("ctx_size_out"))
      run.run.context_out_bytes =
          static_cast<std::uint32_t>(SKEP_TRY(words.number("bytes", kMaxInputBytes)));
    else if (words.take("repeat"))
      run.run.repeat = SKEP_TRY(words.number32("how often"));
    else
      return words.mistake(text("unexpected \"{}\"", words.peek()));
  }
  return {};
}

// "0000010\t0000 0000 ... | ........", 16 bytes a line.
void hex_dump(std::string& out, std::span<const std::byte> bytes) {
  for (std::size_t at = 0; at < bytes.size(); at += 16) {
    const auto row = bytes.subspan(at, std::min<std::size_t>(16, bytes.size() - at));
    append_text(out, "{:07x}\t", at);
    for (std::size_t i = 0; i < row.size(); ++i)
      append_text(out, "{:02x}{}", static_cast<unsigned>(row[i]), i % 2 == 1 ? " " : "");
    out += "| ";
    for (std::size_t i = 0; i < row.size(); ++i) {
      const auto c = static_cast<char>(row[i]);
      if (i == 8) out += ' ';
      out += c >= 0x20 && c < 0x7f ? c : '.';
    }
    out += '\n';
  }
}

// To a file; "-" is among the rest of the output.
Status give(Request& request, std::string_view title, const std::optional<std::string>& path,
            std::span<const std::byte> bytes) {
  if (!path) return {};
  if (*path != "-") return write_file(*path, bytes);
  if (request.json) {
    request.writer.key(title);
    json_bytes(request.writer, bytes);
  } else {
    hex_dump(request.out, bytes);
  }
  return {};
}

}  // namespace

Status load_program(Request& request) {
  const std::string file = SKEP_TRY(request.words.next("a file"));
  const std::string path = SKEP_TRY(request.words.next("the path to pin it to"));
  LoadWords load;
  SKEP_TRY(read_load_words(request, load));
  isa::Program insns = SKEP_TRY(read_file_program(file));
  SKEP_TRY(in(file, resolve_maps(request, insns, load)));
  const Bytes bytes = isa::encode(insns);
  load.options.insns = bytes;
  const Program program = SKEP_TRY(in(file, Program::load(request.kernel, load.options)));
  return program.pin(path);
}

Status run_program(Request& request) {
  const Program program = SKEP_TRY(find_program(request));
  RunWords words;
  SKEP_TRY(read_run_words(request.words, words));
  TestRun& run = words.run;
  run.data = words.data;
  run.context = words.context;
  if (words.data_out && run.data_out_bytes == 0) run.data_out_bytes = kOutputBytes;
  if (words.context_out && run.context_out_bytes == 0) run.context_out_bytes = kOutputBytes;
  const TestResult result = SKEP_TRY(program.test_run(run));
  if (request.json) request.writer.begin_object();
  SKEP_TRY(give(request, "data_out", words.data_out, result.data));
  SKEP_TRY(give(request, "ctx_out", words.context_out, result.context));
  if (request.json) {
    request.writer.member("retval", result.retval);
    request.writer.member("duration", result.duration_ns);
    request.writer.end_object();
  } else {
    append_text(request.out, "Return value: {}, duration{}: {}ns\n", result.retval,
                run.repeat > 1 ? " (average)" : "", result.duration_ns);
  }
  return {};
}

}  // namespace skep::cli
