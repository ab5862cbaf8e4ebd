// SPDX-License-Identifier: Apache-2.0
#include "machine/object_tree.h"

#include <bit>
#include <cstdint>

namespace skep::machine {

namespace {

std::uint64_t priority(const TreeNode& node) {
  std::uint64_t mixed = std::bit_cast<std::uint64_t>(&node) * 0x9e37'79b9'7f4a'7c15;
  mixed ^= mixed >> 32;
  return mixed * 0xd6e8'feb8'6659'fd93;
}

// Where the tree refers to the node.
TreeNode*& place_of(TreeRoot& root, const TreeNode& node) {
  if (node.parent == nullptr) return root.top;
  return node.parent->left == &node ? node.parent->left : node.parent->right;
}

// Makes the node the parent of its parent, order unchanged.
void rotate_up(TreeRoot& root, TreeNode& node) {
  TreeNode& parent = *node.parent;
  place_of(root, parent) = &node;
  node.parent = parent.parent;
  if (parent.left == &node) {
    parent.left = node.right;
    if (node.right != nullptr) node.right->parent = &parent;
    node.right = &parent;
  } else {
    parent.right = node.left;
    if (node.left != nullptr) node.left->parent = &parent;
    node.left = &parent;
  }
  parent.parent = &node;
}

}  // namespace

void tree_insert(TreeRoot& root, TreeNode* parent, bool left, TreeNode& node) {
  node = {.left = nullptr, .right = nullptr, .parent = parent, .owner = &root};
  if (parent == nullptr)
    root.top = &node;
  else
    (left ? parent->left : parent->right) = &node;
  while (node.parent != nullptr && priority(node) > priority(*node.parent)) rotate_up(root, node);
}

void tree_remove(TreeRoot& root, TreeNode& node) {
  while (node.left != nullptr || node.right != nullptr) {
    const bool left = node.right == nullptr ||
                      (node.left != nullptr && priority(*node.left) > priority(*node.right));
    rotate_up(root, left ? *node.left : *node.right);
  }
  place_of(root, node) = nullptr;
  node = {};
}

TreeNode* tree_first(const TreeRoot& root) {
  TreeNode* node = root.top;
  while (node != nullptr && node->left != nullptr) node = node->left;
  return node;
}

}  // namespace skep::machine
