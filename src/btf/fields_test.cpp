// SPDX-License-Identifier: Apache-2.0
#include "btf/fields.h"

#include <doctest/doctest.h>

#include <chrono>

#include "tests/support/btf_builder.h"

namespace skep::btf {

using namespace abi;
using test::BtfBuilder;

namespace {

Btf read(const BtfBuilder& builder) {
  auto btf = Btf::read(builder.bytes());
  if (!btf) FAIL(btf.error().what);
  return *std::move(btf);
}

int errno_of(const Btf& btf, TypeId value) {
  const auto size = btf.sized(value);
  const auto fields = find_value_fields(btf, {}, value, size ? size->bytes : 0);
  return fields ? 0 : fields.error().sys;
}

}  // namespace

TEST_CASE("fields: an object's, with what they point to") {
  const Btf btf = read(test::every_object_field());
  const TypeId leaf = btf.find("leaf", BTF_KIND_STRUCT);
  const Object* object = btf.object(btf.find("outer", BTF_KIND_STRUCT));
  REQUIRE(object != nullptr);
  const Fields expected = {
      {.kind = FieldKind::spin_lock, .offset = 0, .size = 4},
      {.kind = FieldKind::list_head, .offset = 8, .size = 16, .target = leaf},
      {.kind = FieldKind::rb_root, .offset = 24, .size = 16, .target = leaf, .node_offset = 24},
      {.kind = FieldKind::kptr, .offset = 40, .size = 8, .target = leaf},
      {.kind = FieldKind::kptr_untrusted, .offset = 48, .size = 8, .target = leaf},
      {.kind = FieldKind::kptr_untrusted, .offset = 64, .size = 8, .target = leaf},
      {.kind = FieldKind::refcount, .offset = 80, .size = 4}};
  CHECK(object->fields == expected);
  CHECK(btf.object(leaf) != nullptr);
  CHECK(btf.object(btf.find("bpf_timer", BTF_KIND_STRUCT)) == nullptr);
}

TEST_CASE("fields: those of a map value only") {
  BtfBuilder builder;
  const auto u64 = builder.integer("u64", 8);
  const auto timer = builder.structure("bpf_timer", 16, {{"x", u64, 0}});
  const auto work = builder.structure("bpf_wq", 16, {{"x", u64, 0}});
  const auto task = builder.structure("bpf_task_work", 8, {{"x", u64, 0}});
  const auto value =
      builder.structure("v", 48, {{"t", timer, 0}, {"w", work, 128}, {"k", task, 256}});
  const auto two = builder.structure("two", 32, {{"a", timer, 0}, {"b", timer, 128}});
  const auto crooked = builder.structure("crooked", 24, {{"a", timer, 32}});
  const auto many = builder.structure("many", 32, {{"a", builder.array(timer, u64, 2), 0}});
  const Btf btf = read(builder);
  CHECK(btf.objects().empty());
  const auto fields = find_value_fields(btf, {}, TypeId{value}, 48);
  REQUIRE(fields);
  CHECK(kinds_of(*fields) == (FieldKind::timer | FieldKind::workqueue | FieldKind::task_work));
  CHECK(find_field(*fields, FieldKind::task_work)->offset == 32);
  CHECK(find_field(*fields, FieldKind::spin_lock) == nullptr);
  CHECK(errno_of(btf, TypeId{two}) == E2BIG);
  CHECK(errno_of(btf, TypeId{many}) == EINVAL);
  CHECK(errno_of(btf, TypeId{u64}) == EINVAL);
  CHECK(find_value_fields(btf, {}, TypeId{crooked}, 24)->empty());
}

TEST_CASE("fields: variables of a section") {
  BtfBuilder builder;
  const auto u32 = builder.integer("u32", 4);
  const auto u64 = builder.integer("u64", 8);
  const auto lock = builder.structure("bpf_spin_lock", 4, {{"x", u32, 0}});
  const auto head = builder.structure("bpf_list_head", 16, {{"x", u64, 0}});
  const auto node = builder.structure("bpf_list_node", 24, {{"x", u64, 0}});
  const auto item = builder.structure("item", 24, {{"node", node, 0}});
  const auto a = builder.variable("a", lock);
  const auto b = builder.variable("b", head);
  const auto data = builder.section(".data", 24, {{a, 0, 4}, {b, 8, 16}});
  builder.tag("contains:item:node", b);
  const Btf btf = read(builder);
  const auto fields = find_value_fields(btf, {}, TypeId{data}, 24);
  REQUIRE(fields);
  REQUIRE(fields->size() == 2);
  CHECK((*fields)[1] ==
        Field{.kind = FieldKind::list_head, .offset = 8, .size = 16, .target = TypeId{item}});
}

TEST_CASE("fields: kptrs to the kernel's structs") {
  BtfBuilder kernels;
  kernels.structure("task", 8);
  kernels.structure("page", 8);
  const Btf kernel = read(kernels);
  const NameIndex structs(kernel, BTF_KIND_STRUCT);
  constexpr std::string_view kReleasable[] = {"task"};
  const KernelTypes types{.structs = &structs, .releasable = kReleasable};
  BtfBuilder builder;
  builder.integer("int", 4);
  const auto pointer = [&](std::string_view to, std::string_view tag) {
    return builder.pointer(builder.modifier(BTF_KIND_TYPE_TAG, builder.structure(to, 8), tag));
  };
  builder.structure("good", 8, {{"p", pointer("task", "kptr"), 0}});
  const auto good = Btf::read(builder.bytes(), types);
  REQUIRE(good);
  CHECK(good->objects()[0].fields[0].in_kernel);
  CHECK(good->objects()[0].fields[0].target == TypeId{1});
  builder.structure("seen", 8, {{"p", pointer("page", "kptr_untrusted"), 0}});
  CHECK(Btf::read(builder.bytes(), types));
  builder.structure("owned", 8, {{"p", pointer("page", "kptr"), 0}});
  CHECK(Btf::read(builder.bytes()));
  CHECK(Btf::read(builder.bytes(), types).error().sys == ENOENT);
}

TEST_CASE("fields: an owner that is owned may not own owners") {
  BtfBuilder builder;
  const auto u64 = builder.integer("u64", 8);
  const auto u32 = builder.integer("u32", 4);
  const auto lock = builder.structure("bpf_spin_lock", 4, {{"x", u32, 0}});
  const auto head = builder.structure("bpf_list_head", 16, {{"x", u64, 0}});
  const auto node = builder.structure("bpf_list_node", 24, {{"x", u64, 0}});
  const auto ring =
      builder.structure("ring", 48, {{"node", node, 0}, {"head", head, 192}, {"lock", lock, 320}});
  builder.tag("contains:ring:node", ring, 1);
  const auto btf = Btf::read(builder.bytes());
  REQUIRE(!btf);
  CHECK(btf.error().sys == ELOOP);
}

TEST_CASE("fields: structs of structs of structs take no time") {
  BtfBuilder builder;
  const auto u32 = builder.integer("u32", 4);
  const auto lock = builder.structure("bpf_spin_lock", 4, {{"x", u32, 0}});
  auto inner = builder.structure("s0", 0);
  for (int level = 1; level <= 28; ++level)
    inner = builder.structure("s", 0, {{"a", inner, 0}, {"b", inner, 0}, {"c", inner, 0}});
  builder.structure("outer", 4, {{"inner", inner, 0}, {"lock", lock, 0}});
  const auto begin = std::chrono::steady_clock::now();
  CHECK(Btf::read(builder.bytes()));
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(1));
}

TEST_CASE("fields: nested deeper than 32 is too deep") {
  for (const int levels : {30, 31}) {
    BtfBuilder builder;
    const auto u32 = builder.integer("u32", 4);
    const auto lock = builder.structure("bpf_spin_lock", 4, {{"x", u32, 0}});
    auto inner = builder.structure("s0", 0);
    for (int level = 1; level <= levels; ++level)
      inner = builder.structure("s", 0, {{"a", inner, 0}});
    builder.structure("outer", 4, {{"inner", inner, 0}, {"lock", lock, 0}});
    const auto btf = Btf::read(builder.bytes());
    CHECK((btf ? 0 : btf.error().sys) == (levels == 30 ? 0 : E2BIG));
  }
}

}  // namespace skep::btf
