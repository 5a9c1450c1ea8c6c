// Finds the fleet of a device that no object names: at balena, or beforehand, by lists of all that
// fleets have.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <tuple>
#include <vector>

#include "endpoint/errands.h"
#include "reconcile/fleet_source.h"

namespace bco::endpoint {

// Asks every account at balena at once, each from threads of its own: one that is silent keeps
// nobody waiting whose device another has. Thread-safe.
class Lookup {
 public:
  struct Found {
    store::Shared<api::BalenaFleet> fleet;  // of ours, that has the device; nullptr: none has
    std::shared_ptr<EarlyRead> read;        // by the fleet's own client, if that has read it
  };
  struct Question {
    std::string uuid;
    // A fleet that has it, by a list: its account alone is asked.
    std::optional<api::ObjectKey> listedBy;
    SteadyPoint deadline;  // until then a fleet's first look is waited for
    // Asked right before each account is: what speaks against it. kAlreadyExists ends it all.
    std::function<Status()> mayAsk;
    // Called once, on any thread, unless stop() comes first. That no fleet has it is certain: an
    // account that can't say makes it an error, its own, or kUnavailable while a fleet has not been
    // looked at.
    std::function<void(Result<Found>)> done;
  };

  // `threads` of each account, which `most` questions may wait for.
  Lookup(const Context& context, FleetSources& fleets, std::size_t threads, std::size_t most)
      : context_(context), fleets_(fleets), threads_(threads), most_(most) {}

  // How old the lists get while somebody wants them renewed.
  static constexpr Duration kListsLast = std::chrono::minutes(1);

  // The fleet that has the device by the last list of it that this process has read, of those that
  // take in anybody; nullopt: none, as far as we know.
  [[nodiscard]] std::optional<api::ObjectKey> listedBy(const std::string& uuid) const;
  // Has the fleets that take in anybody listed, each account's one after the other; once in
  // kListsLast, however often it is called. Never blocks.
  void renewLists();

  // Never blocks. One request to each account: fleets that share a token are asked together.
  void find(Question question);
  // Lets what is under way end, told to stop, and answers nobody any more. Blocks.
  void stop();

 private:
  using Fleet = store::Shared<api::BalenaFleet>;
  // Fleets with one token and one API have one answer: namespace, API, and the token's Secret.
  using Account = std::tuple<std::string, std::string, std::string, std::string>;
  class Inquiry;

  [[nodiscard]] static Account accountOf(const api::BalenaFleet& fleet);
  [[nodiscard]] std::vector<Fleet> fleets() const;
  // The account's threads, which stay for its next question; nullptr after a stop.
  [[nodiscard]] Errands* errandsOf(const Account& account);
  // One account, by any of its fleets. Blocks on balena.
  void ask(const Fleet& fleet, Inquiry& inquiry, const std::stop_token& stop);
  void list(const std::vector<Fleet>& fleets, const std::stop_token& stop);
  [[nodiscard]] bool beginList(const Account& account);
  void endList(const Account& account);
  // Whose the device is that `asked`'s account has shown. kUnavailable: not yet known by
  // `deadline`.
  [[nodiscard]] Result<Fleet> ownerOf(const balena::Device& device, const api::BalenaFleet& asked,
                                      SteadyPoint deadline, const std::stop_token& stop) const;
  // balena's id of the fleet; 0 while nobody knows it.
  [[nodiscard]] std::int64_t idOf(const api::BalenaFleet& fleet) const;
  // It has been looked at, with or without success.
  [[nodiscard]] bool isLookedAt(const api::BalenaFleet& fleet) const;
  // The one that the fleet's passes use, where passes are made: to make sure that it is still made
  // from the Secrets of now means to read and hash them all.
  [[nodiscard]] Result<std::shared_ptr<balena::BalenaApi>> clientOf(const api::BalenaFleet& fleet);

  const Context& context_;
  FleetSources& fleets_;
  const std::size_t threads_;
  const std::size_t most_;
  std::mutex mutex_;  // guards all below
  bool stopped_ = false;
  std::map<Account, std::unique_ptr<Errands>> errands_;
  std::optional<SteadyPoint> listedAt_;  // when it was begun last
  std::set<Account> listing_;            // accounts that are being listed
};

}  // namespace bco::endpoint
