// SPDX-License-Identifier: Apache-2.0
// Objects that programs allocate, and lists and trees of them.
#include <cerrno>

#include "machine/kfunc_functions.h"
#include "machine/object_fields.h"
#include "machine/object_list.h"
#include "machine/object_tree.h"

namespace skep::machine::kfunc {

using u64 = std::uint64_t;

namespace {

const ObjectType* type_at(u64 address) { return pointer<const ObjectType>(address); }

void drop(u64 object, u64 type, void* context) {
  if (Objects* objects = run_of(context).objects)
    drop_object(*objects, pointer<void>(object), type_at(type));
}

u64 push(u64 head, u64 node, u64 type, u64 offset, bool front, void* context) {
  if (list_push(*pointer<ListLink>(head), *pointer<ListNode>(node), front)) return 0;
  drop(node - offset, type, context);
  return result(-EINVAL);
}

u64 pop(u64 head, bool front) {
  auto& list = *pointer<ListLink>(head);
  ListNode* node = front ? list_front(list) : list_back(list);
  if (node != nullptr) list_remove(*node);
  return address_of(node);
}

}  // namespace

u64 bpf_obj_new_impl(u64, u64 type, u64, u64, u64, void* context) {
  Objects* objects = run_of(context).objects;
  if (objects == nullptr || type == 0) return 0;
  return address_of(objects->make(type_at(type)->bytes));
}

u64 bpf_percpu_obj_new_impl(u64, u64 type, u64, u64, u64, void* context) {
  Objects* objects = run_of(context).objects;
  if (objects == nullptr || type == 0) return 0;
  return address_of(objects->make_percpu(type_at(type)->bytes));
}

u64 bpf_obj_drop_impl(u64 object, u64 type, u64, u64, u64, void* context) {
  drop(object, type, context);
  return 0;
}

u64 bpf_percpu_obj_drop_impl(u64 object, u64, u64, u64, u64, void* context) {
  drop(object, 0, context);
  return 0;
}

u64 bpf_refcount_acquire_impl(u64 object, u64, u64, u64, u64, void*) {
  return Objects::keep(pointer<void>(object)) ? object : 0;
}

u64 bpf_list_push_front_impl(u64 head, u64 node, u64 type, u64 offset, u64, void* context) {
  return push(head, node, type, offset, true, context);
}
u64 bpf_list_push_back_impl(u64 head, u64 node, u64 type, u64 offset, u64, void* context) {
  return push(head, node, type, offset, false, context);
}
u64 bpf_list_pop_front(u64 head, u64, u64, u64, u64, void*) { return pop(head, true); }
u64 bpf_list_pop_back(u64 head, u64, u64, u64, u64, void*) { return pop(head, false); }
u64 bpf_list_front(u64 head, u64, u64, u64, u64, void*) {
  return address_of(list_front(*pointer<ListLink>(head)));
}
u64 bpf_list_back(u64 head, u64, u64, u64, u64, void*) {
  return address_of(list_back(*pointer<ListLink>(head)));
}

// The program says which of two nodes is less. When its answer ends the run, the node stays out of
// the tree, and with it its object, until the machine goes.
u64 bpf_rbtree_add_impl(u64 root_at, u64 node_at, u64 less, u64 type, u64 offset, void* context) {
  auto& root = *pointer<TreeRoot>(root_at);
  auto& node = *pointer<TreeNode>(node_at);
  engine::Running* running = run_of(context).running;
  if (node.owner != nullptr || running == nullptr) {
    drop(node_at - offset, type, context);
    return result(-EINVAL);
  }
  TreeNode* parent = nullptr;
  bool left = false;
  for (TreeNode* here = root.top; here != nullptr; here = left ? here->left : here->right) {
    const auto is_less = running->call_back(less, {node_at, address_of(here), 0, 0, 0});
    if (!is_less) return result(-EINVAL);
    left = *is_less != 0;
    parent = here;
  }
  tree_insert(root, parent, left, node);
  return 0;
}

u64 bpf_rbtree_remove(u64 root_at, u64 node_at, u64, u64, u64, void*) {
  auto& root = *pointer<TreeRoot>(root_at);
  auto& node = *pointer<TreeNode>(node_at);
  if (node.owner != &root) return 0;
  tree_remove(root, node);
  return node_at;
}

u64 bpf_rbtree_first(u64 root, u64, u64, u64, u64, void*) {
  return address_of(tree_first(*pointer<TreeRoot>(root)));
}
u64 bpf_rbtree_root(u64 root, u64, u64, u64, u64, void*) {
  return address_of(pointer<TreeRoot>(root)->top);
}
u64 bpf_rbtree_left(u64 root, u64 node_at, u64, u64, u64, void*) {
  const auto& node = *pointer<TreeNode>(node_at);
  return node.owner != pointer<void>(root) ? 0 : address_of(node.left);
}
u64 bpf_rbtree_right(u64 root, u64 node_at, u64, u64, u64, void*) {
  const auto& node = *pointer<TreeNode>(node_at);
  return node.owner != pointer<void>(root) ? 0 : address_of(node.right);
}

}  // namespace skep::machine::kfunc
