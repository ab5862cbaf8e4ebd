// SPDX-License-Identifier: Apache-2.0
#include "engine/contained.h"

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstring>
#include <utility>

namespace skep::engine {

namespace {

constexpr int kDone = 0;

// A sanitizer's own bookkeeping needs more system calls than a run.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(memory_sanitizer)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif
#else
constexpr bool kSanitized = false;
#endif

#if defined(__x86_64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
#endif

// What a run may ask of the kernel: the time, and to end. Strict mode would do without a filter,
// but it forbids reading the time stamp counter as well.
void forbid_system_calls() {
  std::array<sock_filter, 8> filter{{
      {.code = BPF_LD | BPF_W | BPF_ABS, .jt = 0, .jf = 0, .k = offsetof(seccomp_data, arch)},
      {.code = BPF_JMP | BPF_JEQ | BPF_K, .jt = 0, .jf = 5, .k = kArchitecture},
      {.code = BPF_LD | BPF_W | BPF_ABS, .jt = 0, .jf = 0, .k = offsetof(seccomp_data, nr)},
      {.code = BPF_JMP | BPF_JEQ | BPF_K, .jt = 2, .jf = 0, .k = SYS_exit},
      {.code = BPF_JMP | BPF_JEQ | BPF_K, .jt = 1, .jf = 0, .k = SYS_clock_gettime},
      {.code = BPF_JMP | BPF_JEQ | BPF_K, .jt = 0, .jf = 1, .k = SYS_rt_sigreturn},
      {.code = BPF_RET | BPF_K, .jt = 0, .jf = 0, .k = SECCOMP_RET_ALLOW},
      {.code = BPF_RET | BPF_K, .jt = 0, .jf = 0, .k = SECCOMP_RET_KILL_PROCESS},
  }};
  const sock_fprog program{.len = filter.size(), .filter = filter.data()};
  // A host that refuses the filter still has the process boundary.
  (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  (void)prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

// A sanitizer reports a wild pointer at length; the parent says it in a line.
void be_silent() {
  const int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
  if (nowhere >= 0) (void)dup2(nowhere, STDERR_FILENO);
}

[[noreturn]] void child(const std::function<void()>& body) {
  // A crash is an expected answer: no core file, and no handler of the parent's in between.
  const rlimit none{.rlim_cur = 0, .rlim_max = 0};
  (void)setrlimit(RLIMIT_CORE, &none);
  for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL}) (void)std::signal(signal, SIG_DFL);
  (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (kSanitized)
    be_silent();
  else
    forbid_system_calls();
  body();
  syscall(SYS_exit, kDone);
  std::unreachable();
}

}  // namespace

Result<SharedMemory> SharedMemory::make(std::size_t bytes) {
  if (bytes == 0) return SharedMemory(nullptr, 0);
  void* data = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (data == MAP_FAILED)
    return std::unexpected(system_error(text("cannot map {} bytes", bytes), errno));
  return SharedMemory(static_cast<std::byte*>(data), bytes);
}

SharedMemory::SharedMemory(SharedMemory&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

SharedMemory::~SharedMemory() {
  if (data_ != nullptr) munmap(data_, size_);
}

Status run_contained(const std::function<void()>& body) {
  const pid_t pid = fork();
  if (pid < 0) return std::unexpected(system_error("cannot start a process", errno));
  if (pid == 0) child(body);
  int status = 0;
  while (waitpid(pid, &status, 0) < 0)
    if (errno != EINTR) return std::unexpected(system_error("cannot wait for the run", errno));
  if (WIFEXITED(status) && WEXITSTATUS(status) == kDone) return {};
  // The child has no way to exit with another status; a sanitizer in it has.
  return fail(Code::invalid,
              "the program used memory that is not its own ({}); --engine checked says where",
              WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : "a sanitizer saw it");
}

}  // namespace skep::engine
