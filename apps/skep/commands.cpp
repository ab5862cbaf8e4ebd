// SPDX-License-Identifier: Apache-2.0
// All commands and their options. What stands here is all that --help, the man page and the
// completions know.
#include <array>

#include "apps/skep/help.h"
#include "apps/skep/input.h"
#include "apps/skep/machine_objects.h"
#include "apps/skep/run.h"

namespace skep::cli {

namespace {

constexpr auto kAsmOptions = std::to_array<Option>({
    {'o', "output", "FILE", "write there, raw unless --format says otherwise"},
    {'f', "format", "FORM", "how to write the program", "hex|raw|c|decimal"},
    kInputOption,
    kClassicOption,
    {0, "translate", "", "read classic BPF, write the eBPF that does the same"},
    {0, "seccomp", "", "with --translate: a seccomp filter, not a socket filter"},
    kBigEndianOption,
});
constexpr auto kAsmExamples = std::to_array<Example>({
    {"skep asm prog.s", "assemble and show the bytes"},
    {"skep asm prog.s -o prog.bin", "assemble into a raw file"},
    {"echo 'r0 = 1; exit' | skep asm", "assemble from standard input"},
    {"tcpdump -d 'tcp port 80' | skep asm --translate | skep disasm", "a packet filter as eBPF"},
});

constexpr auto kDisasmOptions = std::to_array<Option>({
    {'s', "style", "STYLE", "dialect of the text", "kernel|llvm"},
    {'l', "labels", "", "labels instead of distances, nothing in front of instructions"},
    {'b', "bytes", "", "show the bytes in front of each instruction"},
    kInputOption,
    kClassicOption,
    kBigEndianOption,
    kJsonOption,
});
constexpr auto kDisasmExamples = std::to_array<Example>({
    {"skep disasm prog.bin", "show a raw program as bpftool would"},
    {"echo 'b7 00 00 00 01 00 00 00 95 00 00 00 00 00 00 00' | skep disasm", "show hex bytes"},
    {"skep disasm --labels prog.bin", "text that is pleasant to edit and assembles again"},
    {"tcpdump -ddd 'tcp port 80' | skep disasm --classic", "show a classic filter"},
});

constexpr auto kExecOptions = std::to_array<Option>({
    {'m', "mem", "HEX", "memory for the program: r1 points to it, r2 is its length"},
    {'M', "mem-file", "FILE", "the same from a file"},
    {'S', "show-mem", "", "print the memory after the run"},
    {'e', "engine", "ENGINE", "what executes the program", "checked|interpreter"},
    {'t', "steps", "", "show each instruction and the registers it changes (checked engine)"},
    {'n', "budget", "N", "how many instructions may be executed"},
    {'r', "repeat", "N", "run N times more and print the time of a run"},
    kInputOption,
    {0, "classic", "", "a classic socket filter, run over the memory as a packet"},
    kBigEndianOption,
    kJsonOption,
});
constexpr auto kExecExamples = std::to_array<Example>({
    {"echo 'r0 = 6; r0 *= 7; exit' | skep exec", "run a program from standard input"},
    {"skep exec --mem '01 02 03 04' --show-mem prog.s", "run it over four bytes"},
    {"skep exec --steps prog.s", "see every step"},
    {"skep exec --engine interpreter --repeat 1000000 prog.s", "measure it"},
});

constexpr auto kObjectOptions = std::to_array<Option>({kMachineOption, kJsonOption});
constexpr auto kMapExamples = std::to_array<Example>({
    {"skep map create /counts type array key 4 value 8 entries 16 name counts", "make a map"},
    {"skep map update name counts key 1 0 0 0 value hex 2a 00 00 00 00 00 00 00", "write to it"},
    {"skep map dump name counts", "show what it holds"},
    {"skep map --machine lab --json show", "the maps of another machine"},
});
constexpr auto kProgExamples = std::to_array<Example>({
    {"skep prog load count.s /count type xdp map idx 0 name counts", "verify and pin it"},
    {"skep prog run pinned /count data_in packet.bin repeat 1000", "run it over a packet"},
    {"skep prog dump xlated pinned /count", "show its instructions"},
});
constexpr auto kLinkExamples = std::to_array<Example>({
    {"skep link show", "the programs that are attached"},
});
constexpr auto kBtfExamples = std::to_array<Example>({
    {"skep btf dump map name counts", "the types of a map"},
    {"skep btf dump file /sys/kernel/btf/vmlinux", "the types in a file"},
});
constexpr auto kMachineExamples = std::to_array<Example>({
    {"skep machine list", "the machines of this user"},
    {"skep machine remove lab", "with all that is pinned there"},
});

// Keys and values are words too, and values may be long.
constexpr std::size_t kManyWords = std::size_t{1} << 20;

constexpr auto kVersionOptions = std::to_array<Option>({kJsonOption});
constexpr auto kHelpOptions = std::to_array<Option>({{0, "man", "", "print the man page"}});
constexpr auto kCompletionExamples = std::to_array<Example>({
    {"source <(skep completion bash)", "completion in this shell"},
});

constexpr auto kCommands = std::to_array<Command>({
    {"asm", "[FILE]", 1, "text to bytecode",
     "Reads assembly in the C-like dialect of the kernel, bpftool and llvm-objdump, and writes "
     "the\n"
     "program. FILE is - or absent for standard input.",
     kAsmOptions, kAsmExamples, run_asm},
    {"disasm", "[FILE]", 1, "bytecode to text",
     "Reads a program as hex digits, raw bytes or text, and prints it.", kDisasmOptions,
     kDisasmExamples, run_disasm},
    {"exec", "[FILE]", 1, "run a program in this process, without privilege",
     "Runs the program and prints r0. The checked engine, the default, refuses every memory "
     "access\n"
     "outside the program's stack and memory, and says where it was. The interpreter is fast and\n"
     "trusts the program, which therefore runs in a process of its own.",
     kExecOptions, kExecExamples, run_exec},
    {"map", "[ACTION...]", kManyWords,
     "maps of a machine: create, show, dump, look up, update, delete",
     "Takes the words of bpftool map; skep map help lists them. What is not pinned is gone when "
     "the\n"
     "command ends.",
     kObjectOptions, kMapExamples, run_map},
    {"prog", "[ACTION...]", kManyWords, "programs of a machine: load, show, dump, run",
     "Takes the words of bpftool prog; skep prog help lists them.", kObjectOptions, kProgExamples,
     run_prog},
    {"link", "[ACTION...]", kManyWords, "links of a machine: show, pin, detach",
     "Takes the words of bpftool link; skep link help lists them.", kObjectOptions, kLinkExamples,
     run_link},
    {"btf", "[ACTION...]", kManyWords, "type information of a machine or a file: show, dump",
     "Takes the words of bpftool btf; skep btf help lists them.", kObjectOptions, kBtfExamples,
     run_btf},
    {"machine", "[list|show NAME|remove NAME]", 2, "the machines of this user",
     "A machine is a file of the user's runtime directory that nobody else may read. It is made "
     "when\n"
     "it is first named, and stays until it is removed.",
     kVersionOptions, kMachineExamples, run_machine},
    {"version",
     "",
     0,
     "version and engines of this build",
     "Prints the version and what this build can execute programs with.",
     kVersionOptions,
     {},
     run_version},
    {"completion",
     "SHELL",
     1,
     "completion script for bash, zsh or fish",
     "Prints a script that makes the shell complete commands, options and their values.",
     {},
     kCompletionExamples,
     run_completion},
    {"help",
     "[COMMAND]",
     1,
     "help for a command",
     "Without a command, lists all of them.",
     kHelpOptions,
     {},
     run_help},
});

}  // namespace

std::span<const Command> commands() { return kCommands; }

}  // namespace skep::cli
