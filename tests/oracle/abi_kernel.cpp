// SPDX-License-Identifier: Apache-2.0
// src/abi against the running Linux 6.18: every enumerator and every field that the kernel's BTF
// has becomes a static_assert, which a compiler then checks against our headers. What the kernel's
// BTF cannot say, macros, is compared with the system's headers as far as those know it. And bpf(2)
// itself says how much of bpf_attr each command looks at.
#include <doctest/doctest.h>
#include <sys/utsname.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "abi/btf.h"
#include "abi/helper_names.h"
#include "abi/value_fields.h"
#include "base/cursor.h"
#include "base/file.h"
#include "tests/oracle/llvm_tools.h"
#include "tests/support/skip.h"

namespace skep::test {

namespace {

// All of these must be ours, each with all its enumerators. One without a name goes by one of
// those.
constexpr std::string_view kEnums[] = {
    "bpf_cmd", "bpf_map_type", "bpf_prog_type", "bpf_attach_type", "bpf_link_type",
    "bpf_perf_event_type", "bpf_task_fd_type", "bpf_stats_type", "bpf_stream_id",
    "bpf_cgroup_iter_order", "bpf_stack_build_id_status", "bpf_ret_code", "bpf_adj_room_mode",
    "bpf_hdr_start_off", "bpf_lwt_encap_mode", "bpf_check_mtu_ret", "bpf_check_mtu_flags",
    "bpf_core_relo_kind", "bpf_kfunc_flags", "btf_func_linkage", "tcx_action_base", "xdp_action",
    "sk_action",
    // without a name
    "BPF_ANY", "BPF_F_NO_PREALLOC", "BPF_F_TIMER_ABS", "BPF_RB_NO_WAKEUP", "BPF_RB_AVAIL_DATA",
    "BPF_RINGBUF_BUSY_BIT", "BPF_LOCAL_STORAGE_GET_F_CREATE", "BPF_F_INDEX_MASK",
    "BPF_F_SKIP_FIELD_MASK", "BPF_F_SYSCTL_BASE_NAME", "BPF_F_BPRM_SECUREEXEC",
    "BPF_F_GET_BRANCH_RECORDS_SIZE", "BPF_F_RECOMPUTE_CSUM", "BPF_F_HDR_FIELD_MASK",
    "BPF_F_PSEUDO_HDR", "BPF_F_TUNINFO_IPV6", "BPF_F_ZERO_CSUM_TX", "BPF_F_TUNINFO_FLAGS",
    "BPF_CSUM_LEVEL_QUERY", "BPF_F_ADJ_ROOM_FIXED_GSO", "BPF_ADJ_ROOM_ENCAP_L2_MASK",
    "BPF_F_INGRESS", "BPF_SK_LOOKUP_F_REPLACE", "BPF_F_CURRENT_NETNS", "BPF_FIB_LOOKUP_DIRECT",
    "BPF_FIB_LKUP_RET_SUCCESS", "BPF_LOAD_HDR_OPT_TCP_SYN", "BPF_SOCK_OPS_VOID",
    "BPF_SOCK_OPS_RTO_CB_FLAG", "BPF_F_KPROBE_MULTI_RETURN", "BPF_F_UPROBE_MULTI_RETURN",
    "BTF_F_COMPACT", "BTF_KIND_INT", "BTF_VAR_STATIC", "BTF_FIELDS_MAX", "BPF_MAX_LOOPS",
    "BPF_MAX_TRAMP_LINKS", "BPF_STREAM_MAX_CAPACITY"};

// Of these enums we have only what we need.
constexpr std::string_view kEnumerators[] = {
    "PERF_RECORD_LOST", "PERF_RECORD_SAMPLE", "PERF_RECORD_LOST_SAMPLES",
    "PERF_SAMPLE_RAW",  "PERF_TYPE_SOFTWARE", "PERF_COUNT_SW_BPF_OUTPUT"};

constexpr std::string_view kStructs[] = {"bpf_attr",
                                         "bpf_prog_info",
                                         "bpf_map_info",
                                         "bpf_btf_info",
                                         "bpf_link_info",
                                         "bpf_iter_link_info",
                                         "bpf_func_info",
                                         "bpf_line_info",
                                         "bpf_core_relo",
                                         "bpf_stack_build_id",
                                         "bpf_perf_event_value",
                                         "perf_event_mmap_page",
                                         "perf_event_header",
                                         "bpf_ringbuf_hdr",
                                         "bpf_spin_lock",
                                         "bpf_res_spin_lock",
                                         "bpf_timer",
                                         "bpf_wq",
                                         "bpf_task_work",
                                         "bpf_dynptr",
                                         "bpf_list_head",
                                         "bpf_list_node",
                                         "bpf_rb_root",
                                         "bpf_rb_node",
                                         "bpf_refcount",
                                         "bpf_lpm_trie_key_hdr",
                                         "bpf_cgroup_storage_key",
                                         "bpf_devmap_val",
                                         "bpf_cpumap_val",
                                         "btf_ptr",
                                         "btf_header",
                                         "btf_type",
                                         "btf_array",
                                         "btf_member",
                                         "btf_enum",
                                         "btf_enum64",
                                         "btf_param",
                                         "btf_var",
                                         "btf_var_secinfo",
                                         "btf_decl_tag"};

// Macros with parameters, which have no one value.
constexpr std::string_view kFunctionMacros[] = {
    "BPF_LINE_INFO_LINE_NUM",   "BPF_LINE_INFO_LINE_COL", "BTF_INFO_KIND",  "BTF_INFO_VLEN",
    "BTF_INFO_KFLAG",           "BTF_INT_ENCODING",       "BTF_INT_OFFSET", "BTF_INT_BITS",
    "BTF_MEMBER_BITFIELD_SIZE", "BTF_MEMBER_BIT_OFFSET"};

// The kernel's types, read with the structs under test and nothing else of Skep.
class KernelTypes {
 public:
  struct Type {
    std::string name;
    std::uint32_t info;
    std::uint32_t size_or_type;
    std::span<const std::byte> behind;

