// SPDX-License-Identifier: Apache-2.0
// What the commands map, prog, link and btf share: the words behind them in bpftool's grammar, the
// kernel that they are about, and where their output goes.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "apps/skep/command.h"
#include "base/json.h"
#include "skep/map.h"
#include "skep/program.h"

namespace skep::cli {

inline constexpr Option kMachineOption{'M', "machine", "NAME",
                                       "the machine; made if there is none of that name"};

// The words behind a command, from the first to the last.
class Words {
 public:
  explicit Words(std::vector<std::string> words) : words_(std::move(words)) {}

  [[nodiscard]] bool empty() const { return at_ == words_.size(); }
  // Empty at the end.
  [[nodiscard]] std::string_view peek() const;
  // Goes on if that is the next word.
  [[nodiscard]] bool take(std::string_view word);
  [[nodiscard]] Result<std::string> next(std::string_view what);
  [[nodiscard]] Result<std::uint64_t> number(std::string_view what, std::uint64_t most);
  [[nodiscard]] Result<std::uint32_t> number32(std::string_view what);
  [[nodiscard]] Status end();
  // Whether a mistake was one of these words, and not of what they are about.
  [[nodiscard]] bool wrong() const { return wrong_; }
  [[nodiscard]] std::unexpected<Error> mistake(std::string what);

 private:
  std::vector<std::string> words_;
  std::size_t at_ = 0;
  bool wrong_ = false;
};

struct Request {
  Kernel& kernel;
  Words& words;
  bool json;
  std::string out{};
  JsonWriter writer{};
  int code = kOk;
};

struct Action {
  std::string_view name;
  std::string_view arguments;  // for help
  Status (*run)(Request& request);
};

// Finds the action by the first word, which may be cut short; shows what there is when there is no
// such word, or it is help.
int run_action(std::string_view command, const Arguments& arguments,
               std::span<const Action> actions, std::string_view grammar);

// { id N | pinned PATH | name NAME }, for programs also tag TAG. A name or a tag may be of several.
[[nodiscard]] Result<std::vector<Map>> find_maps(Request& request);
[[nodiscard]] Result<Map> find_map(Request& request);
[[nodiscard]] Result<std::vector<Program>> find_programs(Request& request);
[[nodiscard]] Result<Program> find_program(Request& request);
[[nodiscard]] Result<std::vector<Map>> all_maps(Kernel& kernel);
[[nodiscard]] Result<std::vector<Program>> all_programs(Kernel& kernel);

[[nodiscard]] std::string tag_text(std::span<const std::uint8_t> tag);
// As bpftool has them: ["0x01","0x00"].
void json_bytes(JsonWriter& writer, std::span<const std::byte> bytes);
// " ids 1,2", nothing for none.
void append_ids(std::string& out, std::string_view title, std::span<const std::uint32_t> ids);
void json_ids(JsonWriter& writer, std::string_view title, std::span<const std::uint32_t> ids);

int run_map(const Arguments& arguments);
int run_prog(const Arguments& arguments);
int run_link(const Arguments& arguments);
int run_btf(const Arguments& arguments);
int run_machine(const Arguments& arguments);

}  // namespace skep::cli
