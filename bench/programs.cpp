// SPDX-License-Identifier: Apache-2.0
#include "bench/programs.h"

#include <dlfcn.h>

#include <algorithm>
#include <filesystem>

#include "base/file.h"

namespace skep::bench {

namespace {

namespace fs = std::filesystem;

Result<Library> open_library(const std::string& path) {
  Library library(::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL));
  if (library == nullptr) return fail(Code::io, "{}", ::dlerror());
  return library;
}

Result<NativeFunction> find_function(const Library& library, const std::string& program) {
  const std::string symbol = "prog_" + program;
  const auto found = reinterpret_cast<NativeFunction>(::dlsym(library.get(), symbol.c_str()));
  if (found == nullptr) return fail(Code::not_found, "{}", ::dlerror());
  return found;
}

Result<Program> load_program(const Programs& programs, const fs::path& path) {
  Program program{.name = path.stem().string()};
  const Bytes bytes = SKEP_TRY(read_file(path.string()));
  program.insns = SKEP_TRY(in(path.string(), isa::decode(bytes)));
  program.native = SKEP_TRY(find_function(programs.native, program.name));
  program.scalar = SKEP_TRY(find_function(programs.scalar, program.name));
  return program;
}

std::uint64_t mix(std::uint64_t a, std::uint64_t b, std::uint64_t, std::uint64_t, std::uint64_t,
                  void*) {
  return (a ^ b) * 0x9e3779b97f4a7c15;
}

}  // namespace

void LibraryCloser::operator()(void* library) const { ::dlclose(library); }

Result<Programs> load_programs(const std::string& directory) {
  Programs programs;
  const Bytes compiler = SKEP_TRY(read_file(directory + "/compiler"));
  programs.compiler = as_text(compiler);
  std::erase(programs.compiler, '\n');
  programs.native = SKEP_TRY(open_library(directory + "/native.so"));
  programs.scalar = SKEP_TRY(open_library(directory + "/scalar.so"));
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory, ignored))
    if (entry.path().extension() == ".bpf")
      programs.all.push_back(SKEP_TRY(load_program(programs, entry.path())));
  std::ranges::sort(programs.all, {}, &Program::name);
  return programs;
}

const engine::Calls& calls() {
  static constexpr engine::Calls kCalls{
      .helper = [](std::uint32_t number) -> engine::HelperFunction {
        return number == 1 ? mix : nullptr;
      }};
  return kCalls;
}

std::vector<std::uint64_t> fresh_buffer() {
  std::vector<std::uint64_t> words(kBufferBytes / sizeof(std::uint64_t));
  std::uint64_t state = 1;
  for (std::uint64_t& word : words) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    word = state;
  }
  return words;
}

}  // namespace skep::bench