    [[nodiscard]] std::uint32_t kind() const { return abi::BTF_INFO_KIND(info); }
    [[nodiscard]] bool is_struct() const {
      return kind() == abi::BTF_KIND_STRUCT || kind() == abi::BTF_KIND_UNION;
    }
    template <class Record>
    [[nodiscard]] Record record(std::size_t index) const {
      Record record;
      REQUIRE((index + 1) * sizeof(Record) <= behind.size());
      std::memcpy(&record, behind.data() + index * sizeof(Record), sizeof(Record));
      return record;
    }
  };

  explicit KernelTypes(Bytes bytes) : bytes_(std::move(bytes)) {
    abi::btf_header header;
    REQUIRE(bytes_.size() > sizeof(header));
    std::memcpy(&header, bytes_.data(), sizeof(header));
    REQUIRE(header.magic == abi::BTF_MAGIC);
    const auto all = std::span<const std::byte>(bytes_).subspan(header.hdr_len);
    strings_ = as_text(all.subspan(header.str_off, header.str_len));
    types_.push_back({});
    for (auto left = all.subspan(header.type_off, header.type_len); !left.empty();) {
      abi::btf_type type;
      std::memcpy(&type, left.data(), sizeof(type));
      const std::size_t tail = bytes_behind(type.info);
      types_.push_back(
          {name_at(type.name_off), type.info, type.size, left.subspan(sizeof(type), tail)});
      left = left.subspan(sizeof(type) + tail);
    }
  }

  [[nodiscard]] const std::vector<Type>& all() const { return types_; }
  [[nodiscard]] std::string name_at(std::uint32_t offset) const {
    return std::string(strings_.substr(offset, strings_.find('\0', offset) - offset));
  }

