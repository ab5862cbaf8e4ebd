// SPDX-License-Identifier: Apache-2.0
#include "apps/skep/prog.h"

#include <array>
#include <ctime>

#include "abi/program_types.h"
#include "apps/skep/input.h"
#include "base/file.h"
#include "isa/check.h"
#include "isa/print.h"

namespace skep::cli {

namespace {

constexpr auto kActions = std::to_array<Action>({
    {"show|list", "[PROG]", show_programs},
    {"dump", "xlated PROG [file FILE | opcodes]", dump_program},
    {"load", "FILE PATH [type TYPE] [name NAME] [map idx N MAP]...", load_program},
    {"pin", "PROG PATH", pin_program},
    {"run",
     "PROG [data_in FILE [data_out FILE [data_size_out N]]]\n"
     "                     [ctx_in FILE [ctx_out FILE [ctx_size_out N]]] [repeat N]",
     run_program},
});

std::string grammar() {
  std::string types;
  for (const abi::ProgramType& type : abi::kProgramTypes)
    if (type.number != 0) append_text(types, " {}", type.name);
  return text(
      "PROG := {{ id N | pinned PATH | tag TAG | name NAME }}\n"
      "MAP := {{ id N | pinned PATH | name NAME }}\n"
      "FILE of load holds text, hex or raw bytes; its map[fd:N] is the map with that id, or the "
      "one\n"
      "that \"map idx N\" names.\nTYPE := one of{}\n",
      types);
}

std::string type_name(ProgramType type) {
  const auto number = static_cast<std::uint32_t>(type);
  const abi::ProgramType* row = abi::find_program_type(number);
  return row == nullptr ? text("type {}", number) : std::string(row->name);
}

// When it was loaded, by the wall clock.
std::time_t loaded_at(std::uint64_t since_boot_ns) {
  timespec now{};
  timespec boot{};
  clock_gettime(CLOCK_REALTIME, &now);
  clock_gettime(CLOCK_BOOTTIME, &boot);
  constexpr std::int64_t kSecond = 1'000'000'000;
  const std::int64_t at = (now.tv_sec - boot.tv_sec) * kSecond + now.tv_nsec - boot.tv_nsec +
                          static_cast<std::int64_t>(since_boot_ns);
  return at / kSecond;
}

std::string time_text(std::time_t at) {
  std::tm parts{};
  localtime_r(&at, &parts);
  std::array<char, 64> out{};
  return {out.data(), std::strftime(out.data(), out.size(), "%FT%T%z", &parts)};
}

void show_text(std::string& out, const ProgramInfo& info) {
  append_text(out, "{}: {}  ", info.id, type_name(info.type));
  if (!info.name.empty()) append_text(out, "name {}  ", info.name);
  append_text(out, "tag {}{}", tag_text(info.tag), info.gpl ? "  gpl" : "");
  if (info.run_ns != 0) append_text(out, " run_time_ns {} run_cnt {}", info.run_ns, info.run_count);
  if (info.recursion_misses != 0) append_text(out, " recursion_misses {}", info.recursion_misses);
  append_text(out, "\n\tloaded_at {}  uid {}\n\txlated {}B  {}",
              time_text(loaded_at(info.loaded_ns)), info.user_id, info.xlated_bytes,
              info.jited_bytes == 0 ? "not jited" : text("jited {}B", info.jited_bytes));
  append_ids(out, "map_ids", info.map_ids);
  out += '\n';
  if (info.btf_id != 0) append_text(out, "\tbtf_id {}\n", info.btf_id);
}

void show_json(JsonWriter& json, const ProgramInfo& info) {
  json.begin_object();
  json.member("id", info.id);
  json.member("type", type_name(info.type));
  if (!info.name.empty()) json.member("name", info.name);
  json.member("tag", tag_text(info.tag));
  json.member("gpl_compatible", info.gpl);
  if (info.run_ns != 0) {
    json.member("run_time_ns", info.run_ns);
    json.member("run_cnt", info.run_count);
  }
  if (info.recursion_misses != 0) json.member("recursion_misses", info.recursion_misses);
  json.member("loaded_at", loaded_at(info.loaded_ns));
  json.member("uid", info.user_id);
  json.member("bytes_xlated", info.xlated_bytes);
  json.member("jited", info.jited_bytes != 0);
  if (info.jited_bytes != 0) json.member("bytes_jited", info.jited_bytes);
  if (!info.map_ids.empty()) json_ids(json, "map_ids", info.map_ids);
  if (info.btf_id != 0) json.member("btf_id", info.btf_id);
  json.end_object();
}

// The kernel shows the ids of maps where a program that is loaded has descriptors.
std::string with_ids(std::string line) {
  constexpr std::string_view kDescriptor = "map[fd:";
  const std::size_t at = line.find(kDescriptor);
  if (at != line.npos) line.replace(at, kDescriptor.size(), "map[id:");
  return line;
}

Status print_insns(Request& request, std::span<const isa::Insn> insns, bool opcodes) {
  const isa::PrintStyle style{
      .dialect = isa::Dialect::kernel, .names = helper_names(), .index = false, .opcodes = true};
  if (request.json) request.writer.begin_array();
  for (std::size_t at = 0; at < insns.size(); ++at) {
    const isa::Op* row = SKEP_TRY(in(text("insn {}", at), isa::check_insn(insns, at)));
    const std::size_t slots = row->shape == isa::Shape::imm64 ? 2 : 1;
    const std::string line =
        text("({:02x}) {}", insns[at].code, with_ids(isa::print_insn(insns, at, *row, style)));
    const Bytes bytes = isa::encode(insns.subspan(at, slots));
    if (request.json) {
      request.writer.begin_object();
      request.writer.member("disasm", line);
      if (opcodes) {
        request.writer.key("opcodes");
        json_bytes(request.writer, bytes);
      }
      request.writer.end_object();
    } else {
      append_text(request.out, "{:4}: {}\n", at, line);
      if (opcodes) append_text(request.out, "       {}\n", print_hex(bytes));
    }
    at += slots - 1;
  }
  if (request.json) request.writer.end_array();
  return {};
}

}  // namespace

int run_prog(const Arguments& arguments) {
  return run_action("prog", arguments, kActions, grammar());
}

Status show_programs(Request& request) {
  const bool one = request.words.peek() == "id" || request.words.peek() == "pinned";
  const auto programs =
      SKEP_TRY(request.words.empty() ? all_programs(request.kernel) : find_programs(request));
  SKEP_TRY(request.words.end());
  if (request.json && !one) request.writer.begin_array();
  for (const Program& program : programs) {
    const ProgramInfo info = SKEP_TRY(program.info());
    if (request.json)
      show_json(request.writer, info);
    else
      show_text(request.out, info);
  }
  if (request.json && !one) request.writer.end_array();
  return {};
}

Status dump_program(Request& request) {
  Words& words = request.words;
  if (words.take("jited"))
    return fail(Code::unsupported, "no program of the machine is machine code");
  if (!words.take("xlated")) return words.mistake("expected xlated");
  const Program program = SKEP_TRY(find_program(request));
  const bool opcodes = words.take("opcodes");
  std::optional<std::string> file;
  if (words.take("file")) file = SKEP_TRY(words.next("a file"));
  SKEP_TRY(words.end());
  const Bytes bytes = SKEP_TRY(program.xlated());
  if (file) return write_file(*file, bytes);
  const isa::Program insns = SKEP_TRY(isa::decode(bytes));
  return print_insns(request, insns, opcodes);
}

Status pin_program(Request& request) {
  const Program program = SKEP_TRY(find_program(request));
  const std::string path = SKEP_TRY(request.words.next("the path to pin it to"));
  SKEP_TRY(request.words.end());
  return program.pin(path);
}

}  // namespace skep::cli
