// SPDX-License-Identifier: Apache-2.0
#include "machine/object_list.h"

namespace skep::machine {

namespace {

void settle(ListLink& head) {
  if (head.next == nullptr) head = {&head, &head};
}

ListNode* node_of(ListLink* link) { return reinterpret_cast<ListNode*>(link); }

}  // namespace

ListNode* list_front(ListLink& head) {
  settle(head);
  return head.next == &head ? nullptr : node_of(head.next);
}

ListNode* list_back(ListLink& head) {
  settle(head);
  return head.before == &head ? nullptr : node_of(head.before);
}

bool list_push(ListLink& head, ListNode& node, bool front) {
  if (node.owner != nullptr) return false;
  settle(head);
  ListLink* before = front ? &head : head.before;
  node.link = {before->next, before};
  before->next->before = &node.link;
  before->next = &node.link;
  node.owner = &head;
  return true;
}

void list_remove(ListNode& node) {
  node.link.before->next = node.link.next;
  node.link.next->before = node.link.before;
  node = {};
}

}  // namespace skep::machine