  // Past typedefs and qualifiers.
  [[nodiscard]] const Type& resolve(std::uint32_t id) const {
    const Type* type = &types_.at(id);
    while (type->kind() == abi::BTF_KIND_TYPEDEF || type->kind() == abi::BTF_KIND_CONST ||
           type->kind() == abi::BTF_KIND_VOLATILE || type->kind() == abi::BTF_KIND_TYPE_TAG)
      type = &types_.at(type->size_or_type);
    return *type;
  }

  [[nodiscard]] std::uint64_t bytes_of(const Type& type) const {
    if (type.kind() == abi::BTF_KIND_PTR) return 8;
    if (type.kind() != abi::BTF_KIND_ARRAY) return type.size_or_type;
    const auto array = type.record<abi::btf_array>(0);
    return array.nelems * bytes_of(resolve(array.type));
  }

 private:
  static std::size_t bytes_behind(std::uint32_t info) {
    const std::size_t count = abi::BTF_INFO_VLEN(info);
    switch (abi::BTF_INFO_KIND(info)) {
      case abi::BTF_KIND_INT:
      case abi::BTF_KIND_VAR:
      case abi::BTF_KIND_DECL_TAG:
        return 4;
      case abi::BTF_KIND_ARRAY:
        return sizeof(abi::btf_array);
      case abi::BTF_KIND_STRUCT:
      case abi::BTF_KIND_UNION:
        return count * sizeof(abi::btf_member);
      case abi::BTF_KIND_ENUM:
        return count * sizeof(abi::btf_enum);
      case abi::BTF_KIND_ENUM64:
        return count * sizeof(abi::btf_enum64);
      case abi::BTF_KIND_FUNC_PROTO:
        return count * sizeof(abi::btf_param);
      case abi::BTF_KIND_DATASEC:
        return count * sizeof(abi::btf_var_secinfo);
      default:
        return 0;
    }
  }

  Bytes bytes_;
  std::string_view strings_;
  std::vector<Type> types_;
};

struct Enumerator {
  std::string name;
  std::int64_t value;
};

std::vector<Enumerator> enumerators(const KernelTypes& types, const KernelTypes::Type& type) {
  std::vector<Enumerator> found;
  for (std::uint32_t i = 0; i < abi::BTF_INFO_VLEN(type.info); ++i) {
    if (type.kind() == abi::BTF_KIND_ENUM) {
      const auto one = type.record<abi::btf_enum>(i);
      const std::int64_t plain = static_cast<std::uint32_t>(one.val);
      found.push_back({types.name_at(one.name_off),
                       abi::BTF_INFO_KFLAG(type.info) ? std::int64_t{one.val} : plain});
    } else {
      const auto one = type.record<abi::btf_enum64>(i);
      found.push_back(
          {types.name_at(one.name_off),
           static_cast<std::int64_t>(std::uint64_t{one.val_hi32} << 32 | one.val_lo32)});
    }
  }
  return found;
}

// Writes the assertions, and notes which of the names asked for were there.
class Assertions {
 public:
  explicit Assertions(const KernelTypes& types) : types_(types) {
    for (const auto& type : types.all()) {
      if (type.kind() == abi::BTF_KIND_ENUM || type.kind() == abi::BTF_KIND_ENUM64) add_enum(type);
      if (type.is_struct() && wanted(kStructs, type.name)) add_struct(type);
    }
  }

  [[nodiscard]] const std::string& text_of() const { return text_; }
  [[nodiscard]] const std::set<std::string>& seen() const { return seen_; }

 private:
  template <std::size_t Count>
  static bool wanted(const std::string_view (&list)[Count], std::string_view name) {
    return !name.empty() && std::ranges::find(list, name) != std::end(list);
  }

  void add_enum(const KernelTypes::Type& type) {
    const auto all = enumerators(types_, type);
    std::string title = wanted(kEnums, type.name) ? type.name : "";
    if (type.name.empty())
      for (const auto& one : all)
        if (wanted(kEnums, one.name)) title = one.name;
    if (!title.empty()) seen_.insert(title);
    for (const auto& [name, value] : all) {
      if (title.empty() && !wanted(kEnumerators, name)) continue;
      seen_.insert(name);
      append_text(text_, "static_assert(static_cast<long long>(abi::{}) == {}LL);\n", name, value);
    }
  }

