// SPDX-License-Identifier: Apache-2.0
// What executes programs. An engine loads a program once and runs it any number of times, from any
// number of threads. A run touches nothing but its Input and what the program's pointers reach.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "engine/calls.h"
#include "engine/packet.h"
#include "isa/insn.h"

namespace skep::engine {

// Memory that a program may use, besides its stack. Only the checked engine looks at it.
struct Region {
  std::string_view name;
  std::uint64_t begin = 0;
  std::uint64_t bytes = 0;
  bool writable = true;
};

// Asked by the checked engine about an access that no region and no frame has room for: memory that
// comes and goes, like the values of maps. The answer must hold until the access is done.
struct MemoryJudge {
  bool (*may_access)(void* self, std::uint64_t address, std::uint32_t bytes, bool write) = nullptr;
  void* self = nullptr;
};

// What a debugger sees before an instruction is executed.
struct StepView {
  std::size_t at;  // index of the instruction
  std::span<std::uint64_t, isa::kRegisters> registers;
  unsigned frame;                    // 0 in the main program
  std::span<const std::byte> stack;  // of this frame
  const Runnable* program;           // another one after a tail call
};

// Called by the checked engine before each instruction; false ends the run.
struct StepHook {
  bool (*before)(void* self, const StepView& view) = nullptr;
  void* self = nullptr;
};

inline constexpr std::uint64_t kDefaultBudget = std::uint64_t{1} << 32;

struct Input {
  std::uint64_t r1 = 0;
  std::uint64_t r2 = 0;
  const Packet* packet = nullptr;  // for LD_ABS and LD_IND
  void* context = nullptr;         // handed to helpers
  std::uint64_t arena_base = 0;    // for addr_space_cast
  // How many instructions may be executed. The checked engine counts each one. Others count slots,
  // and look only where the program jumps, calls or returns, so the count costs nothing in between.
  std::uint64_t budget = kDefaultBudget;
  const std::atomic<bool>* stop = nullptr;  // set by another thread to end the run soon
  std::span<const Region> regions{};
  StepHook hook{};
  MemoryJudge judge{};
  // Where the run shows itself to helpers, best in the object that `context` points to.
  Running** running = nullptr;
};

enum class Ending : std::uint8_t {
  exited,
  out_of_budget,
  stopped,       // by the flag or the hook
  bad_access,    // checked engine: outside every region
  too_deep,      // more than 8 frames of one program
  bad_call,      // callx to what is neither a helper nor a subprogram
  bad_write,     // checked engine: r10 is read only
  misaligned,    // checked engine: atomic access across its natural boundary, which Linux refuses
  bad_callback,  // a helper was to call back what is no subprogram
};

struct Access {
  std::uint64_t address = 0;
  std::uint64_t frame_top = 0;  // r10 at that time
  std::uint32_t bytes = 0;
  bool write = false;
};

struct Outcome {
  Ending ending = Ending::exited;
  std::uint64_t r0 = 0;
  std::size_t at = 0;                       // instruction that ended the run
  Access access{};                          // for bad_access
  std::uint64_t callee = 0;                 // for bad_call and bad_callback
  std::optional<std::uint64_t> executed{};  // instructions, where the engine counts them
  const Runnable* program = nullptr;        // that `at` counts in: not the first after a tail call

  [[nodiscard]] bool ok() const { return ending == Ending::exited; }
};

enum class Engine : std::uint8_t { interpreter, checked };

class Runnable {
 public:
  explicit Runnable(Engine loaded_by) : engine(loaded_by) {}
  Runnable(const Runnable&) = delete;
  Runnable& operator=(const Runnable&) = delete;
  virtual ~Runnable() = default;
  [[nodiscard]] virtual Outcome run(const Input& input) const = 0;
  // A run of one subprogram, as a timer needs it long after the program gave the code address away.
  // r1 and r2 of the Input are not used.
  [[nodiscard]] virtual Outcome run_subprogram(std::uint64_t code_address,
                                               const Arguments& arguments,
                                               const Input& input) const = 0;

  const Engine engine;  // a tail call stays within one
};

struct EngineType {
  std::string_view name;
  std::string_view about;
  bool trusts_program;  // what is not verified belongs into a process of its own (contained.h)
  Result<std::unique_ptr<Runnable>> (*load)(std::span<const isa::Insn> program, const Calls& calls);
};

// All engines of this build, the fastest first.
[[nodiscard]] std::span<const EngineType> engines();
[[nodiscard]] const EngineType* find_engine(std::string_view name);

// One line for people: "insn 4: read of 8 bytes at mem+64, past the 64 bytes of mem".
[[nodiscard]] std::string describe(const Outcome& outcome, const Input& input);

}  // namespace skep::engine
