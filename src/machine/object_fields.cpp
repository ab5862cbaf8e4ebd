// SPDX-License-Identifier: Apache-2.0
#include "machine/object_fields.h"

#include <atomic>

#include "machine/object_list.h"
#include "machine/object_tree.h"

namespace skep::machine {

namespace {

// Objects that are to go. A list of lists may be deep, so that nothing here calls itself.
class Doomed {
 public:
  explicit Doomed(Objects& objects) : objects_(objects) {}

  void drop(void* object, const ObjectType* type) {
    if (object != nullptr && Objects::drop(object)) waiting_.emplace_back(object, type);
  }
  void empty(const ObjectField& field, std::byte* at);
  void finish() {
    while (!waiting_.empty()) {
      const auto [object, type] = waiting_.back();
      waiting_.pop_back();
      if (type != nullptr)
        for (const ObjectField& field : type->fields)
          empty(field, static_cast<std::byte*>(object) + field.offset);
      objects_.free(object);
    }
  }

 private:
  Objects& objects_;
  std::vector<std::pair<void*, const ObjectType*>> waiting_;
};

void Doomed::empty(const ObjectField& field, std::byte* at) {
  const auto drop_node = [&](auto* node) {
    drop(reinterpret_cast<std::byte*>(node) - field.node_offset, field.target);
  };
  switch (field.kind) {
    case ObjectField::Kind::owned:
    case ObjectField::Kind::owned_percpu:
      drop(std::atomic_ref(*reinterpret_cast<void**>(at)).exchange(nullptr), field.target);
      break;
    case ObjectField::Kind::list: {
      auto& head = *reinterpret_cast<ListLink*>(at);
      while (ListNode* node = list_front(head)) {
        list_remove(*node);
        drop_node(node);
      }
      break;
    }
    case ObjectField::Kind::tree: {
      auto& root = *reinterpret_cast<TreeRoot*>(at);
      while (TreeNode* node = root.top) {
        tree_remove(root, *node);
        drop_node(node);
      }
      break;
    }
  }
}

}  // namespace

void drop_object(Objects& objects, void* object, const ObjectType* type) {
  Doomed doomed(objects);
  doomed.drop(object, type);
  doomed.finish();
}

void drop_object_field(Objects& objects, const ObjectField& field, std::byte* at) {
  Doomed doomed(objects);
  doomed.empty(field, at);
  doomed.finish();
}

}  // namespace skep::machine