  void add_struct(const KernelTypes::Type& type) {
    seen_.insert(type.name);
    append_text(text_, "static_assert(sizeof(abi::{}) == {});\n", type.name, type.size_or_type);
    add_members(type, type.name, "", 0);
  }

  void add_members(const KernelTypes::Type& type, const std::string& top, const std::string& prefix,
                   std::uint64_t base_bits) {
    for (std::uint32_t i = 0; i < abi::BTF_INFO_VLEN(type.info); ++i) {
      const auto member = type.record<abi::btf_member>(i);
      const bool flagged = abi::BTF_INFO_KFLAG(type.info);
      const std::string name = types_.name_at(member.name_off);
      const auto& inner = types_.resolve(member.type);
      const std::uint64_t bits =
          base_bits + (flagged ? abi::BTF_MEMBER_BIT_OFFSET(member.offset) : member.offset);
      // Bitfields have no address, and the kernel's private names are not for us.
      if (flagged && abi::BTF_MEMBER_BITFIELD_SIZE(member.offset) != 0) continue;
      if (name.starts_with("__") || types_.bytes_of(inner) == 0) continue;
      if (!name.empty()) add_field(top, prefix + name, bits / 8, inner);
      if (inner.is_struct())
        add_members(inner, top, name.empty() ? prefix : prefix + name + ".", bits);
    }
  }

  void add_field(const std::string& top, const std::string& path, std::uint64_t at,
                 const KernelTypes::Type& type) {
    append_text(text_, "static_assert(offsetof(abi::{}, {}) == {});\n", top, path, at);
    append_text(text_, "static_assert(sizeof(static_cast<abi::{}*>(nullptr)->{}) == {});\n", top,
                path, types_.bytes_of(type));
    if (type.kind() != abi::BTF_KIND_INT) return;
    const bool is_signed =
        (abi::BTF_INT_ENCODING(type.record<std::uint32_t>(0)) & abi::BTF_INT_SIGNED) != 0;
    append_text(text_,
                "static_assert(std::is_signed_v<std::remove_reference_t<"
                "decltype((static_cast<abi::{}*>(nullptr)->{}))>> == {});\n",
                top, path, is_signed);
  }

