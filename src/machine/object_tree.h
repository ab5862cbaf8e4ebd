// SPDX-License-Identifier: Apache-2.0
// Ordered trees of objects: bpf_rb_root and bpf_rb_node as the machine lays them out. The order is
// the program's; the shape is a treap whose priorities come from the nodes' addresses, so that no
// order of insertion makes it deep. The program's spin lock guards tree and nodes.
#pragma once

#include "abi/value_fields.h"

namespace skep::machine {

struct TreeNode {
  TreeNode* left;
  TreeNode* right;
  TreeNode* parent;
  const void* owner;  // the root of the tree that it is in
};

struct TreeRoot {
  TreeNode* top;
  void* unused;
};
static_assert(sizeof(TreeNode) == sizeof(abi::bpf_rb_node));
static_assert(sizeof(TreeRoot) == sizeof(abi::bpf_rb_root));

// Puts the node below `parent`, on the side where nothing is; as the top if `parent` is null.
void tree_insert(TreeRoot& root, TreeNode* parent, bool left, TreeNode& node);
void tree_remove(TreeRoot& root, TreeNode& node);
// The smallest; nullptr when there is none.
[[nodiscard]] TreeNode* tree_first(const TreeRoot& root);

}  // namespace skep::machine
