#include "kube/leader_watch.h"

#include <string>

namespace bco::kube {

WatcherOptions watchOf(const Name& lease) {
  WatcherOptions options{kLeases};
  options.space = lease.space;
  options.fieldSelector = "metadata.name=" + lease.name;
  return options;
}

void LeaseSink::put(std::string_view object) {
  there_ = true;
  elector_.observe(std::string(object));
}

void LeaseSink::drop(std::string_view /*object*/) {
  there_ = false;
  elector_.observeGone();
}

void LeaseSink::synced() {
  if (!there_) elector_.observeGone();
}

}  // namespace bco::kube
