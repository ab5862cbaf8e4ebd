// SPDX-License-Identifier: Apache-2.0
#include "machine/objects.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <vector>

#include "machine/kfunc_functions.h"
#include "machine/object_fields.h"
#include "machine/object_list.h"
#include "machine/object_tree.h"
#include "tests/support/random_program.h"

namespace skep::machine {

namespace {

using helper::address_of;

struct Item {
  std::uint64_t key;
  ListNode in_list;
  TreeNode in_tree;
};

const ObjectType& item_type() {
  static const ObjectType kType{.bytes = sizeof(Item), .fields = {}};
  return kType;
}

// Compares keys, as a program's `less` does.
class Comparing final : public engine::Running {
 public:
  std::optional<std::uint64_t> call_back(std::uint64_t, const engine::Arguments& nodes) override {
    const auto key = [](std::uint64_t node) {
      return std::bit_cast<Item*>(node - offsetof(Item, in_tree))->key;
    };
    return key(nodes[0]) < key(nodes[1]) ? 1 : 0;
  }
  void leave(std::uint64_t) override {}
  const engine::Runnable& program() const override { std::abort(); }
};

Item* make_item(Run& run, std::uint64_t key) {
  auto* item =
      std::bit_cast<Item*>(kfunc::bpf_obj_new_impl(0, address_of(&item_type()), 0, 0, 0, &run));
  REQUIRE(item != nullptr);
  item->key = key;
  return item;
}

}  // namespace

TEST_CASE("objects: counted, limited, given back") {
  Objects objects(4, 10'000);
  void* one = objects.make(100);
  REQUIRE(one != nullptr);
  CHECK(objects.make(20'000) == nullptr);
  CHECK(objects.make(~std::uint64_t{0}) == nullptr);
  CHECK(Objects::keep(one));
  CHECK_FALSE(Objects::drop(one));
  CHECK(Objects::drop(one));
  CHECK_FALSE(Objects::keep(one));
  objects.free(one);
  CHECK(objects.used_bytes() == 0);
  void* many = objects.make_percpu(8);
  REQUIRE(many != nullptr);
  CHECK(Objects::on_cpu(many, 3) != nullptr);
  CHECK(Objects::on_cpu(many, 3) != Objects::on_cpu(many, 2));
  CHECK(Objects::on_cpu(many, 4) == nullptr);
  CHECK(objects.count() == 1);
}

TEST_CASE("lists: both ends, one list at a time") {
  Objects objects(1);
  Run run{.objects = &objects};
  ListLink head{};
  const auto push = [&](Item* item, bool front) {
    const auto function = front ? kfunc::bpf_list_push_front_impl : kfunc::bpf_list_push_back_impl;
    return function(address_of(&head), address_of(&item->in_list), address_of(&item_type()),
                    offsetof(Item, in_list), 0, &run);
  };
  const auto pop = [&](bool front) -> std::uint64_t {
    const auto function = front ? kfunc::bpf_list_pop_front : kfunc::bpf_list_pop_back;
    const std::uint64_t node = function(address_of(&head), 0, 0, 0, 0, &run);
    return node == 0 ? 0 : std::bit_cast<Item*>(node - offsetof(Item, in_list))->key;
  };
  CHECK(pop(true) == 0);
  CHECK(push(make_item(run, 2), false) == 0);
  CHECK(push(make_item(run, 3), false) == 0);
  Item* first = make_item(run, 1);
  CHECK(push(first, true) == 0);
  // Adding it once more costs the reference that was given for it.
  CHECK(Objects::keep(first));
  CHECK(push(first, true) == helper::result(-EINVAL));
  CHECK(pop(true) == 1);
  CHECK(pop(false) == 3);
  CHECK(pop(true) == 2);
  CHECK(pop(true) == 0);
}

TEST_CASE("lists: what a field owns goes with it") {
  Objects objects(1);
  Run run{.objects = &objects};
  ListLink head{};
  for (std::uint64_t i = 0; i < 1000; ++i)
    CHECK(list_push(head, make_item(run, i)->in_list, false));
  CHECK(objects.count() == 1000);
  drop_object_field(objects,
                    {.kind = ObjectField::Kind::list,
                     .target = &item_type(),
                     .node_offset = offsetof(Item, in_list)},
                    reinterpret_cast<std::byte*>(&head));
  CHECK(objects.count() == 0);
}

TEST_CASE("trees: random insertions and removals stay in order") {
  Objects objects(1);
  Comparing comparing;
  Run run{.running = &comparing, .objects = &objects};
  TreeRoot root{};
  std::vector<Item*> items;
  test::Random random(test::seed_or(7));
  const auto check_order = [&] {
    std::ranges::sort(items, {}, &Item::key);
    const TreeNode* first = tree_first(root);
    CHECK(first == (items.empty() ? nullptr : &items.front()->in_tree));
  };
  for (unsigned round = 0; round < 3000; ++round) {
    if (items.empty() || random.below(3) != 0) {
      Item* item = make_item(run, random.next() % 100'000 * 4096 + round);
      CHECK(kfunc::bpf_rbtree_add_impl(address_of(&root), address_of(&item->in_tree), 0,
                                       address_of(&item_type()), offsetof(Item, in_tree),
                                       &run) == 0);
      items.push_back(item);
    } else {
      const std::uint32_t which = random.below(static_cast<std::uint32_t>(items.size()));
      Item* item = items[which];
      items.erase(items.begin() + which);
      CHECK(kfunc::bpf_rbtree_remove(address_of(&root), address_of(&item->in_tree), 0, 0, 0,
                                     &run) == address_of(&item->in_tree));
      CHECK(kfunc::bpf_rbtree_remove(address_of(&root), address_of(&item->in_tree), 0, 0, 0,
                                     &run) == 0);
      kfunc::bpf_obj_drop_impl(address_of(item), address_of(&item_type()), 0, 0, 0, &run);
    }
    check_order();
  }
  while (TreeNode* node = tree_first(root)) {
    REQUIRE(node == &items.front()->in_tree);
    tree_remove(root, *node);
    items.erase(items.begin());
  }
  CHECK(items.empty());
}

TEST_CASE("trees: ordered insertion does not make them deep") {
  std::vector<TreeNode> nodes(20'000);
  TreeRoot root{};
  TreeNode* last = nullptr;
  for (TreeNode& node : nodes) {
    tree_insert(root, last, false, node);
    last = &node;
    while (last->right != nullptr) last = last->right;
  }
  unsigned depth = 0;
  for (const TreeNode& node : nodes) {
    unsigned here = 0;
    for (const TreeNode* at = &node; at != nullptr; at = at->parent) ++here;
    depth = std::max(depth, here);
  }
  CHECK(depth < 80);
}

}  // namespace skep::machine
