// SPDX-License-Identifier: Apache-2.0
// Lists of objects: bpf_list_head and bpf_list_node as the machine lays them out. A head of zeros
// is an empty list. The program's spin lock guards list and nodes.
#pragma once

#include "abi/value_fields.h"

namespace skep::machine {

struct ListLink {
  ListLink* next;
  ListLink* before;
};

struct ListNode {
  ListLink link;
  const void* owner;  // the head of the list that it is in
};
static_assert(sizeof(ListLink) == sizeof(abi::bpf_list_head));
static_assert(sizeof(ListNode) == sizeof(abi::bpf_list_node));

// A list's ends; nullptr when it is empty.
[[nodiscard]] ListNode* list_front(ListLink& head);
[[nodiscard]] ListNode* list_back(ListLink& head);
// False when the node is in a list already.
[[nodiscard]] bool list_push(ListLink& head, ListNode& node, bool front);
void list_remove(ListNode& node);

}  // namespace skep::machine
