#include "tests/sim/clearblade.h"

#include <algorithm>

namespace bco::sim {

const Registration* ClearBladeCloud::find(const std::string& id) const {
  const auto found = rows_.find(id);
  return found == rows_.end() ? nullptr : &found->second;
}

Registration* ClearBladeCloud::edit(const std::string& id) {
  ++version_;
  const auto found = rows_.find(id);
  return found == rows_.end() ? nullptr : &found->second;
}

void ClearBladeCloud::put(Registration registration) {
  ++version_;
  registration.numId = std::to_string(++lastNumber_);
  rows_[registration.id] = std::move(registration);
}

void ClearBladeCloud::take(const std::string& id) {
  ++version_;
  rows_.erase(id);
}

Registration* ClearBladeCloud::byNumber(const std::string& numId) {
  const auto found =
      std::ranges::find_if(rows_, [&](const auto& row) { return row.second.numId == numId; });
  return found == rows_.end() ? nullptr : &found->second;
}

std::string ClearBladeCloud::idOf(const std::string& numId) const {
  const auto found =
      std::ranges::find_if(rows_, [&](const auto& row) { return row.second.numId == numId; });
  return found == rows_.end() ? numId : found->first;
}

Result<Registration> ClearBladeCloud::get(const std::string& id) const {
  const Registration* found = find(id);
  if (found == nullptr) return fail(ErrorCode::kNotFound, "no " + id);
  return *found;
}

Result<Registration> ClearBladeCloud::create(int process,
                                             const clearblade::NewRegistration& created) {
  if (rows_.contains(created.id)) return fail(ErrorCode::kAlreadyExists, created.id + " exists");
  put({created.id, "", created.credentials, created.metadata, false});
  const Registration& row = rows_.at(created.id);
  observer_.created(process, row);
  return row;
}

Result<Registration> ClearBladeCloud::patch(int process, const std::string& numId,
                                            const clearblade::RegistrationPatch& patch) {
  Registration* row = byNumber(numId);
  if (row == nullptr) return fail(ErrorCode::kNotFound, "no " + numId);
  observer_.patching(process, *row, patch);
  if (patch.credentials && patch.credentials->size() > clearblade::kMaxCredentials) {
    return fail(ErrorCode::kInvalid, "too many credentials");
  }
  const Registration before = *row;
  if (patch.credentials) row->credentials = *patch.credentials;
  if (patch.metadata) row->metadata = *patch.metadata;
  ++version_;
  const Registration after = *row;
  observer_.patched(process, before, after);
  return after;
}

Status ClearBladeCloud::remove(int process, const std::string& numId) {
  const Registration* row = byNumber(numId);
  if (row == nullptr) return {};
  const Registration gone = *row;
  observer_.removing(process, gone);
  take(gone.id);
  observer_.removed(process, gone);
  return {};
}

std::vector<Registration> ClearBladeCloud::page(const std::string& from,
                                                const std::string& to) const {
  std::vector<Registration> rows;
  for (auto each = rows_.lower_bound(from); each != rows_.end() && each->first < to; ++each) {
    rows.push_back(each->second);
  }
  return rows;
}

// ── RegistryClient

Result<clearblade::Registry> RegistryClient::getRegistry() {
  return call<clearblade::Registry>({Upstream::kClearBlade, "getRegistry"},
                                    [] { return clearblade::Registry{}; });
}

Result<TimePoint> RegistryClient::listRegistrations(
    const std::function<void(const Registration&)>& visit) {
  using Page = std::vector<Registration>;
  const TimePoint start = link_.now();
  const std::pair<std::string, std::string> pages[] = {{"", "balena-4"}, {"balena-4", "~"}};
  for (const auto& [from, to] : pages) {
    auto page = call<Page>(
        {Upstream::kClearBlade, "listRegistrations"},
        [&cloud = cloud_, from = from, to = to]() -> Result<Page> { return cloud.page(from, to); });
    if (!page) return fail(std::move(page.error()));
    for (const Registration& row : *page) visit(row);
  }
  link_.noteListed(0);
  return start;
}

Result<Registration> RegistryClient::getRegistration(const std::string& id, const CallTerms&) {
  return call<Registration>({Upstream::kClearBlade, "getRegistration " + id, false, id},
                            [&cloud = cloud_, id] { return cloud.get(id); });
}

Result<Registration> RegistryClient::createRegistration(const clearblade::NewRegistration& created,
                                                        const CallTerms&) {
  return call<Registration>(
      {Upstream::kClearBlade, "createRegistration " + created.id, true, created.id},
      [&cloud = cloud_, process = process_, created] { return cloud.create(process, created); });
}

Result<Registration> RegistryClient::patchRegistration(const std::string& numId,
                                                       const clearblade::RegistrationPatch& patch,
                                                       const CallTerms&) {
  const std::string what =
      patch.credentials ? std::to_string(patch.credentials->size()) + " credentials" : "metadata";
  return call<Registration>(
      {Upstream::kClearBlade, "patchRegistration " + numId + ": " + what, true, cloud_.idOf(numId)},
      [&cloud = cloud_, process = process_, numId, patch] {
        return cloud.patch(process, numId, patch);
      });
}

Status RegistryClient::deleteRegistration(const std::string& numId, const CallTerms&) {
  return call<void>(
      {Upstream::kClearBlade, "deleteRegistration " + numId, true, cloud_.idOf(numId)},
      [&cloud = cloud_, process = process_, numId] { return cloud.remove(process, numId); });
}

}  // namespace bco::sim