  const KernelTypes& types_;
  std::string text_;
  std::set<std::string> seen_;
};

std::optional<std::string> why_not_here() {
  utsname host{};
  if (::uname(&host) != 0 || !std::string_view(host.release).starts_with("6.18."))
    return "not Linux 6.18";
  return std::nullopt;
}

// What the source tree and the compiler are needed for, beside the kernel.
std::optional<std::string> why_no_compiler() {
  if (!std::filesystem::exists("src/abi/bpf_attr.h")) return "not at the top of the source tree";
  if (!output_of("clang++-22 --version")) return "no clang++-22";
  return std::nullopt;
}

KernelTypes kernel_types() {
  auto bytes = read_file("/sys/kernel/btf/vmlinux");
  if (!bytes) FAIL(bytes.error().what);
  return KernelTypes(*std::move(bytes));
}

std::string include_all() {
  std::string includes = "#include <cstddef>\n#include <type_traits>\n";
  std::set<std::string> headers;
  for (const auto& file : std::filesystem::directory_iterator("src/abi"))
    if (file.path().extension() == ".h" && !file.path().stem().string().starts_with("context_"))
      headers.insert(file.path().filename());
  for (const auto& header : headers) append_text(includes, "#include \"abi/{}\"\n", header);
  return includes + "using namespace skep;\n";
}

// Empty when it compiles, else what the compiler says.
std::string compile(const std::string& source) {
  const ScratchFolder folder;
  const std::string path = folder.path("check.cpp");
  if (const auto written = write_file(path, as_bytes(source)); !written)
    return written.error().what;
  const auto said =
      output_of("clang++-22 -std=c++23 -fsyntax-only -Wno-invalid-offsetof -Isrc " + path);
  return said ? "" : said.error().what;
}

}  // namespace

TEST_CASE("numbers, sizes and offsets are those of the kernel's BTF") {
  if (const auto why = why_not_here()) return skip(*why);
  if (const auto why = why_no_compiler()) return skip(*why);
  if (!std::filesystem::exists("/sys/kernel/btf/vmlinux")) return skip("the kernel has no BTF");
  const KernelTypes types = kernel_types();
  const Assertions assertions(types);
  for (const auto name : kEnums) CHECK_MESSAGE(assertions.seen().contains(std::string(name)), name);
  for (const auto name : kStructs)
    CHECK_MESSAGE(assertions.seen().contains(std::string(name)), name);
  for (const auto name : kEnumerators)
    CHECK_MESSAGE(assertions.seen().contains(std::string(name)), name);
  CHECK(compile(include_all() + assertions.text_of()) == "");
}

TEST_CASE("opaque types have the kernel's sizes") {
  if (const auto why = why_not_here()) return skip(*why);
  if (!std::filesystem::exists("/sys/kernel/btf/vmlinux")) return skip("the kernel has no BTF");
  const KernelTypes types = kernel_types();
  std::size_t found = 0;
  for (const auto& type : types.all()) {
    if (!type.is_struct()) continue;
    const abi::OpaqueType* row = abi::find_value_field(type.name);
    if (row == nullptr) row = abi::find_iterator(type.name);
    if (row == nullptr) continue;
    CHECK_MESSAGE(row->bytes == type.size_or_type, row->name);
    ++found;
  }
  CHECK(found == abi::kValueFields.size() + abi::kIterators.size());
}

TEST_CASE("helper numbers are those of the kernel's BTF") {
  if (const auto why = why_not_here()) return skip(*why);
  if (!std::filesystem::exists("/sys/kernel/btf/vmlinux")) return skip("the kernel has no BTF");
  const KernelTypes types = kernel_types();
  for (const auto& type : types.all()) {
    if (type.name != "bpf_func_id" || type.kind() != abi::BTF_KIND_ENUM) continue;
    const auto all = enumerators(types, type);
    CHECK(all.size() == abi::kHelperNames.size() + 1);  // and __BPF_FUNC_MAX_ID
    for (std::size_t i = 1; i + 1 < all.size(); ++i)
      CHECK("BPF_FUNC_" + std::string(abi::kHelperNames.at(i).substr(4)) == all[i].name);
  }
}

TEST_CASE("constants that are macros elsewhere are those of the system's headers") {
  if (const auto why = why_no_compiler()) return skip(*why);
  const auto undefs = read_file("src/abi/system_macros.h");
  REQUIRE(undefs);
  std::string before =
      "#include <linux/bpf.h>\n#include <linux/btf.h>\n#include <linux/if_link.h>\n"
      "#include <linux/perf_event.h>\n#include <linux/pkt_cls.h>\n";
  std::string after;
  std::string_view left = as_text(*undefs);
  for (std::size_t at = left.find("#undef "); at != left.npos; at = left.find("#undef ")) {
    left.remove_prefix(at + 7);
    const std::string name(left.substr(0, left.find('\n')));
    if (std::ranges::find(kFunctionMacros, name) != std::end(kFunctionMacros)) continue;
    append_text(before, "#ifdef {0}\nconstexpr long long system_{0} = {0};\n", name);
    append_text(before, "#else\nconstexpr long long system_{0} = -524;\n#endif\n", name);
    append_text(after, "static_assert(system_{0} == -524 || system_{0} == abi::{0});\n", name);
  }
  CHECK(!after.empty());
  CHECK(compile(before + include_all() + after) == "");
}

}  // namespace skep::test
